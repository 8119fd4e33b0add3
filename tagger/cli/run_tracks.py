"""Connects a run over tracks to what shows and records it; imported only once one really runs."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Literal, Protocol

from tagger.domain import AsBefore, RunSummary, Status, TrackReport
from tagger.errors import UsageError
from tagger.report.console import ScanConsole
from tagger.report.logfile import LogFile
from tagger.report.plan import PlanWriter
from tagger.report.records import RecordWriter, open_records
from tagger.workflows.tally import Tally

__all__ = [
    "EXIT_DONE",
    "EXIT_INTERRUPTED",
    "EXIT_SOME_FAILED",
    "run_tracks",
    "sigterm_as_interrupt",
]

EXIT_DONE, EXIT_SOME_FAILED, EXIT_INTERRUPTED = 0, 1, 130


class Tracks(Protocol):
    """A scan, or the writing of a plan."""

    @property
    def total(self) -> int: ...
    @property
    def model(self) -> str: ...
    @property
    def new_id3(self) -> Literal[3, 4]: ...
    @property
    def begun(self) -> float: ...
    @property
    def as_before(self) -> AsBefore: ...
    @property
    def left(self) -> int: ...
    @property
    def notice(self) -> str: ...
    @property
    def run(self) -> int | None: ...
    def reports(self) -> Iterator[TrackReport]: ...


def run_tracks(
    tracks: Tracks,
    *,
    report: Path | None,
    plan: Path | None = None,
    log: LogFile | None = None,
    console: ScanConsole,
    doing: str,
    dry_run: bool,
) -> int:
    """Run and return the exit code."""
    if report and plan and report.absolute() == plan.absolute():
        raise UsageError(f"--report {report}: is the plan's name, too")
    writers: list[RecordWriter] = []
    if report:
        writers.append(open_records(report))
    if plan:
        writers.append(PlanWriter(plan, tracks.model, tracks.new_id3))
    if log:
        log.start(["genretag", *sys.argv[1:]], tracks.model, tracks.total)
        writers.append(log)
    tally = Tally(model=tracks.model, dry_run=dry_run, begun=tracks.begun)
    tally.add_as_before(tracks.as_before)
    interrupted = True
    console.start(tracks.total, doing, as_before=tracks.as_before.tracks)
    try:
        with sigterm_as_interrupt():
            for track in tracks.reports():
                tally.add(track)
                for writer in writers:
                    writer.track(track)
                console.track(track)
        interrupted = False
    except KeyboardInterrupt:
        pass
    finally:  # also where nobody reads our output any more, or the model fails
        console.stop()
        left = 0 if interrupted else tracks.left
        summary = tally.summary(interrupted=interrupted, left=left)
        _finish(writers, summary)
    if tracks.notice:
        console.note(tracks.notice)
    console.finish(summary, report=report, plan=plan, run=tracks.run)
    if interrupted:
        return EXIT_INTERRUPTED
    return EXIT_SOME_FAILED if summary.statuses[Status.FAILED] else EXIT_DONE


def _finish(writers: list[RecordWriter], summary: RunSummary) -> None:
    with ExitStack() as stack:  # one that fails does not keep the others open
        for writer in writers:
            stack.callback(writer.finish, summary)


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Let a service manager's SIGTERM end a run as cleanly as Ctrl-C does."""

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
