"""Whom a folder or a file of ours has to belong to, and opening what others may have planted.

Who may write to a folder can put a link there under a name that we are about to write to, and have
root write elsewhere. Trusted are root and the user that this process runs as; a link of theirs is
followed, as the user who made it meant it. (Linux has the same rule, ``protected_symlinks``, for
folders like /tmp alone.)
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

__all__ = ["distrust", "growing", "is_special", "not_ours", "open_to_all", "opener", "planted_link"]

_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)
_KNOWS_OWNERS: Final = hasattr(os, "geteuid")
_NAME_BYTES: Final = 200  # of the 255 that a name may have; the rest makes it a name of its own


def open_to_all(folder: Path) -> Path | None:
    """The folder, or one above it, in which everybody may replace what is there.

    In one with the sticky bit, such as /tmp, nobody can replace what is another's; what others
    have put there is for :func:`not_ours` to tell.

    Args:
        folder: it must exist.
    """
    if not _KNOWS_OWNERS:
        return None
    for place in (folder, *folder.parents):
        mode = place.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return place
    return None


def distrust(folder: Path, *, named: bool = False) -> tuple[str, str] | None:
    """Why what lies in a folder may be somebody else's doing, and what to do about it.

    Args:
        folder: it must exist.
        named: the user has named it, which is a word for its owner and for its mode: a container
            runs as root with a folder of some user, and a NAS shows mode 777 whatever its rules
            are. It is no word for a folder that anybody could have put there.

    Returns:
        None if it is this user's, or root's, alone.
    """
    if not _KNOWS_OWNERS:
        return None
    for part in (folder, *folder.parents):
        if planted_link(part) and not (named and _is_put_on_purpose(part)):
            return f"{part} is a link that somebody else put there", "remove it"
    owner = folder.stat().st_uid
    if not _is_trusted(owner) and not (named and _is_put_on_purpose(folder)):
        return (
            f"{folder} belongs to {_called(owner)}, who could replace what is in it",
            f"run as {_called(owner)}, or chown it",
        )
    if not named and (place := open_to_all(folder)):
        return (
            f"{place} can be written by everybody, so anybody could replace what is in it",
            f"chmod o-w {place}",
        )
    return None


def not_ours(path: Path, *, named: bool = False) -> str:
    """Why a file must not be obeyed; empty if it is this user's or root's, and no one else's.

    Args:
        path: the file.
        named: its folder is one that the user has named (see :func:`distrust`), so that it may
            be the folder's owner's, and of any mode.

    Raises:
        OSError: it is not there, or cannot be looked at.
    """
    if planted_link(path):
        return "a link that somebody else put there"
    if not _KNOWS_OWNERS:
        return ""
    status = path.stat()
    trusted = _is_trusted(status.st_uid) or (named and status.st_uid == path.parent.stat().st_uid)
    if not trusted:
        return f"it belongs to {_called(status.st_uid)}"
    if status.st_mode & stat.S_IWOTH and not named:
        return "everybody can write to it"
    return ""


def planted_link(path: str | Path) -> bool:
    """Whether a path is a link that neither this user nor root has made."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return _KNOWS_OWNERS and stat.S_ISLNK(status.st_mode) and not _is_trusted(status.st_uid)


def opener(path: str, flags: int) -> int:
    """Opens files to write as :func:`open` does, but through no link that somebody else put there.

    A pipe that nobody reads would hold up the run until somebody does.

    Raises:
        OSError: there is one.
    """
    if planted_link(path):
        raise OSError(errno.ELOOP, "a link that somebody else put there", path)
    if not os.path.islink(path):  # noqa: PTH114 (an opener is given a text)
        flags |= _NO_LINK  # nor one that comes now
    try:
        handle = os.open(path, flags | _NO_WAIT, 0o666)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "a pipe that nobody reads", path) from error
        raise
    if _NO_WAIT:
        os.set_blocking(handle, True)
    return handle


def is_special(path: Path) -> bool:
    """Whether a path is there, and neither a file nor a folder: to read it could take for ever."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


@contextmanager
def growing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its place, in one step, when it is complete; otherwise nothing is left.

    It grows under a name that nobody can foresee, and through no link.

    Args:
        path: its place; a link that stands there is replaced, not followed.

    Raises:
        OSError: it cannot be written.
    """
    stem = os.fsdecode(os.fsencode(path.name)[:_NAME_BYTES])
    part = path.with_name(f".{stem}.{os.urandom(8).hex()}.part")
    try:
        with part.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def _is_put_on_purpose(folder: Path) -> bool:
    """Whether nobody but users of our trust, or of theirs, can make a folder in its place."""
    return not any(place.stat().st_mode & stat.S_IWOTH for place in folder.parents)


def _is_trusted(uid: int) -> bool:
    return uid in (0, os.geteuid())


def _called(uid: int) -> str:
    with suppress(ImportError, KeyError):  # no such user on this machine
        import pwd

        return pwd.getpwuid(uid).pw_name
    return f"user {uid}"
