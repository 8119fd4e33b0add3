"""Carry out edits so that whatever happens leaves the old file or the new one, whole.

A copy beside the file gets the edits, is compared with what was to be, synced to disk, and only
then takes the file's place in one step. ``in_place`` is for those who prefer the file's own
blocks and links to that promise.
"""

from __future__ import annotations

import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from tagger.errors import TagError, TagsRefusedError
from tagger.tags.copying import CHANGED_MEANWHILE, build, compare
from tagger.tags.edits import Edit, apply_in_place
from tagger.tags.failures import in_plain_words
from tagger.tags.leftovers import locked, temporary_file
from tagger.tags.place import Place

__all__ = [
    "Target",
    "edit_in_place",
    "identity",
    "refuse_unwritable",
    "replace_by_copy",
    "uninterrupted",
]


def refuse_unwritable(real: Path, status: os.stat_result, *, in_place: bool = False) -> None:
    """Say early, and in words, why a file cannot be written safely.

    Raises:
        TagsRefusedError: with the reason.
    """
    if not stat.S_ISREG(status.st_mode):
        raise TagsRefusedError("not a regular file")
    if status.st_nlink > 1 and not in_place:
        raise TagsRefusedError(
            f"the file has {status.st_nlink} hard links, and a safe write would separate them;"
            " --write in-place keeps them"
        )
    # The mode counts even for root, whom the system lets write anything.
    if not status.st_mode & 0o222:
        raise TagsRefusedError("the file is read-only; make it writable to have it tagged")
    if not os.access(real, os.W_OK):
        if _is_read_only_mount(real):
            raise TagsRefusedError("the file system is mounted read-only")
        raise TagsRefusedError(
            "the file may not be written: it is immutable, or belongs to somebody else"
        )
    if not in_place and not os.access(real.parent, os.W_OK | os.X_OK):
        raise TagsRefusedError(
            "the folder is read-only, and a safe write needs a copy beside the file;"
            " --write in-place needs none"
        )


def identity(status: os.stat_result) -> tuple[int, ...]:
    """What differs if somebody else writes or replaces a file meanwhile."""
    # The time of the change of status, too: it cannot be set back by those who keep dates.
    times = status.st_mtime_ns, status.st_ctime_ns
    return status.st_dev, status.st_ino, status.st_size, *times


@dataclass(frozen=True, slots=True)
class Target:
    """A file that is about to be changed.

    Attributes:
        place: its folder, held, and its name there.
        original: the file, open for reading.
        before: its status when it was looked at.
        mtime_ns: the new file's time of modification; None for now.
    """

    place: Place
    original: BinaryIO
    before: os.stat_result
    mtime_ns: int | None


def replace_by_copy(
    target: Target,
    edits: Sequence[Edit],
    *,
    recorded: AbstractContextManager[None],
) -> None:
    """Put an edited copy in a file's place.

    Args:
        target: the file.
        edits: what differs in the copy.
        recorded: entered once all is ready, right before the file is replaced: what must be
            durable by then is written there. It sees any error that keeps the file as it was.

    Raises:
        TagsRefusedError: if the copy cannot be made like the file in owner and group.
        TagError: if the file changed meanwhile or the copy is not as it should be.
        OSError: whatever the system says; the file is as it was.
    """
    place = target.place
    with temporary_file(place) as (temporary, copy):
        touched = build(target.original, copy, edits, target.before.st_size)
        copy.flush()
        _dress(target, copy)
        with ThreadPoolExecutor(1) as disk:  # comparing takes memory, syncing the disk
            synced = disk.submit(os.fsync, copy.fileno())
            compare(target.original, copy, edits, touched)
            synced.result()
        with recorded:
            # A link in its place is another file, whatever it points to.
            if identity(place.status(place.name)) != identity(target.before):
                raise TagError(CHANGED_MEANWHILE)
            _check_own(place.status(temporary), copy)
            place.replace(temporary, place.name)
    place.sync()


