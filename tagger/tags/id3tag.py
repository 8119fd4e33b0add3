"""An ID3v2 tag as a row of frames, each kept byte for byte.

mutagen merges frames of one kind, leaves out those that it cannot parse and
forgets flags. Here a frame that is not ours is never interpreted: it is cut
out and put back.
"""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass

from tagger.errors import TagsRefusedError

__all__ = ["HEADER_SIZE", "RawFrame", "RawTag", "parse", "render", "stored_size"]

HEADER_SIZE = 10

_UNSYNC, _EXTENDED, _EXPERIMENTAL, _FOOTER = 0x80, 0x40, 0x20, 0x10
_FRAME_UNSYNC_V24 = 0x0002
_MAX_SYNCSAFE = 2**28 - 1
# Some programs write ID3v2.2 names, filled up by NUL or a blank, into later tags.
_FRAME_ID = re.compile(rb"[A-Z][A-Z0-9]{2}[A-Z0-9\x00 ]")

_DAMAGED = "the ID3 tag is damaged and could not be kept whole; repair it with a tag editor first"


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One frame: id, the two bytes of flags as a number, and its content as stored."""

    id: bytes
    flags: int
    body: bytes


@dataclass(frozen=True, slots=True)
class RawTag:
    """A whole tag.

    Attributes:
        major: 3 or 4, for ID3v2.3 and ID3v2.4.
        frames: in the order of the file.
        size: bytes that it takes in the file, with header, padding and footer.
        experimental: the header's flag of that name.
    """

    major: int
    frames: tuple[RawFrame, ...]
    size: int = 0
    experimental: bool = False


def stored_size(header: bytes) -> int:
    """Bytes of the tag that begins with this header, or 0 if none begins here.

    Args:
        header: at least the first 10 bytes.
    """
    if len(header) < HEADER_SIZE or header[:3] != b"ID3" or max(header[6:10]) > 0x7F:
        return 0
    footer = HEADER_SIZE if header[3] == 4 and header[5] & _FOOTER else 0
    return HEADER_SIZE + _syncsafe(header[6:10]) + footer


def parse(data: bytes) -> RawTag:
    """Cut a tag into its frames.

    Unsynchronisation is undone (it is a way of storing, not content) and an
    extended header is left out: its checksum and padding size describe bytes
    that are about to change.

    Args:
        data: the tag, of :func:`stored_size` bytes.

    Raises:
        TagsRefusedError: if it is ID3v2.2 or unknown, or if not every byte of it is understood.
    """
    size = stored_size(data)
    if not size or len(data) < size:
        raise TagsRefusedError(_DAMAGED)
    major, flags = data[3], data[5]
    if major == 2:
        raise TagsRefusedError("ID3v2.2 is not written; convert the tag to ID3v2.3 or 2.4 first")
    if major not in (3, 4):
        raise TagsRefusedError(f"ID3v2.{major} is unknown")
    body = data[HEADER_SIZE : HEADER_SIZE + _syncsafe(data[6:10])]
    if major == 3 and flags & _UNSYNC:
        body = _synchronised(body)
    if flags & _EXTENDED:
        body = _after_extended_header(body, major)
    frames = _walk(body, _syncsafe) if major == 4 else None
    if frames is None:
        # ID3v2.3, or a 2.4 tag by the old iTunes, which wrote sizes as in 2.3.
        frames = _walk(body, lambda four: int.from_bytes(four, "big"))
    if frames is None:
        raise TagsRefusedError(_DAMAGED)
    if major == 4:
        frames = [_plain_v24(frame, everywhere=bool(flags & _UNSYNC)) for frame in frames]
    return RawTag(major, tuple(frames), size, bool(flags & _EXPERIMENTAL))


def render(tag: RawTag, size: int | None = None) -> bytes:
    """The bytes of a tag.

    Args:
        tag: the tag; its own ``size`` is not looked at.
        size: bytes to fill up to with padding; None for no padding.

    Raises:
        TagsRefusedError: if it does not fit (into ``size``, or into ID3's 256 MiB).
    """
    parts = []
    for frame in tag.frames:
        length = len(frame.body)
        stored = _to_syncsafe(length) if tag.major == 4 else struct.pack(">I", length)
        parts.append(frame.id + stored + struct.pack(">H", frame.flags) + frame.body)
    body = b"".join(parts)
    if size is not None:
        if len(body) + HEADER_SIZE > size:
            raise TagsRefusedError("the ID3 tag does not fit")
        body += bytes(size - HEADER_SIZE - len(body))
    flags = _EXPERIMENTAL if tag.experimental else 0
    return b"ID3" + bytes((tag.major, 0, flags)) + _to_syncsafe(len(body)) + body


def _walk(body: bytes, size_of: Callable[[bytes], int]) -> list[RawFrame] | None:
    """Frames up to the padding, or None if that reading does not come out even."""
    frames = []
    at = 0
    while at + HEADER_SIZE <= len(body) and body[at]:
        name, size, flags = struct.unpack_from(">4s4sH", body, at)
        end = at + HEADER_SIZE + size_of(size)
        if not _FRAME_ID.fullmatch(name) or end > len(body):
            return None
        frames.append(RawFrame(name, flags, body[at + HEADER_SIZE : end]))
        at = end
    return None if body[at:].strip(b"\0") else frames


def _after_extended_header(body: bytes, major: int) -> bytes:
    if _FRAME_ID.fullmatch(body[:4]):
        return body  # the flag lies: there are programs that set it and write none
    if len(body) < 6:
        raise TagsRefusedError(_DAMAGED)
    if major == 3:
        return body[4 + int.from_bytes(body[:4], "big") :]
    update, restricted = body[5] & 0x40, body[5] & 0x10
    if update or restricted:
        raise TagsRefusedError("the ID3 tag has restrictions that could not be kept")
    return body[_syncsafe(body[:4]) :]


def _plain_v24(frame: RawFrame, *, everywhere: bool) -> RawFrame:
    if not (everywhere or frame.flags & _FRAME_UNSYNC_V24):
        return frame
    return RawFrame(frame.id, frame.flags & ~_FRAME_UNSYNC_V24, _synchronised(frame.body))


def _synchronised(data: bytes) -> bytes:
    if re.search(rb"\xff[\xe0-\xff]", data) or data.endswith(b"\xff"):
        return data  # the flag lies: unsynchronised data cannot contain these
    return data.replace(b"\xff\x00", b"\xff")


def _syncsafe(four: bytes) -> int:
    if max(four) > 0x7F:
        return sys.maxsize  # not such a number; longer than any tag
    return four[0] << 21 | four[1] << 14 | four[2] << 7 | four[3]


def _to_syncsafe(number: int) -> bytes:
    if number > _MAX_SYNCSAFE:
        raise TagsRefusedError("the ID3 tag would grow beyond 256 MiB")
    return bytes((number >> 21 & 0x7F, number >> 14 & 0x7F, number >> 7 & 0x7F, number & 0x7F))
