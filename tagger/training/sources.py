"""Labelled music, wherever the labels stand: in folders' names, in tags, or in a table."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal

from tagger.errors import UsageError
from tagger.models.vocabulary import Vocabulary
from tagger.report.text import counted
from tagger.training.examples import Example, Labelled
from tagger.training.genre_names import named_genre
from tagger.training.sources_csv import read_csv
from tagger.training.sources_folders import audio_files, read_folders
from tagger.training.sources_tags import read_library
from tagger.words import comparable

__all__ = ["read_labelled"]

_SHOWN: Final = 8


def read_labelled(
    data: Path,
    labels: Literal["auto", "folders", "tags"] | Path = "auto",
    *,
    min_per_genre: int = 2,
    least_genres: Literal[1, 2] = 2,
    vocabulary: Vocabulary | None = None,
    parents: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Labelled:
    """Read which tracks there are, and their genres.

    Args:
        data: a folder per genre, a tagged library, or a table (``.csv``).
        labels: ``folders``: the folders right below ``data`` are the genres; ``tags``: they
            stand in the files; a path: in that table; ``auto``: in the table if ``data`` is
            one, in the folders' names if there is audio in folders, else in the tags.
        min_per_genre: genres of fewer tracks are left out.
        least_genres: how many genres there must be.
        vocabulary: the user's words; only for genres that stand in tags.
        parents: the user's genre → more general genre, in place of the vocabulary's; only for
            genres that stand in tags.
        seed: decides between genres that are equally true of a track.

    Returns:
        The tracks in the order of their paths as text. A genre has one spelling, its most
        frequent one.

    Raises:
        UsageError: the data cannot be read or hold too few genres; the message says why.
    """
    found = _read(data, labels, vocabulary or Vocabulary(), parents, seed)
    notes = list(found.notes)
    examples = _enough(_one_spelling(found.examples, notes), min_per_genre, notes)
    genres = sorted({example.genre for example in examples})
    if len(genres) < least_genres:
        left = f"{genres[0]} is the only genre" if genres else "no genre is left"
        wanted = "one is" if least_genres == 1 else "two are"
        reasons = f" ({'; '.join(notes)})" if notes else ""
        raise UsageError(
            f"{data}: {left}, and {wanted} needed{reasons}; label more tracks by a folder for "
            "each genre, in their tags or in a table"
        )
    examples.sort(key=lambda e: os.fspath(e.path))
    return Labelled(tuple(examples), tuple(notes), found.unlabelled)


def _read(
    data: Path,
    labels: Literal["auto", "folders", "tags"] | Path,
    vocabulary: Vocabulary,
    parents: Mapping[str, str] | None,
    seed: int,
) -> Labelled:
    suffix = "" if data.is_dir() else data.suffix.lower()
    if suffix == ".npz":
        raise UsageError(f"{data}: an archive holds no files to read; give it with its table")
    if suffix == ".csv":
        if labels != "auto":
            raise UsageError(f"{data}: a table holds its own labels; give the folder instead")
        return read_csv(data)
    files, notes = audio_files(data)
    if not data.is_dir():
        raise UsageError(f"{data}: neither a folder of music nor a table (.csv)")
    if isinstance(labels, Path):
        return read_csv(labels, data)
    if not files:
        reasons = f" ({'; '.join(notes)})" if notes else ""
        raise UsageError(f"{data}: there are no audio files in it{reasons}")
    if labels == "auto":
        nested = any(file.parent != data for file in files)
        labels = "folders" if nested else "tags"
        notes.append(
            "the genres are the names of the folders; those in the files' tags were not asked"
            if nested
            else "the genres are those in the files' tags, as there are no folders"
        )
    if labels == "folders":
        found = read_folders(data, files)
    else:
        found = read_library(data, files, vocabulary, parents, seed)
    return replace(found, notes=(*notes, *found.notes))


def _one_spelling(examples: Iterable[Example], notes: list[str]) -> list[Example]:
    """The same examples, each genre as most of them spell it: ``Rap`` is ``hiphop``, too."""
    examples = list(examples)
    counts = Counter(example.genre for example in examples)
    spelled: dict[str, str] = {}
    for genre in sorted(counts, key=lambda genre: (-counts[genre], genre)):
        usual = spelled.setdefault(comparable(named_genre(genre)), genre)
        if usual != genre:
            notes.append(f"{genre!r} is counted as {usual!r}: {counted(counts[genre], 'track')}")
    return [
        replace(example, genre=spelled[comparable(named_genre(example.genre))])
        for example in examples
    ]


def _enough(examples: Sequence[Example], least: int, notes: list[str]) -> list[Example]:
    """The examples of genres that have enough of them."""
    counts = Counter(example.genre for example in examples)
    rare = sorted(genre for genre, n in counts.items() if n < least)
    if len(rare) == 1:
        has = f"{rare[0]} has {counted(counts[rare[0]], 'track')}"
        notes.append(f"{has}, {least} are needed: left out")
    elif rare:
        more = f" and {len(rare) - _SHOWN} more" if len(rare) > _SHOWN else ""
        notes.append(
            f"{len(rare)} genres have fewer than {counted(least, 'track')}: left out "
            f"({', '.join(rare[:_SHOWN])}{more})"
        )
    return [example for example in examples if counts[example.genre] >= least]
