"""Where a file is, held so that nobody can move it elsewhere between a look and a deed.

A path is a question that is answered anew each time: whoever may write to a folder above can put
a link there meanwhile, and have root replace a file of the system. So the file's folder is opened
once, from the top down and through no link, and all else is done by its handle (openat(2)).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from tagger.errors import TagError, TagsRefusedError
from tagger.tags.copying import CHANGED_MEANWHILE

__all__ = ["Place", "held", "refuse_outside"]

_BY_HANDLE: Final = {os.open, os.rename, os.stat, os.unlink} <= os.supports_dir_fd
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_FOLDER: Final = getattr(os, "O_DIRECTORY", 0) | _NO_LINK | getattr(os, "O_CLOEXEC", 0)
_PASS: Final = getattr(os, "O_PATH", os.O_RDONLY)  # as enough for folders that may only be entered
_A_LINK: Final = (errno.ELOOP, errno.ENOTDIR, errno.EMLINK)


@dataclass(frozen=True, slots=True)
class Place:
    """A file's name, and its folder held open.

    Attributes:
        real: the file's path, without links when it was opened.
        folder: handle of its folder; None where the system does nothing by handles (Windows).
    """

    real: Path
    folder: int | None

    @property
    def name(self) -> str:
        """The file's name in its folder."""
        return self.real.name

    def open(self, name: str, flags: int, mode: int = 0o600) -> int:
        """Open a file of the folder, which no link leads to; as :func:`os.open`."""
        flags |= _NO_LINK | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        try:
            return os.open(self._path(name), flags, mode, dir_fd=self.folder)
        except OSError as error:
            if error.errno in _A_LINK:
                raise TagError(CHANGED_MEANWHILE) from error
            raise

    def reading(self) -> BinaryIO:
        """The file itself, open for reading; never waits for the other end of a pipe."""
        handle = self.open(self.name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        file = os.fdopen(handle, "rb")
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            file.close()
            raise TagsRefusedError("not a regular file any more")
        return file

    def status(self, name: str) -> os.stat_result:
        """Status of what bears a name in the folder, be it a link."""
        return os.stat(self._path(name), dir_fd=self.folder, follow_symlinks=False)

    def unlink(self, name: str) -> None:
        """Remove a file of the folder, if it is there."""
        with suppress(FileNotFoundError):
            os.unlink(self._path(name), dir_fd=self.folder)

    def replace(self, name: str, other: str) -> None:
        """Give a file of the folder another name there, in place of what bears it."""
        os.replace(
            self._path(name), self._path(other), src_dir_fd=self.folder, dst_dir_fd=self.folder
        )

    def sync(self) -> None:
        """Have the folder's names on the disk; a file system that cannot do it does without."""
        with suppress(OSError):
            handle = os.open(self._path("."), os.O_RDONLY, dir_fd=self.folder)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def _path(self, name: str) -> str:
        return name if self.folder is not None else os.fspath(self.real.parent / name)


@contextmanager
def held(real: Path) -> Iterator[Place]:
    """Hold the folder of a file for as long as the context lasts.

    Args:
        real: the file's path, without links.

    Raises:
        TagError: a part of the path is a link by now.
        OSError: a folder of it cannot be entered.
    """
    if not _BY_HANDLE:
        yield Place(real, None)
        return
    folder = _opened(real.parent)
    try:
        yield Place(real, folder)
    finally:
        os.close(folder)


def _opened(folder: Path) -> int:
    top, *parts = folder.parts
    if not hasattr(os, "O_PATH"):  # a folder above may be one that may not be read
        top, parts = os.fspath(folder), []
    handle = os.open(top, _PASS | _FOLDER)
    try:
        for part in parts:
            below = os.open(part, _PASS | _FOLDER, dir_fd=handle)
            os.close(handle)
            handle = below
    except OSError as error:
        os.close(handle)
        if error.errno in _A_LINK:
            raise TagError(CHANGED_MEANWHILE) from error
        raise
    return handle


def refuse_outside(real: Path, within: Sequence[Path]) -> None:
    """Refuse a file that lies nowhere below some folders, as one does behind a link.

    Args:
        real: the file's path, without links.
        within: folders, or files themselves, without links; none means anywhere.

    Raises:
        TagsRefusedError: it lies elsewhere.
    """
    if within and not any(real == place or place in real.parents for place in within):
        raise TagsRefusedError("it lies outside of the folder that was named")
