"""The journal's file: how it is laid out, begun, opened and checked, and the locks beside it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tagger.errors import GenretagError, UsageError
from tagger.library.folders import STATE_VARIABLE, foreign_file
from tagger.library.journal_rows import State
from tagger.library.lock import hold, is_held

__all__ = ["connect", "create_file", "empty", "exists", "hold", "is_held", "translated"]

_APPLICATION: Final = 0x47545447  # "GTTG"
_FORMAT: Final = 1
_BUSY_S: Final = 60.0  # a transaction of somebody else is one sync long

# The time of modification is stored in two parts because file systems know times that do not
# fit into 64 bits of nanoseconds.
_SCHEMA: Final = f"""
BEGIN;
CREATE TABLE run (
    number INTEGER PRIMARY KEY,
    command TEXT NOT NULL,
    model TEXT NOT NULL,
    version TEXT NOT NULL,
    started TEXT NOT NULL,
    finished TEXT
);
CREATE TABLE entry (
    number INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES run,
    state INTEGER NOT NULL,
    mtime_s INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    state_before BLOB NOT NULL,
    state_after BLOB NOT NULL,
    path BLOB NOT NULL,
    changes BLOB NOT NULL,
    undo BLOB NOT NULL
);
CREATE INDEX entry_of_run ON entry (run, number, state);
CREATE INDEX entry_of_path ON entry (path);
CREATE INDEX entry_pending ON entry (number) WHERE state = {State.PENDING:d};
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_FORMAT};
COMMIT;
"""

_DAMAGED: Final = (
    "it is damaged; restore {path} from a backup, or move it away to begin a new one, which "
    "cannot undo what was written so far"
)
_WORDS: Final = {
    sqlite3.SQLITE_FULL: "the disk is full; make room in {folder} and run again",
    sqlite3.SQLITE_READONLY: "it is read-only; check owner, mode and mount of {folder}",
    sqlite3.SQLITE_PERM: "permission denied; check the owner and mode of {folder}",
    sqlite3.SQLITE_CANTOPEN: "the system refuses it; check owner, mode and mount of {folder}",
    sqlite3.SQLITE_BUSY: "another program holds {path}; run again when it is done",
    sqlite3.SQLITE_IOERR: "input/output error; check the disk that holds {folder}, and its quota",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_ERROR: _DAMAGED,  # no such table, no such column
}


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open a journal that exists, and check what can be checked at once.

    Args:
        path: the journal.
        write: check that it can be written to, too.

    Raises:
        UsageError: it is damaged, not a journal, or of a newer genretag.
    """
    with translated("opened", UsageError, path):
        if why := foreign_file(path, STATE_VARIABLE):
            raise UsageError(f"the journal {path} is not this user's: {why}; see whose it is")
        uri = f"{path.absolute().as_uri()}?mode=rw"
        db = sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None)
        try:
            for setting in (
                "synchronous = FULL",  # some builds of SQLite have a weaker default
                "fullfsync = ON",  # macOS: past the disk's own cache
                "checkpoint_fullfsync = ON",
                "foreign_keys = ON",
                "cell_size_check = ON",
                "trusted_schema = OFF",
            ):
                db.execute(f"PRAGMA {setting}")
            _check(db, path)
            if write:
                # A transaction alone begins on a read-only file, too.
                db.execute("BEGIN IMMEDIATE")
                db.execute(f"PRAGMA user_version = {_FORMAT}")
                db.execute("ROLLBACK")
        except BaseException:
            db.close()
            raise
        return db


def _check(db: sqlite3.Connection, path: Path) -> None:
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION:
        # An empty file ends up here too: a journal is never seen before it is whole.
        raise UsageError(f"{path} is not a journal of genretag, or {_DAMAGED.format(path='it')}")
    if version > _FORMAT:
        raise UsageError(f"the journal {path} is of a newer genretag; update genretag to use it")
    db.execute("SELECT max(number) FROM run").fetchone()
    db.execute("SELECT max(number), max(path) FROM entry").fetchone()


def exists(path: Path) -> bool:
    """Whether there is a journal.

    Raises:
        UsageError: only its log is left, which SQLite would write into a new file.
    """
    with translated("opened", UsageError, path):
        log = path.with_name(f"{path.name}-wal")
        # The log first: another process may begin a journal just now, and then its log.
        has_log = log.exists() and log.stat().st_size > 0
        if path.exists():
            return True
        if has_log:
            raise UsageError(
                f"the journal {path} is gone, but its log {log.name} is still there; restore the "
                "journal from a backup, or move the log away to begin a new one"
            )
        return False


def create_file(path: Path) -> None:
    """Begin a journal: nothing of it can be seen before it is whole and on the disk.

    Raises:
        UsageError: it cannot be created.
    """
    with translated("created", UsageError, path):
        with TemporaryDirectory(prefix=".journal-", dir=path.parent) as temporary:
            new = Path(temporary) / path.name
            with closing(sqlite3.connect(new, isolation_level=None)) as db:
                db.executescript(f"PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; {_SCHEMA}")
                db.execute("PRAGMA journal_mode = WAL")
            new.chmod(0o600)
            with suppress(FileExistsError):  # another process was faster
                path.hardlink_to(new)
        _sync_folder(path.parent)


def empty() -> sqlite3.Connection:
    """A journal without runs that is nowhere on the disk and cannot be written to."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(_SCHEMA)
    db.execute("PRAGMA query_only = ON")
    return db


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system that cannot sync folders keeps them itself
            os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def translated(doing: str, failure: type[GenretagError], path: Path) -> Iterator[None]:
    """Say in one line what SQLite or the system has to say.

    Args:
        doing: what cannot be done to the journal: ``opened``.
        failure: the error to raise.
        path: the journal.
    """
    try:
        yield
    except sqlite3.ProgrammingError:  # a fault of ours
        raise
    except (sqlite3.Error, OSError) as error:
        raise failure(f"the journal cannot be {doing}: {_in_words(error, path)}") from error


def _in_words(error: sqlite3.Error | OSError, path: Path) -> str:
    if isinstance(error, OSError):
        return f"{(error.strerror or 'error').lower()}; check {path.parent}"
    # Extended codes hold the plain one in their low byte. An error of the Python module itself
    # has none: what it read makes no sense.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    words = _WORDS.get(code)
    return words.format(path=path, folder=path.parent) if words else str(error)
