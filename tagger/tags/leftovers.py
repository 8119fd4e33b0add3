"""The copies that writes make beside the files, and what killed runs leave of them."""

from __future__ import annotations

import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from tagger.tags.place import Place

__all__ = ["is_leftover", "locked", "remove_leftover", "temporary_file"]

_TEMPORARY = re.compile(r"\.genretag-[0-9a-f]{16}\.tmp")
_ABANDONED_S: Final = 3600.0


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
        # Not to wait for the other end of a pipe of that name, nor to go where a link leads.
        flags = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)
        with os.fdopen(os.open(path, flags | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or not _is_abandoned(file):
                return False
            path.unlink()
    except OSError:  # gone meanwhile, or not ours to remove
        return False
    return True


@contextmanager
def temporary_file(place: Place) -> Iterator[tuple[str, BinaryIO]]:
    """A new file beside another, locked as long as it is in use; gone at the end unless renamed.

    Returns:
        its name in the folder, and the file.
    """
    while True:
        name = f".genretag-{secrets.token_hex(8)}.tmp"
        file = os.fdopen(place.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL), "r+b")
        _lock(file, wait=True)
        if os.fstat(file.fileno()).st_nlink:
            break
        file.close()  # somebody's clean-up came between creation and lock
    try:
        with file:
            yield name, file
    except BaseException:
        place.unlink(name)
        raise


@contextmanager
def locked(file: BinaryIO) -> Iterator[None]:
    """Keep other writers of ours off an open file; it is let go when it is closed."""
    _lock(file, wait=True)
    yield


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
