"""An APEv2 tag as a row of items, each kept byte for byte as it is stored."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from tagger.errors import TagsRefusedError
from tagger.tags import genres
from tagger.tags.edits import Edits, between, joined
from tagger.tags.fields import GENRE, Field
from tagger.tags.formats.base import Rest, digest

__all__ = ["APE_FRAME", "ApeItem", "ApeTag", "edits", "extent", "get", "parse", "rest", "shows"]

APE_FRAME = 32
"""Bytes of the footer, and of the header that looks like it."""

_MAGIC = b"APETAGEX"
_FIELDS = struct.Struct("<8sIIII8x")  # magic, version, size, count, flags
_VERSION_2 = 2000
_HAS_HEADER = 1 << 31
_READ_ONLY = 1
_TYPE, _TEXT = 6, 0
_MAX_ITEMS = 10_000
_MOST_BYTES = 64 << 20  # a tag is read whole
_SHOWN_BY_PLAYERS = {"title", "artist", "album", "album artist", "genre", "track", "year"}


@dataclass(frozen=True, slots=True)
class ApeItem:
    """One item: key, flags, value, and all of it as stored."""

    key: str
    flags: int
    value: bytes
    stored: bytes


@dataclass(frozen=True, slots=True)
class ApeTag:
    """A whole tag.

    Attributes:
        start: where it begins in the file.
        end: where it ends.
        header: its first 32 bytes, or none.
        items: in the order of the file.
        footer: its last 32 bytes.
        whole: whether every byte of it is understood; if not, there are no items.
    """

    start: int
    end: int
    header: bytes
    items: tuple[ApeItem, ...]
    footer: bytes
    whole: bool

    @property
    def understood(self) -> bool:
        """Whether it could be written: it is whole, and no APEv1 tag."""
        return self.whole and int.from_bytes(self.footer[8:12], "little") == _VERSION_2


def extent(footer: bytes) -> int:
    """Bytes of the tag that ends with this footer, by what it says; 0 if it is none."""
    if len(footer) < APE_FRAME or not footer.startswith(_MAGIC):
        return 0
    _, _, size, _, flags = _FIELDS.unpack(footer)
    return max(int(size) + (APE_FRAME if flags & _HAS_HEADER else 0), APE_FRAME)


def parse(file: BinaryIO, start: int, end: int) -> ApeTag:
    """The tag between two offsets of a file.

    Raises:
        TagsRefusedError: it is far too large.
    """
    if end - start > _MOST_BYTES:
        raise TagsRefusedError(
            f"the APEv2 tag takes {end - start >> 20} MB, and more than {_MOST_BYTES >> 20} are "
            "not read; repair it with a tag editor first"
        )
    file.seek(start)
    data = file.read(end - start)
    footer = data[-APE_FRAME:]
    _, _, size, count, flags = _FIELDS.unpack(footer)
    at = APE_FRAME if flags & _HAS_HEADER else 0
    items = None
    if at + size == len(data) and count <= _MAX_ITEMS and (not at or data.startswith(_MAGIC)):
        items = _items(data[at:-APE_FRAME], count)
    return ApeTag(start, end, data[:at], items or (), footer, items is not None)


def get(tag: ApeTag, field: Field) -> tuple[str, ...]:
    """Values of a field; an empty tuple if it is absent."""
    texts = [
        text
        for item in tag.items
        if item.key.lower() == field.ape.lower() and item.flags & _TYPE == _TEXT
        for text in _text(item.value).split("\0")
    ]
    if field is GENRE:
        return tuple(dict.fromkeys(genres.named(word) for word in genres.split(texts)))
    return tuple(text for text in texts if text)


def shows(tag: ApeTag) -> bool:
    """Whether it may hold what players show, and not only numbers such as loudness."""
    return not tag.whole or any(item.key.lower() in _SHOWN_BY_PLAYERS for item in tag.items)


def edits(tag: ApeTag, wanted: Mapping[Field, Sequence[str]], *, only_standing: bool) -> Edits:
    """The edits that give fields other values.

    Args:
        tag: as it stands.
        wanted: fields and their values; none at all removes the field.
        only_standing: leave out the fields that the tag does not have.

    Raises:
        TagsRefusedError: if the tag, or what it has of a field, must not be written.
    """
    fields = {field.ape.lower(): field for field in wanted}
    standing = {item.key.lower() for item in tag.items}
    if only_standing:
        fields = {key: field for key, field in fields.items() if key in standing}
    if not fields:
        return ()
    _refuse_unwritable(tag)
    rows: list[tuple[bytes, ...]] = []
    placed = set()
    for item in tag.items:
        key = item.key.lower()
        row: tuple[bytes, ...] = (item.stored,)
        if key in fields:
            said = wanted[fields[key]]
            if item.flags & _READ_ONLY:
                raise TagsRefusedError(f"the APEv2 tag says that its {item.key} is read-only")
            row = () if key in placed or not said else (_item(item.key, item.flags, said),)
            placed.add(key)
        rows.append(row)
    rows.append(
        tuple(
            _item(field.ape, _TEXT, wanted[field])
            for key, field in fields.items()
            if key not in placed and wanted[field]
        )
    )
    pieces = [piece for row in rows for piece in row]
    size, count = sum(map(len, pieces)) + APE_FRAME, len(pieces)
    changes: list[Edits] = []
    offset = tag.start
    old = (tag.header, *(item.stored for item in tag.items), b"", tag.footer)
    new = ((_counted(tag.header, size, count),), *rows, (_counted(tag.footer, size, count),))
    for piece, others in zip(old, new, strict=True):
        if others != (piece,):
            changes.append(between(offset, (piece,), others))
        offset += len(piece)
    return joined(edit for some in changes for edit in some)


def rest(tag: ApeTag, without: Iterable[Field]) -> Rest:
    """All that the tag holds beside some fields."""
    keys = {field.ape.lower() for field in without}
    head = ("APEv2", digest(tag.header[8:12] + tag.header[20:] + tag.footer[20:]))
    return head, *(
        (f"APEv2 {item.key}", item.flags.to_bytes(4, "little") + digest(item.value))
        for item in tag.items
        if item.key.lower() not in keys
    )


def _refuse_unwritable(tag: ApeTag) -> None:
    if not tag.whole:
        raise TagsRefusedError("the APEv2 tag is damaged; repair it with a tag editor first")
    if not tag.understood:
        raise TagsRefusedError("its only tag is APEv1; add an ID3 tag with a tag editor first")
    if _FIELDS.unpack(tag.footer)[4] & _READ_ONLY:
        raise TagsRefusedError("the APEv2 tag says that it is read-only")


def _items(data: bytes, count: int) -> tuple[ApeItem, ...] | None:
    """The items that fill these bytes, or None if they do not come out even."""
    found = []
    at = 0
    for _ in range(count):
        key_end = data.find(b"\0", at + 8)
        if key_end < 0 or key_end - at - 8 > 255:
            return None
        size, flags = struct.unpack_from("<II", data, at)
        end = key_end + 1 + size
        if end > len(data):
            return None
        key = data[at + 8 : key_end].decode("latin-1")
        found.append(ApeItem(key, flags, data[key_end + 1 : end], data[at:end]))
        at = end
    return tuple(found) if at == len(data) else None


def _item(key: str, flags: int, values: Sequence[str]) -> bytes:
    value = "\0".join(values).encode("utf-8")
    flags = flags & ~_TYPE | _TEXT
    return struct.pack("<II", len(value), flags) + key.encode("latin-1") + b"\0" + value


def _counted(frame: bytes, size: int, count: int) -> bytes:
    return frame[:12] + struct.pack("<II", size, count) + frame[20:] if frame else b""


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:  # APEv1, and writers that took no notice
        return value.decode("latin-1")
