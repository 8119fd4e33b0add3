"""Which tracks are one album, and when all of its tracks have passed by."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from tagger.domain import CurrentTags

__all__ = ["FolderBuffer", "albums"]

_VARIOUS = frozenset(
    {"diverse", "soundtrack", "unknown artist", "va", "various", "various artists", "v.a."}
)
_GUEST = re.compile(r"\s*[\(\[]?\b(?:feat|ft|featuring|with)\b.*", re.IGNORECASE)


class Located(Protocol):
    """Anything that belongs to a file."""

    @property
    def path(self) -> Path: ...


T = TypeVar("T", bound=Located)


class FolderBuffer(Generic[T]):
    """Holds things back until their folder is complete.

    They must come in the order of a walk: depth first, so that a folder is complete as soon
    as something outside it comes. What is held is bounded by the largest folder, with the
    folders above it.
    """

    def __init__(self) -> None:
        self._folders: dict[str, list[T]] = {}

    def add(self, item: T) -> Iterator[list[T]]:
        """Take one more; yield the folders that are complete now."""
        folder = os.fspath(item.path.parent)
        for other in [name for name in self._folders if not _is_within(folder, name)]:
            yield self._folders.pop(other)
        self._folders.setdefault(folder, []).append(item)

    def rest(self) -> Iterator[list[T]]:
        """All that is left, when nothing more will come."""
        while self._folders:
            yield self._folders.pop(next(reversed(self._folders)))


def _is_within(folder: str, above: str) -> bool:
    return folder == above or folder.startswith(above.rstrip(os.sep) + os.sep)


def albums(tracks: Sequence[CurrentTags | None]) -> list[list[int]]:
    """The albums among the tracks of one folder, as places in ``tracks``.

    An album has one title and one album artist; where no album artist stands, one artist
    (guests aside). Compilations are none: their tracks have nothing in common.

    Args:
        tracks: the tags of each track, None for one without.

    Returns:
        groups of two tracks or more.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for place, tags in enumerate(tracks):
        if tags and (title := _word(tags, "ALBUM")):
            groups.setdefault((title, _word(tags, "ALBUMARTIST")), []).append(place)
    found = []
    for (_, album_artist), places in groups.items():
        members = [tags for place in places if (tags := tracks[place])]
        artists = {_GUEST.sub("", _word(tags, "ARTIST")) for tags in members}
        together = album_artist not in _VARIOUS if album_artist else len(artists) == 1
        if together and len(places) > 1 and not any(map(_is_compilation, members)):
            found.append(places)
    return found


def _word(tags: CurrentTags, name: str) -> str:
    return unicodedata.normalize("NFKC", " ".join(tags.album.get(name, ()))).casefold().strip()


def _is_compilation(tags: CurrentTags) -> bool:
    return _word(tags, "COMPILATION") in ("1", "true", "yes")
