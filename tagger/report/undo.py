"""What a person reads of runs and of undoing them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tagger.domain import RestoreReport, RestoreStatus
from tagger.report.terminal import RunConsole
from tagger.report.text import counted, one_line, shown

__all__ = ["UndoConsole", "print_runs"]

# status -> (word, style, what it means)
_DEEDS: Final[Mapping[RestoreStatus, tuple[str, str, str]]] = {
    RestoreStatus.RESTORED: ("restored", "green", "byte for byte as before the run"),
    RestoreStatus.PROPOSED: ("would restore", "green", "as it was before the run"),
    RestoreStatus.UNTOUCHED: ("untouched", "dim", "as it was before the run already"),
    RestoreStatus.REFUSED: ("left alone", "yellow", "changed since the run"),
    RestoreStatus.FAILED: ("failed", "red", "gone, or cannot be written"),
}
_HEADS: Final = ("run", "begun", "command", "standing", "undone", "model")
_RIGHT: Final = (True, False, False, True, True, False)
_PROBLEMS: Final = (RestoreStatus.REFUSED, RestoreStatus.FAILED)


class RunLike(Protocol):
    """A run as the journal lists it."""

    @property
    def number(self) -> int: ...
    @property
    def command(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def written(self) -> int: ...
    @property
    def undone(self) -> int: ...
    @property
    def started(self) -> datetime: ...
    @property
    def finished(self) -> datetime | None: ...


def print_runs(runs: Iterable[RunLike]) -> None:
    """List the runs, newest first."""
    console = Console(highlight=False)
    rows = [
        (
            str(run.number),
            _local(run.started),
            run.command + ("" if run.finished else " (not finished)"),
            f"{run.written:,}",
            f"{run.undone:,}" if run.undone else "",
            one_line(f"{run.model}, genretag {run.version}"),
        )
        for run in runs
    ]
    if not rows:
        console.print("No run has written anything yet.")
        return
    widths = [max(map(len, column)) for column in zip(_HEADS, *rows, strict=True)]
    for row in (_HEADS, *rows):
        cells = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, _RIGHT, strict=True)
        )
        # The number is what one came for: a narrow terminal breaks the line, and hides nothing.
        line = "  ".join(cells).rstrip()
        console.print(Text(line, style="bold" if row is _HEADS else ""), soft_wrap=True)


class UndoConsole(RunConsole):
    """Shows one undo."""

    def start(self, run: RunLike) -> None:
        """Say which run it is, show the bar."""
        begun = f"{run.command} of {_local(run.started)}, {counted(run.written, 'file')}"
        self._announce(run.written, "Files", f"Undoing run {run.number}: {begun}")

    def file(self, report: RestoreReport) -> None:
        """Take one file: move the bar, print its line if asked for."""
        word, style, _ = _DEEDS[report.status]
        line = Text(f"{word:<14}", style=style)
        if report.status in _PROBLEMS:
            line.append(f"{shown(report.path)}: {one_line(report.reason)}", style="default")
            self._print(line, error=True)
        elif not self._quiet and (self._dry_run or self._verbose):
            line.append(shown(report.path), style="default")
            self._print(line, error=False)
            for change in report.changes if self._verbose else ():
                self._print_change(14, change.field, change.after, change.before)
        self._advance()

    def finish(self, counts: Mapping[RestoreStatus, int], *, interrupted: bool) -> None:
        """Show what it came to."""
        if self._quiet:
            return
        table = Table.grid(padding=(0, 2))
        for status, (word, style, meaning) in _DEEDS.items():
            if n := counts.get(status, 0):
                table.add_row(Text(word, style=style), f"{n:,}", Text(meaning, style="dim"))
        self._out.print(table if table.row_count else "Nothing is left to undo in this run.")
        if self._dry_run:
            self._out.print(Text("Dry run: nothing was written.", style="bold"))
        if interrupted:
            self._out.print(Text("Interrupted: run it again to go on.", style="bold yellow"))


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
