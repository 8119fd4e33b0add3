"""Fields in ID3v2.3 and ID3v2.4 frames.

ID3v2.4 holds several values in one frame, separated by NUL. ID3v2.3 has no
such thing: values are joined by :data:`SEPARATOR_V23` and split again when
read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mutagen.id3

from tagger.tags import genres
from tagger.tags.fields import GENRE, Field

__all__ = ["SEPARATOR_V23", "get", "put"]

SEPARATOR_V23 = "; "
"""Joins values in ID3v2.3. A slash is what the standard has for people, but it is
part of names (``AC/DC``, ``R&B/Soul``); a semicolon is in none of our labels, and
the servers that split genres (Navidrome, Jellyfin, Plex) all split on it."""

_LATIN1, _UTF16, _UTF8 = 0, 1, 3

_FRAMES: Any = mutagen.id3


def get(tags: Any, field: Field) -> tuple[str, ...]:
    """Values of a field.

    Args:
        tags: a ``mutagen.id3.ID3`` loaded with ``translate=False``.
        field: which one.

    Returns:
        the values, without empty ones; an empty tuple if the field is absent.
    """
    frame = tags.get(field.id3)
    if frame is None:
        return ()
    texts = [str(text) for text in frame.text]
    if field is GENRE:
        return genres.from_id3(texts)
    if tags.version < (2, 4):
        texts = [part for text in texts for part in text.split(SEPARATOR_V23)]
    return tuple(text for text in texts if text)


def put(tags: Any, field: Field, values: Sequence[str]) -> None:
    """Replace the values of a field; none at all removes it.

    Args:
        tags: a ``mutagen.id3.ID3``; its version decides separator and encoding.
        field: which one.
        values: the new values.
    """
    tags.delall(field.id3)
    if not values:
        return
    if tags.version < (2, 4):
        texts = [SEPARATOR_V23.join(values)]
        encoding = _LATIN1 if _is_latin1(texts[0]) else _UTF16  # 2.3 knows no UTF-8
    else:
        texts, encoding = list(values), _UTF8
    frame_id, _, description = field.id3.partition(":")
    frame = getattr(_FRAMES, frame_id)(encoding=encoding, text=texts)
    if description:
        frame.desc = description
    tags.add(frame)


def _is_latin1(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
