"""What the cache asks of its file."""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tagger.domain import Hearing, TrackReport
from tagger.library.cache_rows import (
    Known,
    Problem,
    ProblemKind,
    Settled,
    holds,
    unpack_hearing,
    unpack_report,
)

__all__ = [
    "THIS_FILE",
    "THIS_LISTENING",
    "Found",
    "audio_with_key",
    "disk",
    "known_in",
    "report_of",
    "settled_in",
    "signed",
    "split",
    "stored",
    "today",
]

THIS_FILE: Final = "folder = (SELECT id FROM folder WHERE path = ?) AND name = ?"
THIS_LISTENING: Final = "(SELECT id FROM listening WHERE digest = ?)"
_IN_FOLDER: Final = "FROM file WHERE folder = (SELECT id FROM folder WHERE path = ?)"
_KNOWN: Final = (
    "SELECT name, size, mtime_ns,"
    f" EXISTS (SELECT 1 FROM hearing WHERE audio = file.audio AND listening = {THIS_LISTENING})"
    f" {_IN_FOLDER}"
)
# The casts are for damaged rows: whoever counts words must not be given anything else.
_SETTLED: Final = (
    "SELECT name, size, mtime_ns, coalesce(CAST(genre AS TEXT), ''), CAST(cluster AS TEXT),"
    f" coalesce(CAST(duration_s AS REAL), 0.0) {_IN_FOLDER} AND settled = ?"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A hearing or a problem.

    Attributes:
        outcome: it; None if there is none and looking further is in vain.
        audio: which audio was heard; 0 for a problem.
        stale: whether it has not been noted today that it is used.
    """

    outcome: Hearing | Problem | None
    audio: int = 0
    stale: bool = False


def split(path: Path | str) -> tuple[bytes, bytes]:
    """Folder and name of a path, as they are stored."""
    folder, _, name = os.fsencode(path).rpartition(b"/")
    return folder, name


def today() -> int:
    """Days since the epoch."""
    return int(time.time() // 86_400)


def disk(folder: bytes) -> int | None:
    """On which file system a folder is, as long as that is mounted; None if it is not there."""
    try:
        return signed(os.stat(folder or b"/").st_dev)  # noqa: PTH116 - a Path takes no bytes
    except OSError:
        return None


def known_in(db: sqlite3.Connection, folder: bytes, listening: bytes) -> dict[str, Known]:
    """What is known of the files of a folder, by name."""
    decode, make = os.fsdecode, Known._make
    return {decode(name): make(row) for name, *row in db.execute(_KNOWN, (listening, folder))}


def settled_in(db: sqlite3.Connection, folder: bytes, decision: bytes) -> dict[str, Settled]:
    """What the last reports said of the files of a folder, by name."""
    decode, make = os.fsdecode, Settled._make
    return {decode(name): make(row) for name, *row in db.execute(_SETTLED, (folder, decision))}


def report_of(db: sqlite3.Connection, path: Path | str, called: Path) -> TrackReport | None:
    """The report that a file was settled with, under another path or the same."""
    row = db.execute(
        f"SELECT body FROM report JOIN file ON file.id = report.file WHERE {THIS_FILE}", split(path)
    ).fetchone()
    return unpack_report(called, row[0]) if row else None


def stored(
    db: sqlite3.Connection, path: Path, size: int, mtime_ns: int, listening: bytes
) -> Found | None:
    """What is known of a file if it is as it was; None if it is not."""
    row = db.execute(
        f"SELECT id, audio FROM file WHERE {THIS_FILE} AND size = ? AND mtime_ns = ?",
        (*split(path), size, signed(mtime_ns)),
    ).fetchone()
    if not row:
        return None
    file, audio = row
    problem = db.execute(
        "SELECT kind, text, since, times FROM problem"
        f" WHERE file = ? AND listening = {THIS_LISTENING}",
        (file, listening),
    ).fetchone()
    if problem:
        kind = ProblemKind(problem[0])
        if holds(kind, problem[2], problem[3], time.time()):
            return Found(Problem(kind, problem[1]))
    return audio and (_heard(db, audio, listening) or Found(None))


def audio_with_key(
    db: sqlite3.Connection, path: Path, size: int, mtime_ns: int, key: bytes, listening: bytes
) -> Found | None:
    """What was heard in the audio of a key, if it was this very file, or one that is gone."""
    own = db.execute(
        f"SELECT audio FROM file JOIN audio ON audio.id = file.audio WHERE {THIS_FILE} AND key = ?",
        (*split(path), key),
    ).fetchone()
    if own:
        return _heard(db, own[0], listening)
    gone: list[Found] = []
    same: list[Found] = []
    for (audio,) in db.execute("SELECT id FROM audio WHERE key = ? ORDER BY id DESC", (key,)):
        files = db.execute(
            "SELECT path, name, size, mtime_ns FROM file JOIN folder ON folder.id = file.folder"
            " WHERE audio = ?",
            (audio,),
        ).fetchall()
        if any(_is_there(path, *file) for file in files):
            continue
        if found := _heard(db, audio, listening):
            gone.append(found)
            if (split(path)[1], size, signed(mtime_ns)) in [file[1:] for file in files]:
                same.append(found)
    if len(gone) == 1:
        return gone[0]
    return same[0] if same else None  # of several, one that only moved is told by its name


def _is_there(path: Path, folder: bytes, name: bytes, size: int, mtime_ns: int) -> bool:
    """Whether another file is there as it was. The same one by another path does not count."""
    other = folder + b"/" + name
    try:
        status = os.stat(other)  # noqa: PTH116 - a Path takes no bytes
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # nobody knows
    if (status.st_size, signed(status.st_mtime_ns)) != (size, mtime_ns):
        return False
    try:
        return not os.path.samestat(status, path.stat())
    except OSError:
        return True


def _heard(db: sqlite3.Connection, audio: int, listening: bytes) -> Found | None:
    row = db.execute(
        "SELECT body, used FROM hearing JOIN audio ON audio.id = hearing.audio"
        f" WHERE audio = ? AND listening = {THIS_LISTENING}",
        (audio, listening),
    ).fetchone()
    return Found(unpack_hearing(row[0], audio), audio, row[1] != today()) if row else None


def signed(number: int) -> int:
    """A number as SQLite can store it: some file systems know times beyond 64 bits of ns."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)
