"""FLAC and Ogg: Vorbis comments. mutagen writes them; the bytes themselves are compared."""

from __future__ import annotations

import os
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import mutagen.flac
import mutagen.ogg
import mutagen.oggflac
import mutagen.oggopus
import mutagen.oggvorbis

from tagger.errors import TagError, TagsRefusedError
from tagger.tags import id3tag
from tagger.tags.fields import FIELDS, Field
from tagger.tags.formats.base import Container, Rest, digest, digest_region
from tagger.tags.styles import vorbis as style

__all__ = ["Flac", "Ogg"]

_Flac: Any = mutagen.flac.FLAC
_OggPage: Any = mutagen.ogg.OggPage
_STREAMINFO, _PADDING, _COMMENT = 0, 1, 4

# First bytes of a stream → reader, how many header packets, what precedes the comments.
_CODECS: tuple[tuple[bytes, tuple[Any, int, int]], ...] = (
    (b"\x01vorbis", (mutagen.oggvorbis.OggVorbis, 3, len(b"\x03vorbis"))),
    (b"OpusHead", (mutagen.oggopus.OggOpus, 2, len(b"OpusTags"))),
    (b"\x7fFLAC", (mutagen.oggflac.OggFLAC, 2, 4)),
)


class _Commented(Container):
    """A file whose fields are Vorbis comments."""

    kind = "Vorbis comments"
    _file: Any

    def get(self, field: Field) -> tuple[str, ...]:
        return style.get(self._file.tags or [], field)

    def put(self, field: Field, values: Sequence[str]) -> None:
        if self._file.tags is None:
            self._file.add_tags()
        style.put(self._file.tags, field, values)

    def save(self) -> None:
        self._file.save()


class Flac(_Commented):
    """A FLAC file, with or without an ID3 tag in front (which stays as it is)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self._start = id3tag.stored_size(file.read(id3tag.HEADER_SIZE))
            self._blocks = _flac_blocks(file, self._start)
        self._file = _Flac(path)
        comments = [data for code, data in self._blocks if code == _COMMENT]
        if comments:
            _refuse_lossy(self._file.tags, _comments(comments[0])[1])

    def rest(self, changed: AbstractSet[str]) -> Rest:
        items: list[tuple[str, bytes]] = []
        seen_comment = False
        for code, data in self._blocks:
            if code == _COMMENT and not seen_comment:
                seen_comment = True
            elif code not in (_STREAMINFO, _PADDING):
                items.append((f"FLAC block {code}", digest(data)))
        comments = next((data for code, data in self._blocks if code == _COMMENT), None)
        if comments is not None:
            # mutagen names itself as the writer where there was no block at all.
            others = _foreign(_comments(comments)[1], changed)
            items += [("comment", digest(comment)) for comment in others]
        with self.path.open("rb") as file:
            items.append(("ID3 tag in front", digest_region(file, 0, self._start)))
        return tuple(items)


class Ogg(_Commented):
    """Vorbis, Opus or FLAC in Ogg."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            reader, packets, skip = _ogg_headers(file)
        self._file = reader(path)
        self._others = packets[2:]
        self._vendor, self._comments, self._tail = _comments(packets[1][skip:])
        _refuse_lossy(self._file.tags, self._comments)

    def rest(self, changed: AbstractSet[str]) -> Rest:
        # RFC 7845, 5.2: what follows Opus comments is to be kept if its first bit is set.
        # In the other codecs it is a framing bit and padding.
        is_kept = isinstance(self._file, mutagen.oggopus.OggOpus) and self._tail[:1] > b"\0"
        kept = digest(self._tail) if is_kept and self._tail[0] & 1 else b""
        return (
            ("vendor", digest(self._vendor)),
            *(("comment", digest(comment)) for comment in _foreign(self._comments, changed)),
            *(("header packet", digest(packet)) for packet in self._others),
            ("behind the comments", kept),
        )


def _flac_blocks(file: BinaryIO, start: int) -> list[tuple[int, bytes]]:
    """Metadata blocks as (type, content)."""
    length = file.seek(0, os.SEEK_END)
    file.seek(start + 4)
    blocks = []
    last = False
    while not last:
        header = file.read(4)
        size = int.from_bytes(header[1:4], "big")
        if len(header) < 4 or file.tell() + size > length:
            raise TagError("the tags cannot be read: the FLAC file is cut short")
        last = bool(header[0] & 0x80)
        blocks.append((header[0] & 0x7F, file.read(size)))
    frame = file.read(2)
    if frame and (len(frame) < 2 or frame[0] != 0xFF or frame[1] & 0xFC != 0xF8):
        raise TagsRefusedError("the FLAC metadata is damaged; repair the file first")
    return blocks


def _ogg_headers(file: BinaryIO) -> tuple[Any, list[bytes], int]:
    """Reader, header packets and length of the comments' prefix of the first known stream."""
    file.seek(0)
    known: tuple[Any, int, int] | None = None
    while known is None:
        page = _OggPage(file)
        if not page.first:
            raise TagError("what this Ogg file contains is not supported (Vorbis, Opus, FLAC are)")
        first = page.packets[0]
        known = next((codec for magic, codec in _CODECS if first.startswith(magic)), None)
    reader, count, skip = known
    pages: list[Any] = [page]
    if reader is mutagen.oggflac.OggFLAC:
        count = 1 + int.from_bytes(first[7:9], "big")
        if count == 1:
            raise TagsRefusedError("the Ogg FLAC stream does not say how many headers it has")
    packets: list[bytes] = []
    while len(packets) < count:
        page = _OggPage(file)
        if page.serial != pages[0].serial:
            continue
        pages.append(page)
        packets = _OggPage.to_packets(pages)
        if not page.complete:
            packets.pop()
    return reader, packets[:count], skip


def _comments(data: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Vendor, comments and what follows them, as bytes."""
    file = BytesIO(data)

    def read() -> bytes:
        size = int.from_bytes(file.read(4), "little")
        piece = file.read(size)
        if len(piece) < size:
            raise TagError("the Vorbis comments are damaged")
        return piece

    vendor = read()
    count = int.from_bytes(file.read(4), "little")
    return vendor, [read() for _ in range(count)], file.read()


def _refuse_lossy(tags: Any, comments: Sequence[bytes]) -> None:
    if [f"{key}={value}".encode() for key, value in tags] != list(comments):
        raise TagsRefusedError(
            "a Vorbis comment is not valid (not UTF-8, or without a key) and would be lost;"
            " correct it with a tag editor first"
        )


def _foreign(comments: Sequence[bytes], changed: AbstractSet[str]) -> list[bytes]:
    ours = {FIELDS[name].vorbis.encode("ascii") for name in changed}
    return [c for c in comments if c.partition(b"=")[0].upper() not in ours]
