"""Labelled music as arrays: pictures, features, genres, and who made them.

Whoever made a track must never be on both sides of a split: a model that knows the
artist's sound seems to know the genre. ``groups`` is what splits go by.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.analysis.analyse import analyse
from tagger.analysis.features import GTZAN_FEATURES, PICTURE_FEATURES, compute_picture_features
from tagger.analysis.picture import N_MELS, Picture
from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan

__all__ = ["CLIP_COLUMNS", "ENSEMBLE_FEATURES", "TrackSet", "load_emotify", "load_gtzan"]

CLIP_COLUMNS: Final = 387  # the width of a 30-s picture


def _ensemble_features() -> tuple[str, ...]:
    # Level says how a disc was mastered and not what is on it; the tempo of a clip is too
    # often an octave off to help (measured: accuracy falls with either).
    left_out = ("rms.", "mfcc.mean.01", "tempo")
    table = [
        # A standard deviation is closer to a normal distribution than a variance.
        name.replace(".var.", ".std.")
        for name in GTZAN_FEATURES.values()
        if not name.startswith(left_out)
    ]
    return (*table, *PICTURE_FEATURES)


ENSEMBLE_FEATURES: Final = _ensemble_features()
"""What the default ensemble asks the analysis for."""


@dataclass(frozen=True, slots=True)
class TrackSet:
    """Some labelled clips.

    Attributes:
        pictures: uint8, shape (n, N_MELS, CLIP_COLUMNS); shorter clips are repeated.
        features: float32, shape (n, len(ENSEMBLE_FEATURES)).
        genres: label of each clip, as the data set names it, shape (n,).
        groups: artist of each clip, unique over all data sets, shape (n,).
        held_out: true where the data set's own partition keeps a clip for validation.
        source: name of the data set of each clip.
    """

    pictures: npt.NDArray[np.uint8]
    features: npt.NDArray[np.float32]
    genres: npt.NDArray[np.str_]
    groups: npt.NDArray[np.str_]
    held_out: npt.NDArray[np.bool_]
    source: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.genres)

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> TrackSet:
        """The clips of some rows."""
        return TrackSet(
            self.pictures[rows],
            self.features[rows],
            self.genres[rows],
            self.groups[rows],
            self.held_out[rows],
            self.source[rows],
        )

    @staticmethod
    def joined(parts: Sequence[TrackSet]) -> TrackSet:
        """Several sets as one."""
        return TrackSet(
            np.concatenate([p.pictures for p in parts]),
            np.concatenate([p.features for p in parts]),
            np.concatenate([p.genres for p in parts]),
            np.concatenate([p.groups for p in parts]),
            np.concatenate([p.held_out for p in parts]),
            np.concatenate([p.source for p in parts]),
        )


def load_gtzan(folder: Path) -> TrackSet:
    """GTZAN from its spectrogram archive and feature table (``spectrograms.npz``,
    ``features_30s.csv``), with the artist-filtered partition of Kereliuk, Sturm and Larsen,
    "Deep Learning and Music Adversaries" (IEEE Transactions on Multimedia, 2015)."""
    with np.load(folder / "spectrograms.npz", allow_pickle=False) as archive:
        pictures = archive["spectrogram"]
        tracks = [str(t) for t in archive["track"]]
        genres = archive["genre"].astype(str)
        held_out = archive["split"] == "valid"
        artists = archive["artist"]
    with (folder / "features_30s.csv").open(newline="", encoding="utf-8") as stream:
        table = {Path(row["filename"]).stem: row for row in csv.DictReader(stream)}
    features = np.stack(
        [
            np.concatenate([_table_features(table[track]), _picture_features(picture)])
            for track, picture in zip(tracks, pictures, strict=True)
        ]
    )
    groups = [
        f"gtzan/{artist}" if artist >= 0 else f"gtzan/{track}"
        for artist, track in zip(artists, tracks, strict=True)
    ]
    return TrackSet(
        pictures,
        features.astype(np.float32),
        genres,
        np.array(groups),
        held_out,
        np.full(len(tracks), "gtzan"),
    )


def load_emotify(folder: Path) -> TrackSet:
    """Emotify's MP3s through our own decoder and analysis; ``tracks.csv`` names genre, artist."""
    plan = ExcerptPlan(count=1, seconds=30.0)
    pictures, features, genres, groups = [], [], [], []
    with (folder / "tracks.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            analysis = analyse(read_signal(folder / row["file"], plan), ENSEMBLE_FEATURES)
            (part,) = analysis.picture.parts
            repeats = -(-CLIP_COLUMNS // part.shape[1])
            pictures.append(np.tile(part, repeats)[:, :CLIP_COLUMNS])
            features.append(analysis.features)
            genres.append(row["genre"])
            groups.append(f"emotify/{row['artist']}")
    n = len(genres)
    return TrackSet(
        np.stack(pictures),
        np.stack(features),
        np.array(genres),
        np.array(groups),
        np.zeros(n, dtype=bool),
        np.full(n, "emotify"),
    )


_FROM_TABLE: Final = {name: column for column, name in GTZAN_FEATURES.items()}


def _table_features(row: dict[str, str]) -> npt.NDArray[np.float64]:
    values = []
    for name in ENSEMBLE_FEATURES[: -len(PICTURE_FEATURES)]:
        if ".std." in name:
            values.append(float(row[_FROM_TABLE[name.replace(".std.", ".var.")]]) ** 0.5)
        else:
            values.append(float(row[_FROM_TABLE[name]]))
    return np.array(values)


def _picture_features(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    if picture.shape != (N_MELS, CLIP_COLUMNS):
        raise ValueError(f"a picture of the archive is {picture.shape}")
    return compute_picture_features(PICTURE_FEATURES, Picture((picture,)))
