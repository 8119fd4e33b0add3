"""Whether the library is still there: a drive may be unplugged or unmounted in mid-run.

Without this, each of 100,000 tracks would fail by itself, for one reason that none of them
names.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from tagger.errors import LibraryGoneError

__all__ = ["Roots"]

_LIMIT_S: Final = 30.0
_GONE: Final = "is gone (unmounted?)"
_ADVICE: Final = "what was done is kept, run again when it is back"
# What may lie in the folder on which a drive is mounted, too, while it is not.
_LITTER: Final = (".", "@", "#", "$", "lost+found", "System Volume Information")

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Root:
    """A folder as it was at the start.

    Attributes:
        identity: its device and inode.
        witness: name of something in it; None if it held nothing to speak of.
    """

    folder: Path
    identity: tuple[int, int]
    witness: str | None


class Roots:
    """The folders of a run as they are when it begins; for a file, the folder that holds it.

    A folder that cannot be looked at is not watched: the walk says what is wrong with it.

    Args:
        paths: what the user named.
        limit_s: how long a folder may take to answer. A network drive whose server is gone
            may never do, and whoever asks waits as long.

    Raises:
        LibraryGoneError: one does not answer.
    """

    def __init__(self, paths: Sequence[Path], *, limit_s: float = _LIMIT_S) -> None:
        self._limit_s = limit_s
        folders = dict.fromkeys(folder for _, folder in self._answers(paths, _folder))
        self._roots = [root for _, root in self._answers(list(folders), _remembered) if root]

    def check(self) -> None:
        """Look whether all are still there: to be called where a file cannot be reached.

        Raises:
            LibraryGoneError: one is gone, as one line to end the run with.
        """
        for root, lost in self._answers(self._roots, _lost):
            if lost:
                raise LibraryGoneError(f"the library {root.folder} {lost}; {_ADVICE}")

    def _answers(
        self, items: Sequence[Item], question: Callable[[Item], Answer]
    ) -> Iterator[tuple[Item, Answer]]:
        """Put a question to each, which the system may never answer.

        Raises:
            LibraryGoneError: one does not answer within the time there is.
        """
        answers: list[Future[Answer]] = [Future() for _ in items]

        def ask() -> None:
            for item, answer in zip(items, answers, strict=True):
                try:
                    answer.set_result(question(item))
                except Exception as error:
                    answer.set_exception(error)

        # A daemon: a thread that the kernel keeps cannot be ended, and must not keep us.
        threading.Thread(target=ask, daemon=True).start()
        for item, answer in zip(items, answers, strict=True):
            try:
                yield item, answer.result(self._limit_s)
            except TimeoutError:
                where = item.folder if isinstance(item, _Root) else item
                raise LibraryGoneError(f"the library {where} does not answer; {_ADVICE}") from None


def _folder(path: Path) -> Path:
    # Not a file itself, which is another one as soon as its tags are written.
    return path if os.path.isdir(path) else path.parent  # noqa: PTH112 (raises nothing)


def _remembered(folder: Path) -> _Root | None:
    """A folder as it is; None if it cannot be looked at."""
    try:
        status = folder.stat()
        # In absolute terms, so that it stays the same folder.
        return _Root(folder.absolute(), (status.st_dev, status.st_ino), _witness(folder))
    except OSError:
        return None


def _lost(root: _Root) -> str:
    """Why a folder cannot be used any more; empty if it can.

    Another device or inode alone proves nothing: some network drives number anew what they
    forgot, and an automatic mount comes back as another device. So it counts only where what
    was seen in the folder is not there either.
    """
    try:
        status = root.folder.stat()
        if not stat.S_ISDIR(status.st_mode):
            return _GONE
        if root.witness is not None:
            try:
                (root.folder / root.witness).lstat()
                return ""
            except FileNotFoundError:
                if _witness(root.folder) is None:  # the bare folder beneath a mount
                    return _GONE
        return "" if (status.st_dev, status.st_ino) == root.identity else _GONE
    except (FileNotFoundError, NotADirectoryError):
        return _GONE
    except OSError as error:  # stale, not connected, host down, input/output error…
        return f"cannot be reached any more ({(error.strerror or 'error').lower()})"


def _witness(folder: Path) -> str | None:
    """Something in a folder that tells it from the bare folder that it may be mounted on."""
    with os.scandir(folder) as entries:
        return next((e.name for e in entries if not e.name.startswith(_LITTER)), None)
