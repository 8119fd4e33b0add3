"""``genretag apply``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagger.cli.options import (
    MtimeOption,
    QuietOption,
    ReportOption,
    VerboseOption,
    WriteOption,
    chosen,
)

__all__ = ["apply"]


def apply(
    plan: Annotated[
        Path, typer.Argument(metavar="PLAN", help="A file that `scan --plan` has saved.")
    ],
    report: ReportOption = None,
    mtime: MtimeOption = "bump",
    write: WriteOption = "safe",
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Write a plan saved earlier: exactly what it says, and nothing else.

    A file that changed since the plan was made, in its tags, length or date, is left as it
    is, with a line that says so.

    Exit code: 0 done, 1 some files failed, 2 wrong usage, 130 interrupted.
    """
    from tagger.cli.run_tracks import run_tracks
    from tagger.report.console import ScanConsole
    from tagger.workflows.apply import Apply

    run = Apply(
        plan,
        mtime=chosen("--mtime", mtime, "bump", "preserve"),
        in_place=chosen("--write", write, "safe", "in-place") == "in-place",
    )
    console = ScanConsole(dry_run=False, quiet=quiet, verbose=verbose)
    doing = f"planned with model {run.model}"
    raise typer.Exit(run_tracks(run, report=report, console=console, doing=doing, dry_run=False))
