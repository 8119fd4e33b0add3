"""How good a model is, in the field's usual figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import cohen_kappa_score, confusion_matrix, f1_score

from tagger.models.similarity import similarities

__all__ = ["expected_calibration_error", "judge", "precision_at"]

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
    their tracks (Guo et al., ICML 2017); from 0 to 1.

    Args:
        probabilities: shape (n, n_labels).
        targets: label indices, shape (n,).
        bins: between 0 and 1.
    """
    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    which = np.minimum((top * bins).astype(int), bins - 1)
    gap = 0.0
    for b in range(bins):
        inside = which == b
        if inside.any():
            gap += inside.mean() * abs(right[inside].mean() - top[inside].mean())
    return float(gap)


def precision_at(
    k: int,
    vectors: npt.NDArray[np.int8],
    genres: npt.NDArray[np.str_],
    artists: npt.NDArray[np.str_],
) -> tuple[float, float]:
    """How many of a track's k nearest neighbours have its genre, the same artist's left out.

    Args:
        k: how many neighbours.
        vectors: of the tracks, shape (n, n_dims).
        genres: of each track, shape (n,).
        artists: of each track, shape (n,).

    Returns:
        The mean share, and what neighbours drawn at random would have. Tracks that have fewer
        than k others count with those that they have, and not at all with none.
    """
    shares, chances = [], []
    for i, vector in enumerate(vectors):
        others = np.flatnonzero(artists != artists[i])
        if not len(others):
            continue
        near = similarities(vector, vectors[others])
        nearest = others[np.argsort(-near, kind="stable")[:k]]
        shares.append(float((genres[nearest] == genres[i]).mean()))
        chances.append(float((genres[others] == genres[i]).mean()))
    return float(np.mean(shares)), float(np.mean(chances))
