"""An edited copy of a file, made in the cheapest way that the file system offers, and compared."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final

from tagger.errors import TagError
from tagger.tags.edits import Edit, Edited, apply_in_place, kept

__all__ = ["CHANGED_MEANWHILE", "build", "can_share_blocks", "compare"]

CHANGED_MEANWHILE: Final = (
    "the file changed while it was being tagged; it was left as it is, run again"
)

_FICLONE: Final = 0x40049409  # linux/fs.h: share the blocks of another file
_COPY_STEP: Final = 1 << 26
_CHUNK: Final = 1 << 18  # two of them and what the system reads stay in a core's cache

Touched = list[tuple[int, int]]  # regions of the new file that were written


def build(original: BinaryIO, copy: BinaryIO, edits: Sequence[Edit], size: int) -> Touched:
    """Write the edited file into an empty one.

    Args:
        original: the file, open for reading.
        copy: the empty one, open for reading and writing.
        edits: what differs.
        size: bytes of the original.

    Returns:
        the regions of the copy that were written; all others share the original's blocks.
    """
    touched, length = _moved(edits, size)
    if 2 * sum(end - start for start, end in touched) < length and _reflink(original, copy):
        apply_in_place(edits, copy)
        return touched
    in_kernel = True
    for (start, end), edit in zip(kept(edits, size), (*edits, None), strict=True):
        in_kernel = in_kernel and _copy_in_kernel(original, copy, start, end)
        if not in_kernel:
            _copy(original, copy, start, end)
        if edit:
            copy.write(edit.data)
            copy.flush()
    return [(0, length)]


def _moved(edits: Sequence[Edit], size: int) -> tuple[Touched, int]:
    """Regions of the new file that are not where they were in the old one, and its length."""
    touched, shift = [], 0
    for (start, end), edit in zip(kept(edits, size), (*edits, None), strict=True):
        if shift and end > start:
            touched.append((start + shift, end + shift))
        if edit:
            touched.append((edit.offset + shift, edit.offset + shift + len(edit.data)))
            shift += edit.shift
    return touched, size + shift


def _reflink(original: BinaryIO, copy: BinaryIO) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        fcntl.ioctl(copy.fileno(), _FICLONE, original.fileno())
    except OSError:
        return False
    return True


def can_share_blocks(folder: Path) -> bool:
    """Whether a copy in this folder shares its original's blocks, tried on files without names.

    Raises:
        OSError: no file can be made there.
    """
    with TemporaryFile(dir=folder) as original, TemporaryFile(dir=folder) as copy:
        original.write(bytes(4096))
        original.flush()
        return _reflink(original, copy)


def _copy_in_kernel(original: BinaryIO, copy: BinaryIO, start: int, end: int) -> bool:
    """Append a region to the copy; False, with the copy as it was, if that is not possible."""
    if not hasattr(os, "copy_file_range"):
        return False
    at = copy.tell()
    done = start
    try:
        while done < end:
            step = os.copy_file_range(
                original.fileno(),
                copy.fileno(),
                min(_COPY_STEP, end - done),
                done,
                at + done - start,
            )
            if not step:
                break
            done += step
    except OSError:
        done = -1  # the plain copy meets the same error again, if it is a real one
    copy.seek(at if done < end else at + end - start)
    return done >= end


def _copy(original: BinaryIO, copy: BinaryIO, start: int, end: int) -> None:
    original.seek(start)
    while start < end:
        block = original.read(min(_CHUNK, end - start))
        if not block:
            raise TagError(CHANGED_MEANWHILE)
        copy.write(block)
        start += len(block)


def compare(
    original: BinaryIO, copy: BinaryIO, edits: Sequence[Edit], touched: Sequence[tuple[int, int]]
) -> None:
    """Check that the copy is the original with the edits, where its blocks are not shared."""
    wanted = io.BufferedReader(Edited(original, edits))  # passed by: pieces exceed it
    one, other = bytearray(_CHUNK), bytearray(_CHUNK)
    if copy.seek(0, os.SEEK_END) != wanted.seek(0, os.SEEK_END):
        raise TagError(CHANGED_MEANWHILE)
    for start, end in touched:
        wanted.seek(start)
        copy.seek(start)
        while start < end:
            size = min(_CHUNK, end - start)
            a, b = memoryview(one)[:size], memoryview(other)[:size]
            if wanted.readinto(a) != size or copy.readinto(b) != size or one != other:  # type: ignore[attr-defined]
                raise TagError("the copy differs from the file; check disk and memory")
            start += size
