"""``genretag undo``."""

from __future__ import annotations

from typing import Annotated

import typer

from tagger.cli.options import QuietOption, VerboseOption, WriteOption

__all__ = ["undo"]


def undo(
    run: Annotated[
        int | None,
        typer.Argument(metavar="RUN", help="Number of a run; without it, the last one."),
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", "-l", help="List the runs that can be undone.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show what would be put back; write nothing.")
    ] = False,
    write: WriteOption = None,
    quiet: QuietOption = None,
    verbose: VerboseOption = None,
) -> None:
    """Put back what a run replaced: every file byte for byte as it was, with its former date.

    A file whose tags somebody else changed since is left as it is, with a line that says so.

    Exit code: 0 done, 1 some files could not be put back, 2 wrong usage, 3 another run is under
    way, 130 interrupted.
    """
    from contextlib import nullcontext

    from tagger.cli.run_undo import list_runs, run_undo
    from tagger.workflows.libraries import settings_for
    from tagger.workflows.manners import only_run

    if list_:
        list_runs()
        return
    options = {"write": write, "quiet": quiet, "verbose": verbose}
    said = settings_for([], options).settings
    with nullcontext() if dry_run else only_run("genretag undo"):
        code = run_undo(
            run,
            dry_run=dry_run,
            in_place=said["write"] == "in-place",
            quiet=said["quiet"],
            verbose=said["verbose"],
        )
    raise typer.Exit(code)
