"""The cache's file: how it is laid out, opened, set aside and begun anew.

Whoever uses it shares a lock on ``cache.lock`` beside it. Only who has that lock alone puts
another file in its place: SQLite removes the log of a database by name, and would remove that
of the new one when the last user of the old one is done.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tagger.library.cache_schema import APPLICATION, FORMAT, PAGE_BYTES, SCHEMA, TABLES
from tagger.library.folders import CACHE_VARIABLE, foreign_file

__all__ = [
    "CACHE",
    "SOUNDS",
    "InUseError",
    "OpenFile",
    "is_damage",
    "open_file",
    "reason",
    "remove_file",
]

CACHE: Final = "cache.sqlite3"
"""Name of the file in the cache folder."""

SOUNDS: Final = "training.sqlite3"
"""Name of the file beside it in which trainings keep what they heard."""

_LOCK: Final = "cache.lock"
_DAMAGED: Final = ".damaged"
_NEW: Final = ".new"
_LOGS: Final = ("-wal", "-shm", "-journal")
_BUSY_S: Final = 30.0
_PATIENCE_S: Final = 3.0
_PAUSE_S: Final = 0.05
_LOG_BYTES: Final = 4 << 20
_DAMAGE: Final = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,  # no such table, no such column
    sqlite3.SQLITE_MISMATCH,
)
_WORDS: Final = dict.fromkeys(_DAMAGE, "it is damaged") | {
    sqlite3.SQLITE_FULL: "the disk is full; make room in {folder}",
    sqlite3.SQLITE_READONLY: "it is read-only; check owner, mode and mount of {folder}",
    sqlite3.SQLITE_PERM: "permission denied; check owner and mode of {folder}",
    sqlite3.SQLITE_CANTOPEN: "the system refuses it; check owner, mode and mount of {folder}",
    sqlite3.SQLITE_BUSY: "another program holds it for long",
    sqlite3.SQLITE_IOERR: "input/output error; check the disk that holds {folder}, and its quota",
}


class InUseError(Exception):
    """Another process uses the cache, so that its file cannot be taken away."""

    def __init__(self) -> None:
        super().__init__("another run uses it; run again when that one is done")


class _UnfitError(Exception):
    """The file is missing (no words), or cannot be used: why."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """The cache, open.

    Attributes:
        db: for one thread; each statement is a transaction unless one is begun.
        lock: handle of the lock.
        inode: which file it is.
        notice: what happened to the one that was there before; empty if nothing did.
    """

    db: sqlite3.Connection
    lock: int
    inode: int
    notice: str

    def close(self) -> None:
        """Let go of file and lock."""
        with suppress(sqlite3.Error):
            self.db.close()
        os.close(self.lock)


def open_file(folder: Path, *, damaged: int = 0) -> OpenFile:
    """Open the cache of a folder; begin one if there is none that can be used.

    Args:
        folder: it must exist.
        damaged: inode of a file that is not to be used, though it may look sound.

    Raises:
        InUseError: the cache cannot be used, and another process has it open.
        sqlite3.Error: it cannot be opened or begun.
        OSError: the same.
    """
    path = folder / CACHE
    lock = _lock_file(folder)
    try:
        notice = ""
        patience = time.monotonic() + _PATIENCE_S
        while True:
            # A process that renews the file has the lock for an instant only.
            if _lock(lock, alone=False):
                with suppress(_UnfitError):
                    return OpenFile(_connect(path, damaged), lock, path.stat().st_ino, notice)
                _unlock(lock)  # or two that wait for each other would never have it alone
            if _lock(lock, alone=True):
                try:
                    _connect(path, damaged).close()
                except _UnfitError as unfit:
                    notice = _begin_anew(path, str(unfit))
                _unlock(lock)
            elif time.monotonic() > patience:
                raise InUseError
            else:
                time.sleep(_PAUSE_S)
    except BaseException:
        os.close(lock)
        raise


def remove_file(folder: Path) -> int:
    """Remove the cache, what was set aside, and what trainings keep.

    Returns:
        how many bytes that were.

    Raises:
        InUseError: another process has it open.
        OSError: it cannot be removed.
    """
    lock = _lock_file(folder)
    try:
        if not _lock(lock, alone=True):
            raise InUseError
        freed = 0
        of_trainings = (f"{SOUNDS}{suffix}" for suffix in (*_LOGS, ""))
        for name in (
            *(f"{CACHE}{suffix}" for suffix in (*_LOGS, "", _DAMAGED, _NEW)),
            *of_trainings,
        ):
            path = folder / name
            with suppress(FileNotFoundError):
                size = path.lstat().st_size
                path.unlink()
                freed += size
        return freed
    finally:
        os.close(lock)


def is_damage(error: Exception) -> bool:
    """Whether an error says that the file makes no sense."""
    return _code(error) in _DAMAGE


def reason(error: Exception, folder: Path) -> str:
    """What is wrong, in words, and what to do about it."""
    if isinstance(error, OSError):
        return f"{(error.strerror or 'error').lower()}; check {folder}"
    return _WORDS.get(_code(error), str(error)).format(folder=folder)


def _code(error: Exception) -> int:
    if isinstance(error, sqlite3.InterfaceError | sqlite3.ProgrammingError):  # a fault of ours
        return sqlite3.SQLITE_MISUSE
    if isinstance(error, sqlite3.Error):
        # Extended codes hold the plain one in their low byte. An error of the Python module
        # itself has none: what it read makes no sense.
        return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    # Damaged rows give values of wrong types, and damaged schemas messages that are no text.
    is_nonsense = isinstance(error, ValueError | TypeError | OverflowError)
    return sqlite3.SQLITE_CORRUPT if is_nonsense else sqlite3.SQLITE_MISUSE


def _connect(path: Path, damaged: int) -> sqlite3.Connection:
    try:
        if path.stat().st_ino == damaged:
            raise _UnfitError("damaged")
    except FileNotFoundError:
        raise _UnfitError from None
    if path.is_dir():
        raise _UnfitError("not a file")
    if why := foreign_file(path, CACHE_VARIABLE):
        raise _UnfitError(f"not this user's ({why})")
    uri = f"{path.absolute().as_uri()}?mode=rw"
    db = sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None)
    try:
        for setting in (
            "synchronous = NORMAL",  # a power cut may lose the last batches, which costs time
            f"journal_size_limit = {_LOG_BYTES}",
            "cell_size_check = ON",
            "trusted_schema = OFF",
        ):
            db.execute(f"PRAGMA {setting}")
        _check(db)
    except BaseException as error:
        db.close()
        if isinstance(error, Exception) and is_damage(error):
            raise _UnfitError("damaged") from error
        raise
    return db


def _check(db: sqlite3.Connection) -> None:
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        raise _UnfitError("damaged")
    if version != FORMAT:
        raise _UnfitError("of another version of genretag")
    for table in TABLES:
        db.execute(f"SELECT * FROM {table} ORDER BY rowid DESC LIMIT 1").fetchone()


def _begin_anew(path: Path, unfit: str) -> str:
    """Put an empty cache in the place of the one that is unfit, if there is one.

    Returns:
        what to tell of that.
    """
    notice = ""
    if unfit:
        kept = path.with_name(path.name + _DAMAGED)
        if not kept.is_dir():
            kept.unlink(missing_ok=True)
        path.replace(kept)
        notice = f"the analysis cache was {unfit} and is begun anew; the old one is {kept}"
    new = path.with_name(path.name + _NEW)
    for old in (path, new):
        for suffix in _LOGS:  # SQLite would take them for the new file's
            old.with_name(old.name + suffix).unlink(missing_ok=True)
    new.unlink(missing_ok=True)
    new.touch(0o600, exist_ok=False)  # SQLite would follow a link
    try:
        with closing(sqlite3.connect(new, isolation_level=None)) as db:
            db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(SCHEMA)
        new.replace(path)
    except BaseException:
        for suffix in ("", *_LOGS):
            new.with_name(new.name + suffix).unlink(missing_ok=True)
        raise
    return notice


def _lock_file(folder: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    return os.open(folder / _LOCK, flags, 0o600)


def _lock(handle: int, *, alone: bool) -> bool:
    """Take a lock alone or together with others, if it can be had at once."""
    try:
        import fcntl
    except ImportError:  # Windows: it lets nobody replace a file that is open
        return True
    try:
        fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unlock(handle: int) -> None:
    with suppress(ImportError):  # Windows
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_UN)
