"""Keeping the cache small: what is in it, and what may go.

Everything is removed in short transactions, so that a run under way can write in between.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tagger.library.cache_file import CACHE
from tagger.library.cache_queries import disk, today
from tagger.library.cache_rows import Info, Pruned
from tagger.library.cache_vectors import drop_lost_vectors

__all__ = ["drop_old_listenings", "info", "prune"]

_LISTENINGS: Final = 2
_UNUSED_DAYS: Final = 90
_SLICE: Final = 500

_IN_USE: Final = "SELECT audio FROM file WHERE audio IS NOT NULL"


def info(db: sqlite3.Connection, folder: Path) -> Info:
    """The cache of a folder in numbers."""
    day = _one(db, "SELECT min(used) FROM audio")
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return Info(
        files=_one(db, "SELECT count(*) FROM file"),
        hearings=_one(db, "SELECT count(*) FROM hearing"),
        problems=_one(db, "SELECT count(*) FROM problem"),
        size=_size(folder),
        oldest=None if day is None else (epoch + timedelta(days=day)).date(),
    )


def drop_old_listenings(db: sqlite3.Connection) -> int:
    """Forget what was heard by all but the two networks (or analyses) used last.

    Returns:
        how many hearings that were.
    """
    old = db.execute(
        "SELECT id FROM listening ORDER BY used DESC LIMIT -1 OFFSET ?", (_LISTENINGS,)
    ).fetchall()
    dropped = 0
    for (listening,) in old:
        dropped += _delete(db, "hearing", "listening = ?", listening)
        _delete(db, "problem", "listening = ?", listening)
        _delete(db, "listening", "id = ?", listening)
    return dropped


def prune(db: sqlite3.Connection, folder: Path) -> Pruned:
    """Remove from the cache of a folder what is of no use any more."""
    before = _size(folder)
    files = 0
    gone: list[int] = []
    for file in _gone(db):
        gone.append(file)
        if len(gone) == _SLICE:
            files += _forget(db, gone)
            gone.clear()
    files += _forget(db, gone)
    hearings = drop_old_listenings(db)
    unused = f"SELECT id FROM audio WHERE used < ? AND id NOT IN ({_IN_USE})"
    hearings += _delete(db, "hearing", f"audio IN ({unused})", today() - _UNUSED_DAYS)
    _delete(db, "audio", f"id NOT IN ({_IN_USE}) AND id NOT IN (SELECT audio FROM hearing)")
    drop_lost_vectors(db)
    _delete(db, "folder", "id NOT IN (SELECT folder FROM file)")
    while _one(db, "PRAGMA freelist_count"):
        db.execute(f"PRAGMA incremental_vacuum({_SLICE})").fetchall()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return Pruned(files, hearings, max(0, before - _size(folder)))


def _gone(db: sqlite3.Connection) -> Iterator[int]:
    """Files that are no longer there, by number.

    Where nothing of a folder is left, its disk may just not be mounted. The files are gone only
    if what is seen there now, or where the way to it ends, is the disk that they were on.
    """
    for folder, path, was_on in db.execute("SELECT id, path, disk FROM folder").fetchall():
        try:
            with os.scandir(path or b"/") as entries:
                names = {entry.name for entry in entries}
        except (FileNotFoundError, NotADirectoryError):
            names = set()
        except OSError:
            continue
        files = db.execute("SELECT id, name FROM file WHERE folder = ?", (folder,)).fetchall()
        gone = [file for file, name in files if name not in names]
        is_on = _disk_towards(path)
        if len(gone) < len(files):
            if is_on != was_on:  # disks get other numbers when they are mounted anew
                db.execute("UPDATE folder SET disk = ? WHERE id = ?", (is_on, folder))
        elif is_on is None or is_on != was_on:
            continue
        yield from gone


def _disk_towards(path: bytes) -> int | None:
    """The disk of a folder, or of the nearest above it that exists."""
    while (found := disk(path)) is None and path:
        path = path.rpartition(b"/")[0]
    return found


def _forget(db: sqlite3.Connection, files: list[int]) -> int:
    """Remove files. What was heard in them counts as used until today: they may have moved."""
    if not files:
        return 0
    numbers = [(file,) for file in files]
    db.execute("BEGIN IMMEDIATE")
    try:
        db.executemany(
            "UPDATE audio SET used = ? WHERE id = (SELECT audio FROM file WHERE id = ?)",
            [(today(), file) for file in files],
        )
        for table, column in (("report", "file"), ("problem", "file"), ("file", "id")):
            db.executemany(f"DELETE FROM {table} WHERE {column} = ?", numbers)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return len(files)


def _delete(db: sqlite3.Connection, table: str, which: str, *arguments: Any) -> int:
    query = (
        f"DELETE FROM {table} WHERE rowid IN"
        f" (SELECT rowid FROM {table} WHERE {which} LIMIT {_SLICE})"
    )
    total = 0
    while (deleted := db.execute(query, arguments).rowcount) > 0:
        total += deleted
    return total


def _one(db: sqlite3.Connection, query: str) -> Any:
    return db.execute(query).fetchone()[0]


def _size(folder: Path) -> int:
    """Bytes of the file and its log."""
    total = 0
    for suffix in ("", "-wal"):
        with suppress(FileNotFoundError):
            total += (folder / f"{CACHE}{suffix}").stat().st_size
    return total
