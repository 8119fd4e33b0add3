"""What the cache writes into its file.

Each is a job: a function of the open file, run later in a transaction with others. Another
process may have removed anything meanwhile, so that a job relies on no row that it did not
look up itself.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from tagger.domain import Hearing, TrackReport
from tagger.library.cache_queries import THIS_FILE, disk, signed, split, today
from tagger.library.cache_rows import ProblemKind, pack_hearing, summary_of
from tagger.library.cache_vectors import drop_vectors_of

__all__ = [
    "Job",
    "audio_used",
    "kept_for",
    "linked",
    "listening_used",
    "problem_kept",
    "settled",
    "unsettled",
]

Job = Callable[[sqlite3.Connection], None]


def listening_used(digest: bytes) -> Job:
    """Note that the hearings of a listening are in use."""

    def job(db: sqlite3.Connection) -> None:
        _listening(db, digest)

    return job


def audio_used(audio: int) -> Job:
    """Note that what was heard in an audio is in use."""
    return lambda db: _use(db, audio)


def linked(path: Path, size: int, mtime_ns: int, audio: int) -> Job:
    """Note that a file holds an audio that was heard before."""

    def job(db: sqlite3.Connection) -> None:
        file = _file(db, path, size, mtime_ns)
        db.execute(
            "UPDATE file SET audio = (SELECT id FROM audio WHERE id = ?) WHERE id = ?",
            (audio, file),
        )
        db.execute("DELETE FROM problem WHERE file = ?", (file,))

    return job


def kept_for(
    path: Path, size: int, mtime_ns: int, key: bytes | None, listening: bytes, hearing: Hearing
) -> Job:
    """Keep what was heard in a file."""

    def job(db: sqlite3.Connection) -> None:
        file = _file(db, path, size, mtime_ns)
        row = db.execute(
            "SELECT audio.id, key FROM file JOIN audio ON audio.id = file.audio WHERE file.id = ?",
            (file,),
        ).fetchone()
        if row and row[1] == key and key is not None:
            audio = row[0]
            _use(db, audio)
        else:
            audio = db.execute(
                "INSERT INTO audio (key, used) VALUES (?, ?)", (key, today())
            ).lastrowid
            db.execute("UPDATE file SET audio = ? WHERE id = ?", (audio, file))
        db.execute("DELETE FROM problem WHERE file = ?", (file,))
        drop_vectors_of(db, audio)
        db.execute(
            "INSERT OR REPLACE INTO hearing (audio, listening, body) VALUES (?, ?, ?)",
            (audio, _listening(db, listening), pack_hearing(hearing, audio)),
        )

    return job


def problem_kept(
    path: Path, size: int, mtime_ns: int, listening: bytes, kind: ProblemKind, text: str
) -> Job:
    """Keep why a file could not be heard, just now."""
    now = time.time()

    def job(db: sqlite3.Connection) -> None:
        file = _file(db, path, size, mtime_ns)
        number = _listening(db, listening)
        row = db.execute(
            "SELECT times FROM problem WHERE file = ? AND kind = ? AND listening = ?",
            (file, str(kind), number),
        ).fetchone()
        times = row[0] + 1 if row else 1
        said = text.encode("utf-8", "backslashreplace").decode()
        db.execute("UPDATE file SET audio = NULL WHERE id = ?", (file,))
        db.execute(
            "INSERT OR REPLACE INTO problem (file, listening, kind, text, since, times)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (file, number, str(kind), said, now, times),
        )

    return job


def settled(
    path: Path, size: int, mtime_ns: int, by: bytes, report: TrackReport, body: bytes
) -> Job:
    """Keep the last word on a file, which may have been written to: its audio is the same."""

    def job(db: sqlite3.Connection) -> None:
        file = _file(db, path, size, mtime_ns)
        db.execute(
            "UPDATE file SET settled = ?, status = ?, outcome = ?, reason = ?, genre = ?,"
            " cluster = ?, duration_s = ? WHERE id = ?",
            (by, *summary_of(report), file),
        )
        db.execute("INSERT OR REPLACE INTO report (file, body) VALUES (?, ?)", (file, body))

    return job


def _use(db: sqlite3.Connection, audio: int) -> None:
    db.execute("UPDATE audio SET used = ? WHERE id = ?", (today(), audio))


def _listening(db: sqlite3.Connection, digest: bytes) -> int:
    db.execute("INSERT OR IGNORE INTO listening (digest, used) VALUES (?, 0)", (digest,))
    db.execute("UPDATE listening SET used = ? WHERE digest = ?", (time.time(), digest))
    (number,) = db.execute("SELECT id FROM listening WHERE digest = ?", (digest,)).fetchone()
    return int(number)


def _file(db: sqlite3.Connection, path: Path, size: int, mtime_ns: int) -> int:
    """Number of a file, as it is now; what was said of it as it was is taken back."""
    folder, name = split(path)
    state = (size, signed(mtime_ns))
    row = db.execute(
        f"SELECT id, size, mtime_ns FROM file WHERE {THIS_FILE}", (folder, name)
    ).fetchone()
    if not row:
        db.execute(
            "INSERT OR IGNORE INTO folder (path, disk) VALUES (?, ?)", (folder, disk(folder))
        )
        cursor = db.execute(
            "INSERT INTO file (folder, name, size, mtime_ns)"
            " VALUES ((SELECT id FROM folder WHERE path = ?), ?, ?, ?)",
            (folder, name, *state),
        )
        return int(cursor.lastrowid or 0)
    file = int(row[0])
    if row[1:] != state:
        db.execute(
            "UPDATE file SET size = ?, mtime_ns = ?, settled = NULL WHERE id = ?", (*state, file)
        )
        db.execute("DELETE FROM problem WHERE file = ?", (file,))
    return file


def unsettled(path: Path) -> Job:
    """Forget the last word on a file, as somebody changed it and put its date back."""

    def job(db: sqlite3.Connection) -> None:
        folder, name = split(path)
        db.execute(
            "UPDATE file SET settled = NULL WHERE name = ?"
            " AND folder = (SELECT id FROM folder WHERE path = ?)",
            (name, folder),
        )

    return job
