"""``genretag evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagger.cli.options import (
    DataArgument,
    JobsOption,
    LabelsOption,
    ModelOption,
    TableOption,
    label_source,
)

__all__ = ["evaluate"]


def evaluate(
    data: DataArgument,
    labels: LabelsOption = "auto",
    table: TableOption = None,
    model: ModelOption = "default",
    held_out: Annotated[
        bool,
        typer.Option("--held-out", help="Of an archive, only the part that is for validation."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    plots: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write plots into this folder.")
    ] = None,
    jobs: JobsOption = None,
) -> None:
    """Judge a model on labelled music: how often it is right, on which genres, and how sure.

    The tracks are heard as `scan` hears them, with the same cache. On tracks that the model was
    trained on, the figures say nothing of how it does on others.
    """
    from tagger.cli.extras import needing_train
    from tagger.report.learning import LearningConsole
    from tagger.workflows.config import load_config

    console = LearningConsole()
    with needing_train("evaluate"):
        from tagger.training.evaluate import EvaluateOptions
        from tagger.training.evaluate import evaluate as run

        options = EvaluateOptions(
            data=data,
            labels=label_source(labels),
            table=table,
            model=model,
            held_out=held_out,
            vocabulary=load_config().vocabulary,
            jobs=jobs or console.jobs,
        )
        with console.hearing() as progress:
            evaluation = run(options, progress)
        for note in evaluation.notes:
            console.say(note)
        if plots:
            from tagger.training.evaluate_plots import plot_evaluation

            plot_evaluation(evaluation, plots)
    if as_json:
        console.figures_as_json(evaluation.figures)
    else:
        console.evaluated(evaluation.model, evaluation.figures)
