"""Labelled tracks, before anything is heard of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Example", "Labelled"]


@dataclass(frozen=True, slots=True)
class Example:
    """A file and what somebody says it is.

    Attributes:
        path: the file.
        genre: its label, as the data spell it.
        artist: who made it; empty where nobody says.
        album: what it was published on; empty where nobody says.
    """

    path: Path
    genre: str
    artist: str = ""
    album: str = ""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a source of labelled music holds.

    Attributes:
        examples: the tracks, in a fixed order.
        notes: one line each for what was left out, resolved or decided, for the report.
        unlabelled: how many tracks beside these say no genre.
    """

    examples: tuple[Example, ...]
    notes: tuple[str, ...] = ()
    unlabelled: int = 0
