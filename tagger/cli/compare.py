"""``genretag compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagger.cli.options import DataArgument, JobsOption, LabelsOption, TableOption, label_source

__all__ = ["compare"]


def compare(
    data: DataArgument,
    labels: LabelsOption = "auto",
    table: TableOption = None,
    classifiers: Annotated[
        str | None,
        typer.Option(metavar="NAME,…", help="Only these classifiers; `list` describes all."),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every cell into a table.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw the accuracies as a heat map.")
    ] = None,
    folds: Annotated[
        int, typer.Option(min=2, max=20, metavar="N", help="Parts of the cross-validation.")
    ] = 5,
    search: Annotated[
        bool,
        typer.Option(
            "--search",
            help="Search for each classifier's parameters instead, and judge them on artists that "
            "the search did not see.",
        ),
    ] = False,
    draws: Annotated[
        int,
        typer.Option(min=1, max=1000, metavar="N", help="Sets of parameters that --search tries."),
    ] = 10,
    balance: Annotated[
        str,
        typer.Option(
            metavar="none|weights|balanced",
            help="What is done about genres of few tracks: nothing, a greater weight (not every "
            "classifier takes one), or rows drawn several times.",
        ),
    ] = "none",
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Decides the folds and all else by chance.")
    ] = 0,
    jobs: JobsOption = None,
) -> None:
    """Compare what features and classifiers make of labelled music.

    Each method of music information retrieval alone, in the combinations of the FMA study, all
    518 features, and selections of them, by each classifier: accuracy, kappa, macro F1 and
    seconds of a fit, in folds that no artist is on both sides of.
    """
    from tagger.cli.extras import needing_train
    from tagger.cli.options import chosen
    from tagger.errors import UsageError
    from tagger.report.learning import LearningConsole
    from tagger.workflows.config import load_config

    console = LearningConsole()
    with needing_train("compare", "joblib", "matplotlib", "sklearn"):
        from tagger.training.classifier_table import CLASSIFIERS

        if classifiers == "list":
            console.networks({name: c.description for name, c in CLASSIFIERS.items()})
            return
        if search and plot:
            raise UsageError(
                f"--plot {plot}: a search has no heat map; leave out --search or --plot"
            )
        from tagger.training.compare import (
            CompareOptions,
            search_data,
            write_compared,
            write_search,
        )
        from tagger.training.compare import compare as run

        options = CompareOptions(
            data=data,
            labels=label_source(labels),
            table=table,
            classifiers=tuple(classifiers.split(",")) if classifiers else None,
            folds=folds,
            draws=draws,
            balance=chosen("--balance", balance, "none", "weights", "balanced"),
            vocabulary=load_config().vocabulary,
            seed=seed,
            jobs=jobs or console.jobs,
        )
        if search:
            with console.hearing() as hearing, console.hearing("Searching") as fitting:
                found = search_data(options, say=console.say, hearing=hearing, fitting=fitting)
            console.searched(found)
            write_search(found, csv)
            return
        with console.hearing() as hearing, console.hearing("Fitting") as fitting:
            compared = run(options, say=console.say, hearing=hearing, fitting=fitting)
        # Shown first: what took long is not lost to a file that cannot be written.
        console.compared(compared.cells, compared.means)
        write_compared(compared.cells, csv, plot)
