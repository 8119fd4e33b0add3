"""A log for people: what a run nobody watched has done, one line a deed.

Lines are appended, each handed to the system in one piece as its track is done. Of a run that
is killed only the very last one can be cut short, and the next run ends it. A log that fails in
mid-run, as on a full disk, does not stop the run: that is said once on standard error, and the
rest of the run is not logged.
"""

from __future__ import annotations

import errno
import os
import re
import shlex
import stat
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from io import TextIOWrapper
from logging import LogRecord, makeLogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tagger import __version__
from tagger.domain import RunSummary, Status, TagChange, TrackReport
from tagger.errors import GenretagError, UsageError
from tagger.report.text import counted, duration, one_line, shown
from tagger.trust import opener, planted_link

__all__ = ["LogFile"]

_MOST_BYTES: Final = 5_000_000
_KEPT: Final = 3
_HEAD_BYTES: Final = 4096
_LINE_START: Final = re.compile(rb"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d ", re.MULTILINE)


class LogFile:
    """Appends a run to a log; a record writer, too.

    A log of more than 5 MB becomes ``FILE.1`` when a run opens it, and that ``FILE.2``, up to
    ``FILE.3``. Where that is not possible it grows on.

    Args:
        path: the log; it is made if there is none.
        dry_run: nothing is written to the music, so that changes are only planned.

    Raises:
        UsageError: it cannot be written, or is a file that is no log.
    """

    def __init__(self, path: Path, *, dry_run: bool = False) -> None:
        self._path = path
        self._wrote = "would write" if dry_run else "wrote"
        try:
            if planted_link(path):
                raise OSError(errno.ELOOP, "a link that somebody else put there")
            size, whole = _inspect(path)
            # Behind a link, the log is what is renamed, not the link.
            self._handler = _Handler(path.resolve() if size else path, self._fail)
            if not whole:  # the run was killed, or the disk full
                with open(path, "ab", opener=opener) as file:
                    file.write(b"\n")
        except OSError as error:
            raise UsageError(self._cannot(error)) from error
        if size > _MOST_BYTES:
            # A file of ours in a folder that is not, as /var/log: better a long log than none.
            with suppress(OSError):
                self._handler.doRollover()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Close it; an error of ours that ends the run is its last line."""
        if isinstance(error, GenretagError):
            self.note(f"error: {error}")
        elif isinstance(error, KeyboardInterrupt):
            self.note("interrupted")
        self._handler.close()

    def start(self, command: Sequence[str], model: str, tracks: int) -> None:
        """Log that a run begins.

        Args:
            command: the command line, word for word.
            model: name and version of the model.
            tracks: how many there are.
        """
        self.note(
            f"start: {shown(shlex.join(command))}: {counted(tracks, 'track')}, model {model}, "
            f"genretag {__version__}"
        )

    def note(self, text: str) -> None:
        """Log something beside the tracks."""
        self._handler.handle(makeLogRecord({"msg": one_line(text)}))

    def track(self, report: TrackReport) -> None:
        """Log a track that failed, was skipped or was written to; others leave no line."""
        if report.status in (Status.FAILED, Status.SKIPPED):
            self.note(f"{report.status}: {shown(report.path)}: {report.reason}")
        elif report.changes:
            changes = " | ".join(map(_change, report.changes))
            self.note(f"{self._wrote}: {shown(report.path)}: {changes}")

    def finish(self, summary: RunSummary) -> None:
        """Log how the run ended, and close the file; a later line opens it again."""
        statuses = [f"{n:,} {status}" for status, n in summary.statuses.items() if n]
        verb = "would change" if summary.dry_run else "changed"
        self.note(
            f"{'interrupted' if summary.interrupted else 'end'}: "
            f"{counted(summary.tracks, 'track')} in {duration(summary.seconds)}: "
            f"{', '.join([*statuses, ''])}{counted(summary.changed, 'file')} {verb}"
        )
        self._handler.close()

    def _fail(self, error: OSError) -> None:
        if sys.stderr is not None:
            print(
                f"genretag: {shown(self._cannot(error))}; the run goes on without it",
                file=sys.stderr,
            )

    def _cannot(self, error: OSError) -> str:
        return f"--log {self._path}: cannot be written: {error.strerror or error}"


class _Handler(RotatingFileHandler):
    """Appends lines until it cannot, which it says once. It rotates only when told to."""

    def __init__(self, path: Path, fail: Callable[[OSError], None]) -> None:
        self._fail = fail
        self._failed = False
        super().__init__(path, backupCount=_KEPT, encoding="utf-8", errors="backslashreplace")

    def _open(self) -> TextIOWrapper:
        # Again after each rotation: under the log's name anything may stand by then.
        return open(
            self.baseFilename, "a", encoding=self.encoding, errors=self.errors, opener=opener
        )

    def format(self, record: LogRecord) -> str:
        when = datetime.fromtimestamp(record.created).astimezone()
        return f"{when.isoformat(timespec='seconds')} {record.msg}"

    def emit(self, record: LogRecord) -> None:
        if not self._failed:
            super().emit(record)

    def handleError(self, record: LogRecord) -> None:  # noqa: N802
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            raise  # a fault of ours
        self._give_up(error)
        self.close()

    def close(self) -> None:
        try:
            super().close()
        except OSError as error:  # network drives say at the end what they could not store
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        if not self._failed:
            self._failed = True
            self._fail(error)


def _inspect(path: Path) -> tuple[int, bool]:
    """Look at what a log is to be appended to.

    Returns:
        its size, or 0 if it is not there or no regular file; and whether its last line is whole.

    Raises:
        OSError: it cannot be read.
        UsageError: it is something else than a log: a slip must not add lines to music.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0, True
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return 0, True
    with path.open("rb") as file:
        if not _LINE_START.search(file.read(_HEAD_BYTES)):
            raise UsageError(f"--log {path}: is no log of genretag; name another file")
        file.seek(-1, os.SEEK_END)
        return status.st_size, file.read(1) == b"\n"


def _change(change: TagChange) -> str:
    return f"{change.field} {_values(change.before)} -> {_values(change.after)}"


def _values(values: tuple[str, ...]) -> str:
    return "; ".join(values) or "(none)"
