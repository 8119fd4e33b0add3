"""An ID3v2 tag as a row of frames, each kept byte for byte as it is stored.

Tag libraries merge frames of one kind, leave out those that they cannot parse and forget
flags. Here a frame that is not ours is never interpreted: where it stays, its bytes stay.
"""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from tagger.errors import TagsRefusedError

__all__ = [
    "HEADER_SIZE",
    "RawFrame",
    "RawTag",
    "extended_header",
    "header",
    "new_frame",
    "new_tag",
    "parse",
    "stored_size",
]

HEADER_SIZE = 10

_UNSYNC, _EXTENDED, _FOOTER = 0x80, 0x40, 0x10
_COMPRESSED_V22 = 0x40
_CRC_V24, _UPDATE_V24, _RESTRICTED_V24 = 0x20, 0x40, 0x10
_FRAME_UNSYNC_V24 = 0x0002
_MAX_SYNCSAFE = 2**28 - 1
_MAX_FRAMES = 50_000
# Some programs write ID3v2.2 names, filled up by NUL or a blank, into later tags.
_FRAME_ID = re.compile(rb"[A-Z][A-Z0-9]{2}[A-Z0-9\x00 ]")
_FRAME_ID_V22 = re.compile(rb"[A-Z][A-Z0-9]{2}")
_NEVER_UNSYNC = re.compile(rb"\xff[\xe0-\xff]")

