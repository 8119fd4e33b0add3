"""What was heard in each file and what became of it, so that nothing is heard twice.

The cache is disposable: whatever is wrong with it costs time, never a run. One that is damaged
is set aside and begun anew; on a full disk or in a folder that cannot be written to, the run
goes on without. It is one SQLite file in WAL mode. Any number of processes may use it at a
time; what they write goes out in batches, each in one short transaction.

A file is found by its path, and is the one that was heard if size and time of modification
are the same. After a move, a change of name or a retagging by others it is found by the key of
its audio (:func:`~tagger.library.audio_key.audio_key`). As two files may have one key, a
hearing kept for another file counts only once that file is no longer there as it was.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from tagger.domain import Hearing, TrackReport
from tagger.errors import UsageError
from tagger.library import cache_tidy
from tagger.library.cache_file import InUseError, OpenFile, is_damage, open_file, reason
from tagger.library.cache_jobs import (
    Job,
    audio_used,
    kept_for,
    linked,
    listening_used,
    problem_kept,
    settled,
    unsettled,
)
from tagger.library.cache_queries import (
    audio_with_key,
    known_in,
    report_of,
    settled_in,
    split,
    stored,
)
from tagger.library.cache_rows import (
    Info,
    Known,
    Problem,
    ProblemKind,
    Pruned,
    Settled,
    pack_report,
)
from tagger.library.folders import make_cache_folder

__all__ = ["Cache", "Known", "Problem", "ProblemKind"]

_BATCH: Final = 250
_BATCH_S: Final = 1.0

T = TypeVar("T")


class Cache:
    """An open cache; get one from :meth:`open`. For one thread.

    Only :meth:`info`, :meth:`prune` and :meth:`ask` ever raise. Paths must be absolute.

    Attributes:
        notice: one line on what went wrong with the cache, for people; empty if nothing did.
    """

    def __init__(self, folder: Path) -> None:
        self.notice = ""
        self._folder = folder
        self._file: OpenFile | None = None
        self._renewed = False
        self._listenings: set[bytes] = set()  # noted as used by this run
        self._jobs: list[Job] = []  # not yet written
        self._touched: set[bytes] = set()  # files they are about, and their folders
        self._since = 0.0

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the cache of a folder; make the folder and begin the cache if there is none."""
        cache = cls(folder)
        cache._open()
        return cache

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what is not yet written, and let go."""
        self._flush()
        if self._listenings:
            self._tried(cache_tidy.drop_old_listenings, None)
        self._let_go()

    def known(self, folder: str | Path, listening: bytes) -> dict[str, Known]:
        """What is known of the files of a folder, by name.

        Args:
            folder: its path.
            listening: digest of all that a hearing depends on beside the audio.
        """
        path = self._written(folder)
        return self._tried(lambda db: known_in(db, path, listening), {})

    def settled(self, folder: str | Path, decision: bytes) -> dict[str, Settled]:
        """The last word on the files of a folder, by name.

        Args:
            folder: its path.
            decision: digest of all that a decision depends on beside the file; what was
                settled by another one is left out.
        """
        path = self._written(folder)
        return self._tried(lambda db: settled_in(db, path, decision), {})

    def report(self, path: Path | str, *, called: Path | None = None) -> TrackReport | None:
        """The report that a file was settled with; only its numbers are rounded.

        Args:
            path: the file.
            called: its path as the report shall have it; None for the same.
        """
        if self._touched and os.fsencode(path) in self._touched:
            self._flush()
        return self._tried(lambda db: report_of(db, path, called or Path(path)), None)

    def hearing(
        self,
        path: Path,
        size: int,
        mtime_ns: int,
        key: Callable[[], bytes | None],
        listening: bytes,
    ) -> Hearing | Problem | None:
        """What was heard in a file, or why nothing could be; None if it must be heard.

        Args:
            path: the file.
            size: its size in bytes.
            mtime_ns: its time of modification.
            key: gives the key of its audio, or None if that cannot be told; called only if
                the file is not known as it is.
            listening: digest of all that a hearing depends on beside the audio.
        """
        if os.fsencode(path) in self._touched:
            self._flush()
        if listening not in self._listenings:
            self._listenings.add(listening)
            self._later(path, listening_used(listening))
        found = self._tried(lambda db: stored(db, path, size, mtime_ns, listening), None)
        if found is None and self._file:
            if wanted := key():
                found = self._tried(
                    lambda db: audio_with_key(db, path, size, mtime_ns, wanted, listening), None
                )
            if found:
                self._later(path, linked(path, size, mtime_ns, found.audio))
                self._flush()  # or another file of this key could claim it as well
        if not found:
            return None
        if found.stale:
            self._later(path, audio_used(found.audio))
        return found.outcome

    def keep(
        self,
        path: Path,
        size: int,
        mtime_ns: int,
        key: bytes | None,
        listening: bytes,
        hearing: Hearing,
    ) -> None:
        """Keep what was heard in a file as it was before it was heard."""
        self._later(path, kept_for(path, size, mtime_ns, key, listening, hearing))

    def keep_problem(
        self,
        path: Path,
        size: int,
        mtime_ns: int,
        listening: bytes,
        kind: ProblemKind,
        text: str,
    ) -> None:
        """Keep why a file could not be heard.

        What is wrong with the file system must not be kept: it says nothing of the file. A
        crash or a time limit holds for 7 days, and each time in a row for twice as long, up to
        60 days; the others until the file changes.
        """
        self._later(path, problem_kept(path, size, mtime_ns, listening, kind, text))

    def settle(
        self, path: Path, size: int, mtime_ns: int, settled_by: bytes, report: TrackReport
    ) -> None:
        """Keep the last word on a file, for runs that find it as it is now.

        Args:
            path: the file, for which a hearing or a problem was found or kept before.
            size: its size after whatever was written into it.
            mtime_ns: its time of modification then.
            settled_by: digest of all that the report depends on beside the file; a report
                that should not stand for the next run must not be settled.
            report: what the next run is to say.
        """
        self._later(path, settled(path, size, mtime_ns, settled_by, report, pack_report(report)))

    def unsettle(self, path: Path) -> None:
        """Let the next run look at a file again, whatever its size and date say."""
        self._later(path, unsettled(path))

    def info(self) -> Info:
        """The cache in numbers.

        Raises:
            UsageError: it cannot be read.
        """
        self._flush()
        return self._must("read", lambda db: cache_tidy.info(db, self._folder))

    def prune(self) -> Pruned:
        """Forget files that are gone, and what was heard of nothing that is still there.

        A folder that cannot be found counts as gone only if its disk is there: what lies on a
        disk that is not mounted is not forgotten.

        Raises:
            UsageError: it cannot be written.
        """
        self._flush()
        return self._must("pruned", lambda db: cache_tidy.prune(db, self._folder))

    def ask(self, doing: str, job: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with the file, once all that is not yet written is.

        Args:
            doing: what it is, as in "the analysis cache cannot be read".
            job: it.

        Raises:
            UsageError: it cannot be done.
        """
        self._flush()
        return self._must(doing, job)

    def _later(self, path: Path, job: Job) -> None:
        if not self._file:
            return
        if not self._jobs:
            self._since = time.monotonic()
        name = os.fsencode(path)
        self._touched |= {name, name.rpartition(b"/")[0]}
        self._jobs.append(job)
        if len(self._jobs) >= _BATCH or time.monotonic() - self._since >= _BATCH_S:
            self._flush()

    def _flush(self) -> None:
        """Write the batch. After a renewal it goes into the new file."""
        if self._jobs:
            self._tried(self._write, None)
            if self._file and self._jobs:
                self._tried(self._write, None)
            self._jobs.clear()
            self._touched.clear()

    def _write(self, db: sqlite3.Connection) -> None:
        try:
            # At once, as a transaction that begins by reading may lose its turn to write.
            db.execute("BEGIN IMMEDIATE")
            for job in self._jobs:
                job(db)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        self._jobs.clear()

    def _written(self, folder: str | Path) -> bytes:
        """A folder as it is stored, of which nothing waits to be written."""
        path, _ = split(os.path.join(folder, ""))  # noqa: PTH118 - the slash is what counts
        if path in self._touched:
            self._flush()
        return path

    def _tried(self, job: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        if not self._file:
            return otherwise
        try:
            return job(self._file.db)
        except Exception as error:  # whatever it is: a cache must not stop a run
            self._fail(error)
        return otherwise

    def _must(self, doing: str, job: Callable[[sqlite3.Connection], T]) -> T:
        if not self._file:
            raise UsageError(self.notice)
        try:
            return job(self._file.db)
        except (sqlite3.Error, OSError, ValueError, TypeError, OverflowError) as error:
            why = reason(error, self._folder)
            raise UsageError(f"the analysis cache cannot be {doing}: {why}") from error

    def _open(self, damaged: int = 0) -> None:
        try:
            make_cache_folder(self._folder)
            self._file = open_file(self._folder, damaged=damaged)
        except (sqlite3.Error, OSError, InUseError, UsageError) as error:
            self._go_without(error)
        else:
            self.notice = self._file.notice or self.notice

    def _fail(self, error: Exception) -> None:
        """Begin anew after damage, once; go on without the cache after anything else."""
        inode = self._file.inode if self._file else 0
        self._let_go()
        if is_damage(error) and not self._renewed:
            self._renewed = True
            self._open(damaged=inode)
        else:
            self._go_without(error)

    def _go_without(self, error: Exception) -> None:
        self.notice = f"no analysis cache for this run: {reason(error, self._folder)}"

    def _let_go(self) -> None:
        if self._file:
            self._file.close()
            self._file = None
