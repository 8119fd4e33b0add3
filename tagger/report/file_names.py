"""File names from names of things: such that every file system and every share takes them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

__all__ = ["file_names"]

_FORBIDDEN: Final = frozenset('<>:"/\\|?*')  # on the file systems that a NAS serves
_RESERVED: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))}
)
_MOST_BYTES: Final = 120  # of the 255 that a name may have; others are put behind it
_NAMELESS: Final = "unnamed"


def file_names(names: Sequence[str], suffix: str) -> list[str]:
    """A file name for each name, in order; no two are the same, whatever their case.

    Args:
        names: any texts.
        suffix: of the files, with its dot.
    """
    used: set[str] = set()
    found = []
    for name in names:
        stem = _stem(name)
        choice, n = stem, 1
        while choice.casefold() in used:
            n += 1
            choice = f"{stem} ({n})"
        used.add(choice.casefold())
        found.append(choice + suffix)
    return found


def _stem(name: str) -> str:
    composed = unicodedata.normalize("NFC", name)
    plain = "".join(c if c.isprintable() and c not in _FORBIDDEN else " " for c in composed)
    # No hidden file, and no name that Windows cuts: dots and spaces at the ends.
    stem = " ".join(plain.split()).strip(". ")
    stem = stem.encode("utf-8", "ignore")[:_MOST_BYTES].decode("utf-8", "ignore").strip(". ")
    if not stem:
        return _NAMELESS
    return f"{stem}_" if stem.partition(".")[0].casefold() in _RESERVED else stem