_DAMAGED = "the ID3 tag is damaged and could not be kept whole; repair it with a tag editor first"


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One frame.

    Attributes:
        id: its name as stored: three bytes in ID3v2.2, four in later versions.
        flags: the two bytes of flags as a number; 0 in ID3v2.2, which has none.
        stored: header and content, byte for byte.
        head: bytes of the header among them.
        unsynchronised: whether the content is stored so.
    """

    id: bytes
    flags: int
    stored: bytes
    head: int
    unsynchronised: bool = False

    @property
    def body(self) -> bytes:
        """The content, with unsynchronisation undone: that is a way of storing, not content."""
        return _content(self.stored[self.head :], unsync=self.unsynchronised)


@dataclass(frozen=True, slots=True)
class RawTag:
    """A whole tag; one of size 0 does not stand in the file yet.

    Attributes:
        major: 2, 3 or 4, for ID3v2.2 to ID3v2.4.
        frames: in the order of the file.
        size: bytes that it takes in the file, with header, padding and footer.
        header: its first bytes.
        extended: the extended header, as stored.
        tail: padding and footer.
        unsynchronised: whether everything (up to ID3v2.3) or every frame (ID3v2.4) is.
        syncsafe: whether sizes of frames have seven bits a byte.
    """

    major: int
    frames: tuple[RawFrame, ...] = ()
    size: int = 0
    header: bytes = b""
    extended: bytes = b""
    tail: bytes = b""
    unsynchronised: bool = False
    syncsafe: bool = False


def stored_size(header: bytes) -> int:
    """Bytes of the tag that begins with this header, or 0 if none begins here.

    Args:
        header: at least the first 10 bytes.
    """
    if len(header) < HEADER_SIZE or header[:3] != b"ID3" or max(header[6:10]) > 0x7F:
        return 0
    footer = HEADER_SIZE if header[3] == 4 and header[5] & _FOOTER else 0
    return HEADER_SIZE + _syncsafe(header[6:10]) + footer


def new_tag(major: int) -> RawTag:
    """A tag that does not stand in a file yet.

    Args:
        major: 3 or 4.
    """
    return RawTag(major, syncsafe=major == 4)


def parse(data: bytes) -> RawTag:
    """Cut a tag into its frames.

    Args:
        data: the tag, of :func:`stored_size` bytes.

    Raises:
        TagsRefusedError: if its version is unknown, or if not every byte of it is understood.
    """
    size = stored_size(data)
    if not size or len(data) < size:
        raise TagsRefusedError(_DAMAGED)
    major, flags = data[3], data[5]
    if major not in (2, 3, 4):
        raise TagsRefusedError(f"ID3v2.{major} is unknown")
    if major == 2 and flags & _COMPRESSED_V22:
        raise TagsRefusedError("the ID3v2.2 tag is compressed in a way that nobody defined")
    end = HEADER_SIZE + _syncsafe(data[6:10])
    unsync = bool(flags & _UNSYNC)
    if major < 4 and unsync:
        unsync = _can_be_unsynchronised(data, HEADER_SIZE, end)
    tag = replace(new_tag(major), size=size, header=data[:HEADER_SIZE], unsynchronised=unsync)
    at = HEADER_SIZE
    if major > 2 and flags & _EXTENDED:
        at = _end_of_extended_header(tag, data, end)
    walk = _walk(tag, data, at, end)
    if walk is None and major == 4:
        tag = replace(tag, syncsafe=False)  # as the old iTunes wrote it
        walk = _walk(tag, data, at, end)
    if walk is None:
        raise TagsRefusedError(_DAMAGED)
    frames, frames_end = walk
    extended, tail = data[HEADER_SIZE:at], data[frames_end:size]
    return replace(tag, frames=frames, extended=extended, tail=tail)


def new_frame(tag: RawTag, name: bytes, body: bytes) -> RawFrame:
    """A frame as it would be stored in a tag.

    Args:
        tag: where it is to stand.
        name: of as many bytes as the tag's version has.
        body: its content, at most some megabytes.
    """
    flags = b"" if tag.major == 2 else bytes(2)
    if tag.unsynchronised and tag.major == 4:
        body, flags = _unsynchronised(body), struct.pack(">H", _FRAME_UNSYNC_V24)
    size = _to_syncsafe(len(body)) if tag.syncsafe else struct.pack(">I", len(body))
    stored = name + size[-len(name) :] + flags + body
    if tag.unsynchronised and tag.major < 4:
        stored = _unsynchronised(stored)
    walk = _walk(tag, stored, 0, len(stored))
    if walk is None or not walk[0]:
        raise ValueError(f"not a frame of ID3v2.{tag.major}: {name!r}")
    return walk[0][0]


def header(tag: RawTag, size: int, *, extended: bool) -> bytes:
    """The first bytes of a tag with other frames, padding and no footer.

    Args:
        tag: as it stands.
        size: bytes that it will take in the file.
        extended: whether an extended header follows.

    Raises:
        TagsRefusedError: if it is larger than ID3 can say.
    """
    revision, flags = tag.header[4:6] if tag.header else bytes(2)
    if tag.major == 4:
        flags &= ~_FOOTER
    elif not tag.unsynchronised:
        flags &= ~_UNSYNC
    if tag.major > 2 and not extended:
        flags &= ~_EXTENDED
    return b"ID3" + bytes((tag.major, revision, flags)) + _to_syncsafe(size - HEADER_SIZE)


def extended_header(tag: RawTag, padding: int) -> bytes:
    """The extended header of a tag with other frames, if it can have the one that it has.

    It cannot with a checksum, nor where the bytes of its size depend on its value.

    Args:
        tag: as it stands.
        padding: what there will be of it.
    """
    stored = tag.extended
    if tag.major == 4:
        return stored if len(stored) > 5 and not stored[5] & _CRC_V24 else b""
    if tag.major == 2 or len(stored) != 10:  # a checksum makes it longer
        return b""
    stored = stored[:6] + struct.pack(">I", padding)
    return b"" if tag.unsynchronised and b"\xff" in stored else stored


def _walk(tag: RawTag, data: bytes, at: int, end: int) -> tuple[tuple[RawFrame, ...], int] | None:
    """Frames up to the padding and where it begins, or None if it does not come out even."""
    names, width = (_FRAME_ID_V22, 6) if tag.major == 2 else (_FRAME_ID, HEADER_SIZE)
    size_of: Callable[[bytes], int] = _syncsafe if tag.syncsafe else _plain
    everything = tag.unsynchronised and tag.major < 4
    frames: list[RawFrame] = []
    while at < end and data[at]:
        body = _stored_end(data, at, end, width, unsync=everything)
        if body is None:
            return None
        head = _content(data[at:body], unsync=everything)
        name = head[: 3 if tag.major == 2 else 4]
        size = size_of(head[3:6] if tag.major == 2 else head[4:8])
        flags = 0 if tag.major == 2 else int.from_bytes(head[8:10], "big")
        behind = _stored_end(data, body, end, size, unsync=everything)
        if not names.fullmatch(name) or behind is None:
            return None
        unsync = everything
        if tag.major == 4 and (tag.unsynchronised or flags & _FRAME_UNSYNC_V24):
            unsync = _can_be_unsynchronised(data, body, behind)
        frames.append(RawFrame(name, flags, data[at:behind], body - at, unsync))
        at = behind
        if len(frames) > _MAX_FRAMES:
            raise TagsRefusedError(f"the ID3 tag has more than {_MAX_FRAMES} frames")
    return None if data.count(0, at, end) != end - at else (tuple(frames), at)


def _stored_end(data: bytes, at: int, end: int, size: int, *, unsync: bool) -> int | None:
    """Where ``size`` bytes end that begin at ``at``, or None if that is behind ``end``.

    Args:
        unsync: whether a NUL behind 0xFF is a matter of storing, and does not count.
    """
    if size > end - at:
        return None
    if not unsync:
        return at + size
    while size:
        start, at = at, at + size
        if at > end:
            return None
        if data[at - 1] == 0xFF and at < end and not data[at]:
            at += 1  # a pair is never torn
        size -= at - start - data.count(b"\xff\0", start, at)
    return at


def _end_of_extended_header(tag: RawTag, data: bytes, end: int) -> int:
    """Where the extended header ends that begins behind a tag's header."""
    at = HEADER_SIZE
    if _FRAME_ID.fullmatch(data[at : at + 4]):
        return at  # the flag lies: there are programs that set it and write none
    if tag.major == 3:
        sized = _stored_end(data, at, end, 4, unsync=tag.unsynchronised)
        if sized is not None:
            size = _plain(_content(data[at:sized], unsync=tag.unsynchronised))
            behind = _stored_end(data, sized, end, size, unsync=tag.unsynchronised)
            if behind is not None:
                return behind
        raise TagsRefusedError(_DAMAGED)
    size = _syncsafe(data[at : at + 4]) if end - at >= 6 else 0
    if not 6 <= size <= end - at:
        raise TagsRefusedError(_DAMAGED)
    if data[at + 5] & (_UPDATE_V24 | _RESTRICTED_V24):
        raise TagsRefusedError("the ID3 tag has restrictions that could not be kept")
    return at + size


def _can_be_unsynchronised(data: bytes, start: int, end: int) -> bool:
    """Whether unsynchronised data can look like this: there are flags that lie."""
    return data[end - 1 : end] != b"\xff" and not _NEVER_UNSYNC.search(data, start, end)


def _content(stored: bytes, *, unsync: bool) -> bytes:
    return stored.replace(b"\xff\x00", b"\xff") if unsync else stored


def _unsynchronised(data: bytes) -> bytes:
    return re.sub(rb"\xff(?=[\xe0-\xff\x00]|\Z)", b"\xff\x00", data)


def _plain(number: bytes) -> int:
    return int.from_bytes(number, "big")


def _syncsafe(four: bytes) -> int:
    if max(four) > 0x7F:
        return sys.maxsize  # not such a number; longer than any tag
    return four[0] << 21 | four[1] << 14 | four[2] << 7 | four[3]


def _to_syncsafe(number: int) -> bytes:
    if number > _MAX_SYNCSAFE:
        raise TagsRefusedError("the ID3 tag would grow beyond 256 MiB")
    return bytes((number >> 21 & 0x7F, number >> 14 & 0x7F, number >> 7 & 0x7F, number & 0x7F))
