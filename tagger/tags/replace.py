"""Carry out edits so that whatever happens leaves the old file or the new one, whole.

A copy beside the file gets the edits, is compared with what was to be, synced to disk, and only
then takes the file's place in one step. ``in_place`` is for those who prefer the file's own
blocks and links to that promise.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import BinaryIO

from tagger.errors import TagError, TagsRefusedError
from tagger.tags.copying import CHANGED_MEANWHILE, build, compare
from tagger.tags.edits import Edit, apply_in_place
from tagger.tags.failures import in_plain_words
from tagger.tags.leftovers import temporary_file

__all__ = ["edit_in_place", "identity", "refuse_unwritable", "replace_by_copy"]


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
    with temporary_file(real.parent) as (temporary, copy):
        touched = build(original, copy, edits, before.st_size)
        copy.flush()
        _dress(real, temporary, before, mtime_ns)
        with ThreadPoolExecutor(1) as disk:  # comparing takes memory, syncing the disk
            synced = disk.submit(os.fsync, copy.fileno())
            compare(original, copy, edits, touched)
            synced.result()
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
