"""Ogg pages: their headers, checksums and numbers.

RFC 3533: a page holds up to 255 segments of up to 255 bytes; a packet ends with a segment of
less than that, on whatever page.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from tagger.errors import TagError, TagsRefusedError
from tagger.tags.edits import Edit, between

__all__ = [
    "CONTINUED",
    "FIRST",
    "LAST",
    "MOST",
    "Page",
    "checksum",
    "read_page",
    "read_region",
    "renumbered",
    "sound_bytes",
]

CONTINUED, FIRST, LAST = 1, 2, 4
"""Flags of a page."""

MOST = 255
"""Segments of a page, and bytes of a segment."""

_HEADER = struct.Struct("<4sBB8sII4sB")
_CHECKSUM_AT, _COUNT_AT = 22, 26
_BITS = 0xFFFFFFFF
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True)
class Page:
    """The header of a page, and where the page begins in the file."""

    start: int
    flags: int
    granule: bytes
    serial: int
    sequence: int
    lacing: bytes

    @property
    def body(self) -> int:
        """Offset of the first segment."""
        return self.start + _HEADER.size + len(self.lacing)

    @property
    def end(self) -> int:
        """Offset behind the last segment."""
        return self.body + sum(self.lacing)

    def header(self, body: bytes) -> bytes:
        """The header in front of this body, with its checksum."""
        data = _HEADER.pack(
            b"OggS",
            0,
            self.flags,
            self.granule,
            self.serial,
            self.sequence & _BITS,
            bytes(4),
            len(self.lacing),
        )
        data += self.lacing
        return data[:_CHECKSUM_AT] + checksum(data + body) + data[_COUNT_AT:]


def read_page(file: BinaryIO, at: int, length: int) -> Page:
    """The page that begins at an offset of a file of this length.

    Raises:
        TagError: if there is none, or not the whole of it.
    """
    file.seek(at)
    header = file.read(_HEADER.size)
    if len(header) == _HEADER.size:
        magic, version, flags, granule, serial, sequence, _, count = _HEADER.unpack(header)
        page = Page(at, flags, granule, serial, sequence, file.read(count))
        if magic == b"OggS" and version == 0 and len(page.lacing) == count and page.end <= length:
            return page
    raise TagError("the Ogg file is damaged or cut short; repair it first")


def checksum(page: bytes) -> bytes:
    """The checksum of a page whose checksum field is zero, as it is stored.

    zlib has the same polynomial, but takes the bits of a byte in the other order, and begins
    and ends with all of them inverted.
    """
    value = zlib.crc32(page.translate(_REVERSED), _BITS) ^ _BITS
    return value.to_bytes(4, "big").translate(_REVERSED)


def renumbered(file: BinaryIO, page: Page, by: int, length: int) -> Iterator[Edit]:
    """Edits that give the later pages of a stream other numbers.

    Args:
        file: the file.
        page: the last page of the stream that is not among them.
        by: what is added to each number.
        length: the file's.

    Raises:
        TagError: if the file is damaged in front of the stream's end.
    """
    serial = page.serial
    while page.end < length and not (page.serial == serial and page.flags & LAST):
        page = read_page(file, page.end, length)
        if page.serial != serial:
            continue
        if page.flags & FIRST:  # a chained stream of the same serial number
            return
        data = sound_bytes(file, page)
        head = page.body - page.start
        new = replace(page, sequence=page.sequence + by).header(data[head:])
        yield from between(page.start, [data[:head]], [new])


def sound_bytes(file: BinaryIO, page: Page) -> bytes:
    """The bytes of a page.

    Raises:
        TagsRefusedError: if its checksum is wrong.
    """
    data = read_region(file, page.start, page.end)
    blank = data[:_CHECKSUM_AT] + bytes(4) + data[_COUNT_AT:]
    if data[_CHECKSUM_AT:_COUNT_AT] != checksum(blank):
        raise TagsRefusedError("a page of the Ogg file has a wrong checksum; repair the file first")
    return data


def read_region(file: BinaryIO, start: int, end: int) -> bytes:
    """The bytes of a file from ``start`` up to ``end``."""
    file.seek(start)
    return file.read(end - start)
