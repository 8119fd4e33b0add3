"""``genretag scan``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagger.cli.options import (
    LogOption,
    ModelOption,
    MtimeOption,
    QuietOption,
    ReportOption,
    VerboseOption,
    WriteOption,
    chosen,
)
from tagger.domain import Policy

__all__ = ["scan"]


def scan(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Files and folders of music.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show what would be written; write nothing.")
    ] = False,
    policy: Annotated[
        Policy,
        typer.Option(
            help="fill: only where no genre stands, or a generic one such as 'Other'. "
            "append: behind the genre that stands. overwrite: in its place."
        ),
    ] = Policy.FILL,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            metavar="P",
            help="Least probability of a genre to be written; without it, each genre has its own.",
        ),
    ] = None,
    max_genres: Annotated[
        int, typer.Option(min=1, max=11, metavar="N", help="Most genres written to one file.")
    ] = 1,
    consistent: Annotated[
        str,
        typer.Option(
            metavar="none|album",
            help="album: the tracks of one album in one folder get one genre, decided from all "
            "of them together; compilations are left alone.",
        ),
    ] = "none",
    model: ModelOption = "default",
    rescan: Annotated[
        bool,
        typer.Option("--rescan", help="Hear everything again, whatever earlier runs have heard."),
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", min=1, max=512, metavar="N", help="Processes; without it, one a core."
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Leave out names or paths that match; repeatable."),
    ] = None,
    report: ReportOption = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write nothing to the music, and save what would be written for `apply`.",
        ),
    ] = None,
    log: LogOption = None,
    mtime: MtimeOption = "bump",
    write: WriteOption = "safe",
    time_limit: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Stop after this time, as in 2h or 90m; the next run goes on from there.",
        ),
    ] = None,
    nice: Annotated[
        int | None,
        typer.Option(
            min=0, max=19, metavar="N", help="Leave processor and disk to others: 1 to 19."
        ),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Hear on the workers of a Dask scheduler (tcp://host:8786) that see the music "
            "under the same path. Needs genretag[dask].",
        ),
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Listen to music and write what is heard into its tags.

    A genre goes into the genre field as the policy allows; what was heard always goes into
    fields of our own (GENRETAG_GENRES, GENRETAG_CLUSTER, GENRETAG_MODEL, GENRETAG_VERSION).
    Nothing else in a file is touched, and `genretag undo` puts all of it back.

    What was heard is kept (see `genretag cache`): the next run hears only new tracks, and looks
    only at files that changed.

    Exit code: 0 done, 1 some files failed, 2 wrong usage, 3 another run is under way, 130
    interrupted.
    """
    from contextlib import ExitStack

    from tagger.cli.run_tracks import run_tracks, sigterm_as_interrupt
    from tagger.report.console import ScanConsole
    from tagger.report.logfile import LogFile
    from tagger.report.text import counted
    from tagger.report.timespan import parse_duration
    from tagger.workflows.config import load_config
    from tagger.workflows.manners import lower_priority, only_run
    from tagger.workflows.scan import Scan, ScanOptions

    options = ScanOptions(
        paths=tuple(paths),
        dry_run=dry_run or plan is not None,
        policy=policy,
        min_confidence=min_confidence,
        max_genres=max_genres,
        consistent=chosen("--consistent", consistent, "none", "album"),
        model=model,
        jobs=jobs,
        exclude=tuple(exclude or ()),
        mtime=chosen("--mtime", mtime, "bump", "preserve"),
        in_place=chosen("--write", write, "safe", "in-place") == "in-place",
        rescan=rescan,
        time_limit_s=parse_duration(time_limit) if time_limit else None,
        each=report is not None or verbose,
        dask=dask,
    )
    console = ScanConsole(dry_run=options.dry_run, quiet=quiet, verbose=verbose)
    with ExitStack() as stack:
        stack.enter_context(sigterm_as_interrupt())  # a survey may take long, too
        log_file = stack.enter_context(LogFile(log, dry_run=options.dry_run)) if log else None
        if not options.dry_run:
            stack.enter_context(only_run("genretag scan"))
        notes = [lower_priority(nice)] if nice else []
        run = Scan(options, load_config())
        if run.leftovers:
            removed = counted(run.leftovers, "temporary file")
            notes.append(f"Removed {removed} of an interrupted run")
        for note in filter(None, notes):
            console.note(note)
        where = f"on {dask}" if dask else counted(run.jobs, "process", "processes")
        doing = f"model {run.model}, {where}"
        code = run_tracks(
            run,
            report=report,
            plan=plan,
            log=log_file,
            console=console,
            doing=doing,
            dry_run=options.dry_run,
        )
    raise typer.Exit(code)
