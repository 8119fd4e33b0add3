"""``genretag undo``: put back, byte for byte, what a run replaced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tagger.domain import RestoreReport, RestoreStatus
from tagger.errors import TagError, TagsRefusedError, UsageError
from tagger.library.cache import Cache
from tagger.library.folders import cache_folder, state_folder
from tagger.library.journal import JOURNAL, Entry, Journal, Run, State
from tagger.tags.writer import restore
from tagger.workflows.recording import Sweeper

__all__ = ["Undo", "runs"]


def runs() -> list[Run]:
    """The runs that the journal knows, newest first.

    Raises:
        UsageError: the journal cannot be read.
    """
    with closing(Journal.open(state_folder(create=False), create=False)) as journal:
        return journal.runs()


class Undo:
    """Undoes one run.

    Args:
        number: which run; None for the last one that can be undone.
        dry_run: only say what would be put back.
        in_place: write into the files themselves, as a run in place did.

    Raises:
        UsageError: there is no such run, or nothing is left of it to undo.
    """

    def __init__(self, number: int | None, *, dry_run: bool, in_place: bool) -> None:
        self._dry_run = dry_run
        self._in_place = in_place
        folder = state_folder(create=False)
        # Whether it can be written is better known before the first file is put back.
        writable = not dry_run and (folder / JOURNAL).exists()
        self._journal = Journal.open(folder, create=writable)
        try:
            self.run = self._find(number)
        except BaseException:
            self._journal.close()
            raise
        self._sweeper = Sweeper()

    def _find(self, number: int | None) -> Run:
        if number is None:
            number = self._journal.last_undoable()
            if number is None:
                raise UsageError("there is nothing to undo; `genretag undo --list` shows all runs")
        run = next((run for run in self._journal.runs() if run.number == number), None)
        if run is None:
            raise UsageError(f"there is no run {number}; `genretag undo --list` shows all runs")
        if run.alive:
            raise UsageError(f"run {number} is still under way; undo it when it has ended")
        return run

    def reports(self) -> Iterator[RestoreReport]:
        """Put the files back, last written first, and yield one report for each.

        Files that an earlier undo has put back already are passed over.
        """
        with closing(self._journal), Cache.open(cache_folder(create=False)) as cache:
            for entry in self._journal.entries(self.run.number):
                if entry.state.stands:
                    report = self._undo(entry)
                    if report.status is RestoreStatus.RESTORED:
                        # Size and date may well be those of the tagged file.
                        cache.unsettle(report.path)
                    yield report

    def _undo(self, entry: Entry) -> RestoreReport:
        path = entry.replacement.path
        if not self._dry_run:
            self._sweeper.sweep(path)
        try:
            done = restore(entry.replacement, in_place=self._in_place, dry_run=self._dry_run)
        except TagError as error:
            return RestoreReport(path, self._status(error), self._reason(error, path, entry))
        if not self._dry_run:
            self._journal.undone(entry.number)
        if not done:
            return RestoreReport(path, RestoreStatus.UNTOUCHED, "it is as it was before the run")
        changes = entry.replacement.changes
        planned = RestoreStatus.PROPOSED if self._dry_run else RestoreStatus.RESTORED
        return RestoreReport(path, planned, changes=changes)

    def _status(self, error: TagError) -> RestoreStatus:
        refused = isinstance(error, TagsRefusedError)
        return RestoreStatus.REFUSED if refused else RestoreStatus.FAILED

    def _reason(self, error: TagError, path: Path, entry: Entry) -> str:
        later = self._journal.later_run(path, entry.number)
        if later:
            return f"run {later} wrote to it later; undo that first"
        if entry.state is State.PENDING and isinstance(error, TagsRefusedError):
            return f"{error}, or the run was killed amid a write in place"
        if not path.exists():
            return "the file is gone; put it back where it was, or a link to it, to undo"
        return str(error)
