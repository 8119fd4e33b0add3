"""FLAC: Vorbis comments in one metadata block, with room for them in padding blocks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import BinaryIO

from tagger import __version__
from tagger.errors import TagError, TagsRefusedError
from tagger.tags import id3tag
from tagger.tags.edits import Edit, Edits, between, joined
from tagger.tags.formats.base import Rest, digest_region
from tagger.tags.formats.comments import Commented, Comments, changes, moved, parse

__all__ = ["PADDING", "Flac"]

PADDING = 1024
"""Room left in a head that had to grow, so that the next change moves nothing."""

_STREAMINFO, _PADDING, _COMMENT = 0, 1, 4
_LAST = 0x80
_HEADER = 4
_GONE = -1
_MAX_SIZE = 0xFFFFFF
_MD5 = slice(18, 34)  # inside STREAMINFO; zeros where the encoder did not know it
_MOST_BLOCKS = 1 << 14  # files have a handful; damaged ones might keep us counting
_CUT_SHORT = "the FLAC file is cut short"
_DAMAGED = "the FLAC metadata is damaged; repair the file first"


@dataclass(frozen=True, slots=True)
class _Block:
    kind: int
    start: int
    size: int

    @property
    def body(self) -> int:
        return self.start + _HEADER

    @property
    def end(self) -> int:
        return self.body + self.size


@dataclass(slots=True)
class _Row:
    """One block of the new head.

    Attributes:
        old: the block as it stands, or None for a new one.
        kind: its type.
        size: its new size; -1 if it goes, header and all, which frees 4 bytes more.
        body: the content of a new block.
        inner: edits of a block that stays, by offsets inside its content.
    """

    old: _Block | None
    kind: int
    size: int
    body: bytes = b""
    inner: Edits = ()


class Flac(Commented):
    """A FLAC file, with or without an ID3 tag in front (which stays as it is)."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        self._start = id3tag.stored_size(file.read(id3tag.HEADER_SIZE))
        self._blocks = tuple(_blocks(file, self._start, length))
        if self._blocks[0].kind != _STREAMINFO:
            raise TagError(_DAMAGED)
        _check_frames(file, self._blocks[-1].end)
        self.audio = ((self._blocks[-1].end, length),)
        file.seek(self._blocks[0].body)
        md5 = file.read(min(self._blocks[0].size, _MD5.stop))[_MD5]
        self.audio_md5 = md5 if any(md5) else b""
        self._comment = next((block for block in self._blocks if block.kind == _COMMENT), None)
        if self._comment:
            file.seek(self._comment.body)
            self.old = parse(file.read(self._comment.size))
        else:
            self.old = Comments(f"genretag {__version__}".encode(), ())
        self.new = self.old

    def edits(self) -> Edits:
        inner = changes(self.old, self.new)
        if not inner:
            return ()
        rows = [_Row(block, block.kind, block.size) for block in self._blocks]
        if self._comment:
            at = self._blocks.index(self._comment)
            growth = sum(edit.shift for edit in inner)
            rows[at].size += growth
            rows[at].inner = inner
        else:
            body = self.new.render()
            growth = _HEADER + len(body)
            at = _place(self._blocks, growth)
            rows.insert(at, _Row(None, _COMMENT, len(body), body))
        if rows[at].size > _MAX_SIZE:
            raise TagsRefusedError(
                "the comments would exceed the 16 MiB of a FLAC block; remove a large one first"
            )
        _make_room(rows, at, growth)
        return joined(_rendered(rows, self._blocks[-1].end))

    def rest(self, changed: AbstractSet[str]) -> Rest:
        blocks = tuple(
            (f"FLAC block {block.kind}", digest_region(self.file, block.body, block.end))
            for block in self._blocks
            if block is not self._comment and block.kind != _PADDING
        )
        front = ("ID3 tag in front", digest_region(self.file, 0, self._start))
        return (*super().rest(changed), *blocks, front)


