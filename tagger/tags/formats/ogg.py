"""Ogg: Vorbis comments in the second header packet of a Vorbis, Opus or FLAC stream."""

from __future__ import annotations

import io
import os
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from tagger.errors import TagError, TagsRefusedError
from tagger.tags.edits import Edited, Edits, between, joined
from tagger.tags.formats.base import Rest, digest
from tagger.tags.formats.comments import Commented, Comments, changes, moved, parse
from tagger.tags.formats.ogg_layout import relaid
from tagger.tags.formats.ogg_pages import CONTINUED, FIRST, MOST, Page, read_page, renumbered

__all__ = ["Ogg"]

_VORBIS, _OPUS, _FLAC = b"\x01vorbis", b"OpusHead", b"\x7fFLAC"
_PREFIXES = {_VORBIS: b"\x03vorbis", _OPUS: b"OpusTags"}
_BLOCK_HEADER = 4
_COMMENT_BLOCK = 4
_MAX_BLOCK = 0xFFFFFF
_DAMAGED = "the headers of the Ogg stream are damaged; repair the file first"


@dataclass(slots=True)
class _Headers:
    """The header packets of the first known stream.

    Attributes:
        codec: the first bytes of the stream.
        pages: its pages up to the one where the last header packet ends.
        packets: the packets, whole.
        begins: (page, segment) where each packet begins.
        ends: (page, segment) behind each of them.
    """

    codec: bytes
    pages: list[Page] = field(default_factory=list)
    packets: list[bytes] = field(default_factory=list)
    begins: list[tuple[int, int]] = field(default_factory=list)
    ends: list[tuple[int, int]] = field(default_factory=list)


class Ogg(Commented):
    """Vorbis, Opus or FLAC in Ogg."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self._length = file.seek(0, os.SEEK_END)
        self._headers = _read_headers(file, self._length)
        self.audio = ((self._headers.pages[-1].end, self._length),)
        packet = self._headers.packets[1]
        self._prefix, data, self._behind = _cut(self._headers.codec, packet)
        self.old = self.new = parse(data)
        self._room = _room(self._headers.codec, self.old.tail)

    def edits(self) -> Edits:
        growth = sum(edit.shift for edit in changes(self.old, self.new))
        new = self._fitted(growth)
        inner = moved(changes(self.old, new), len(self._prefix))
        if not inner:
            return ()
        if self._headers.codec == _FLAC:
            size = len(new.render())
            if size > _MAX_BLOCK:
                raise TagsRefusedError(
                    "the comments would exceed the 16 MiB of a FLAC block; remove a large one first"
                )
            inner = (*between(1, [self._prefix[1:]], [size.to_bytes(3, "big")]), *inner)
        (begin, first), (end, behind) = self._headers.begins[1], self._headers.ends[1]
        pages = self._headers.pages[begin : end + 1]
        count = sum(len(page.lacing) for page in pages[:-1]) + behind - first
        old = io.BytesIO(self._headers.packets[1])
        packet = io.BufferedReader(Edited(old, inner)).read()
        edits, more = relaid(self.file, pages, first, count, packet, inner)
        if more:
            edits = joined((*edits, *renumbered(self.file, pages[-1], more, self._length)))
        return edits

    def rest(self, changed: AbstractSet[str]) -> Rest:
        packets = self._headers.packets
        tail = self.old.tail[: len(self.old.tail) - self._room]
        return (
            *super().rest(changed),
            *(("header packet", digest(packet)) for packet in (packets[0], *packets[2:])),
            ("behind the comments", digest(tail + self._behind)),
        )

    def _fitted(self, growth: int) -> Comments:
        """The new comments, grown or shrunk at the expense of padding that is there already."""
        if not self._room:
            return self.new
        tail = self.old.tail[: len(self.old.tail) - self._room]
        return replace(self.new, tail=tail + bytes(max(0, self._room - growth)))


def _read_headers(file: BinaryIO, length: int) -> _Headers:
    page = read_page(file, 0, length)
    while not (codec := _codec(file, page)):
        page = read_page(file, page.end, length)
    headers = _Headers(codec)
    serial, count = page.serial, 1
    parts: list[bytes] = []
    while True:
        if page.serial == serial:
            _take(file, page, headers, parts)
            if headers.packets:
                count = _count(codec, headers.packets[0])
            if len(headers.packets) >= count:
                break
        page = read_page(file, page.end, length)
    del headers.packets[count:]
    return headers


def _codec(file: BinaryIO, page: Page) -> bytes:
    """The first bytes of the stream that begins on this page, or none if it is not known."""
    if not page.flags & FIRST:
        raise TagError("what this Ogg file contains is not supported (Vorbis, Opus, FLAC are)")
    file.seek(page.body)
    data = file.read(page.end - page.body)
    return next((magic for magic in (_VORBIS, _OPUS, _FLAC) if data.startswith(magic)), b"")


def _take(file: BinaryIO, page: Page, headers: _Headers, parts: list[bytes]) -> None:
    """Add a page to the headers; ``parts`` are the segments of a packet that is not complete."""
    expected = headers.pages[-1].sequence + 1 if headers.pages else page.sequence
    in_place = bool(page.flags & FIRST) != bool(headers.pages)
    continues = bool(page.flags & CONTINUED) == bool(parts) or not page.lacing
    if page.sequence != expected or not in_place or not continues:
        raise TagError(_DAMAGED)
    number = len(headers.pages)
    headers.pages.append(page)
    file.seek(page.body)
    for segment, size in enumerate(page.lacing):
        if not parts:
            headers.begins.append((number, segment))
        parts.append(file.read(size))
        if size < MOST:
            headers.packets.append(b"".join(parts))
            headers.ends.append((number, segment + 1))
            parts.clear()


def _count(codec: bytes, packet: bytes) -> int:
    """How many header packets a stream has that begins with this one."""
    if codec == _VORBIS:
        return 3
    if codec == _OPUS:
        return 2
    further = int.from_bytes(packet[7:9], "big")
    if not further:
        raise TagsRefusedError("the Ogg FLAC stream does not say how many headers it has")
    return 1 + further


def _cut(codec: bytes, packet: bytes) -> tuple[bytes, bytes, bytes]:
    """Prefix, comment header, and what is behind it, of the second header packet."""
    if codec != _FLAC:
        prefix = _PREFIXES[codec]
        if not packet.startswith(prefix):
            raise TagError(_DAMAGED)
        return prefix, packet[len(prefix) :], b""
    end = _BLOCK_HEADER + int.from_bytes(packet[1:_BLOCK_HEADER], "big")
    if len(packet) < end or packet[0] & 0x7F != _COMMENT_BLOCK:
        raise TagError(_DAMAGED)
    return packet[:_BLOCK_HEADER], packet[_BLOCK_HEADER:end], packet[end:]


def _room(codec: bytes, tail: bytes) -> int:
    """How many bytes at the end of what follows the comments are padding."""
    if codec == _FLAC:
        return 0
    padding = tail[1:] if codec == _VORBIS else tail  # Vorbis has a framing bit in front of it
    return 0 if any(padding) else len(padding)
