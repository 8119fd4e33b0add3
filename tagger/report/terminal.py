"""What every run has on a terminal: results on one stream, problems and a bar on the other."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn
from rich.text import Text

from tagger.report.text import one_line, shown

__all__ = ["RunConsole", "listed"]

_LONGEST: Final = 1000


class RunConsole:
    """Shows one run. ``quiet`` leaves only problems; ``verbose`` shows every field."""

    def __init__(self, *, dry_run: bool, quiet: bool, verbose: bool) -> None:
        self._dry_run = dry_run
        self._quiet = quiet
        self._verbose = verbose
        self._out = Console(highlight=False)
        self._err = Console(stderr=True, highlight=False)
        self._progress: Progress | None = None

    def note(self, text: str) -> None:
        """Say something beside the results."""
        if not self._quiet:
            self._err.print(Text(shown(text), style="dim"), soft_wrap=True)

    def stop(self) -> None:
        """Take the bar away."""
        if self._progress:
            self._progress.stop()
            self._progress = None

    def _announce(self, total: int, what: str, doing: str, *columns: ProgressColumn) -> None:
        """Say what is going to happen, and show a bar if somebody looks."""
        self.note(f"{'Dry run: nothing will be written. ' if self._dry_run else ''}{doing}")
        if self._err.is_terminal and total and not self._quiet:
            self._progress = Progress(
                TextColumn(what),
                BarColumn(),
                MofNCompleteColumn(),
                *columns,
                console=self._err,
                transient=True,
            )
            self._progress.add_task("", total=total)
            self._progress.start()

    def _advance(self) -> None:
        if self._progress:
            self._progress.advance(self._progress.task_ids[0])

    def _print(self, line: Text, *, error: bool) -> None:
        # A long name must not be broken into lines where a program reads them.
        if self._progress and (error or self._out.is_terminal):
            self._progress.console.print(line, soft_wrap=True)
            return
        console = self._err if error else self._out
        if console.is_terminal:
            console.print(line, soft_wrap=True)
        else:  # the same without what rich does for styles that are not shown
            console.file.write(f"{line.plain}\n")
            console.file.flush()

    def _print_change(
        self, indent: int, field: str, before: tuple[str, ...], after: tuple[str, ...]
    ) -> None:
        text = f"{'':{indent}}{field:<17} {listed(before)} → {listed(after)}"
        self._print(Text(text, style="dim"), error=False)


def listed(values: tuple[str, ...]) -> str:
    """Values of a field in one line, which nobody's tags make longer than a screen."""
    text = "; ".join(values)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… ({len(text):,} characters)"
    return one_line(text) if values else "—"