def _blocks(file: BinaryIO, start: int, length: int) -> Iterator[_Block]:
    file.seek(start)
    if file.read(4) != b"fLaC":
        raise TagError(_DAMAGED)
    at = start + 4
    for _ in range(_MOST_BLOCKS):
        file.seek(at)
        header = file.read(_HEADER)
        if len(header) < _HEADER:
            raise TagError(_CUT_SHORT)
        block = _Block(header[0] & ~_LAST, at, int.from_bytes(header[1:], "big"))
        if block.end > length:
            raise TagError(_CUT_SHORT)
        yield block
        if header[0] & _LAST:
            return
        at = block.end
    raise TagError(_DAMAGED)


def _check_frames(file: BinaryIO, at: int) -> None:
    """Refuse metadata whose sizes do not lead to a frame: nothing behind it could be trusted."""
    file.seek(at)
    frame = file.read(2)
    if frame and (len(frame) < 2 or frame[0] != 0xFF or frame[1] & 0xFC != 0xF8):
        raise TagsRefusedError(_DAMAGED)


def _place(blocks: Sequence[_Block], size: int) -> int:
    """Where a new block of this size (with its header) moves least: at a padding that holds it."""
    fits = (i for i, b in enumerate(blocks) if b.kind == _PADDING and b.size >= size)
    return next(fits, 1)


def _make_room(rows: list[_Row], at: int, growth: int) -> None:
    """Let padding make up for the growth of row ``at``, or grow so that it will the next time."""
    paddings = [row for row in (*rows[at + 1 :], *rows[:at][::-1]) if row.kind == _PADDING]
    if growth > 0:
        sizes = _shrunk([row.size for row in paddings], growth)
    else:
        sizes = _grown([row.size for row in paddings], -growth)
    if sizes is not None:
        for row, size in zip(paddings, sizes, strict=True):
            row.size = size
    elif paddings:
        paddings[0].size = max(paddings[0].size, PADDING)
    else:
        size = -growth - _HEADER if -growth >= _HEADER else PADDING
        rows.insert(at + 1, _Row(None, _PADDING, size, bytes(size)))


def _shrunk(sizes: Sequence[int], growth: int) -> list[int] | None:
    """Sizes of the paddings after they gave some bytes away, or None if there are too few."""
    single = next((i for i, size in enumerate(sizes) if size >= growth), None)
    if single is not None:
        return [size - growth if i == single else size for i, size in enumerate(sizes)]
    room = -growth
    for i, size in enumerate(sizes):
        room += size + _HEADER
        if room == 0 or _HEADER <= room <= _MAX_SIZE:  # these become one, or none
            first = room - _HEADER if room else _GONE
            return [first, *[_GONE] * i, *sizes[i + 1 :]]
    return None


def _grown(sizes: Sequence[int], room: int) -> list[int] | None:
    """Sizes of the paddings after one of them took the room, or None if none can."""
    single = next((i for i, size in enumerate(sizes) if size + room <= _MAX_SIZE), None)
    if single is None:
        return None
    return [size + room if i == single else size for i, size in enumerate(sizes)]


def _rendered(rows: Sequence[_Row], end: int) -> Iterator[Edit]:
    """Edits from the old head, which ends at ``end``, to these rows."""
    last = next(row for row in reversed(rows) if row.size != _GONE)
    at = end
    for row in rows:
        old = row.old
        if old is None:
            yield Edit(at, 0, _header(row.kind, row.size, row is last) + row.body)
            continue
        at = old.end
        if row.size == _GONE:
            yield Edit(old.start, at - old.start, b"")
            continue
        before = _header(old.kind, old.size, at == end)
        yield from between(old.start, [before], [_header(row.kind, row.size, row is last)])
        if row.inner:
            yield from moved(row.inner, old.body)
        elif row.size < old.size:
            yield Edit(old.body + row.size, old.size - row.size, b"")
        else:
            yield Edit(at, 0, bytes(row.size - old.size))


def _header(kind: int, size: int, is_last: bool) -> bytes:
    return bytes((kind | (_LAST if is_last else 0),)) + size.to_bytes(3, "big")
