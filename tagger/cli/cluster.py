"""``genretag cluster``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tagger.cli.options import (
    JobsOption,
    ModelSetting,
    MtimeOption,
    QuietOption,
    VerboseOption,
)

if TYPE_CHECKING:
    from tagger.workflows.cluster import Clustered, ClusterOptions
    from tagger.workflows.libraries import Chosen

__all__ = ["cluster"]


def cluster(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Files and folders of music.")
    ],
    k: Annotated[
        str, typer.Option(metavar="N|auto", help="How many types, from 2 to 50; auto: choose.")
    ] = "auto",
    pca: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=1.0,
            metavar="SHARE",
            help="Sort by as many principal components as carry this share of the variance.",
        ),
    ] = None,
    refit: Annotated[
        bool,
        typer.Option(
            "--refit",
            help="Fit anew, though there are types; those that are the same keep their names.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show the types; keep and write nothing.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write each track's type into its tags.")
    ] = False,
    plots: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder that plots go into; needs the extra plot."),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, metavar="N", help="Of the random starts.")
    ] = 0,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Leave out names or paths that match; repeatable."),
    ] = None,
    mtime: MtimeOption = None,
    model: ModelSetting = None,
    jobs: JobsOption = None,
    quiet: QuietOption = None,
    verbose: VerboseOption = None,
) -> None:
    """Find the music types of a library: groups of tracks that sound alike, named by what sets
    them apart.

    The first time they are fitted and kept (types.json beside the configuration). From then on
    tracks are assigned to them, here and in every scan, so that names and numbers stay. --refit
    fits them anew and says what moved. Nothing is written into music without --write; a scan
    writes the types, too.
    """
    from tagger.cli.extras import needing
    from tagger.errors import UsageError
    from tagger.report.types import print_types_kept
    from tagger.workflows.cluster import ClusterOptions
    from tagger.workflows.libraries import settings_for
    from tagger.workflows.manners import one_thread, only_run

    if k != "auto" and not (k.isascii() and k.isdigit() and 2 <= int(k) <= 50):
        raise UsageError(f"--k {k}: must be auto, or a number from 2 to 50")
    said = {"exclude": exclude, "mtime": mtime, "model": model, "jobs": jobs}
    # What would hinder the writing is better known before hours of hearing.
    chosen = settings_for(paths, {**said, "quiet": quiet, "verbose": verbose})
    settings = chosen.settings
    writing = write and not dry_run
    options = ClusterOptions(
        paths=tuple(paths),
        k=None if k == "auto" else int(k),
        pca=pca,
        seed=seed,
        refit=refit,
        keep=not dry_run,
        model=settings["model"],
        jobs=settings["jobs"],
        exclude=settings["exclude"],
    )
    one_thread()
    if plots is not None:
        with needing("plot", "cluster --plots", "matplotlib"):
            from tagger.report.types_plot import check_plots_folder

            check_plots_folder(plots)
    with only_run("genretag cluster") if writing else nullcontext():
        found = _found(options, plots, quiet=settings["quiet"], verbose=settings["verbose"])
        if writing:
            raise typer.Exit(_write(found, options.paths, chosen))
    if not settings["quiet"]:
        print_types_kept(found.seen, options.paths)


def _found(options: ClusterOptions, plots: Path | None, *, quiet: bool, verbose: bool) -> Clustered:
    """Find the types, and show them."""
    from tagger.report.learning import LearningConsole
    from tagger.report.text import shown
    from tagger.report.types import print_types
    from tagger.workflows.cluster import cluster as find

    console = LearningConsole()
    with console.hearing() as progress:
        found = find(options, progress)
    if found.collection.notice:
        console.say(found.collection.notice)
    if not quiet:
        print_types(found.seen, verbose=verbose)
    if plots is not None:
        from tagger.report.types_plot import plot_types
        from tagger.workflows.type_map import type_map

        for file in plot_types(found.seen, type_map(found), plots):
            console.say(f"Plot: {shown(file)}")
    return found


def _write(found: Clustered, paths: tuple[Path, ...], chosen: Chosen) -> int:
    """Write the types into the tags; returns the exit code."""
    from tagger.cli.run_tracks import run_tracks
    from tagger.report.console import ScanConsole
    from tagger.workflows.type_tags import TypeTags

    said = chosen.settings
    run = TypeTags(found.collection, paths, chosen.config, said["mtime"])
    console = ScanConsole(dry_run=False, quiet=said["quiet"], verbose=said["verbose"])
    doing = "writing their music types"
    return run_tracks(run, report=None, console=console, doing=doing, dry_run=False)
