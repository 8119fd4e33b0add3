"""``genretag apply``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagger.cli.options import (
    LogOption,
    MtimeOption,
    QuietOption,
    ReportOption,
    VerboseOption,
    WriteOption,
)

__all__ = ["apply"]


def apply(
    plan: Annotated[
        Path, typer.Argument(metavar="PLAN", help="A file that `scan --plan` has saved.")
    ],
    within: Annotated[
        list[Path] | None,
        typer.Option(
            "--in",
            metavar="PATH",
            help="Leave alone what lies outside of this folder; may be given several times.",
        ),
    ] = None,
    report: ReportOption = None,
    log: LogOption = None,
    mtime: MtimeOption = None,
    write: WriteOption = None,
    quiet: QuietOption = None,
    verbose: VerboseOption = None,
) -> None:
    """Write a plan saved earlier: exactly what it says, and nothing else.

    A file that changed since the plan was made, in its tags, length or date, is left as it
    is, with a line that says so. A plan names files anywhere: it says below which folder before
    it begins, and --in bounds it, as you would for a plan that somebody else made.

    Exit code: 0 done, 1 some files failed, 2 wrong usage, 3 another run is under way, 130
    interrupted.
    """
    from contextlib import ExitStack

    from tagger.cli.run_tracks import run_tracks
    from tagger.report.console import ScanConsole
    from tagger.report.logfile import LogFile
    from tagger.report.text import shown
    from tagger.workflows.apply import Apply
    from tagger.workflows.libraries import settings_for
    from tagger.workflows.manners import only_run

    options = {"log": log, "mtime": mtime, "write": write, "quiet": quiet, "verbose": verbose}
    said = settings_for([], options).settings
    run = Apply(
        plan, mtime=said["mtime"], in_place=said["write"] == "in-place", within=within or ()
    )
    console = ScanConsole(dry_run=False, quiet=said["quiet"], verbose=said["verbose"])
    log = said["log"]
    with ExitStack() as stack:
        log_file = stack.enter_context(LogFile(log, dry_run=False)) if log else None
        stack.enter_context(only_run("genretag apply"))
        code = run_tracks(
            run,
            report=report,
            log=log_file,
            console=console,
            doing=f"planned with model {shown(run.model)}, all below {shown(run.below)}",
            dry_run=False,
        )
    raise typer.Exit(code)
