"""Labelled music as a folder per genre, the layout of GTZAN."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tagger.library.walk import walk
from tagger.report.text import counted, shown
from tagger.tags.artists import artist_and_album, tags_or_none
from tagger.training.examples import Example, Labelled

__all__ = ["audio_files", "read_folders"]


def audio_files(folder: Path) -> tuple[list[Path], list[str]]:
    """The audio files that a scan would find, and a note for each folder it could not read.

    Raises:
        UsageError: the folder does not exist.
    """
    notes: list[str] = []
    files = list(walk([folder], problem=lambda path, why: notes.append(f"{shown(path)}: {why}")))
    return files, notes


def read_folders(data: Path, files: Iterable[Path]) -> Labelled:
    """Label files by the folders right below ``data``.

    Artist and album come from the tags. Where these name no artist, it is the folder below the
    genre's if the track lies another folder deeper (``genre/artist/album/track``).
    """
    examples, beside = [], 0
    for path in files:
        genre, *below = path.relative_to(data).parts
        if not below:
            beside += 1
            continue
        tags = tags_or_none(path)
        artist, album = artist_and_album(tags) if tags else ("", "")
        if not artist and len(below) > 2:
            artist, album = below[0], album or below[1]
        examples.append(Example(path, genre, artist, album))
    notes = [f"{counted(beside, 'file')} beside the folders of the genres: left out"]
    return Labelled(tuple(examples), tuple(notes if beside else ()))
