"""Connects an undo to what shows it; imported only once one really runs."""

from __future__ import annotations

from collections import Counter

from tagger.cli.run_tracks import (
    EXIT_DONE,
    EXIT_INTERRUPTED,
    EXIT_SOME_FAILED,
    sigterm_as_interrupt,
)
from tagger.domain import RestoreStatus
from tagger.report.undo import UndoConsole, print_runs
from tagger.workflows.undo import Undo, runs

__all__ = ["list_runs", "run_undo"]


def list_runs() -> None:
    """Show the runs that the journal knows."""
    print_runs(runs())


def run_undo(
    number: int | None, *, dry_run: bool, in_place: bool, quiet: bool, verbose: bool
) -> int:
    """Undo a run and return the exit code."""
    undo = Undo(number, dry_run=dry_run, in_place=in_place)
    console = UndoConsole(dry_run=dry_run, quiet=quiet, verbose=verbose)
    console.start(undo.run)
    counts: Counter[RestoreStatus] = Counter()
    interrupted = True
    try:
        with sigterm_as_interrupt():
            for report in undo.reports():
                counts[report.status] += 1
                console.file(report)
        interrupted = False
    except KeyboardInterrupt:
        pass
    finally:
        console.stop()
    console.finish(counts, interrupted=interrupted)
    if interrupted:
        return EXIT_INTERRUPTED
    bad = counts[RestoreStatus.REFUSED] + counts[RestoreStatus.FAILED]
    return EXIT_SOME_FAILED if bad else EXIT_DONE
