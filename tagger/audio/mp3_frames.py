"""The frames of an MP3, as far as finding and counting them needs.

An MP3 is a row of frames, each with a header of four bytes that tells its length; the first
may carry a Xing (or Info) tag instead of sound, which states how many there are.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO, Final

__all__ = ["TRAILERS", "Frame", "XingTag", "after_id3", "parse_header", "read_xing", "xing_frame"]

# kbit/s of layer III by index: MPEG 1, then MPEG 2 and 2.5. 0 is "free", which nobody uses.
_KBPS_1: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_HZ_1: Final = (44_100, 48_000, 32_000)

TRAILERS: Final = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI", b"\0\0\0")
"""What follows the last frame begins with one of these: tags, or padding."""

_STATED_TOLERANCE: Final = 0.99  # writers disagree whether the header's own frame counts
_MOST_TAGS: Final = 100
_HAS_FRAMES, _HAS_BYTES, _HAS_TOC, _HAS_QUALITY = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class Frame:
    """What the header of a layer III frame says."""

    length: int
    """Bytes, header included."""
    kbps: int
    sr: int
    """Hz."""
    samples: int
    """Samples per channel: 1152, or 576 in MPEG 2 and 2.5."""
    side_info: int
    """Bytes between the header and a Xing tag."""

    @property
    def mean_length(self) -> float:
        """Bytes of a frame at this bit rate, padded and not, on average."""
        return 125 * self.samples * self.kbps / self.sr

    @property
    def max_length(self) -> int:
        """Bytes that no frame of such a stream exceeds, whatever its bit rate."""
        kbps = _KBPS_1[-1] if self.samples == 1152 else _KBPS_2[-1]
        return 125 * self.samples * kbps // self.sr + 1


@lru_cache(maxsize=1024)
def parse_header(header: bytes) -> Frame | None:
    """Read the four bytes of a layer III frame header; None where they are none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version = header[1] >> 3 & 3  # 0: MPEG 2.5, 2: MPEG 2, 3: MPEG 1
    rate, hz = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or rate in (0, 15) or hz == 3:
        return None
    mono = header[3] >> 6 == 3
    kbps = (_KBPS_1 if version == 3 else _KBPS_2)[rate]
    sr = _HZ_1[hz] >> {3: 0, 2: 1, 0: 2}[version]
    samples = 1152 if version == 3 else 576
    length = 125 * samples * kbps // sr + (header[2] >> 1 & 1)
    side_info = (17 if mono else 32) if version == 3 else (9 if mono else 17)
    return Frame(length, kbps, sr, samples, side_info)


def after_id3(handle: BinaryIO) -> int:
    """Position of the first byte behind leading ID3v2 tags."""
    position = 0
    for _ in range(_MOST_TAGS):
        handle.seek(position)
        head = handle.read(10)
        if len(head) < 10 or head[:3] != b"ID3":
            return position
        length = 0
        for byte in head[6:10]:
            length = length << 7 | byte & 0x7F
        position += 10 + length + (10 if head[5] & 0x10 else 0)
    return position


@dataclass(frozen=True, slots=True)
class XingTag:
    """What the first frame states of the others."""

    frames: int | None
    audio_bytes: int | None
    delay: int = 0
    """Samples that the encoder put before the sound."""
    padding: int = 0
    """Samples that it put behind it."""

    def fits(self, available: int) -> bool:
        """Whether it states a number of frames, and no more bytes than are ``available``."""
        if self.frames is None:
            return False
        return self.audio_bytes is None or self.audio_bytes * _STATED_TOLERANCE <= available


def read_xing(head: bytes, frame: Frame) -> XingTag | None:
    """Read the Xing or Info tag of the first ``frame``, which ``head`` begins with."""
    tag = head[4 + frame.side_info : frame.length]
    if tag[:4] not in (b"Xing", b"Info"):
        return None
    tag = tag.ljust(160, b"\0")
    (flags,) = struct.unpack_from(">I", tag, 4)
    position = 8
    numbers: list[int | None] = []
    for flag in (_HAS_FRAMES, _HAS_BYTES):
        numbers.append(struct.unpack_from(">I", tag, position)[0] if flags & flag else None)
        position += 4 if flags & flag else 0
    position += (100 if flags & _HAS_TOC else 0) + (4 if flags & _HAS_QUALITY else 0)
    # LAME's part, which other encoders write as well: two numbers of 12 bits.
    cut = int.from_bytes(tag[position + 21 : position + 24], "big") if tag[position] else 0
    return XingTag(numbers[0], numbers[1], cut >> 12, cut & 0xFFF)


def xing_frame(header: bytes, frames: int, audio_bytes: int) -> bytes:
    """A silent frame of 128 kbit/s without CRC that carries a Xing tag.

    Args:
        header: of a frame of the stream that it is for.
        frames: how many follow.
        audio_bytes: what these take.
    """
    mpeg1 = header[1] >> 3 & 3 == 3
    rate = _KBPS_1.index(128) if mpeg1 else _KBPS_2.index(128)
    ours = bytes([0xFF, header[1] | 1, rate << 4 | header[2] & 0x0C, header[3]])
    frame = parse_header(ours)
    assert frame is not None
    tag = struct.pack(">4sIII", b"Xing", 3, frames, audio_bytes + frame.length)
    return (ours + bytes(frame.side_info) + tag).ljust(frame.length, b"\0")
