"""What was written into which file, and all that it takes to undo it.

The journal is no cache. Its entries hold the only copy of what stood in the files before:
nothing is ever deleted from it, a damaged one is never begun anew without being told, and an
entry is on the disk, synced, before the file is replaced. What a crash leaves open is settled
by looking at the file: its state is that of before or that of after.

It is one SQLite file in WAL mode. A run is alive as long as its process holds a lock on
``run-N.lock`` beside it; the system drops that lock however the process ends. So any number of
processes may write at a time. SQLite's WAL needs shared memory: on a network file system the
journal is safe only as long as one machine alone uses it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tagger.domain import Replacement
from tagger.errors import GenretagError, TagError, UsageError
from tagger.library.journal_file import (
    connect,
    create_file,
    empty,
    exists,
    hold,
    is_held,
    translated,
)
from tagger.library.journal_rows import COLUMNS, Entry, Run, State, to_entry, to_row, to_run

__all__ = ["JOURNAL", "Entry", "Journal", "Run", "State"]

JOURNAL: Final = "journal.sqlite3"
"""Name of the file in the state folder."""

_PAGE: Final = 200
_BATCH: Final = 500
_NEWEST: Final = (1 << 63) - 1
_STANDS: Final = f"state IN ({', '.join(f'{s:d}' for s in State if s.stands)})"


class Journal:
    """An open journal; get one from :meth:`open`. For one thread.

    Its methods raise :class:`UsageError` if the journal cannot be read or written, with the
    exception of :meth:`record`; those that only mark an entry in memory raise nothing.
    """

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self._marks: dict[int, State] = {}  # not yet written
        self._held: dict[int, int] = {}  # run: handle of its lock

    @classmethod
    def open(cls, folder: Path, *, create: bool = True) -> Self:
        """Open the journal of a state folder.

        Args:
            folder: it must exist if a journal is to be created.
            create: begin a journal if there is none; otherwise that gives one without runs,
                which cannot be written to, and nothing is created.

        Raises:
            UsageError: it cannot be opened, is damaged, or of a newer genretag.
        """
        path = folder / JOURNAL
        if not exists(path):
            if not create:
                return cls(empty(), path)
            create_file(path)
        return cls(connect(path, write=create), path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            self.close()
        except UsageError:
            # An error on its way says more; an entry left unmarked is settled by its file.
            if error is None:
                raise

    def close(self) -> None:
        """Write what was marked, and let go. Runs that are not finished count as cut off."""
        try:
            self._flush()
        finally:
            for run in list(self._held):
                self._let_go(run)
            self._db.close()

    def begin(self, command: str, model: str, version: str) -> int:
        """Begin a run.

        Args:
            command: what it is, for people: ``scan``.
            model: the model that it writes for.
            version: that of genretag.

        Returns:
            its number, from 1 on.
        """
        with self._writing(UsageError) as db:
            cursor = db.execute(
                "INSERT INTO run (command, model, version, started) VALUES (?, ?, ?, ?)",
                (command, model, version, _now()),
            )
            run = int(cursor.lastrowid or 0)
        with translated("written", UsageError, self._path):
            # Until here the run looks dead to others, which does no harm: it has no entries.
            self._held[run] = hold(self._lock(run))
        return run

    def record(self, run: int, replacement: Replacement) -> int:
        """Make a replacement durable; called right before the file is replaced.

        Returns:
            number of the entry.

        Raises:
            TagError: the journal cannot be written, so the file must not be.
        """
        row = (run, State.PENDING, *to_row(replacement))
        with self._writing(TagError) as db:
            cursor = db.execute(
                f"INSERT INTO entry ({COLUMNS}) VALUES (NULL, {', '.join('?' * len(row))})", row
            )
            return int(cursor.lastrowid or 0)

    def confirm(self, entry: int) -> None:
        """Note that a replacement took place; written with whatever is written next."""
        self._mark(entry, State.DONE)

    def withdraw(self, entry: int) -> None:
        """Note that a replacement did not take place; written with whatever is written next."""
        self._mark(entry, State.WITHDRAWN)

    def undone(self, entry: int) -> None:
        """Note that the old file is back; written in batches, and at the end."""
        self._mark(entry, State.UNDONE)
        if len(self._marks) >= _BATCH:
            self._flush()

    def finish(self, run: int) -> None:
        """End a run."""
        try:
            with self._writing(UsageError) as db:
                db.execute("UPDATE run SET finished = ? WHERE number = ?", (_now(), run))
        finally:
            self._let_go(run)

    def runs(self) -> list[Run]:
        """All runs, newest first."""
        self._flush()
        rows = self._rows(
            "SELECT run.number, command, model, version, started, finished,"
            f" coalesce(sum({_STANDS}), 0), coalesce(sum(state = {State.UNDONE:d}), 0)"
            " FROM run LEFT JOIN entry ON entry.run = run.number"
            " GROUP BY run.number ORDER BY run.number DESC"
        )
        with translated("read", UsageError, self._path):
            return [to_run(row, alive=not row[5] and is_held(self._lock(row[0]))) for row in rows]

    def entries(self, run: int) -> Iterator[Entry]:
        """What a run wrote, newest first; entries may be marked meanwhile."""
        for entry in self._entries("run = ?", run):
            if entry.state is not State.WITHDRAWN:
                yield entry

    def unresolved(self) -> Iterator[Entry]:
        """Entries of runs that ended without noting whether the file was replaced.

        Each is to be confirmed or withdrawn, by what its file is now.
        """
        alive: dict[int, bool] = {}
        for entry in self._entries(f"state = {State.PENDING:d}"):
            if entry.state is State.PENDING:
                if entry.run not in alive:
                    with translated("read", UsageError, self._path):
                        alive[entry.run] = is_held(self._lock(entry.run))
                if not alive[entry.run]:
                    yield entry

    def last_undoable(self) -> int | None:
        """The newest run of which something stands, be it alive or not."""
        self._flush()
        rows = self._rows(f"SELECT run FROM entry WHERE {_STANDS} ORDER BY run DESC LIMIT 1")
        return int(rows[0][0]) if rows else None

    def later_run(self, path: Path, after_entry: int) -> int | None:
        """The newest run that wrote to a file after an entry, as far as that stands.

        Args:
            path: as it was recorded.
            after_entry: number of the entry.
        """
        rows = self._rows(
            f"SELECT number, run FROM entry WHERE path = ? AND number > ? AND {_STANDS}"
            " ORDER BY number DESC",
            os.fsencode(path),
            after_entry,
        )
        return next((run for entry, run in rows if self._known(entry, State.DONE).stands), None)

    def _entries(self, which: str, *arguments: object) -> Iterator[Entry]:
        """Entries in pages, so that neither memory nor a lock is held while one is dealt with."""
        before = _NEWEST
        while rows := self._rows(
            f"SELECT {COLUMNS} FROM entry WHERE {which} AND number < ?"
            f" ORDER BY number DESC LIMIT {_PAGE}",
            *arguments,
            before,
        ):
            for row in rows:
                with translated("read", UsageError, self._path):
                    entry = to_entry(row)
                yield replace(entry, state=self._known(entry.number, entry.state))
            before = rows[-1][0]

    def _known(self, entry: int, written: State) -> State:
        """State of an entry, with what was marked since it was written."""
        return max(written, self._marks.get(entry, written))

    def _mark(self, entry: int, state: State) -> None:
        self._marks[entry] = self._known(entry, state)

    def _flush(self) -> None:
        if self._marks:
            with self._writing(UsageError):
                pass

    @contextmanager
    def _writing(self, failure: type[GenretagError]) -> Iterator[sqlite3.Connection]:
        """One transaction, which takes along what was marked; on the disk when it is left."""
        with translated("written", failure, self._path):
            try:
                # At once, as a transaction that begins by reading may lose its turn to write.
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany(
                    "UPDATE entry SET state = ?1 WHERE number = ?2 AND state < ?1",
                    [(state, entry) for entry, state in self._marks.items()],
                )
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        self._marks.clear()

    def _rows(self, query: str, *arguments: object) -> list[Any]:
        with translated("read", UsageError, self._path):
            return self._db.execute(query, arguments).fetchall()

    def _lock(self, run: int) -> Path:
        return self._path.with_name(f"run-{run}.lock")

    def _let_go(self, run: int) -> None:
        handle = self._held.pop(run, None)
        if handle is not None:
            with suppress(OSError):  # one that stays does no harm
                self._lock(run).unlink()
            os.close(handle)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
