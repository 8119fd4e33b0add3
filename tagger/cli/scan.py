"""``genretag scan``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagger.cli.options import ModelOption
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
    model: ModelOption = "default",
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
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a report: one line a track, .jsonl or .csv."),
    ] = None,
    mtime: Annotated[
        str,
        typer.Option(
            metavar="bump|preserve",
            help="Whether a changed file's date changes. Media servers notice changes by it.",
        ),
    ] = "bump",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only say what failed.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show every track and every field.")
    ] = False,
) -> None:
    """Listen to music and write what is heard into its tags.

    A genre goes into the genre field as the policy allows; what was heard always goes into
    fields of our own (GENRETAG_GENRES, GENRETAG_CLUSTER, GENRETAG_MODEL, GENRETAG_VERSION).
    Nothing else in a file is touched.

    Exit code: 0 done, 1 some files failed, 2 wrong usage, 130 interrupted.
    """
    from tagger.cli.run_scan import run_scan
    from tagger.errors import UsageError
    from tagger.workflows.scan import ScanOptions

    if mtime not in ("bump", "preserve"):
        raise UsageError(f"--mtime {mtime}: must be bump or preserve")
    options = ScanOptions(
        paths=tuple(paths),
        dry_run=dry_run,
        policy=policy,
        min_confidence=min_confidence,
        max_genres=max_genres,
        model=model,
        jobs=jobs,
        exclude=tuple(exclude or ()),
        mtime="preserve" if mtime == "preserve" else "bump",
    )
    raise typer.Exit(run_scan(options, report=report, quiet=quiet, verbose=verbose))
