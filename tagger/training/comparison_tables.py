"""A comparison of methods as tables and as a picture."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tagger.training.comparison import Cell
from tagger.trust import growing, opener

__all__ = ["Figure", "mean_accuracies", "pivot", "write_csv", "write_heat_map"]

Figure = Literal["accuracy", "kappa", "macro_f1", "fit_s"]


def pivot(
    cells: Sequence[Cell], figure: Figure = "accuracy"
) -> tuple[tuple[str, ...], tuple[str, ...], npt.NDArray[np.float64]]:
    """Names of the feature sets, of the classifiers, and a figure of each pair.

    Returns:
        the names in the order of the cells, and an array of shape (n_sets, n_classifiers), NaN
        where a classifier failed.
    """
    sets = tuple(dict.fromkeys(cell.features for cell in cells))
    classifiers = tuple(dict.fromkeys(cell.classifier for cell in cells))
    table = np.full((len(sets), len(classifiers)), np.nan)
    for cell in cells:
        table[sets.index(cell.features), classifiers.index(cell.classifier)] = getattr(cell, figure)
    return sets, classifiers, table


def mean_accuracies(cells: Sequence[Cell]) -> tuple[tuple[str, float], ...]:
    """Feature sets and their accuracy, mean over the classifiers, the best first.

    Over the classifiers that failed on no set, as a mean over different ones compares nothing.
    """
    sets, _, table = pivot(cells)
    means = table[:, np.isfinite(table).all(axis=0)]
    if not means.shape[1]:
        return ()
    ranked = zip(sets, means.mean(axis=1).tolist(), strict=True)
    return tuple(sorted(ranked, key=lambda pair: -pair[1]))


def write_csv(cells: Sequence[Cell], path: Path) -> None:
    """A line for each cell, under the names of its fields; what failed has no figures."""
    with open(path, "w", newline="", encoding="utf-8", opener=opener) as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Cell)])
        writer.writeheader()
        for cell in cells:
            values = asdict(cell).items()
            writer.writerow({k: _text(v) for k, v in values})


def _text(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else round(value, 4)


def write_heat_map(cells: Sequence[Cell], path: Path) -> None:
    """Accuracy of each pair as a PNG: sets down, classifiers across, per cent in the cells."""
    from matplotlib.figure import Figure as Canvas

    sets, classifiers, table = pivot(cells)
    percent = 100 * table
    known = percent[np.isfinite(percent)]
    middle = (known.min() + known.max()) / 2 if known.size else 0.0
    size = (3.6 + 0.75 * len(classifiers), 2.2 + 0.36 * len(sets))
    canvas = Canvas(figsize=size, layout="constrained")
    axes = canvas.subplots()
    image = axes.imshow(np.ma.masked_invalid(percent), cmap="cividis", aspect="auto")
    axes.set_facecolor("lightgrey")
    for i, j in np.ndindex(*percent.shape):
        failed = np.isnan(percent[i, j])
        dark = not failed and percent[i, j] < middle
        axes.text(
            *(j, i, "failed" if failed else f"{percent[i, j]:.0f}"),
            ha="center",
            va="center",
            fontsize="small" if failed else "medium",
            color="white" if dark else "black",
        )
    axes.set_xticks(range(len(classifiers)), classifiers, rotation=45, ha="right")
    axes.set_yticks(range(len(sets)), sets)
    axes.set_title("Accuracy on artists unknown to the fit (%)")
    canvas.colorbar(image, label="% of tracks")
    # No date in the file: the same figures give the same bytes.
    with growing(path) as stream:
        canvas.savefig(stream, format="png", dpi=130, metadata={"Software": None})
