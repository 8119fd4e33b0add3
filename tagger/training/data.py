"""From what the user names as DATA to arrays: read, heard, grouped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from tagger.analysis.picture import COLUMN_S, FRAME_S
from tagger.errors import UsageError
from tagger.models.vocabulary import Vocabulary
from tagger.report.text import counted, shown
from tagger.training.datasets import ENSEMBLE_FEATURES, TrackSet, load_archive
from tagger.training.examples import Example
from tagger.training.genre_names import named_genre
from tagger.training.hearing import Recipe, as_wide, hear_examples
from tagger.training.sound_store import Sound
from tagger.training.sources import read_labelled
from tagger.training.splits import groups_of, with_copies

__all__ = ["Data", "LabelSource", "load_data", "unheard"]

LabelSource = Literal["auto", "folders", "tags"] | Path

_CLIP_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Data:
    """Labelled tracks, ready to be fitted on.

    Attributes:
        tracks: what was heard of them. ``held_out`` is the archive's own partition; where
            there is none, it is all false.
        labels: the genres, sorted.
        targets: label index of each track.
        features: names of the features.
        unit: what is never on both sides of a split: artist, album, folder or track.
        notes: one line each on what was left out, resolved or decided.
        paths: the files, empty for an archive.
        durations_s: length of each track; NaN where it is not known.
        unlabelled: how many tracks beside these say no genre.
    """

    tracks: TrackSet
    labels: tuple[str, ...]
    targets: npt.NDArray[np.intp]
    features: tuple[str, ...]
    unit: str
    notes: tuple[str, ...]
    paths: tuple[Path, ...]
    durations_s: npt.NDArray[np.float64]
    unlabelled: int = 0


def load_data(
    data: Path,
    *,
    labels: LabelSource = "auto",
    table: Path | None = None,
    features: tuple[str, ...] = ENSEMBLE_FEATURES,
    every_frame: bool = False,
    min_per_genre: int = 2,
    vocabulary: Vocabulary | None = None,
    seed: int = 0,
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Data:
    """Read and hear labelled music.

    Args:
        data: a folder per genre, a tagged library, a CSV, or a spectrogram archive (.npz).
        labels: where the genres stand; ``auto`` tells by what ``data`` is.
        table: feature table of an archive.
        features: names of the features to compute.
        every_frame: pictures with a column for each frame.
        min_per_genre: genres of fewer tracks are left out.
        vocabulary: the user's words for genres that stand in tags.
        seed: decides ties.
        jobs: worker processes.
        progress: told how many tracks of how many are heard.

    Raises:
        UsageError: the data cannot be used; the message says which file and why.
    """
    if data.suffix.lower() == ".npz":
        return _from_archive(data, table, features, every_frame, min_per_genre)
    if table is not None:
        raise UsageError(f"--features {table}: goes with a spectrogram archive (.npz)")
    found = read_labelled(
        data, labels, min_per_genre=min_per_genre, vocabulary=vocabulary, seed=seed
    )
    total = len(found.examples)
    heard = hear_examples(
        found.examples,
        Recipe(features, every_frame),
        jobs=jobs,
        progress=lambda done: progress(done, total),
    )
    notes = [*found.notes, *unheard(heard.problems)]
    examples, sounds = _enough(heard.examples, heard.sounds, min_per_genre, notes, data)
    groups, unit, group_notes = groups_of(examples)
    features_of = np.stack([sound.features for sound in sounds])
    groups, copies = with_copies(groups, features_of)
    if copies:
        notes.append(f"copies of another track, kept on its side of a split: {copies:,}")
    columns = round(_CLIP_S / (FRAME_S if every_frame else COLUMN_S))
    genres = np.array([named_genre(example.genre) for example in examples])
    names, targets = np.unique(genres, return_inverse=True)
    tracks = TrackSet(
        as_wide([sound.picture for sound in sounds], columns),
        features_of,
        genres,
        groups,
        np.zeros(len(examples), dtype=bool),
        np.full(len(examples), data.name),
    )
    return Data(
        tracks,
        tuple(str(name) for name in names),
        targets.astype(np.intp),
        features,
        unit,
        (*notes, *group_notes),
        tuple(example.path for example in examples),
        np.array([sound.duration_s for sound in sounds]),
        found.unlabelled,
    )


def _from_archive(
    data: Path, table: Path | None, features: tuple[str, ...], every_frame: bool, least: int
) -> Data:
    if table is None:
        raise UsageError(f"{data}: an archive needs its feature table, as --features TABLE.csv")
    if every_frame:
        raise UsageError(
            f"{data} holds one column every {1000 * COLUMN_S:.1f} ms; this network looks at "
            "every frame: give audio files"
        )
    if features != ENSEMBLE_FEATURES:
        raise UsageError(f"{data}: an archive has no audio to compute other features from")
    tracks = load_archive(data, table)
    genres = np.array([named_genre(genre) for genre in tracks.genres])
    found, counts = np.unique(genres, return_counts=True)
    rare = found[counts < least]
    if len(found) - len(rare) < 2:
        raise UsageError(
            f"{data}: two genres with {counted(least, 'track')} each are needed to learn from"
        )
    notes = [f"{genre}: fewer than {counted(least, 'track')}: left out" for genre in rare]
    kept = ~np.isin(genres, rare)
    tracks, genres = tracks.take(kept), genres[kept]
    names, targets = np.unique(genres, return_inverse=True)
    # Where nobody has two tracks, an artist is no more known than where none is named.
    unit = "artist" if len(set(tracks.groups.tolist())) < len(tracks) else "track"
    held = tracks.held_out
    if shared := set(tracks.groups[held].tolist()) & set(tracks.groups[~held].tolist()):
        unit = "track"
        notes.append(
            f"{counted(len(shared), 'artist')} on both sides of the archive's own partition"
        )
    return Data(
        tracks,
        tuple(str(name) for name in names),
        targets.astype(np.intp),
        features,
        unit,
        tuple(notes),
        (),
        np.full(len(tracks), np.nan),
    )


def unheard(problems: Sequence[tuple[Path, str]]) -> list[str]:
    """A line for each of the first few files that could not be heard, and one for the rest."""
    lines = [f"{shown(path)}: {reason}" for path, reason in problems[:5]]
    if len(problems) > len(lines):
        lines.append(f"and {len(problems) - len(lines)} more files that could not be heard")
    return lines


def _enough(
    examples: Sequence[Example], sounds: Sequence[Sound], least: int, notes: list[str], data: Path
) -> tuple[list[Example], list[Sound]]:
    """What is left once genres are dropped that lost too many tracks by not being heard."""
    counts: dict[str, int] = {}
    for example in examples:
        genre = named_genre(example.genre)
        counts[genre] = counts.get(genre, 0) + 1
    for genre, n in sorted(counts.items()):
        if n < least:
            notes.append(f"{genre}: only {n} of its tracks could be heard, {least} are needed")
    kept = [
        (example, sound)
        for example, sound in zip(examples, sounds, strict=True)
        if counts[named_genre(example.genre)] >= least
    ]
    if sum(n >= least for n in counts.values()) < 2:
        reasons = f" ({'; '.join(notes)})" if notes else ""
        raise UsageError(
            f"{data}: two genres with {counted(least, 'track')} each are needed to learn from"
            f"{reasons}"
        )
    return [example for example, _ in kept], [sound for _, sound in kept]
