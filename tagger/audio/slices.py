"""Excerpts of an MP3 as small MP3s of their own, so that nothing before them is read.

To seek, a decoder reads an MP3 frame by frame from its start: most of the cost of a long
one, and a quarter of the cost of a song. Where a frame lies can be had for a few probes:

- at a constant bit rate it is arithmetic, and exact. That the rate is constant shows where
  the computed places hold frame headers, the last one too: one frame of another length
  would move all that follow.
- at a variable rate it is estimated, from the lengths of frames at places all over the
  file, for files that last long enough for this to matter. The sound is then that of the
  planned time give or take about a hundredth of the file, the same in every run. A length
  that no header states is as exact.

A slice starts some frames early: a frame's bits may lie in those before it, and its sound
overlaps with the last one's.
"""

from __future__ import annotations

import bisect
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from tagger.audio.mp3_frames import (
    TRAILERS,
    Frame,
    XingTag,
    after_id3,
    parse_header,
    read_xing,
    xing_frame,
)

__all__ = ["Mp3Slices", "Slice", "find_slices"]

ESTIMATED_FROM_S: Final = 600.0
"""Seconds from which on a variable bit rate is estimated; below, decoders seek in no time."""

# 511 bytes of earlier frames at most, which 9 of 32 kbit/s hold, and one to overlap with.
_WARM_UP: Final = 10
_DECODER_DELAY: Final = 529  # samples that the decoder drops behind a Xing frame
_SURE: Final = 3  # headers in a row that chance does not make
_CHECKS: Final = 16
# Of a frame: encoders round in their own ways when they pad, and joined files add that up.
_DRIFT: Final = 1 / 8
_PLACES: Final = 64
_MOST: Final = 0.75  # of the places must hold frames
_PLACE_BYTES: Final = 1 << 14


@dataclass(frozen=True, slots=True)
class Slice:
    """An MP3 ``stream`` whose sound is the excerpt, behind ``skip`` samples of warm-up."""

    stream: BinaryIO
    skip: int


@dataclass(frozen=True, slots=True)
class Mp3Slices:
    """Where the frames of an open MP3 are, and so its excerpts."""

    sr: int
    """Hz."""
    duration_s: float
    row: _Row
    frames_at: npt.NDArray[np.float64]
    """Numbers of frames, rising."""
    bytes_at: npt.NDArray[np.float64]
    """Where these begin in the file."""
    tolerance: int
    """Bytes around the computed place within which a frame begins."""
    delay: int
    """Samples before the sound, as a decoder counts them behind a Xing frame."""

    def cut(self, start_s: float, duration_s: float) -> Slice | None:
        """Cut out the excerpt from ``start_s`` on.

        Returns:
            None where no frame is found, or too near the start to warm up.
        """
        samples = self.row.frame.samples
        position = round(start_s * self.sr) + self.delay
        first = position // samples - _WARM_UP
        if first < 0:
            return None
        # The decoder's delay and the rounding at both ends take less than three frames.
        frames = _WARM_UP + round(duration_s * self.sr) // samples + 3
        offset = float(np.interp(first, self.frames_at, self.bytes_at))
        data = self.row.read(offset, self.tolerance, frames * self.row.frame.max_length)
        if data is None:
            return None
        stream = io.BytesIO(xing_frame(self.row.header, frames, len(data)) + data)
        return Slice(stream, position - first * samples)


@dataclass(frozen=True, slots=True)
class _Row:
    """The frames of an open file, from ``start`` on and of one kind with ``header``."""

    handle: BinaryIO
    header: bytes
    frame: Frame
    start: int
    size: int

    def read(self, offset: float, tolerance: int, length: int) -> bytes | None:
        """Read from the frame on that begins within ``tolerance`` bytes of ``offset``.

        Returns:
            ``length`` bytes or more, fewer only at the end of the file; None where there
            are not three frames in a row, or as many as were read or the file has left.
        """
        self.handle.seek(max(self.start, int(offset) - tolerance))
        data = self.handle.read(2 * tolerance + length)
        position = data.find(self.header[:2])
        while 0 <= position <= 2 * tolerance:
            lengths = list(islice(self.lengths(data, position), _SURE))
            stop = position + sum(lengths)
            ends = stop + 4 > len(data) or data.startswith(TRAILERS, stop)
            if len(lengths) == _SURE or (lengths and ends):
                return data[position:]
            position = data.find(self.header[:2], position + 1)
        return None

    def lengths(self, data: bytes, position: int = 0) -> Iterator[int]:
        """Lengths of the frames that follow each other in ``data`` from ``position`` on."""
        while data.startswith(self.header[:2], position):
            frame = parse_header(data[position : position + 4])
            if frame is None or frame.sr != self.frame.sr:
                return
            yield frame.length
            position += frame.length


