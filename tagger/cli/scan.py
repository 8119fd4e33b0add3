"""``genretag scan``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from tagger.cli.options import (
    LogOption,
    ModelSetting,
    MtimeOption,
    QuietOption,
    ReportOption,
    VerboseOption,
    WriteOption,
    option,
)

__all__ = ["scan"]


def scan(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Files and folders of music.")
    ],
    dry_run: Annotated[bool | None, option("dry_run")] = None,
    policy: Annotated[str | None, option("policy")] = None,
    min_confidence: Annotated[float | None, option("min_confidence")] = None,
    max_genres: Annotated[int | None, option("max_genres")] = None,
    consistent: Annotated[str | None, option("consistent")] = None,
    model: ModelSetting = None,
    rescan: Annotated[bool | None, option("rescan")] = None,
    jobs: Annotated[int | None, option("jobs")] = None,
    exclude: Annotated[list[str] | None, option("exclude")] = None,
    report: ReportOption = None,
    plan: Annotated[Path | None, option("plan")] = None,
    log: LogOption = None,
    mtime: MtimeOption = None,
    write: WriteOption = None,
    time_limit: Annotated[str | None, option("time_limit")] = None,
    nice: Annotated[int | None, option("nice")] = None,
    dask: Annotated[str | None, option("dask")] = None,
    quiet: QuietOption = None,
    verbose: VerboseOption = None,
) -> None:
    """Listen to music and write what is heard into its tags.

    A genre goes into the genre field as the policy allows; what was heard always goes into
    fields of our own (GENRETAG_GENRES, GENRETAG_CLUSTER, GENRETAG_MODEL, GENRETAG_VERSION).
    Nothing else in a file is touched, and `genretag undo` puts all of it back.

    What was heard is kept (see `genretag cache`): the next run hears only new tracks, and looks
    only at files that changed.

    Each option may also stand in the configuration file (`genretag config init` writes one) or
    in an environment variable, GENRETAG_POLICY for --policy.

    Exit code: 0 done, 1 some files failed, 2 wrong usage, 3 another run is under way, 130
    interrupted.
    """
    options = dict(locals())
    del options["paths"]
    run_scan(paths, options)


def run_scan(paths: list[Path], options: dict[str, Any]) -> None:
    """Scan, and exit with its code.

    Args:
        paths: what to scan.
        options: of the command line, by setting; None where it says nothing.
    """
    from contextlib import ExitStack

    from tagger.cli.run_tracks import run_tracks, sigterm_as_interrupt
    from tagger.domain import Policy
    from tagger.report.console import ScanConsole
    from tagger.report.logfile import LogFile
    from tagger.report.settings import decided
    from tagger.report.text import counted
    from tagger.workflows.libraries import settings_for
    from tagger.workflows.manners import lower_priority, one_thread, only_run

    one_thread()
    from tagger.workflows.scan import Scan, ScanOptions
    from tagger.workflows.settings import unknown_variables

    chosen = settings_for(paths, options)
    said = chosen.settings
    report, plan, log, nice = said["report"], said["plan"], said["log"], said["nice"]
    scan_options = ScanOptions(
        paths=tuple(paths),
        dry_run=said["dry_run"] or plan is not None,
        policy=Policy(said["policy"]),
        min_confidence=said["min_confidence"],
        max_genres=said["max_genres"],
        consistent=said["consistent"],
        model=said["model"],
        jobs=said["jobs"],
        exclude=said["exclude"],
        mtime=said["mtime"],
        in_place=said["write"] == "in-place",
        rescan=said["rescan"],
        time_limit_s=said["time_limit"],
        each=report is not None or said["verbose"],
        dask=said["dask"],
    )
    dry_run = scan_options.dry_run
    console = ScanConsole(dry_run=dry_run, quiet=said["quiet"], verbose=said["verbose"])
    with ExitStack() as stack:
        stack.enter_context(sigterm_as_interrupt())  # a survey may take long, too
        log_file = stack.enter_context(LogFile(log, dry_run=dry_run)) if log else None
        if not dry_run:
            stack.enter_context(only_run("genretag scan"))
        notes = [lower_priority(nice)] if nice else []
        notes += unknown_variables(os.environ)
        if said["verbose"]:
            notes.append(decided(said.chosen))
        run = Scan(scan_options, chosen.config)
        if run.leftovers:
            removed = counted(run.leftovers, "temporary file")
            notes.append(f"Removed {removed} of an interrupted run")
        for note in filter(None, notes):
            console.note(note)
        where = (
            f"on {scan_options.dask}"
            if scan_options.dask
            else counted(run.jobs, "process", "processes")
        )
        code = run_tracks(
            run,
            report=report,
            plan=plan,
            log=log_file,
            console=console,
            doing=f"model {run.model}, {where}",
            dry_run=dry_run,
        )
    raise typer.Exit(code)
