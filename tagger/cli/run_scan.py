"""Connects a scan to what shows and records it; imported only once a scan really runs."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tagger.domain import Status
from tagger.report.console import ScanConsole
from tagger.report.records import open_records
from tagger.workflows.scan import Scan, ScanOptions
from tagger.workflows.tally import Tally

__all__ = ["run_scan"]

EXIT_DONE, EXIT_SOME_FAILED, EXIT_INTERRUPTED = 0, 1, 130


def run_scan(options: ScanOptions, *, report: Path | None, quiet: bool, verbose: bool) -> int:
    """Run a scan and return its exit code."""
    scan = Scan(options)
    records = open_records(report) if report else None
    console = ScanConsole(dry_run=options.dry_run, quiet=quiet, verbose=verbose)
    tally = Tally(model=scan.model, dry_run=options.dry_run)
    interrupted = True
    console.start(scan.total, model=scan.model, jobs=scan.jobs)
    try:
        with _sigterm_as_interrupt():
            for track in scan.reports():
                tally.add(track)
                if records:
                    records.track(track)
                console.track(track)
        interrupted = False
    except KeyboardInterrupt:
        pass
    finally:  # also where nobody reads our output any more, or the model fails
        console.stop()
        summary = tally.summary(interrupted=interrupted)
        if records:
            records.finish(summary)
    console.finish(summary, report)
    if interrupted:
        return EXIT_INTERRUPTED
    return EXIT_SOME_FAILED if summary.statuses[Status.FAILED] else EXIT_DONE


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Let a service manager's SIGTERM end a run as cleanly as Ctrl-C does."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