def edit_in_place(
    target: Target,
    edits: Sequence[Edit],
    *,
    same: Callable[[BinaryIO], bool],
    recorded: AbstractContextManager[None],
) -> None:
    """Change a file where it stands. A crash in the middle of this damages it.

    Args:
        target: the file.
        edits: what to do to it.
        same: whether the file, which is locked and open then, still has the tags that the
            edits are meant for: another process may have been amid a write of its own.
        recorded: as in :func:`replace_by_copy`.

    Raises:
        TagError: if the file changed meanwhile, or the system failed in the middle of the
            write, which the message says.
        OSError: whatever the system says before; the file is as it was.
    """
    broken: OSError | None = None
    handle = target.place.open(target.place.name, os.O_RDWR)
    with os.fdopen(handle, "r+b") as file, locked(file), recorded, uninterrupted():
        if identity(os.fstat(file.fileno())) != identity(target.before) or not same(file):
            raise TagError(CHANGED_MEANWHILE)
        _make_room(file, target.before.st_size, sum(edit.shift for edit in edits))
        try:
            apply_in_place(edits, file, target.before.st_size)
            file.flush()
            if target.mtime_ns is not None:
                with suppress(PermissionError):  # only the owner may set a date
                    os.utime(file.fileno(), ns=(target.before.st_atime_ns, target.mtime_ns))
            os.fsync(file.fileno())
        except OSError as error:  # no reason to forget what was recorded
            broken = error
    if broken:
        raise TagError(
            f"the write in place broke off, the file may be damaged: {in_plain_words(broken)}"
        ) from broken


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back until the end."""
    if threading.current_thread() is not threading.main_thread():
        yield  # where neither arrives
        return
    arrived: list[tuple[int, FrameType | None]] = []
    before = {
        number: signal.signal(number, lambda *what: arrived.append(what))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for first, _ in arrived[:1]:
            signal.raise_signal(first)


def _make_room(file: BinaryIO, length: int, growth: int) -> None:
    """Meet a full disk before anything is overwritten."""
    if growth <= 0 or not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(file.fileno(), length, growth)
    except OSError:
        file.truncate(length)
        raise


def _check_own(found: os.stat_result, copy: BinaryIO) -> None:
    """Check that a name still means the copy, in a folder that others may write to."""
    own = os.fstat(copy.fileno())
    if (found.st_dev, found.st_ino) != (own.st_dev, own.st_ino):
        raise TagError(CHANGED_MEANWHILE)


def _dress(target: Target, copy: BinaryIO) -> None:
    """Give the copy the original's owner, mode, extended attributes and times.

    By its handle and not by its name: whoever may write to the folder could put a link there
    meanwhile, and have root give him a file of the system.
    """
    before, handle = target.before, copy.fileno()
    original = target.original.fileno()
    if hasattr(os, "fchown"):
        with suppress(PermissionError):
            os.fchown(handle, -1, before.st_gid)
        with suppress(PermissionError):
            os.fchown(handle, before.st_uid, -1)
        found = os.fstat(handle)
        if (found.st_uid, found.st_gid) != (before.st_uid, before.st_gid):
            raise TagsRefusedError(
                "a copy could not keep the file's owner and group;"
                " run as its owner, or with --write in-place"
            )
    if hasattr(os, "listxattr"):
        with suppress(OSError):  # there are file systems without any
            names = os.listxattr(original)
            for name in set(os.listxattr(handle)) - set(names):
                os.removexattr(handle, name)  # a folder's default access list, say
            for name in names:
                with suppress(OSError):  # one that only the system may set
                    os.setxattr(handle, name, os.getxattr(original, name))
    modified = time.time_ns() if target.mtime_ns is None else target.mtime_ns
    if hasattr(os, "fchmod"):  # after the owner, whose change clears bits of the mode
        os.fchmod(handle, stat.S_IMODE(before.st_mode))
    os.utime(handle, ns=(before.st_atime_ns, modified))


def _is_read_only_mount(real: Path) -> bool:
    return hasattr(os, "statvfs") and bool(os.statvfs(real).f_flag & os.ST_RDONLY)
