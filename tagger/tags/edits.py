"""A change of a file as a list of edits: what is replaced by what, and nothing else.

Every format describes a write this way before a byte is written. So what a write will do can be
looked at first (:class:`Edited` reads the file as it would be), applied to a copy or in place,
and turned round: the inverse of a write's edits is all that an undo needs.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = [
    "Edit",
    "Edited",
    "Edits",
    "apply_in_place",
    "between",
    "inverse",
    "joined",
    "kept",
    "pack",
    "unpack",
]

_CHUNK = 1 << 20
_COMPARED = 1000  # more pieces than this are replaced as one: comparing them is quadratic


@dataclass(frozen=True, slots=True)
class Edit:
    """``length`` bytes at ``offset`` of the old file are replaced by ``data``."""

    offset: int
    length: int
    data: bytes

    @property
    def end(self) -> int:
        """Offset behind the replaced bytes, in the old file."""
        return self.offset + self.length

    @property
    def shift(self) -> int:
        """How far everything behind it moves."""
        return len(self.data) - self.length


Edits = tuple[Edit, ...]
"""Edits of one file in the order of their offsets, none overlapping another."""


def between(offset: int, old: Sequence[bytes], new: Sequence[bytes]) -> Edits:
    """The edits that turn one row of pieces into another, as small as the pieces allow.

    Args:
        offset: where the old pieces begin in the file; they follow one another without gaps.
        old: the pieces as they stand: frames, blocks, atoms, padding.
        new: the pieces as they should be.
    """
    head = _equal_items(old, new)
    tail = _equal_items(old[head:][::-1], new[head:][::-1])
    starts = [offset + sum(map(len, old[:head]))]
    old, new = old[head : len(old) - tail], new[head : len(new) - tail]
    for piece in old:
        starts.append(starts[-1] + len(piece))
    edits = []
    for deed, i, j, k, m in _differences(old, new):
        if deed != "equal":
            before, after = b"".join(old[i:j]), b"".join(new[k:m])
            same = _common_prefix(before, after)
            before, after = before[same:], after[same:]
            end = _common_prefix(before[::-1], after[::-1])
            length = len(before) - end
            edits.append(Edit(starts[i] + same, length, after[: len(after) - end]))
    return joined(edits)


def _differences(
    old: Sequence[bytes], new: Sequence[bytes]
) -> Sequence[tuple[str, int, int, int, int]]:
    if max(len(old), len(new)) > _COMPARED:
        return [("replace", 0, len(old), 0, len(new))]
    return SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def _equal_items(one: Sequence[bytes], other: Sequence[bytes]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _common_prefix(one: bytes, other: bytes) -> int:
    """Length of it, by halving: comparing slices is far faster than comparing bytes."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def joined(edits: Iterable[Edit]) -> Edits:
    """Edits in order, without those that change nothing.

    Raises:
        ValueError: if two of them overlap.
    """
    ordered = sorted((e for e in edits if e.length or e.data), key=lambda e: (e.offset, e.end))
    for one, other in pairwise(ordered):
        if one.end > other.offset:
            raise ValueError(f"edits overlap at {other.offset}")
    return tuple(ordered)


def kept(edits: Sequence[Edit], length: int) -> Iterator[tuple[int, int]]:
    """The regions (start, end) of an old file of ``length`` bytes that stay, in order.

    There is one in front of each edit and one behind the last; some may be empty.
    """
    at = 0
    for edit in edits:
        yield at, edit.offset
        at = edit.end
    yield at, length


def inverse(edits: Sequence[Edit], file: BinaryIO) -> Edits:
    """The edits that bring the old file back, in terms of the new one.

    Args:
        edits: what will be done to the file.
        file: the file before it is done.
    """
    shift = 0
    found = []
    for edit in edits:
        file.seek(edit.offset)
        found.append(Edit(edit.offset + shift, len(edit.data), file.read(edit.length)))
        shift += edit.shift
    return tuple(found)


