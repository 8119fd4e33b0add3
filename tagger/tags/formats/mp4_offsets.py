"""The tables in an MP4 file that point to other places in it."""

from __future__ import annotations

import hashlib
import struct
import sys
from array import array
from bisect import bisect_right
from typing import BinaryIO

from tagger.errors import TagError, TagsRefusedError
from tagger.tags.edits import Edits, between, joined
from tagger.tags.formats.atoms import DAMAGED, DREF, META, STBL, Atom
from tagger.tags.formats.base import digest_region

__all__ = ["Landmarks", "repointed"]

_TFHD = b"moof.traf.tfhd"


def repointed(file: BinaryIO, root: Atom, at: int, by: int) -> Edits:
    """Edits of all that points to offsets from ``at`` on, when those move.

    Args:
        file: the file.
        root: its atoms.
        at: where that begins which moves.
        by: how far.

    Raises:
        TagsRefusedError: if something points there in a way that cannot be kept right.
    """
    moved = [child for child in root.children if child.start >= at]
    if not by or not moved:
        return ()
    has_fragments = any(child.name == b"moof" for child in moved)
    edits: list[Edits] = []
    for each in root.walk():
        if _points_otherwise(file, each, has_fragments, at):
            raise TagsRefusedError(
                f"the tags need more room, and a table ({each.name.decode('latin-1').strip()}) "
                "would then point to the wrong place; remux the file first"
            )
        table = _table(file, each)
        if table:
            start, offsets = table
            before = _stored(offsets)
            try:
                new = array(offsets.typecode, (o + by if o >= at else o for o in offsets))
            except OverflowError as error:
                raise TagsRefusedError(
                    "the tags need more room, and the audio would then lie beyond what the file's "
                    "32-bit offsets can say; remux the file first"
                ) from error
            edits.append(between(start, [before], [_stored(new)]))
    return joined(edit for some in edits for edit in some)


def _points_otherwise(file: BinaryIO, each: Atom, has_fragments: bool, at: int) -> bool:
    """Whether an atom points into the file, and not by one of the tables that are changed."""
    if each.path == b"mfra":
        return has_fragments
    if each.path == b"sidx":
        return each.start < at  # what it tells distances to lies behind it
    if each.path == b"moov.cmov" or each.path == META + b".iloc":
        return True
    if each.name in (b"meta", b"udta") and not each.is_parent:
        file.seek(each.body)
        return b"iloc" in file.read(each.end - each.body)
    if each.path[:-5] == DREF:
        file.seek(each.body)
        return not struct.unpack(">I", file.read(4))[0] & 1  # the audio is in another file
    return False


def _table(file: BinaryIO, each: Atom) -> tuple[int, array[int]] | None:
    """The file offsets in an atom, and where they begin; None if it has none."""
    at, code, count = each.body + 8, "Q", 1
    file.seek(each.body)
    if each.path == _TFHD:
        if not file.read(4)[3] & 1:
            return None
    elif each.path in (STBL + b".stco", STBL + b".co64", STBL + b".saio"):
        version, flags = struct.unpack(">B3s", file.read(4))
        if each.name == b"saio" and flags[2] & 1:
            file.read(8)
            at += 8
        (count,) = struct.unpack(">I", file.read(4))
        is_long = version if each.name == b"saio" else each.name == b"co64"
        code = "Q" if is_long else "I"
    else:
        return None
    offsets = array(code)
    if at + count * offsets.itemsize > each.end:
        raise TagError(DAMAGED)
    file.seek(at)
    offsets.frombytes(file.read(count * offsets.itemsize))
    if sys.byteorder == "little":
        offsets.byteswap()
    return at, offsets


def _stored(offsets: array[int]) -> bytes:
    stored = offsets[:]
    if sys.byteorder == "little":
        stored.byteswap()
    return stored.tobytes()


class Landmarks:
    """The top-level atoms, by which offsets can be told whatever moves."""

    def __init__(self, root: Atom) -> None:
        self._starts = [child.start for child in root.children if not child.is_padding]

    def digest(self, file: BinaryIO, each: Atom) -> bytes:
        """Digest of an atom's content, with file offsets told by what they point to."""
        table = _table(file, each)
        if table is None:
            return digest_region(file, each.body, each.end)
        at, offsets = table
        state = hashlib.blake2b(digest_region(file, each.body, at), digest_size=32)
        for offset in offsets:
            number = bisect_right(self._starts, offset) - 1
            inside = offset - self._starts[number] if number >= 0 else offset
            state.update(struct.pack(">iQ", number, inside))
        behind = at + len(offsets) * offsets.itemsize
        state.update(digest_region(file, behind, each.end))
        return state.digest()
