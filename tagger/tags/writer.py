"""Write tags so that whatever happens leaves the old file or the new one, whole.

The file is copied beside itself, the copy is tagged, opened again and compared
with the original (audio, every field that was not to change, every field that
was), and only then takes the original's place in one step.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Literal

from tagger.domain import TagChange
from tagger.errors import GenretagError, TagError, TagsRefusedError
from tagger.tags.container import open_tags
from tagger.tags.failures import translated
from tagger.tags.fields import FIELDS

__all__ = ["is_temporary", "write_changes"]

_TEMPORARY = re.compile(r"\.genretag-[0-9a-f]{16}\.tmp")
_FICLONE = 0x40049409  # linux/fs.h: share the blocks of another file
_COPY_STEP = 1 << 26

_REPLACED = "the file changed while it was being tagged; it was left as it is, run again"


def is_temporary(name: str) -> bool:
    """Whether a file of this name is a copy that an interrupted write left behind."""
    return _TEMPORARY.fullmatch(name) is not None


def write_changes(
    path: Path,
    changes: Sequence[TagChange],
    *,
    payload_digest: Callable[[Path], bytes],
    mtime: Literal["bump", "preserve"] = "bump",
) -> None:
    """Write planned changes into a file, or leave it exactly as it is.

    Args:
        path: the file; a symbolic link is followed and stays a link.
        changes: at most one a field; none means that nothing is done.
        payload_digest: a digest of the audio alone, to prove that it stayed the same.
        mtime: ``bump`` lets other programs notice the change, ``preserve`` keeps
            the time of the last modification.

    Raises:
        TagsRefusedError: if writing would harm something that must be kept.
        TagError: for any other reason; the file is as it was.
    """
    if not changes:
        return
    _check_plan(changes)
    with translated("the tags cannot be written"):
        real = path.resolve(strict=True)
        before = real.stat()
        _refuse_unwritable(real, before)
        temporary = real.parent / f".genretag-{secrets.token_hex(8)}.tmp"
        handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "r+b") as copy:
                with real.open("rb") as original:
                    _copy_content(original, copy, before.st_size)
                copy.flush()
                _tag_and_verify(real, temporary, changes, payload_digest)
                _dress(real, temporary, before, mtime)
                os.fsync(copy.fileno())
            if _identity(real.stat()) != _identity(before):
                raise TagError(_REPLACED)
            temporary.replace(real)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    _sync_folder(real.parent)


def _check_plan(changes: Sequence[TagChange]) -> None:
    names = [change.field for change in changes]
    if unknown := sorted(set(names) - set(FIELDS)):
        raise TagError(f"the plan has unknown fields: {', '.join(unknown)}")
    if len(set(names)) < len(names):
        raise TagError("the plan changes one field twice")


def _refuse_unwritable(real: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise TagsRefusedError("not a regular file")
    if status.st_nlink > 1:
        raise TagsRefusedError(
            f"the file has {status.st_nlink} hard links, and a safe write would separate them"
        )
    # The mode counts even for root, whom the system lets write anything.
    if not status.st_mode & 0o222 or not os.access(real, os.W_OK):
        raise TagsRefusedError("the file is read-only")
    if not os.access(real.parent, os.W_OK | os.X_OK):
        raise TagsRefusedError("the folder is read-only, and a safe write needs a copy beside it")


def _copy_content(original: BinaryIO, copy: BinaryIO, size: int) -> None:
    """Copy a file in the cheapest way that the file system offers."""
    if not (_reflink(original, copy) or _copy_in_kernel(original, copy, size)):
        original.seek(0)
        copy.seek(0)
        copy.truncate()
        shutil.copyfileobj(original, copy, 1 << 20)
        copy.flush()
    if os.fstat(copy.fileno()).st_size != size:
        raise TagError(_REPLACED)


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


def _copy_in_kernel(original: BinaryIO, copy: BinaryIO, size: int) -> bool:
    if not hasattr(os, "copy_file_range"):
        return False
    done = 0
    try:
        while done < size:
            step = os.copy_file_range(original.fileno(), copy.fileno(), _COPY_STEP, done, done)
            if not step:
                return False
            done += step
    except OSError:
        return False  # the plain copy meets the same error again, if it is a real one
    return True


def _tag_and_verify(
    real: Path,
    temporary: Path,
    changes: Sequence[TagChange],
    payload_digest: Callable[[Path], bytes],
) -> None:
    changed = {change.field for change in changes}
    original = open_tags(real)
    for change in changes:
        if original.get(FIELDS[change.field]) != change.before:
            raise TagError(f"{change.field} has changed since it was read; run again")
    expected = original.rest(changed)

    tagged = open_tags(temporary)
    for change in changes:
        tagged.put(FIELDS[change.field], change.after)
    tagged.save()

    result = open_tags(temporary)
    for change in changes:
        if result.get(FIELDS[change.field]) != change.after:
            raise TagsRefusedError(f"{result.kind} cannot hold these values of {change.field}")
    found = result.rest(changed)
    if found != expected:
        what = ", ".join(sorted({name for name, _ in set(found) ^ set(expected)})[:3])
        raise TagsRefusedError(
            f"something beside our fields would change: {what or 'the order of the tags'}"
        )
    if original.kind.startswith("ID3v2") and result.kind != original.kind:
        raise TagsRefusedError(f"{original.kind} would become {result.kind}")
    try:
        same = payload_digest(real) == payload_digest(temporary)
    except GenretagError as error:
        raise TagError(f"the audio cannot be verified: {error}") from error
    if not same:
        raise TagsRefusedError("the audio would not stay the same")


def _dress(
    real: Path, temporary: Path, before: os.stat_result, mtime: Literal["bump", "preserve"]
) -> None:
    """Give the copy the original's owner, mode, extended attributes and times."""
    if hasattr(os, "chown"):
        try:
            os.chown(temporary, before.st_uid, before.st_gid)
        except PermissionError:
            with suppress(PermissionError):  # the group at least, which shared folders live by
                os.chown(temporary, -1, before.st_gid)
    shutil.copystat(real, temporary)  # after chown, which clears bits of the mode
    modified = before.st_mtime_ns if mtime == "preserve" else time.time_ns()
    os.utime(temporary, ns=(before.st_atime_ns, modified))


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _sync_folder(folder: Path) -> None:
    # The new file stands already; a file system that cannot sync folders is no failure.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
