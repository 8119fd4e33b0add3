"""Labelled music as arrays: pictures, features, genres, and who made them.

Whoever made a track must never be on both sides of a split: a model that knows the
artist's sound seems to know the genre. ``groups`` is what splits go by.
"""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.analysis.analyse import analyse
from tagger.analysis.features import GTZAN_FEATURES, PICTURE_FEATURES, compute_picture_features
from tagger.analysis.picture import N_MELS, Picture
from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.errors import UsageError
from tagger.tags.artists import artist_key
from tagger.training.tables import FILE, read_table

__all__ = [
    "CLIP_COLUMNS",
    "ENSEMBLE_FEATURES",
    "TrackSet",
    "as_wide_as_a_clip",
    "load_archive",
    "load_emotify",
    "load_gtzan",
]

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
    "Deep Learning and Music Adversaries" (IEEE Transactions on Multimedia, 2015).

    Raises:
        UsageError: as :func:`load_archive`.
    """
    return load_archive(folder / "spectrograms.npz", folder / "features_30s.csv", source="gtzan")


def load_archive(npz: Path, table: Path, *, source: str | None = None) -> TrackSet:
    """Any tracks that are stored as GTZAN's are.

    Args:
        npz: arrays ``spectrogram`` (uint8, shape (n, N_MELS, CLIP_COLUMNS)), ``track`` and
            ``genre`` (text, shape (n,)). It may hold ``artist`` (a name or a number of each
            track; an empty or a negative one is an unknown artist) and ``split`` (``train`` or
            ``valid``).
        table: a row for each track, whose file name without its ending is the track's; with
            GTZAN's columns (:data:`tagger.analysis.features.GTZAN_FEATURES`).
        source: name of the data set; that of the archive if None.

    Raises:
        UsageError: an array or a column is missing or not what it must be, or a track has no
            row.
    """
    source = npz.stem if source is None else source
    arrays = _arrays(npz)
    pictures = arrays["spectrogram"]
    n = len(pictures) if pictures.ndim else 0
    if pictures.dtype != np.uint8 or pictures.shape != (n, N_MELS, CLIP_COLUMNS) or not n:
        raise _wrong(npz, "spectrogram", pictures, f"uint8, shape (n, {N_MELS}, {CLIP_COLUMNS})")
    for name, array in arrays.items():
        if name == "spectrogram":
            continue
        kinds, wanted = ("USiu", "text or whole numbers") if name == "artist" else ("US", "text")
        if array.shape != (n,) or array.dtype.kind not in kinds:
            raise _wrong(npz, name, array, f"{wanted}, shape ({n},)")
    tracks = arrays["track"].astype(str)
    genres = arrays["genre"].astype(str)
    if not all(genres):
        raise UsageError(f"{npz}: array genre is empty for track {tracks[genres == ''][0]}")
    split = arrays.get("split", np.full(n, "train")).astype(str)
    if odd := sorted(set(split.tolist()) - {"train", "valid"}):
        raise UsageError(f"{npz}: array split holds {odd[0]!r}; it must be train or valid")
    of_pictures = [compute_picture_features(PICTURE_FEATURES, Picture((p,))) for p in pictures]
    groups = [
        f"{source}/{artist or track}"
        for artist, track in zip(_artists(arrays.get("artist"), n), tracks, strict=True)
    ]
    return TrackSet(
        pictures,
        np.hstack([_table_features(table, tracks.tolist()), of_pictures]).astype(np.float32),
        genres,
        np.array(groups),
        split == "valid",
        np.full(n, source),
    )


def load_emotify(folder: Path) -> TrackSet:
    """Emotify's MP3s through our own decoder and analysis; ``tracks.csv`` names genre, artist."""
    plan = ExcerptPlan(count=1, seconds=30.0)
    pictures, features, genres, groups = [], [], [], []
    with (folder / "tracks.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            analysis = analyse(read_signal(folder / row["file"], plan), ENSEMBLE_FEATURES)
            (part,) = analysis.picture.parts
            pictures.append(as_wide_as_a_clip(part))
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


def as_wide_as_a_clip(part: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """An excerpt's picture, repeated until it has :data:`CLIP_COLUMNS` columns."""
    return np.tile(part, -(-CLIP_COLUMNS // part.shape[1]))[:, :CLIP_COLUMNS]


def _arrays(npz: Path) -> dict[str, npt.NDArray[Any]]:
    needed, welcome = ("spectrogram", "track", "genre"), ("artist", "split")
    try:
        with np.load(npz, allow_pickle=False) as archive:
            found = {name: archive[name] for name in (*needed, *welcome) if name in archive}
    except OSError as error:
        raise UsageError(f"{npz}: cannot be read: {error.strerror or error}") from None
    # A TypeError is a file of a single array; a ValueError also one of Python objects.
    # What NumPy says of the latter is advice to load them, which would run code of theirs.
    except (TypeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):
        raise UsageError(f"{npz}: not an archive of plain arrays, or damaged") from None
    if missing := [name for name in needed if name not in found]:
        raise UsageError(f"{npz}: there is no array {' and no array '.join(missing)}")
    return found


def _wrong(npz: Path, name: str, array: npt.NDArray[Any], wanted: str) -> UsageError:
    is_now = f"{array.dtype.name}, shape {array.shape}"
    return UsageError(f"{npz}: array {name} must be {wanted}; it is {is_now}")


def _artists(array: npt.NDArray[Any] | None, n: int) -> list[str]:
    """What tells the artists apart; empty for an unknown one."""
    if array is None:
        return [""] * n
    if array.dtype.kind in "iu":
        return [str(number) if number >= 0 else "" for number in array]
    return [artist_key(str(name)) for name in array.astype(str)]


def _table_features(table: Path, tracks: Sequence[str]) -> npt.NDArray[np.float64]:
    """Features that an archive's table holds, shape (n, all but those of the picture)."""
    names = ENSEMBLE_FEATURES[: -len(PICTURE_FEATURES)]
    columns = {name: column for column, name in GTZAN_FEATURES.items()}
    from_column = [columns[name.replace(".std.", ".var.")] for name in names]
    rows = {Path(row[FILE]).stem: (line, row) for line, row in read_table(table, from_column)}
    values = np.empty((len(tracks), len(names)))
    for i, track in enumerate(tracks):
        if track not in rows:
            raise UsageError(f"{table}: there is no row for track {track} of the archive")
        line, row = rows[track]
        for j, column in enumerate(from_column):
            values[i, j] = _number(row[column], f"{table}: line {line}, column {column}")
            if column.endswith("_var") and values[i, j] < 0:
                raise UsageError(f"{table}: line {line}, column {column} is a negative variance")
    deviations = np.array([".std." in name for name in names])
    values[:, deviations] **= 0.5
    return values


def _number(text: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise UsageError(f"{place}: {text!r} is not a number") from None
    if not np.isfinite(value):
        raise UsageError(f"{place}: {text!r} is no finite number")
    return value
