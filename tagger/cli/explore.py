"""``genretag explore``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagger.cli.options import DataArgument, JobsOption, LabelsOption, TableOption, label_source

__all__ = ["explore"]


def explore(
    data: DataArgument,
    plots: Annotated[Path, typer.Option(metavar="DIR", help="Folder that the plots go into.")],
    labels: LabelsOption = "auto",
    table: TableOption = None,
    jobs: JobsOption = None,
) -> None:
    """Look at labelled music before training on it.

    Draws how many tracks each genre has, their lengths and bit rates, one track of each genre,
    which attributes tell the genres apart, which say the same as others, and how the genres lie.
    """
    from tagger.cli.extras import needing_train
    from tagger.report.learning import LearningConsole
    from tagger.workflows.config import load_config

    console = LearningConsole()
    with needing_train("explore"):
        from tagger.training.explore_data import explore_data

        with console.hearing() as progress:
            summary = explore_data(
                data,
                plots,
                labels=label_source(labels),
                table=table,
                vocabulary=load_config().vocabulary,
                jobs=jobs or console.jobs,
                say=console.say,
                progress=progress,
            )
    for note in summary.notes:
        console.say(note)
    console.explored(summary.counts, summary.separating, len(summary.drops), summary.files)
