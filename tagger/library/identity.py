"""Which audio a file holds, whatever its name and tags: a digest of the payload alone.

Retagging, renaming and moving a file leave the digest as it is; that makes it
the key of the analysis cache and the proof that a tag write touched no audio.

What counts as payload:

- MP3: the bytes between leading ID3v2 tags and trailing ID3v1, APEv2 and Lyrics3 tags;
- FLAC: STREAMINFO and the frames;
- Ogg: identification and setup headers, and of each page of audio its packets and
  granule position (sequence number and checksum change when a comment grows);
- MP4: the contents of ``mdat``;
- WAV: ``fmt`` and ``data``; AIFF: ``COMM`` and ``SSND``.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from tagger.errors import AudioError

__all__ = ["DIGEST_SIZE", "payload_digest", "payload_digest_of"]

DIGEST_SIZE = 16
"""Bytes of a digest."""

_CHUNK = 1 << 20
_CUT_SHORT = "the file is cut short or damaged"
_SYNC_SEARCH = 1 << 16


class _Hash:
    """BLAKE2b over pieces of a file, each piece closed by its length."""

    def __init__(self, file: BinaryIO, kind: bytes) -> None:
        self._file = file
        self._state = hashlib.blake2b(kind, digest_size=DIGEST_SIZE)

    def data(self, data: bytes) -> None:
        self._state.update(data)
        self._state.update(struct.pack("<Q", len(data)))

    def region(self, start: int, end: int) -> None:
        """Bytes of the file from ``start`` up to ``end``, or as many as there are."""
        self._file.seek(start)
        left = end - start
        while left > 0 and (block := self._file.read(min(left, _CHUNK))):
            self._state.update(block)
            left -= len(block)
        self._state.update(struct.pack("<Q", max(0, end - start) - left))

    def digest(self) -> bytes:
        return self._state.digest()


def payload_digest(path: Path) -> bytes:
    """Digest of a file's audio payload.

    The file is read in pieces: memory use does not depend on its length.

    Args:
        path: an MP3, FLAC, Ogg, MP4, WAV or AIFF file, told by its content.

    Returns:
        :data:`DIGEST_SIZE` bytes.

    Raises:
        AudioError: if the file cannot be read, or its structure is not recognised.
    """
    try:
        with path.open("rb") as file:
            return payload_digest_of(file)
    except OSError as error:
        raise AudioError(
            f"the file cannot be read: {(error.strerror or 'error').lower()}"
        ) from error


def payload_digest_of(file: BinaryIO) -> bytes:
    """The same of a file that is open for reading.

    Raises:
        AudioError: if its structure is not recognised.
        OSError: if it cannot be read.
    """
    try:
        return _digest(file, file.seek(0, os.SEEK_END))
    except struct.error as error:
        raise AudioError(_CUT_SHORT) from error


def _digest(file: BinaryIO, length: int) -> bytes:
    start = _after_id3v2(file)
    file.seek(start)
    head = file.read(12)
    if head.startswith(b"fLaC"):
        return _flac(file, start, length)
    if head.startswith(b"OggS"):
        return _ogg(file, length)
    if head[4:8] == b"ftyp":
        return _mp4(file, length)
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _chunks(file, length, "<", (b"fmt ", b"data"))
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return _chunks(file, length, ">", (b"COMM", b"SSND"))
    return _mp3(file, start, length)


def _after_id3v2(file: BinaryIO) -> int:
    """Offset behind the ID3v2 tags at the beginning; there may be several."""
    at = 0
    while True:
        file.seek(at)
        header = file.read(10)
        if len(header) < 10 or header[:3] != b"ID3" or max(header[6:]) > 0x7F:
            return at
        size = header[6] << 21 | header[7] << 14 | header[8] << 7 | header[9]
        footer = 10 if header[3] == 4 and header[5] & 0x10 else 0
        at += 10 + size + footer


def _mp3(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(start)
    if not _has_mpeg_sync(file.read(_SYNC_SEARCH)):
        raise AudioError("not a recognised audio file")
    end = length
    while (shorter := _before_trailer(file, start, end)) < end:
        end = shorter
    state = _Hash(file, b"mp3")
    state.region(start, end)
    return state.digest()


def _has_mpeg_sync(data: bytes) -> bool:
    """Whether two frame headers of one stream (same version, layer, rate) are in the data."""
    heads: set[tuple[int, int]] = set()
    at = data.find(b"\xff")
    while 0 <= at < len(data) - 3:
        second, third = data[at + 1], data[at + 2]
        valid = second & 0xE0 == 0xE0 and second & 0x18 != 0x08 and second & 0x06
        if valid and third >> 4 not in (0, 15) and third & 0x0C != 0x0C:
            head = (second & 0xFE, third & 0x0C)
            if head in heads or at == 0:
                return True
            heads.add(head)
        at = data.find(b"\xff", at + 1)
    return False


def _before_trailer(file: BinaryIO, start: int, end: int) -> int:
    """Where the last trailing tag before ``end`` begins, or ``end`` if there is none."""

    def tail(size: int) -> bytes:
        if end - size < start:
            return b""
        file.seek(end - size)
        return file.read(size)

    if tail(128)[:3] == b"TAG" and tail(131)[:3] != b"APE":  # not the middle of APETAGEX
        return end - 128
    if tail(227)[:4] == b"TAG+":
        return end - 227
    footer = tail(32)
    if footer[:8] == b"APETAGEX":
        size = int.from_bytes(footer[12:16], "little") + (32 if footer[23] & 0x80 else 0)
        return max(start, end - max(size, 32))
    lyrics = tail(15)
    if lyrics[6:] == b"LYRICS200" and lyrics[:6].isdigit():
        return max(start, end - 15 - int(lyrics[:6]))
    return end


def _flac(file: BinaryIO, start: int, length: int) -> bytes:
    state = _Hash(file, b"flac")
    at = start + 4
    last = False
    while not last:
        file.seek(at)
        header = file.read(4)
        size = int.from_bytes(header[1:], "big")
        if len(header) < 4 or at + 4 + size > length:
            raise AudioError(_CUT_SHORT)
        last = bool(header[0] & 0x80)
        if header[0] & 0x7F == 0:
            state.region(at + 4, at + 4 + size)
        at += 4 + size
    state.region(at, length)
    return state.digest()


class _Page(NamedTuple):
    end: int
    flags: int
    granule: bytes
    serial: int
    lacing: bytes
    body: bytes


@dataclass(slots=True)
class _Stream:
    """One logical stream of an Ogg file, while its headers pass by."""

    headers: int = 0  # packets that are no audio; 0 until the first one has passed
    packets: int = 0
    pending: list[bytes] = field(default_factory=list)


def _ogg(file: BinaryIO, length: int) -> bytes:
    state = _Hash(file, b"ogg")
    streams: dict[int, _Stream] = {}
    end = 0
    for page in _ogg_pages(file, length):
        end = page.end
        if page.flags & 2 or page.serial not in streams:
            streams[page.serial] = _Stream()
        stream = streams[page.serial]
        if stream.packets and stream.packets >= stream.headers:
            state.data(page.granule + page.lacing)
            state.data(page.body)
            continue
        at = 0
        for size in page.lacing:
            stream.pending.append(page.body[at : at + size])
            at += size
            if size < 255:
                _ogg_packet(state, stream, b"".join(stream.pending))
                stream.pending.clear()
        if stream.pending and stream.packets >= stream.headers:  # audio begins on this page
            state.data(b"".join(stream.pending))
            stream.pending.clear()
    if not streams:
        raise AudioError(_CUT_SHORT)
    state.region(end, length)  # whatever lies behind a damaged page
    return state.digest()


def _ogg_packet(state: _Hash, stream: _Stream, packet: bytes) -> None:
    """Take in one packet of a page that contains headers."""
    number, stream.packets = stream.packets, stream.packets + 1
    if number == 0:
        is_flac = packet.startswith(b"\x7fFLAC")
        if packet.startswith(b"\x01vorbis"):
            stream.headers = 3
        elif packet.startswith((b"OpusHead", b"Speex   ")):
            stream.headers = 2
        else:
            stream.headers = 1 + int.from_bytes(packet[7:9], "big") if is_flac else 1
    is_setup = packet.startswith(b"\x05vorbis")
    if number == 0 or is_setup or number >= stream.headers:
        state.data(packet)


def _ogg_pages(file: BinaryIO, length: int) -> Iterator[_Page]:
    """Pages up to the first damaged one."""
    at = 0
    while at < length:
        file.seek(at)
        header = file.read(27)
        if header[:4] != b"OggS" or len(header) < 27:
            return
        flags, granule, serial, count = struct.unpack("<5xB8sI8xB", header)
        lacing = file.read(count)
        body = file.read(sum(lacing))
        at += 27 + count + sum(lacing)
        yield _Page(min(at, length), flags, granule, serial, lacing, body)


def _mp4(file: BinaryIO, length: int) -> bytes:
    state = _Hash(file, b"mp4")
    names = set()
    at = 0
    while at + 8 <= length:
        file.seek(at)
        size, name = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", file.read(8))[0], 16
        elif size == 0:
            size = length - at
        if size < head:
            raise AudioError(_CUT_SHORT)
        names.add(name)
        if name == b"mdat":
            state.region(at + head, min(at + size, length))
        at += size
    if not {b"moov", b"mdat"} <= names:
        raise AudioError("the MP4 file holds no media")
    return state.digest()


def _chunks(file: BinaryIO, length: int, order: str, wanted: tuple[bytes, ...]) -> bytes:
    state = _Hash(file, b"chunks")
    found = set()
    long_size = 0
    at = 12
    while at + 8 <= length:
        file.seek(at)
        name, size = struct.unpack(f"{order}4sI", file.read(8))
        if name == b"ds64":
            long_size = struct.unpack("<8xQ", file.read(16))[0]
        elif name == b"data" and size == 0xFFFFFFFF:
            size = long_size or length  # a recorder that never knew the length
        if name in wanted:
            state.data(name)
            state.region(at + 8, min(at + 8 + size, length))
            found.add(name)
        at += 8 + size + size % 2
    if found != set(wanted):
        raise AudioError(_CUT_SHORT)
    return state.digest()
