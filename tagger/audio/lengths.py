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
from typing import Any, BinaryIO, Final

import soundfile

from tagger.audio.mp3_frames import (
    TRAILERS,
    Frame,
    after_id3,
    parse_header,
    read_xing,
    xing_frame,
)

__all__ = ["open_with_true_length"]

_FLAC_MAX_FRAMES: Final = (1 << 36) - 1


def open_with_true_length(handle: BinaryIO) -> BinaryIO | None:
    """Return a stream that tells its length, or None where ``handle`` can be read as it is.

    None is also the answer for a file too damaged to be measured. ``handle`` must stay open
    while the stream is read.
    """
    start = after_id3(handle)
    handle.seek(start)
    head = handle.read(128)
    if head[:4] == b"fLaC":
        return _mended_flac(handle, start, head)
    first = parse_header(head[:4])
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


def _mended_mp3(handle: BinaryIO, start: int, head: bytes, first: Frame) -> BinaryIO | None:
    xing = read_xing(head, first)
    if xing and xing.fits(os.fstat(handle.fileno()).st_size - start):
        return None
    if head[36:40] == b"VBRI":
        return None
    if xing:
        start += first.length
    with mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        counted = _count(data, start)
    if counted is None:
        return None
    frames, stop, constant = counted
    if constant and not xing:
        return None  # guessed right
    return _Prefixed(xing_frame(head[:4], frames, stop - start), handle, start)


def _count(data: mmap.mmap, start: int) -> tuple[int, int, bool] | None:
    """Hop over the frames from ``start``: (frames, where they end, all of one bit rate)."""
    rates = set()
    position, frames, size = start, 0, len(data)
    while position + 4 <= size:
        header = data[position : position + 4]
        frame = parse_header(header)
        if frame is None:
            if data[position : position + 12].startswith(TRAILERS):
                break
            return None
        if position + frame.length > size:
            break
        rates.add(frame.kbps)
        frames += 1
        position += frame.length
    return (frames, position, len(rates) == 1) if frames else None


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
