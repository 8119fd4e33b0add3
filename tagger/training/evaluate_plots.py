"""The plots of ``genretag evaluate``."""

from __future__ import annotations

from pathlib import Path

from tagger.errors import UsageError
from tagger.training.evaluate import Evaluation
from tagger.training.plots import (
    plot_calibration,
    plot_confusion,
    plot_recall,
    plot_reliability,
)

__all__ = ["plot_evaluation"]


def plot_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write ``confusion.png``, ``recall.png``, ``reliability.png`` and ``selective.png``.

    Raises:
        UsageError: the folder cannot be written to.
    """
    figures = evaluation.figures
    labels = figures["labels"]
    counts = {label: sum(figures["confusion"][i]) for i, label in enumerate(labels)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        plot_confusion(figures["confusion"], labels, folder / "confusion.png")
        plot_recall(figures["per_genre"], counts, folder / "recall.png")
        plot_reliability(evaluation.probabilities, evaluation.targets, folder / "reliability.png")
        plot_calibration(figures["selective"], folder / "selective.png")
    except OSError as error:
        raise UsageError(f"--plots {folder}: cannot be written: {error.strerror}") from error
