"""Who made a track, as far as that keeps one artist's tracks together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tagger.domain import CurrentTags
from tagger.errors import TagError
from tagger.tags.genres import is_generic
from tagger.tags.read import read_tags
from tagger.words import comparable

__all__ = ["artist_and_album", "artist_key", "is_nobody", "tags_or_none"]

_NOBODY: Final = frozenset(
    {"artist", "diverse", "noartist", "soundtrack", "unknownartist", "va", "variousartists"}
)
_GUEST: Final = re.compile(r"\s+[\(\[]?(?:feat|ft|featuring)\b.*", re.IGNORECASE)


def is_nobody(artist: str) -> bool:
    """Whether an artist's name names none (``Various Artists``, ``Unknown``, empty)."""
    return not artist.strip() or is_generic(artist) or comparable(artist) in _NOBODY


def artist_key(artist: str) -> str:
    """What two spellings of one artist have in common, guests aside; empty for nobody."""
    first = _GUEST.sub("", artist)
    return "" if is_nobody(first) else comparable(first)


def artist_and_album(tags: CurrentTags) -> tuple[str, str]:
    """Artist and album of a track; empty where its tags do not say.

    The album artist goes first: it is the same for all of an album, whoever plays along.
    """
    artists = [*tags.album.get("ALBUMARTIST", ())[:1], *tags.album.get("ARTIST", ())[:1]]
    artist = next((name for name in artists if not is_nobody(name)), "")
    return artist, next(iter(tags.album.get("ALBUM", ())), "")


def tags_or_none(path: Path) -> CurrentTags | None:
    """The tags of a file, or None if they cannot be read."""
    try:
        return read_tags(path)
    except TagError:
        return None
