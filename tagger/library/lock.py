"""Files that a living process holds; the system drops such a lock however the process ends.

A lock is the system's (``flock``), never a file's mere existence: what a killed run leaves
behind is no obstacle to the next one. It belongs to one machine. The state folder is meant to
lie on a local disk, and on a network file system a lock may or may not be seen by others.
"""

from __future__ import annotations

import json
import os
import platform
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tagger.errors import LockedError, UsageError

__all__ = ["LOCK", "RunLock", "hold", "is_held"]

LOCK: Final = "lock"
"""Name of the file in the state folder that the run under way holds."""

_TRIES: Final = 10
_PAUSE_S: Final = 0.05
_NOTE_BYTES: Final = 4096
_HOW: Final = os.O_RDWR | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)


class RunLock:
    """Lets one run write at a time: of all that share a state folder, as one user's do.

    It is this process's alone. Processes that it starts do not hold it, so that none of them
    keeps the next run out when this one is killed.

    Args:
        folder: the state folder, which must exist.
        command: what runs, for people: ``genretag scan``.

    Entering it raises:
        LockedError: another run holds it.
        UsageError: there can be no lock in that folder.
    """

    def __init__(self, folder: Path, command: str) -> None:
        self._path = folder / LOCK
        self._command = command
        self._handle: int | None = None

    def __enter__(self) -> Self:
        try:
            self._handle = self._taken()
        except OSError as error:
            reason = (error.strerror or "error").lower()
            raise UsageError(
                f"{self._path}: cannot be locked: {reason}; check owner and mode of its folder, "
                "which must be on a local disk"
            ) from error
        if hasattr(os, "register_at_fork"):
            # A child that is forked without exec shares the open file, and with it the lock.
            os.register_at_fork(after_in_child=self._forget)
        note = {
            "pid": os.getpid(),
            "host": platform.node(),
            "started": datetime.now().astimezone().isoformat(timespec="seconds"),
            "command": self._command,
        }
        with suppress(OSError):  # a full disk: the lock holds, only its message is poorer
            os.ftruncate(self._handle, 0)
            os.write(self._handle, json.dumps(note).encode())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        # The file stays: whoever waits to lock it would lock one that nobody else can find.
        if self._handle is not None:
            with suppress(OSError):
                os.ftruncate(self._handle, 0)
            self._forget()

    def _taken(self) -> int:
        for _ in range(_TRIES):
            handle = os.open(self._path, _HOW | os.O_CREAT, 0o600)
            try:
                if _lock(handle) is not False:
                    if os.fstat(handle).st_nlink:
                        kept, handle = handle, -1
                        return kept
                    continue  # removed between creation and lock
                if holder := _holder(handle):
                    raise LockedError(f"another run is under way {holder}; it ends by itself")
            finally:
                if handle >= 0:
                    os.close(handle)
            time.sleep(_PAUSE_S)  # it is just beginning, or just ending
        raise LockedError("another run is under way; it ends by itself")

    def _forget(self) -> None:
        """Close the file, which drops the lock unless a parent has it open still."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _holder(handle: int) -> str:
    """Who holds a run's lock, and since when; empty if the file does not say."""
    try:
        note = json.loads(os.read(handle, _NOTE_BYTES))
        started = datetime.fromisoformat(note["started"]).astimezone()
        pid, host, command = int(note["pid"]), str(note["host"]), str(note["command"])
    except (ValueError, KeyError, TypeError, OverflowError):
        return ""
    today = started.date() == datetime.now().date()
    where = "" if host == platform.node() else f" on {host}"  # as in another container
    since = f"{started:%H:%M}" if today else f"{started:%Y-%m-%d %H:%M}"
    return f"since {since} (process {pid}{where}: {command})"


def hold(path: Path) -> int:
    """Lock a file, made for the purpose, for as long as this process lives.

    Returns:
        handle of the file; who is done removes the file and closes the handle.

    Raises:
        OSError: if it cannot be made.
    """
    while True:
        handle = os.open(path, _HOW | os.O_CREAT, 0o600)
        _lock(handle, wait=True)
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)  # somebody took it for abandoned between creation and lock


def is_held(path: Path) -> bool:
    """Whether a living process holds a lock; what a dead one left behind is removed.

    Where there are no locks, every file passes for held: taking a run for alive leaves its
    entries in the journal open, the contrary could lose them.

    Raises:
        OSError: if that cannot be told.
    """
    try:
        handle = os.open(path, _HOW)
    except FileNotFoundError:
        return False
    try:
        if not _lock(handle, shared=True):
            return True
        if os.fstat(handle).st_nlink:
            path.unlink(missing_ok=True)
        return False
    finally:
        os.close(handle)


def _lock(handle: int, *, shared: bool = False, wait: bool = False) -> bool | None:
    """Lock a file for this process alone, or together with others that share it.

    Returns:
        whether it is locked now, or None where there are no locks.

    Raises:
        OSError: if the file system refuses.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        fcntl.flock(
            handle,
            (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB),
        )
    except BlockingIOError:
        return False
    return True