def apply_in_place(edits: Sequence[Edit], file: BinaryIO, length: int | None = None) -> None:
    """Change a file where it stands, moving what has to move in bounded memory.

    Args:
        edits: what to do.
        file: open for reading and writing.
        length: bytes that the file holds; None for all there are. More may be there as
            room for what is to come.
    """
    if length is None:
        length = file.seek(0, os.SEEK_END)
    moves, shift = [], 0
    for edit, (start, end) in zip(edits, list(kept(edits, length))[1:], strict=True):
        shift += edit.shift
        moves.append((start, end, shift))
    # What moves forward is moved from the back, what moves backward from the front, so that
    # nothing is overwritten before it is read.
    for start, end, by in reversed(moves):
        if by > 0:
            _move(file, start, end, by)
    for start, end, by in moves:
        if by < 0:
            _move(file, start, end, by)
    shift = 0
    for edit in edits:
        file.seek(edit.offset + shift)
        file.write(edit.data)
        shift += edit.shift
    file.truncate(length + shift)


def _move(file: BinaryIO, start: int, end: int, by: int) -> None:
    blocks = range(start, end, _CHUNK)
    for at in reversed(blocks) if by > 0 else blocks:
        file.seek(at)
        block = file.read(min(_CHUNK, end - at))
        file.seek(at + by)
        file.write(block)


class Edited(io.RawIOBase):
    """A file as edits would leave it, for reading, with nothing written or copied.

    Wrap it in :class:`io.BufferedReader` for anything that reads in small steps.
    """

    def __init__(self, file: BinaryIO, edits: Sequence[Edit]) -> None:
        self._file = file
        length = file.seek(0, os.SEEK_END)
        self._pieces: list[tuple[int, int, bytes | None, int]] = []  # start, end, data, source
        at = 0
        for (start, end), edit in zip(kept(edits, length), (*edits, None), strict=True):
            for size, data, source in (
                (end - start, None, start),
                (len(edit.data) if edit else 0, edit.data if edit else b"", 0),
            ):
                if size:
                    self._pieces.append((at, at + size, data, source))
                    at += size
        self._length = at
        self._at = 0
        self._piece = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        if base + offset < 0:
            raise OSError("seek before the beginning of the file")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        piece = self._piece_at(self._at)
        if piece is None:
            return 0
        start, end, data, source = piece
        size = min(len(view), end - self._at)
        inside = self._at - start
        if data is None:
            self._file.seek(source + inside)
            block = self._file.read(size)
        else:
            block = data[inside : inside + size]
        view[: len(block)] = block
        self._at += len(block)
        return len(block)

    def _piece_at(self, at: int) -> tuple[int, int, bytes | None, int] | None:
        low, high = 0, len(self._pieces)
        while low < high:
            middle = (low + high) // 2
            start, end, _, _ = self._pieces[middle]
            if end <= at:
                low = middle + 1
            elif start > at:
                high = middle
            else:
                return self._pieces[middle]
        return None


_PACKED = struct.Struct("<QII")  # offset, length, length of the data


def pack(edits: Sequence[Edit]) -> bytes:
    """Edits as compressed bytes, to be kept."""
    heads = b"".join(_PACKED.pack(e.offset, e.length, len(e.data)) for e in edits)
    data = b"".join(e.data for e in edits)
    return struct.pack("<I", len(edits)) + zlib.compress(heads + data)


def unpack(packed: bytes) -> Edits:
    """What :func:`pack` made of edits.

    Raises:
        ValueError: if it is damaged.
    """
    try:
        (count,) = struct.unpack_from("<I", packed)
        stored = zlib.decompress(packed[4:])
        heads = list(_PACKED.iter_unpack(stored[: count * _PACKED.size]))
    except (struct.error, zlib.error) as error:
        raise ValueError("packed edits are damaged") from error
    at = count * _PACKED.size
    if len(heads) < count or at + sum(size for _, _, size in heads) != len(stored):
        raise ValueError("packed edits are damaged")
    edits = []
    for offset, length, size in heads:
        edits.append(Edit(offset, length, stored[at : at + size]))
        at += size
    return joined(edits)
