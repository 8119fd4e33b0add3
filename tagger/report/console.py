"""What a person reads while a scan runs and after it.

Results go to standard output; progress and problems to standard error, so that a pipe gets
the one and a person still sees the other. Off a terminal there are no bars and no colours.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rich.console import Group, RenderableType
from rich.progress import ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from tagger.domain import AS_BEFORE, RunSummary, Status, TrackReport
from tagger.report.terminal import RunConsole, listed
from tagger.report.text import counted, duration, one_line, percent, shown

__all__ = ["ScanConsole"]

# outcome or status -> (what was done, what a dry run would do, style)
_DEEDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "genre written": ("wrote", "would write", "green"),
    "genre added": ("added", "would add", "green"),
    "genre kept": ("kept", "would keep", "cyan"),
    "genre unchanged": ("same", "same", "dim"),
    "type written": ("wrote", "would write", "green"),
    "type unchanged": ("same", "same", "dim"),
    AS_BEFORE: ("as before", "as before", "dim"),
    "abstained": ("unsure", "unsure", "yellow"),
    "skipped": ("skipped", "would skip", "yellow"),
    "failed": ("failed", "fails", "red"),
}

_EXPLAINED: Final[Mapping[str, str]] = {
    "genre written": "no genre stood there, or one to be replaced",
    "genre added": "put behind the genre that stood there",
    "genre kept": "a genre stood there (policy fill)",
    "genre unchanged": "the genre heard stood there",
    "type written": "another music type stood there, or none",
    "type unchanged": "the music type stood there",
    "abstained": "not sure enough of any genre to write one",
    AS_BEFORE: "nothing has changed since an earlier run",
}

_BAR_WIDTH: Final = 32


class ScanConsole(RunConsole):
    """Shows one scan, or the writing of a plan."""

    def start(self, total: int, doing: str, *, as_before: int = 0) -> None:
        """Begin: say what is going to happen, show the bar.

        Args:
            total: how many tracks there are to look at.
            doing: how.
            as_before: how many more there are about which nothing has to be done.
        """
        known = f"{as_before:,} of them as before, " if as_before else ""
        columns = (_RateColumn(), TextColumn("left"), TimeRemainingColumn())
        tracks = counted(total + as_before, "track")
        self._announce(total, "Tracks", f"{tracks}, {known}{doing}", *columns)

    def track(self, report: TrackReport) -> None:
        """Take one track: move the bar, print its line if asked for."""
        problem = report.status in (Status.FAILED, Status.SKIPPED)
        if problem:
            self._print(_line(report, dry_run=self._dry_run), error=True)
        elif not self._quiet and (self._dry_run or self._verbose):
            self._print(_line(report, dry_run=self._dry_run), error=False)
            for change in report.changes if self._verbose else ():
                self._print_change(12, change.field, change.before, change.after)
        self._advance()

    def finish(
        self,
        summary: RunSummary,
        *,
        report: Path | None = None,
        plan: Path | None = None,
        run: int | None = None,
    ) -> None:
        """Show what the run came to, and how to go on from it."""
        self.stop()
        if self._quiet:
            return
        self._out.print(_summary(summary, report))
        if plan and not summary.interrupted:
            self._out.print(Text(f"Plan: {shown(plan)} (`genretag apply` writes it)"))
        if run:
            self._out.print(Text(f"Run {run}: `genretag undo {run}` puts everything back"))


def _line(report: TrackReport, *, dry_run: bool) -> Text:
    done, planned, style = _DEEDS[report.outcome or str(report.status)]
    line = Text(f"{planned if dry_run else done:<12}", style=style)
    if report.status in (Status.FAILED, Status.SKIPPED):
        line.append(f"{shown(report.path)}: ", style="default")
        line.append(one_line(report.reason), style="default")
        return line
    genre, probability = report.genres[0]
    before = report.current.get("GENRE", ())
    after = next((c.after for c in report.changes if c.field == "GENRE"), before)
    genres = listed(before) if after == before else f"{listed(before)} → {listed(after)}"
    line.append(f"{genre:<11} {percent(probability):>5}  ", style="bold default")
    line.append(f"{genres:<24} ", style="default")
    if report.cluster:
        line.append(f"{report.cluster:<24} ", style="dim default")
    line.append(shown(report.path), style="default")
    return line


def _summary(summary: RunSummary, report: Path | None) -> RenderableType:
    parts: list[RenderableType] = []
    for title, counts in (("Genres heard", summary.genres), ("Music types", summary.clusters)):
        if counts:
            parts += [Text(f"\n{title}", style="bold"), _bars(counts)]
    parts += [Text("\nWhat would happen" if summary.dry_run else "\nWhat happened", style="bold")]
    parts += [_deeds(summary), Text()]
    rate = summary.tracks / summary.seconds if summary.seconds > 0 else 0.0
    if summary.changed:
        verb = "would change" if summary.dry_run else "changed"
        parts.append(
            Text(f"{counted(summary.changed, 'file')} {verb}: GENRETAG_* fields say what was heard")
        )
    last = f"{counted(summary.tracks, 'track')} in {duration(summary.seconds)}"
    if summary.audio_s:
        last += f" ({rate:.1f} a second), {duration(summary.audio_s)} of music"
    if 0 < summary.heard < summary.tracks:
        last += f", {summary.heard:,} heard in this run"
    parts.append(Text(f"{last}, model {summary.model}"))
    if summary.left:
        left = counted(summary.left, "track")
        parts.append(Text(f"{left} left for the next run (time limit)", style="bold yellow"))
    if report:
        parts.append(Text(f"Report: {shown(report)}"))
    if summary.dry_run:
        parts.append(Text("Dry run: nothing was written.", style="bold"))
    if summary.interrupted:
        parts.append(Text("Interrupted: what is counted above is done.", style="bold yellow"))
    return Group(*parts)


def _bars(counts: Mapping[str, int]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_column(no_wrap=True)
    total, most = sum(counts.values()), max(counts.values())
    for name, n in counts.items():
        bar = "━" * max(1, round(_BAR_WIDTH * n / most))
        share = f"{100 * n / total:.0f} %"
        table.add_row(
            Text(f"  {name}"), f"{n:,}", Text(share, style="dim"), Text(bar, style="magenta")
        )
    return table


def _deeds(summary: RunSummary) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(justify="right")
    table.add_column()
    for outcome, explained in _EXPLAINED.items():
        if n := summary.outcomes.get(outcome, 0):
            done, planned, style = _DEEDS[outcome]
            word = Text(f"  {planned if summary.dry_run else done}", style=style)
            table.add_row(word, f"{n:,}", Text(explained, style="dim"))
    for status in (Status.SKIPPED, Status.FAILED):
        if n := summary.statuses.get(status, 0):
            reasons = [
                f"{one_line(reason.partition(': ')[2])} ({count:,})"
                for reason, count in summary.reasons.items()
                if reason.startswith(f"{status}: ")
            ]
            shown_reasons = "; ".join(reasons[:4]) + ("; …" if len(reasons) > 4 else "")
            word = Text(f"  {_DEEDS[status][summary.dry_run]}", style=_DEEDS[status][2])
            table.add_row(word, f"{n:,}", Text(shown_reasons, style="dim"))
    if not table.row_count and (summary.interrupted or summary.left):
        table.add_row("  nothing yet", "", "")
    elif not table.row_count:
        table.add_row("  nothing: no audio files were found", "", "")
    return table


class _RateColumn(ProgressColumn):
    """Tracks a second."""

    def render(self, task: Task) -> Text:
        rate = task.finished_speed or task.speed
        return Text(f"{rate:.1f}/s" if rate else "", style="progress.data.speed")
