"""What the cache keeps so that neighbours are found without reading what was heard of each track.

A space is how hearings become vectors; for the cache, both are bytes. The vectors of one space lie
together, and are read in one go.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tagger.domain import Hearing
from tagger.library.cache_queries import THIS_FILE, THIS_LISTENING, signed, split
from tagger.library.cache_rows import unpack_hearing

__all__ = [
    "Packed",
    "Placed",
    "audios_of",
    "drop_lost_vectors",
    "drop_old_spaces",
    "drop_vectors_of",
    "folders_of",
    "heard_by",
    "hearings_of",
    "keep_space",
    "keep_vectors",
    "missing_of",
    "placed",
    "space_kept",
    "vector_of",
    "vectors_of",
]

_AUDIO_BITS: Final = 40
_SPACES: Final = 2
_AT_ONCE: Final = 1 << 10  # rows: the memory of these few is used over and over
_BASE: Final = f"((SELECT id FROM space WHERE digest = ?) << {_AUDIO_BITS})"
_FILES_AND_VECTORS: Final = (
    f"FROM file LEFT JOIN vector ON place = {_BASE} + audio WHERE audio IS NOT NULL"
)


class Packed(NamedTuple):
    """The vectors of some files.

    Attributes:
        files: the number of each.
        bodies: their vectors, one behind the other.
        complete: whether there was one of each file that was asked for, or an empty one.
    """

    files: list[int]
    bodies: bytearray
    complete: bool


class Placed(NamedTuple):
    """Where a file is, and how it was when it was heard.

    Attributes:
        audio: number of what it holds.
        path: the file.
        size: bytes.
        mtime_ns: time of modification.
        key: of its audio, or None if that could not be told.
    """

    audio: int
    path: Path
    size: int
    mtime_ns: int
    key: bytes | None

    def is_as_it_was(self) -> bool:
        """Whether the file is there, of the same size and date."""
        try:
            status = self.path.stat()
        except OSError:
            return False
        return (status.st_size, signed(status.st_mtime_ns)) == (self.size, self.mtime_ns)


def space_kept(db: sqlite3.Connection, digest: bytes) -> bytes | None:
    """The space of a digest, or None."""
    row = db.execute("SELECT CAST(body AS BLOB) FROM space WHERE digest = ?", (digest,)).fetchone()
    return row[0] if row else None


def keep_space(db: sqlite3.Connection, digest: bytes, body: bytes) -> None:
    """Keep a space in place of any former one of its digest, whose vectors go."""
    with _transaction(db):
        for (space,) in db.execute("SELECT id FROM space WHERE digest = ?", (digest,)).fetchall():
            _drop_space(db, space)
        db.execute(
            "INSERT INTO space (digest, used, body) VALUES (?, ?, ?)", (digest, time.time(), body)
        )
        drop_old_spaces(db)


def drop_old_spaces(db: sqlite3.Connection) -> None:
    """Forget all but the spaces begun last."""
    for (space,) in db.execute(
        "SELECT id FROM space ORDER BY used DESC LIMIT -1 OFFSET ?", (_SPACES,)
    ).fetchall():
        _drop_space(db, space)


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _drop_space(db: sqlite3.Connection, space: int) -> None:
    first = space << _AUDIO_BITS
    last = first + (1 << _AUDIO_BITS)
    db.execute("DELETE FROM vector WHERE place >= ? AND place < ?", (first, last))
    db.execute("DELETE FROM space WHERE id = ?", (space,))


def drop_vectors_of(db: sqlite3.Connection, audio: int) -> None:
    """Forget the vectors of an audio, which was heard anew."""
    db.execute(
        f"DELETE FROM vector WHERE place IN (SELECT (id << {_AUDIO_BITS}) + ? FROM space)", (audio,)
    )


def drop_lost_vectors(db: sqlite3.Connection) -> None:
    """Forget vectors of which there is no hearing any more."""
    mask = (1 << _AUDIO_BITS) - 1
    db.execute(f"DELETE FROM vector WHERE (place & {mask}) NOT IN (SELECT audio FROM hearing)")


def vectors_of(
    db: sqlite3.Connection, digest: bytes, width: int, folders: Collection[int] | None
) -> Packed:
    """The vectors of so many bytes in a space, of the files of some folders or of all."""
    query = f"SELECT file.id, CAST(body AS BLOB) {_FILES_AND_VECTORS}"
    found = Packed([], bytearray(), complete=True)
    lacking = 0
    for where, scope in _scopes(folders):
        cursor = db.execute(query + where, (digest, *scope))
        while rows := cursor.fetchmany(_AT_ONCE):
            some = [row for row in rows if row[1] and len(row[1]) == width]
            found.files.extend([file for file, _ in some])
            found.bodies.extend(b"".join([body for _, body in some]))
            if len(some) < len(rows):
                lacking += sum(body is None or len(body) not in (0, width) for _, body in rows)
    return found._replace(complete=not lacking)


def vector_of(db: sqlite3.Connection, digest: bytes, path: Path) -> bytes | None:
    """The vector in a space of what a file held when it was heard last, or None."""
    row = db.execute(
        f"SELECT CAST(body AS BLOB) FROM file JOIN vector ON place = {_BASE} + audio"
        f" WHERE {THIS_FILE}",
        (digest, *split(path)),
    ).fetchone()
    return row[0] if row else None


def missing_of(
    db: sqlite3.Connection,
    digest: bytes,
    width: int,
    folders: Collection[int] | None,
    listening: bytes,
) -> list[int]:
    """The audios of these files that a listening has heard, and that have no vector of so many
    bytes in a space, nor an empty one."""
    query = (
        f"SELECT audio {_FILES_AND_VECTORS}"
        " AND (body IS NULL OR length(CAST(body AS BLOB)) NOT IN (0, ?))"
        " AND EXISTS (SELECT 1 FROM hearing"
        f" WHERE hearing.audio = file.audio AND listening = {THIS_LISTENING})"
    )
    found = (
        audio
        for where, scope in _scopes(folders)
        for (audio,) in db.execute(query + where, (digest, width, listening, *scope))
    )
    return list(dict.fromkeys(found))


def _scopes(folders: Collection[int] | None) -> list[tuple[str, tuple[int, ...]]]:
    """Conditions that together hold for each file of some folders, or of all."""
    if folders is None:
        return [("", ())]
    return [(" AND folder = ?", (folder,)) for folder in folders]


def audios_of(db: sqlite3.Connection, digest: bytes) -> list[int]:
    """The audios that have a vector in a space which is not empty, in their order."""
    query = (
        f"SELECT place - {_BASE} FROM vector WHERE length(CAST(body AS BLOB)) > 0"
        f" AND place >= {_BASE} AND place < {_BASE} + {1 << _AUDIO_BITS} ORDER BY place"
    )
    return [audio for (audio,) in db.execute(query, (digest, digest, digest))]


def keep_vectors(db: sqlite3.Connection, digest: bytes, bodies: Mapping[int, bytes]) -> None:
    """Keep the vectors of some audios in a space."""
    with _transaction(db):
        db.executemany(
            f"INSERT OR REPLACE INTO vector (place, body) SELECT {_BASE} + ?, ?"
            " WHERE EXISTS (SELECT 1 FROM space WHERE digest = ?)",
            [(digest, audio, body, digest) for audio, body in bodies.items()],
        )


def heard_by(db: sqlite3.Connection, listening: bytes) -> list[int]:
    """The audios that a listening has heard, in their order."""
    query = f"SELECT audio FROM hearing WHERE listening = {THIS_LISTENING} ORDER BY audio"
    return [audio for (audio,) in db.execute(query, (listening,))]


def hearings_of(
    db: sqlite3.Connection, audios: Iterable[int], listening: bytes
) -> Iterator[tuple[int, Hearing]]:
    """What was heard in some audios; those in which nothing was are passed over."""
    query = f"SELECT body FROM hearing WHERE audio = ? AND listening = {THIS_LISTENING}"
    for audio in audios:
        row = db.execute(query, (audio, listening)).fetchone()
        if row:
            yield audio, unpack_hearing(row[0], audio)


def folders_of(db: sqlite3.Connection) -> list[tuple[int, bytes]]:
    """Number and path of each folder."""
    return db.execute("SELECT id, CAST(path AS BLOB) FROM folder").fetchall()


def placed(db: sqlite3.Connection, file: int) -> Placed | None:
    """Where a file is, by its number; None if the cache has forgotten it, or what it holds."""
    row = db.execute(
        "SELECT file.audio, path, name, size, mtime_ns, CAST(key AS BLOB) FROM file"
        " JOIN folder ON folder.id = file.folder LEFT JOIN audio ON audio.id = file.audio"
        " WHERE file.id = ? AND file.audio IS NOT NULL",
        (file,),
    ).fetchone()
    if not row:
        return None
    audio, folder, name, size, mtime_ns, key = row
    return Placed(audio, Path(os.fsdecode(folder + b"/" + name)), size, mtime_ns, key)
