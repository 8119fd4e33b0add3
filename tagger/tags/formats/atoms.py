"""MP4 atoms: the tree of them, their sizes, and the padding between them."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from tagger.errors import TagError, TagsRefusedError
from tagger.tags.edits import Edits, between

__all__ = [
    "DAMAGED",
    "DREF",
    "HEADER",
    "ILST",
    "META",
    "STBL",
    "Atom",
    "atom",
    "free",
    "free_run",
    "parse",
    "resized",
    "room",
]

HEADER = 8
"""Bytes of an atom's size and name; what is smaller than this cannot be an atom."""

META = b"moov.udta.meta"
ILST = b"moov.udta.meta.ilst"
STBL = b"moov.trak.mdia.minf.stbl"
DREF = b"moov.trak.mdia.minf.dinf.dref"

DAMAGED = "the MP4 file is damaged or cut short"

_UDTA = b"moov.udta"
# Whole paths, so that nothing nests deeper than a real file does.
_PARENTS = {
    b"moov", b"moov.trak", b"moov.trak.mdia", b"moov.trak.mdia.minf", STBL,
    b"moov.trak.mdia.minf.dinf", DREF, _UDTA, META, ILST, b"moof", b"moof.traf",
}  # fmt: skip
_PADDING = {b"free", b"skip"}
_LARGEST = 0xFFFFFFFF
_LARGEST_ROOM = 1 << 30
# Far more than real files have, even in fragments of a fraction of a second.
_ATOMS, _BYTES_EACH = 100_000, 256


@dataclass(frozen=True, slots=True)
class Atom:
    """An atom where it lies in the file; the file itself is one, without a name.

    Attributes:
        path: names from the top down, with dots between them.
        start: offset of its header.
        body: offset behind its header.
        first: offset of the first child, behind what a parent has in front of it.
        end: offset behind it.
        open: whether it has no size and reaches to the end of the file.
        children: what a parent holds; empty in all others.
    """

    path: bytes
    start: int
    body: int
    first: int
    end: int
    open: bool
    children: tuple[Atom, ...]

    @property
    def name(self) -> bytes:
        """Its four bytes; empty for the file as a whole."""
        return self.path[-4:]

    @property
    def is_parent(self) -> bool:
        """Whether it holds atoms and nothing else that we know."""
        return self.path in _PARENTS or not self.path

    @property
    def is_padding(self) -> bool:
        """Whether its bytes mean nothing."""
        return self.name in _PADDING

    @property
    def filled(self) -> int:
        """Offset behind the last child; a few bytes that are no atom may follow."""
        return self.children[-1].end if self.children else self.first

    def named(self, name: bytes) -> tuple[Atom, ...]:
        """Its children of a name, in the order of the file."""
        return tuple(child for child in self.children if child.name == name)

    def walk(self) -> Iterator[Atom]:
        """It and all below it, in the order of the file."""
        yield self
        for child in self.children:
            yield from child.walk()


def parse(file: BinaryIO) -> Atom:
    """The atoms of a file.

    Raises:
        TagError: if their sizes do not add up.
    """
    length = file.seek(0, os.SEEK_END)
    return Atom(b"", 0, 0, 0, length, True, _Parser(file, length).children(b"", 0, length))


class _Parser:
    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._left = _ATOMS + length // _BYTES_EACH

    def children(self, path: bytes, start: int, end: int) -> tuple[Atom, ...]:
        found = []
        at = start
        while at + HEADER <= end:
            self._file.seek(at)
            size, name = struct.unpack(">I4s", self._file.read(HEADER))
            if size == 0 and path == _UDTA:
                break  # QuickTime ends user data by a zero
            body, is_open = at + HEADER, size == 0 and not path
            if size == 1:
                (size,), body = struct.unpack(">Q", self._file.read(8)), body + 8
            stop = end if is_open else at + size
            if not body <= stop <= end or not self._left:
                raise TagError(DAMAGED)
            self._left -= 1
            below = path + b"." + name if path else name
            first = self._first(below, body, stop)
            if first > stop:
                raise TagError(DAMAGED)
            inside = self.children(below, first, stop) if below in _PARENTS else ()
            found.append(Atom(below, at, body, first, stop, is_open, inside))
            at = stop
        return tuple(found)

    def _first(self, path: bytes, body: int, stop: int) -> int:
        if path == DREF:
            return body + 8
        if path == META:
            # QuickTime's has no version and flags: it begins with the size of an atom.
            self._file.seek(body)
            return body if stop - body >= HEADER and any(self._file.read(4)) else body + 4
        return body


def atom(name: bytes, *parts: bytes) -> bytes:
    """An atom as it is stored."""
    body = b"".join(parts)
    return struct.pack(">I4s", HEADER + len(body), name) + body


def free(size: int) -> bytes:
    """Padding of this size in all: nothing, or at least :data:`HEADER` bytes."""
    return atom(b"free", bytes(size - HEADER)) if size else b""


def free_run(parent: Atom, at: int, *, backwards: bool = False) -> tuple[int, int]:
    """The padding in an atom that begins (or ends) at an offset, as a region; it may be empty."""
    start = end = at
    for child in reversed(parent.children) if backwards else parent.children:
        near = child.end == start if backwards else child.start == end
        if near and child.is_padding:
            start, end = min(start, child.start), max(end, child.end)
    return (start, end) if end - start <= _LARGEST_ROOM else (at, at)


def room(file: BinaryIO, start: int, end: int, size: int) -> Edits:
    """Edits that give a run of padding another size; what was behind it stays where it was in it.

    Args:
        file: the file.
        start: where the run begins.
        end: where it ends; ``start`` if there is none yet.
        size: what it shall have: 0, or at least :data:`HEADER`.
    """
    old = end - start
    if size == old:
        return ()
    stays = max(0, min(old, size) - HEADER)
    file.seek(start)
    before = file.read(old - stays)
    after = free(size)[: size - stays]
    if old and size:
        after = after[:4] + before[4:HEADER] + after[HEADER:]  # it may be called ``skip``
    return between(start, [before], [after])


def resized(file: BinaryIO, parent: Atom, by: int) -> Edits:
    """Edits of the size in an atom's header.

    Raises:
        TagsRefusedError: if it has no place for that size.
    """
    if parent.open or not by:
        return ()
    is_long = parent.body - parent.start > HEADER
    size, at = parent.end - parent.start + by, parent.start + (HEADER if is_long else 0)
    if size > _LARGEST and not is_long:
        raise TagsRefusedError("the tags would grow beyond the 4 GiB of their place in the file")
    file.seek(at)
    return between(
        at, [file.read(8 if is_long else 4)], [struct.pack(">Q" if is_long else ">I", size)]
    )
