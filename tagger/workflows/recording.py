"""Between the writer and the journal: a run is begun at its first write, and each replaced file
is recorded before it is replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tagger import __version__
from tagger.domain import Replacement
from tagger.errors import TagError
from tagger.library.folders import state_folder
from tagger.library.journal import Journal
from tagger.tags.leftovers import is_leftover, remove_leftover
from tagger.tags.read import read_tags

__all__ = ["RunRecorder", "Sweeper"]


class RunRecorder:
    """Records what one run replaces. A run that writes nothing leaves no trace.

    Args:
        command: ``scan`` or ``apply``, for the list of runs.
        model: name and version of the model.

    Raises:
        UsageError: the journal cannot be used; better known before a long run than in it.
    """

    def __init__(self, command: str, model: str) -> None:
        self._command = command
        self._model = model
        self._journal = Journal.open(state_folder())
        self._run = 0
        _settle(self._journal)

    @property
    def run(self) -> int | None:
        """Number of the run, or None as long as nothing was written."""
        return self._run or None

    @contextmanager
    def __call__(self, replacement: Replacement) -> Iterator[None]:
        """Make a replacement durable, and note whether it took place."""
        if not self._run:
            self._run = self._journal.begin(self._command, self._model, __version__)
        entry = self._journal.record(self._run, replacement)
        try:
            yield
        except Exception:
            self._journal.withdraw(entry)
            raise
        # An interrupt may come when the file is replaced already: that entry is left open,
        # and settled by looking at the file.
        self._journal.confirm(entry)

    def close(self) -> None:
        """End the run."""
        with self._journal:
            if self._run:
                self._journal.finish(self._run)


def _settle(journal: Journal) -> None:
    """Find out what became of the last write of runs that were killed."""
    for entry in journal.unresolved():
        try:
            file = read_tags(entry.replacement.path).file
        except TagError:  # gone or damaged: an undo will say so
            continue
        if file and file.tags == entry.replacement.state_after:
            journal.confirm(entry.number)
        elif file and file.tags == entry.replacement.state_before:
            journal.withdraw(entry.number)


class Sweeper:
    """Removes the temporary files that a killed run left in folders about to be written to."""

    def __init__(self) -> None:
        self.removed = 0
        self._folders: set[Path] = set()

    def note(self, path: Path) -> None:
        """Remove a file if it is such a leftover."""
        self.removed += remove_leftover(path)

    def sweep(self, path: Path) -> None:
        """Remove the leftovers in the folder of a file that is about to be written, once."""
        try:
            folder = path.resolve().parent
            if folder in self._folders:
                return
            self._folders.add(folder)
            with os.scandir(folder) as entries:
                names = [entry.name for entry in entries if is_leftover(entry.name)]
        except (OSError, ValueError):  # whoever writes there will say it
            return
        for name in names:
            self.note(folder / name)
