"""Fitting what comes after the parts: fusion weights, temperature, abstain thresholds.

All on predictions for artists that no part was fitted on, and judged by cross-fitting:
the prediction of a track never depends on a fit that saw its artist.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.model_selection import GroupKFold

from tagger.models.bundle import FusionSpec
from tagger.models.fusion import fuse

__all__ = ["cross_fitted", "fit_fusion", "fit_thresholds", "selective_curve"]

Array = npt.NDArray[np.float64]
Targets = npt.NDArray[np.intp]

WANTED_PRECISION: Final = 0.85
"""How often a genre that is written should be right."""

_PRIOR_TRACKS: Final = 10.0  # how many tracks' worth a genre's own threshold is held back
_FOLDS: Final = 5


def fit_fusion(
    ensemble: Array, cnn_log: Array, targets: Targets, possible: npt.NDArray[np.bool_]
) -> FusionSpec:
    """Weights and temperature with the least cross-entropy over the labels that were possible.

    Args:
        ensemble: probabilities, shape (n, n_labels).
        cnn_log: log-probabilities, same shape.
        targets: label indices, shape (n,).
        possible: which labels each track's annotators could choose from, (n, n_labels).
    """

    def loss(logs: Array) -> float:
        probabilities = np.where(possible, fuse(ensemble, cnn_log, _spec(logs)), 0.0)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        picked = probabilities[np.arange(len(targets)), targets]
        # A weak pull towards equal shares keeps one part from being switched off by luck.
        return float(-np.log(np.maximum(picked, 1e-12)).mean() + 0.001 * np.square(logs).sum())

    best = minimize(loss, np.log([0.5, 0.5]), method="Nelder-Mead")
    return _spec(best.x)


def _spec(logs: Array) -> FusionSpec:
    ensemble, cnn = np.exp(logs)
    total = float(ensemble + cnn)
    return FusionSpec(float(ensemble / total), float(cnn / total), 1.0 / total)


def cross_fitted(
    ensemble: Array,
    cnn_log: Array,
    targets: Targets,
    possible: npt.NDArray[np.bool_],
    groups: npt.NDArray[np.str_],
) -> Array:
    """Fused probabilities of each track by a fusion fitted on the other artists."""
    fused = np.empty_like(ensemble)
    for fitted, judged in GroupKFold(_FOLDS).split(ensemble, targets, groups):
        spec = fit_fusion(ensemble[fitted], cnn_log[fitted], targets[fitted], possible[fitted])
        fused[judged] = fuse(ensemble[judged], cnn_log[judged], spec)
    return fused


def selective_curve(fused: Array, targets: Targets) -> list[dict[str, float]]:
    """Accuracy on, and share of, the tracks at least so sure, for thresholds 0 to 0.95."""
    top, right = fused.max(axis=1), fused.argmax(axis=1) == targets
    curve = []
    for threshold in np.arange(0, 100, 5) / 100:
        spoken = top >= threshold
        if spoken.any():
            curve.append(
                {
                    "threshold": round(float(threshold), 2),
                    "accuracy": float(right[spoken].mean()),
                    "share": float(spoken.mean()),
                }
            )
    return curve


def fit_thresholds(fused: Array, targets: Targets, labels: tuple[str, ...]) -> dict[str, float]:
    """For each genre the least confidence at which it is right often enough.

    A genre's own tracks are few, so its precision is held back towards that of all genres
    at the same confidence, as if it had been seen on ten tracks more.
    """
    top, said = fused.max(axis=1), fused.argmax(axis=1)
    right = said == targets
    grid = np.arange(30, 96) / 100
    thresholds = {}
    for i, label in enumerate(labels):
        mine = said == i
        for threshold in grid:
            sure = top >= threshold
            overall = right[sure].mean() if sure.any() else 1.0
            own = sure & mine
            precision = (right[own].sum() + _PRIOR_TRACKS * overall) / (own.sum() + _PRIOR_TRACKS)
            if precision >= WANTED_PRECISION:
                break
        thresholds[label] = round(float(threshold), 2)
    return thresholds
