"""Files whose header does not tell their true length: find it, and mend the header.

Only what is read is mended, in memory; the file stays as it is.

An MP3 is a row of frames; how many, only a Xing (or Info, VBRI) header in the first one
knows. libsndfile believes it. Where there is none it guesses from the first frames' bit
rate, several times off when the rate is variable, and never reads beyond its guess; where
the file was cut short it expects what is gone. Counting hops from frame header to frame
header: a few milliseconds, and nothing is decoded.

A FLAC that was written to a pipe states a length of 0, "unknown". libsndfile then seeks in
it, but not to the boundary of a block.
"""

from __future__ import annotations

import io
import mmap
import os
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import soundfile

__all__ = ["open_with_true_length"]

# kbit/s of layer III by index: MPEG 1, then MPEG 2 and 2.5. 0 is "free", which nobody uses.
_KBPS_1: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_HZ_1: Final = (44_100, 48_000, 32_000)

# What follows the last frame: tags, or padding.
_TRAILERS: Final = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI", b"\0\0\0")
_FLAC_MAX_FRAMES: Final = (1 << 36) - 1
_STATED_TOLERANCE: Final = 0.99  # writers disagree whether the header's own frame counts


@dataclass(frozen=True, slots=True)
class _Frame:
    length: int  # bytes
    kbps: int
    side_info: int  # bytes between the header and a Xing tag


def open_with_true_length(handle: BinaryIO) -> BinaryIO | None:
    """Return a stream that tells its length, or None where ``handle`` can be read as it is.

    None is also the answer for a file too damaged to be measured. ``handle`` must stay open
    while the stream is read.
    """
    start = _after_id3(handle)
    handle.seek(start)
    head = handle.read(128)
    if head[:4] == b"fLaC":
        return _mended_flac(handle, start, head)
    first = _parse(head[:4])
    return _mended_mp3(handle, start, head, first) if first else None


def _mended_flac(handle: BinaryIO, start: int, head: bytes) -> BinaryIO | None:
    # STREAMINFO is the first block; its last 36 bits before the digest are the length.
    if len(head) < 26 or head[21] & 0x0F or any(head[22:26]):
        return None
    frames = _find_end(handle)
    mended = bytearray(head[:26])
    mended[21] |= frames >> 32 & 0x0F
    mended[22:26] = (frames & 0xFFFF_FFFF).to_bytes(4, "big")
    return _Prefixed(bytes(mended), handle, start + len(mended))


def _find_end(handle: BinaryIO) -> int:
    """Number of sample frames, by bisection: seeking succeeds before the end only."""

    def reaches(frame: int) -> bool:
        return any(_can_seek(handle, f) for f in (frame, frame + 1))

    low, high = 0, 1 << 16
    while high < _FLAC_MAX_FRAMES and reaches(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if reaches(middle) else (low, middle)
    return min(high, _FLAC_MAX_FRAMES)


def _can_seek(handle: BinaryIO, frame: int) -> bool:
    handle.seek(0)
    with soundfile.SoundFile(handle) as file:  # anew: a failed seek spoils the decoder
        try:
            file.seek(frame)
        except soundfile.LibsndfileError:
            return False
        return True


def _mended_mp3(handle: BinaryIO, start: int, head: bytes, first: _Frame) -> BinaryIO | None:
    tag = head[4 + first.side_info :][:16]
    has_xing = tag[:4] in (b"Xing", b"Info")
    if has_xing and _fits(tag, os.fstat(handle.fileno()).st_size - start):
        return None
    if head[36:40] == b"VBRI":
        return None
    if has_xing:
        start += first.length
    with mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        counted = _count(data, start)
    if counted is None:
        return None
    frames, stop, constant = counted
    if constant and not has_xing:
        return None  # guessed right
    return _Prefixed(_xing_frame(head[:4], frames, stop - start), handle, start)


def _after_id3(handle: BinaryIO) -> int:
    position = 0
    while True:
        handle.seek(position)
        head = handle.read(10)
        if len(head) < 10 or head[:3] != b"ID3":
            return position
        length = 0
        for byte in head[6:10]:
            length = length << 7 | byte & 0x7F
        position += 10 + length + (10 if head[5] & 0x10 else 0)


def _fits(tag: bytes, available: int) -> bool:
    """Whether a Xing tag states a number of frames, and no more bytes than there are."""
    _, flags, _, stated = struct.unpack(">4sIII", tag.ljust(16, b"\0"))
    if not flags & 1:
        return False
    return not flags & 2 or stated * _STATED_TOLERANCE <= available


def _parse(header: bytes) -> _Frame | None:
    """Read the four bytes of a layer III frame header."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version = header[1] >> 3 & 3  # 0: MPEG 2.5, 2: MPEG 2, 3: MPEG 1
    rate, hz = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or rate in (0, 15) or hz == 3:
        return None
    mono = header[3] >> 6 == 3
    kbps = (_KBPS_1 if version == 3 else _KBPS_2)[rate]
    sr = _HZ_1[hz] >> {3: 0, 2: 1, 0: 2}[version]
    length = (144_000 if version == 3 else 72_000) * kbps // sr + (header[2] >> 1 & 1)
    side_info = (17 if mono else 32) if version == 3 else (9 if mono else 17)
    return _Frame(length, kbps, side_info)


def _count(data: mmap.mmap, start: int) -> tuple[int, int, bool] | None:
    """Hop over the frames from ``start``: (frames, where they end, all of one bit rate)."""
    known: dict[bytes, _Frame | None] = {}
    rates = set()
    position, frames, size = start, 0, len(data)
    while position + 4 <= size:
        header = data[position : position + 4]
        if header not in known:
            known[header] = _parse(header)
        frame = known[header]
        if frame is None:
            if data[position : position + 12].startswith(_TRAILERS):
                break
            return None
        if position + frame.length > size:
            break
        rates.add(frame.kbps)
        frames += 1
        position += frame.length
    return (frames, position, len(rates) == 1) if frames else None


def _xing_frame(header: bytes, frames: int, audio_bytes: int) -> bytes:
    """A silent frame of 128 kbit/s without CRC that carries a Xing tag."""
    mpeg1 = header[1] >> 3 & 3 == 3
    rate = _KBPS_1.index(128) if mpeg1 else _KBPS_2.index(128)
    ours = bytes([0xFF, header[1] | 1, rate << 4 | header[2] & 0x0C, header[3]])
    frame = _parse(ours)
    assert frame is not None
    tag = struct.pack(">4sIII", b"Xing", 3, frames, audio_bytes + frame.length)
    return (ours + bytes(frame.side_info) + tag).ljust(frame.length, b"\0")


class _Prefixed(io.RawIOBase, BinaryIO):
    """``prefix``, then ``handle`` from ``start`` on, as one read-only stream."""

    def __init__(self, prefix: bytes, handle: BinaryIO, start: int) -> None:
        self._prefix, self._handle, self._start = prefix, handle, start
        self._length = len(prefix) + os.fstat(handle.fileno()).st_size - start
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}
        self._position = max(0, base[whence] + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        rest = len(self._prefix) - self._position
        if rest > 0:
            data = self._prefix[self._position :][: len(view)]
        else:
            self._handle.seek(self._start - rest)
            data = self._handle.read(len(view))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)