def find_slices(handle: BinaryIO) -> Mp3Slices | None:
    """Find out where the frames of an open file are.

    Returns:
        None for what is not an MP3, is damaged, or is better left to the decoder's seeking:
        an MP3 of variable bit rate that is not long. ``handle`` must stay open.
    """
    start = after_id3(handle)
    handle.seek(start)
    head = handle.read(2048)
    info = parse_header(head[:4])
    if info is None or head[36:40] == b"VBRI":
        return None
    size = os.fstat(handle.fileno()).st_size
    xing = read_xing(head, info)
    if xing:
        if not xing.fits(size - start):
            xing = XingTag(None, None)  # of a file cut short
        start += info.length
        head = head[info.length :]
    frame = parse_header(head[:4])
    if frame is None:
        return None
    row = _Row(handle, head[:4], frame, start, size)
    return _constant(row, xing) or _estimated(row, xing)


def _constant(row: _Row, xing: XingTag | None) -> Mp3Slices | None:
    mean = row.frame.mean_length
    tolerance = int(_DRIFT * mean)

    def read(number: int) -> bytes | None:
        data = row.read(row.start + number * mean, tolerance, 2 * row.frame.length)
        found = parse_header(data[:4]) if data else None
        return data if found and found.kbps == row.frame.kbps else None

    frames = xing.frames if xing and xing.frames else int((row.size - row.start + tolerance) / mean)
    if read(frames - 1) is None:
        if xing and xing.frames:
            return None
        # Something follows the last frame; the last that is in its place is found by halves.
        frames = 1 + bisect.bisect_left(range(1, frames), True, key=lambda k: read(k) is None)
        last = read(frames - 1)
        if last is None or not last.startswith(TRAILERS, sum(row.lengths(last))):
            return None
    if any(read(frames * i // _CHECKS) is None for i in range(_CHECKS)):
        return None
    ends = np.array([0.0, frames])
    return _slices(row, xing, frames, ends, row.start + ends * mean, tolerance)


def _estimated(row: _Row, xing: XingTag | None) -> Mp3Slices | None:
    stated = xing.frames if xing else None
    frame_s = row.frame.samples / row.frame.sr
    if stated and stated * frame_s < ESTIMATED_FROM_S:
        return None
    bytes_at = np.linspace(row.start, row.size, _PLACES + 1)
    width = (row.size - row.start) / _PLACES
    per_cell = np.zeros(_PLACES)
    for i, middle in enumerate(bytes_at[:-1] + width / 2):
        data = row.read(float(middle), _PLACE_BYTES // 2, _PLACE_BYTES)
        if data is not None:
            lengths = list(row.lengths(data))
            per_cell[i] = width * len(lengths) / sum(lengths)
    if np.count_nonzero(per_cell) < _MOST * _PLACES:
        return None
    frames_at = np.concatenate([[0.0], np.cumsum(per_cell)])
    frames = stated or round(frames_at[-1])
    if frames * frame_s < ESTIMATED_FROM_S:
        return None
    frames_at *= frames / frames_at[-1]
    return _slices(row, xing, frames, frames_at, bytes_at, _PLACE_BYTES // 2)


def _slices(
    row: _Row,
    xing: XingTag | None,
    frames: int,
    frames_at: npt.NDArray[np.float64],
    bytes_at: npt.NDArray[np.float64],
    tolerance: int,
) -> Mp3Slices:
    sr = row.frame.sr
    samples = frames * row.frame.samples
    delay = -_DECODER_DELAY  # without a Xing frame it is played as well
    if xing:
        delay = xing.delay
        samples -= xing.delay + max(xing.padding, _DECODER_DELAY)
    return Mp3Slices(sr, samples / sr, row, frames_at, bytes_at, tolerance, delay)
