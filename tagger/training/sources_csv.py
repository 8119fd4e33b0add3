"""Labelled music as a table: ``path,genre[,artist[,album]]``."""

from __future__ import annotations

import os
from pathlib import Path

from tagger.errors import UsageError
from tagger.report.text import counted, shown
from tagger.tags.artists import artist_and_album, tags_or_none
from tagger.training.examples import Example, Labelled
from tagger.training.tables import FILE, is_text, not_text, read_table
from tagger.words import comparable

__all__ = ["read_csv"]


def read_csv(table: Path, folder: Path | None = None) -> Labelled:
    """Label the files that a table names.

    Paths are absolute or relative to the table's folder, or else to ``folder``. What it leaves
    open of artist and album is looked up in the files' tags.

    Raises:
        UsageError: the table cannot be read or lacks a column; the message names the line.
    """
    bases = [table.parent, *([folder] if folder else [])]
    found: dict[str, Example] = {}
    twice: set[str] = set()
    missing: list[str] = []
    unlabelled = 0
    for line, row in read_table(table, ("genre",)):
        name, genre = row[FILE], row["genre"]
        if not name:
            raise UsageError(f"{table}: line {line} names no file")
        path = next((base / name for base in bases if _is_file(base / name)), None)
        if path is None and not is_text(name):
            raise not_text(table, line)  # the name was read in the wrong encoding
        if path is None:
            missing.append(name)
        elif not genre:
            unlabelled += 1
        else:
            key = os.path.realpath(path)
            if key not in found:
                found[key] = _example(path, row)
            elif comparable(found[key].genre) != comparable(genre):
                twice.add(key)
    notes = []
    if missing:
        notes.append(
            f"{counted(len(missing), 'file')} of {table.name} not found: left out "
            f"(the first: {shown(missing[0])})"
        )
    if unlabelled:
        notes.append(f"{counted(unlabelled, 'track')} without a genre: left out")
    if twice:
        notes.append(
            f"{counted(len(twice), 'file')} named twice with different genres: left out "
            f"(the first: {shown(min(twice))})"
        )
    examples = tuple(e for key, e in found.items() if key not in twice)
    return Labelled(examples, tuple(notes), unlabelled)


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 (Path.is_file raises for a name that is too long)


def _example(path: Path, row: dict[str, str]) -> Example:
    artist, album = row.get("artist", ""), row.get("album", "")
    if not (artist and album) and (tags := tags_or_none(path)):
        tagged_artist, tagged_album = artist_and_album(tags)
        artist, album = artist or tagged_artist, album or tagged_album
    return Example(path, row["genre"], artist, album)
