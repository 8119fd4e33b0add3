"""When two words are the same, for all rooms: spelling differs from one library to the next."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

__all__ = ["comparable"]


@lru_cache(maxsize=4096)  # a library's tracks share a few words
def comparable(word: str) -> str:
    """Spelling without case, accents and punctuation: ``hip hop`` is ``Hip-Hop``.

    A word made of punctuation only stays as it is, lest all of those be equal.
    """
    plain = unicodedata.normalize("NFKD", word).casefold()
    return "".join(c for c in plain if c.isalnum()) or word.strip().casefold()
