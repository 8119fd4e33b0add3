"""Genre words: how tags spell them, which say nothing, and when two are the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import mutagen.id3

__all__ = [
    "GENERIC",
    "NO_ID3V1_GENRE",
    "comparable",
    "from_id3",
    "id3v1_index",
    "is_generic",
    "named",
    "split",
]

_TCON: Any = mutagen.id3.TCON
_NAMES: tuple[str, ...] = tuple(_TCON.GENRES)

NO_ID3V1_GENRE = 255
"""The byte of an ID3v1 trailer that stands for "no genre of the list"."""

GENERIC = frozenset(
    {
        "audio",
        "default",
        "genre",
        "misc",
        "miscellaneous",
        "music",
        "mp3",
        "na",
        "nogenre",
        "none",
        "null",
        "other",
        "tbd",
        "unclassifiable",
        "uncategorized",
        "undefined",
        "unknown",
        "unknowngenre",
        "unspecified",
        "untagged",
        "various",
    }
)
"""Words that stand in genre fields and say nothing, as :func:`comparable` spells them."""


def comparable(word: str) -> str:
    """Spelling without case, accents and punctuation: ``hip hop`` is ``Hip-Hop``.

    A word made of punctuation only stays as it is, lest all of those be equal.
    """
    plain = unicodedata.normalize("NFKD", word).casefold()
    return "".join(c for c in plain if c.isalnum()) or word.strip().casefold()


def split(values: Iterable[str]) -> tuple[str, ...]:
    """Separate joined genres (``Rock; Pop``) and drop empty ones.

    Only the semicolon counts: slashes and commas are parts of names in many
    libraries (``Folk, World, & Country``).
    """
    return tuple(
        word for value in values for piece in re.split(r"[;\0]", value) if (word := piece.strip())
    )


def from_id3(values: Iterable[str]) -> tuple[str, ...]:
    """Genre words of a TCON frame.

    Understands the number of an ID3v1 genre (``17``), references with and
    without refinement (``(17)``, ``(4)Eurodisco``), ``RX`` (Remix), ``CR``
    (Cover) and joined words.
    """
    words: list[str] = []
    for piece in split(values):
        words += [word for word in _TCON(encoding=3, text=[piece]).genres if word]
    return tuple(dict.fromkeys(words))


def named(word: str) -> str:
    """The name behind a bare ID3v1 number (``12`` → ``Other``), or the word itself."""
    number = word.strip().strip("()")
    if number.isascii() and number.isdecimal() and int(number) < len(_NAMES):
        return _NAMES[int(number)]
    return word


def is_generic(word: str) -> bool:
    """Whether a genre word says nothing about the music (``Other``, ``<unknown>``, ``12``)."""
    plain = comparable(named(word))
    return not any(c.isalnum() for c in plain) or plain in GENERIC


def id3v1_index(word: str) -> int:
    """Place of a genre in the ID3v1 list (with Winamp's additions), or 255."""
    wanted = comparable(word)
    for index, name in enumerate(_NAMES):
        if comparable(name) == wanted:
            return index
    return NO_ID3V1_GENRE
