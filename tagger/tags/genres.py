"""Genre words: how tags spell them, which say nothing, and when two are the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import mutagen.id3

from tagger.errors import TagsRefusedError
from tagger.words import comparable

__all__ = [
    "GENERIC",
    "NO_ID3V1_GENRE",
    "from_id3",
    "id3v1_index",
    "id3v1_name",
    "is_generic",
    "named",
    "split",
]

_MOST_CHARACTERS: Final = 1 << 18
_TCON: Any = mutagen.id3.TCON
_NAMES: tuple[str, ...] = tuple(_TCON.GENRES)
_INDEX = {comparable(name): index for index, name in reversed(tuple(enumerate(_NAMES)))}
_WHOLE = _INDEX.keys() | {"hiphoprap", "rbsoul"}
"""Names that a slash does not divide: those of the list (``Pop/Funk``), and two by which
large music shops call one genre (``Hip-Hop/Rap``, ``R&B/Soul``)."""

_NUMBER = re.compile(r"[0-9]{1,3}")
_REFERENCE = re.compile(r"\(([0-9]{1,3}|RX|CR)\)")
_VERSIONS = {"RX": "Remix", "CR": "Cover"}
_UNLISTED = "Unknown"

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


def split(values: Iterable[str]) -> tuple[str, ...]:
    """Separate joined genres (``Rock; Pop``) and drop empty ones.

    A semicolon always separates. A slash does where every part is a name of the ID3v1 list
    (``Rock/Pop``) and the whole is none (``Folk/Rock``); elsewhere it is part of a name, as
    commas are (``Folk, World, & Country``).

    Raises:
        TagsRefusedError: there is more than any genre takes; a few MB could be millions of words.
    """
    values = tuple(values)
    if sum(map(len, values)) + len(values) > _MOST_CHARACTERS:
        raise TagsRefusedError(f"the genre takes more than {_MOST_CHARACTERS:,} characters")
    return tuple(
        word
        for value in values
        for piece in re.split(r"[;\0]", value)
        for word in _unslashed(piece)
    )


def _unslashed(piece: str) -> Iterator[str]:
    parts = [part.strip() for part in piece.split("/")]
    if len(parts) == 1:  # nearly always; to compare is what takes time
        yield from filter(None, parts)
        return
    one_name = comparable(piece) in _WHOLE
    if one_name or any(comparable(part) not in _INDEX for part in parts):
        parts = [piece.strip()]
    yield from filter(None, parts)


def from_id3(values: Iterable[str]) -> tuple[str, ...]:
    """Genre words of a TCON frame.

    Understands the number of an ID3v1 genre (``17``), references with and
    without refinement (``(17)``, ``(4)Eurodisco``), ``RX`` (Remix), ``CR``
    (Cover) and joined words.
    """
    words = (word for piece in split(values) for word in _referred(piece))
    return tuple(dict.fromkeys(words))


def _referred(piece: str) -> Iterator[str]:
    if piece in _VERSIONS or (_NUMBER.fullmatch(piece) and int(piece) < 256):
        yield _meaning(piece)
        return
    at = 0
    while reference := _REFERENCE.match(piece, at):
        yield _meaning(reference[1])
        at = reference.end()
    # A name that begins with a parenthesis is written with two.
    refinement = piece[at + 1 :] if piece.startswith("((", at) else piece[at:]
    yield from split([refinement])


def _meaning(reference: str) -> str:
    return _VERSIONS.get(reference) or id3v1_name(int(reference)) or _UNLISTED


def named(word: str) -> str:
    """The name behind a bare ID3v1 number (``12`` → ``Other``), or the word itself."""
    number = word.strip().strip("()")
    return (id3v1_name(int(number)) if _NUMBER.fullmatch(number) else "") or word


def is_generic(word: str) -> bool:
    """Whether a genre word says nothing about the music (``Other``, ``<unknown>``, ``12``)."""
    plain = comparable(named(word))
    return not any(c.isalnum() for c in plain) or plain in GENERIC


def id3v1_index(word: str) -> int:
    """Place of a genre in the ID3v1 list (with Winamp's additions), or 255."""
    return _INDEX.get(comparable(word), NO_ID3V1_GENRE)


def id3v1_name(index: int) -> str:
    """Genre at a place of the ID3v1 list, or an empty string if none is there."""
    return _NAMES[index] if index < len(_NAMES) else ""
