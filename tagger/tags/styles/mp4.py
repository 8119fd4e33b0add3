"""Fields in the items of MP4's ``ilst``: text items and freeform items, each a list of values.

An item is given as its name and its content; keys are in mutagen's spelling.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Iterable, Iterator, Sequence

from tagger.tags import genres
from tagger.tags.fields import GENRE, Field
from tagger.tags.formats.atoms import HEADER, atom

__all__ = ["get", "key", "render"]

_FREEFORM = "----"
_NUMBERED = b"gnre"
_FLAG = "cpil"
_ANY, _UTF8, _UTF16 = 0, 1, 2


def key(name: bytes, content: bytes) -> str:
    """What an item is: ``©alb``, ``----:com.apple.iTunes:NAME``.

    The number of an ID3v1 genre counts as the genre's text item.

    Args:
        name: the item's name.
        content: its content, which only freeform items are told by.
    """
    if name == _NUMBERED:
        return GENRE.mp4
    text = name.decode("latin-1")
    if text != _FREEFORM:
        return text
    parts: dict[bytes, str] = {}
    for part, body in _parts(content):
        parts.setdefault(part, body[4:].decode("utf-8", "replace"))
    return f"{text}:{parts.get(b'mean', '')}:{parts.get(b'name', '')}"


def get(items: Iterable[tuple[bytes, bytes]], field: Field) -> tuple[str, ...]:
    """Values of a field.

    Args:
        items: all items that have the field's key, in order: name and content.
        field: which one.

    Returns:
        the values, without empty ones; an empty tuple if the field is absent.
    """
    values: list[str] = []
    for name, content in items:
        for kind, data in _data(content):
            if field.mp4 == _FLAG:
                values.append(str(int(any(data))) if data else "")
            elif name == _NUMBERED:
                values.append(_genre(data))
            elif kind in (_ANY, _UTF8, _UTF16):
                values.append(_text(kind, data))
    if field is GENRE:
        return tuple(dict.fromkeys(genres.split(values)))
    return tuple(value for value in values if value)


def render(field: Field, values: Sequence[str]) -> bytes:
    """The item that holds these values; nothing for none of them.

    Args:
        field: which field.
        values: its values.
    """
    if not values:
        return b""
    name, _, own = field.mp4.partition(":")
    content = b""
    if own:
        mean, _, label = own.partition(":")
        content += atom(b"mean", bytes(4) + mean.encode())
        content += atom(b"name", bytes(4) + label.encode())
    for value in values:
        content += atom(b"data", struct.pack(">II", _UTF8, 0) + value.encode())
    return atom(name.encode("latin-1"), content)


def _genre(data: bytes) -> str:
    """The genre of a number that counts from one; nothing if there is no such genre."""
    number = str(int.from_bytes(data[:8], "big") - 1)
    name = genres.named(number)
    return name if name != number else ""


def _text(kind: int, data: bytes) -> str:
    if kind != _UTF16:
        return data.decode("utf-8", "replace")
    marked = data.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE))
    return data.decode("utf-16" if marked else "utf-16-be", "replace")


def _data(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and bytes of each value in an item."""
    for name, body in _parts(content):
        if name == b"data" and len(body) >= 8:
            yield int.from_bytes(body[1:4], "big"), body[8:]


def _parts(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the atoms in an item, up to the first damaged one."""
    at = 0
    while at + HEADER <= len(content):
        size, name = struct.unpack_from(">I4s", content, at)
        if size < HEADER or at + size > len(content):
            return
        yield name, content[at + HEADER : at + size]
        at += size
