"""Carry out edits so that whatever happens leaves the old file or the new one, whole.

A copy beside the file gets the edits, is compared with what was to be, synced to disk, and only
then takes the file's place in one step. ``in_place`` is for those who prefer the file's own
blocks and links to that promise.
"""

from __future__ import annotations

import io
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from tagger.errors import TagError, TagsRefusedError
from tagger.tags.edits import Edit, Edited, apply_in_place, kept
from tagger.tags.failures import in_plain_words

__all__ = [
    "CHANGED_MEANWHILE",
    "edit_in_place",
    "identity",
    "is_leftover",
    "refuse_unwritable",
    "remove_leftover",
    "replace_by_copy",
]

CHANGED_MEANWHILE: Final = (
    "the file changed while it was being tagged; it was left as it is, run again"
)

_TEMPORARY = re.compile(r"\.genretag-[0-9a-f]{16}\.tmp")
_FICLONE: Final = 0x40049409  # linux/fs.h: share the blocks of another file
_COPY_STEP: Final = 1 << 26
_CHUNK: Final = 1 << 20
_ABANDONED_S: Final = 3600.0


def refuse_unwritable(real: Path, status: os.stat_result, *, in_place: bool = False) -> None:
    """Say early, and in words, why a file cannot be written safely.

    Raises:
        TagsRefusedError: with the reason.
    """
    if not stat.S_ISREG(status.st_mode):
        raise TagsRefusedError("not a regular file")
    if status.st_nlink > 1 and not in_place:
        raise TagsRefusedError(
            f"the file has {status.st_nlink} hard links, and a safe write would separate them"
        )
    # The mode counts even for root, whom the system lets write anything.
    if not status.st_mode & 0o222:
        raise TagsRefusedError("the file is read-only")
    if not os.access(real, os.W_OK):
        if _is_read_only_mount(real):
            raise TagsRefusedError("the file system is mounted read-only")
        raise TagsRefusedError(
            "the file may not be written: it is immutable, or belongs to somebody else"
        )
    if not in_place and not os.access(real.parent, os.W_OK | os.X_OK):
        raise TagsRefusedError("the folder is read-only, and a safe write needs a copy beside it")


def identity(status: os.stat_result) -> tuple[int, ...]:
    """What differs if somebody else writes or replaces a file meanwhile."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def replace_by_copy(
    real: Path,
    original: BinaryIO,
    edits: Sequence[Edit],
    *,
    mtime_ns: int | None,
    recorded: AbstractContextManager[None],
) -> None:
    """Put an edited copy in a file's place.

    Args:
        real: the file, not a link.
        original: the same, open for reading.
        edits: what differs in the copy.
        mtime_ns: the new file's time of modification; None for now.
        recorded: entered once all is ready, right before the file is replaced: what must be
            durable by then is written there. It sees any error that keeps the file as it was.

    Raises:
        TagError: if the file changed meanwhile or the copy is not as it should be.
        OSError: whatever the system says; the file is as it was.
    """
    before = os.fstat(original.fileno())
    with _temporary(real.parent) as (temporary, copy):
        touched = _build(original, copy, edits, before.st_size)
        copy.flush()
        _compare(original, copy, edits, touched)
        _dress(real, temporary, before, mtime_ns)
        os.fsync(copy.fileno())
        with recorded:
            if identity(real.stat()) != identity(before):
                raise TagError(CHANGED_MEANWHILE)
            temporary.replace(real)
    _sync_folder(real.parent)


def edit_in_place(
    real: Path,
    original: BinaryIO,
    edits: Sequence[Edit],
    *,
    mtime_ns: int | None,
    recorded: AbstractContextManager[None],
) -> None:
    """Change a file where it stands. A crash in the middle of this damages it.

    Arguments and errors are those of :func:`replace_by_copy`. An error of the system in the
    middle of the write is a TagError that says so.
    """
    before = os.fstat(original.fileno())
    broken: OSError | None = None
    with real.open("r+b") as file, recorded:
        if identity(os.fstat(file.fileno())) != identity(before):
            raise TagError(CHANGED_MEANWHILE)
        _make_room(file, before.st_size, sum(edit.shift for edit in edits))
        try:
            apply_in_place(edits, file, before.st_size)
            file.flush()
            modified = time.time_ns() if mtime_ns is None else mtime_ns
            os.utime(file.fileno(), ns=(before.st_atime_ns, modified))
            os.fsync(file.fileno())
        except OSError as error:  # no reason to forget what was recorded
            broken = error
    if broken:
        raise TagError(
            f"the write in place broke off, the file may be damaged: {in_plain_words(broken)}"
        ) from broken


def _make_room(file: BinaryIO, length: int, growth: int) -> None:
    """Meet a full disk before anything is overwritten."""
    if growth <= 0 or not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(file.fileno(), length, growth)
    except OSError:
        file.truncate(length)
        raise


def is_leftover(name: str) -> bool:
    """Whether a file of this name is a copy that a write makes, and a killed one leaves."""
    return _TEMPORARY.fullmatch(name) is not None


def remove_leftover(path: Path) -> bool:
    """Remove a copy that a killed run left behind; one that is in use stays.

    Returns:
        whether it was removed.
    """
    if not is_leftover(path.name):
        return False
    try:
        with path.open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or not _is_abandoned(file):
                return False
            path.unlink()
    except OSError:  # gone meanwhile, or not ours to remove
        return False
    return True


@contextmanager
def _temporary(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file, locked as long as it is in use; gone at the end unless it was renamed."""
    while True:
        path = folder / f".genretag-{secrets.token_hex(8)}.tmp"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        file = os.fdopen(handle, "r+b")
        _lock(file, wait=True)
        if os.fstat(file.fileno()).st_nlink:
            break
        file.close()  # somebody's clean-up came between creation and lock
    try:
        with file:
            yield path, file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _is_abandoned(file: BinaryIO) -> bool:
    locked = _lock(file, wait=False)
    if locked is None:  # no locks here: only age tells
        return time.time() - os.fstat(file.fileno()).st_mtime > _ABANDONED_S
    return locked


def _lock(file: BinaryIO, *, wait: bool) -> bool | None:
    """Lock a file for us alone; None where there are no locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


Touched = list[tuple[int, int]]  # regions of the new file that were written


def _build(original: BinaryIO, copy: BinaryIO, edits: Sequence[Edit], size: int) -> Touched:
    """Write the edited file in the cheapest way that the file system offers."""
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


def _compare(
    original: BinaryIO, copy: BinaryIO, edits: Sequence[Edit], touched: Sequence[tuple[int, int]]
) -> None:
    """Check that the copy is the original with the edits, where its blocks are not shared."""
    wanted = io.BufferedReader(Edited(original, edits), _CHUNK)
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


def _dress(real: Path, temporary: Path, before: os.stat_result, mtime_ns: int | None) -> None:
    """Give the copy the original's owner, mode, extended attributes and times."""
    if hasattr(os, "chown"):
        try:
            os.chown(temporary, before.st_uid, before.st_gid)
        except PermissionError:
            with suppress(PermissionError):  # the group at least, which shared folders live by
                os.chown(temporary, -1, before.st_gid)
    shutil.copystat(real, temporary)  # after chown, which clears bits of the mode
    modified = time.time_ns() if mtime_ns is None else mtime_ns
    os.utime(temporary, ns=(before.st_atime_ns, modified))


def _is_read_only_mount(real: Path) -> bool:
    return hasattr(os, "statvfs") and bool(os.statvfs(real).f_flag & os.ST_RDONLY)


def _sync_folder(folder: Path) -> None:
    # The new file stands already; a file system that cannot sync folders is no failure.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
