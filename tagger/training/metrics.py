"""How good a model is, in the field's usual figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import cohen_kappa_score, confusion_matrix, f1_score

__all__ = ["expected_calibration_error", "judge"]

Array = npt.NDArray[np.float64]
Targets = npt.NDArray[np.intp]


def judge(probabilities: Array, targets: Targets, labels: tuple[str, ...]) -> dict[str, Any]:
    """Accuracy, Cohen's kappa, macro F1, calibration error, recall per genre, confusion.

    Args:
        probabilities: shape (n, n_labels).
        targets: label indices, shape (n,).

    Returns:
        ``{"n", "accuracy", "kappa", "macro_f1", "ece", "per_genre", "confusion", "labels"}``;
        rows of the confusion matrix are the true genres. ``per_genre`` holds the genres
        that occur.
    """
    said = probabilities.argmax(axis=1)
    matrix = confusion_matrix(targets, said, labels=range(len(labels)))
    totals = matrix.sum(axis=1)
    # Where one genre is all there is, kappa is 0 / 0: no better than always saying it.
    one = len(np.union1d(targets, said)) == 1
    return {
        "n": len(targets),
        "accuracy": float((said == targets).mean()),
        "kappa": 0.0 if one else float(cohen_kappa_score(targets, said)),
        "macro_f1": float(
            f1_score(targets, said, labels=np.flatnonzero(totals), average="macro", zero_division=0)
        ),
        "ece": expected_calibration_error(probabilities, targets),
        "per_genre": {
            label: float(matrix[i, i] / totals[i]) for i, label in enumerate(labels) if totals[i]
        },
        "confusion": matrix.tolist(),
        "labels": list(labels),
    }


def expected_calibration_error(probabilities: Array, targets: Targets, bins: int = 10) -> float:
    """Mean gap between confidence and accuracy over equal bins of confidence, weighted by
    their tracks (Guo et al., ICML 2017)."""
    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    which = np.minimum((top * bins).astype(int), bins - 1)
    gap = 0.0
    for b in range(bins):
        inside = which == b
        if inside.any():
            gap += inside.mean() * abs(right[inside].mean() - top[inside].mean())
    return float(gap)
