"""What the tags of a file say of it, as far as a list of tracks shows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tagger.domain import CurrentTags
from tagger.errors import TagError
from tagger.tags.artists import artist_and_album
from tagger.tags.fields import GENRE, TITLE
from tagger.tags.read import read_tags

__all__ = ["Described", "describe"]


@dataclass(frozen=True, slots=True)
class Described:
    """What the tags of a file say of it, each empty where they do not.

    Attributes:
        genre: the values of the genre field.
        artist: who made it; the album artist goes first. ``Various Artists`` is nobody.
        album: name of the album.
        title: name of the track.
    """

    genre: tuple[str, ...] = ()
    artist: str = ""
    album: str = ""
    title: str = ""


def describe(path: Path) -> Described:
    """What the tags of a file say; nothing where they cannot be read."""
    try:
        return _described(read_tags(path))
    except TagError:
        return Described()


def _described(tags: CurrentTags) -> Described:
    artist, album = artist_and_album(tags)
    return Described(
        genre=tags.values.get(GENRE.name, ()),
        artist=artist,
        album=album,
        title=next(iter(tags.album.get(TITLE.name, ())), ""),
    )
