"""Fitting what comes after the parts: fusion weights, temperature, abstain thresholds.

All on predictions for artists that no part was fitted on, and judged by cross-fitting:
the prediction of a track never depends on a fit that saw its artist.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.model_selection import GroupKFold

from tagger.models.bundle import FusionSpec
from tagger.models.fusion import fuse

__all__ = ["cross_fitted", "cross_fitted_spoken", "fit_fusion", "fit_thresholds", "selective_curve"]

Array = npt.NDArray[np.float64]
Targets = npt.NDArray[np.intp]

WANTED_PRECISION: Final = 0.88
"""How often a genre that is written is to be right on the clips that its threshold is chosen on.

On others it is 0.85: of 932 clips, over artists and three seeds, 0.855 ± 0.003 (with 0.85 in place
of 0.88: 0.830 ± 0.013)."""

_PRIOR_TRACKS: Final = 10.0  # how many tracks' worth a genre's own threshold is held back
_FOLDS: Final = 5
_TEMPERATURES: Final = (0.2, 5.0)  # without an error to learn from, it would go to nothing


def fit_fusion(
    ensemble: Array,
    cnn_log: Array,
    targets: Targets,
    biased: Sequence[int] = (),
    shares: tuple[float, float] | None = None,
) -> FusionSpec:
    """Weights, temperature and biases with the least cross-entropy.

    Over all labels, whatever the annotators could choose from: a confidence that is meant for
    people has to be right about the label that people gave.

    Args:
        ensemble: probabilities, shape (n, n_labels).
        cnn_log: log-probabilities, same shape.
        targets: label indices, shape (n,).
        biased: labels that get a bias of their own; the others have none.
        shares: of ensemble and network, both over 0, if they are not to be fitted: some dozen
            tracks tell too little of them, and the temperature alone is fitted then.
    """
    n_labels = ensemble.shape[1]

    def whole(fitted: Array) -> Array:
        return (
            fitted if shares is None else np.concatenate([np.log(shares) + fitted[0], fitted[1:]])
        )

    def loss(fitted: Array) -> float:
        parameters = whole(fitted)
        probabilities = fuse(ensemble, cnn_log, _spec(parameters, biased, n_labels))
        picked = probabilities[np.arange(len(targets)), targets]
        # A weak pull towards equal shares keeps one part from being switched off by luck.
        pull = (
            0.001 * (parameters[0] - parameters[1]) ** 2 + 0.001 * np.square(parameters[2:]).sum()
        )
        return float(-np.log(np.maximum(picked, 1e-12)).mean() + pull)

    weights = np.log([0.5, 0.5]) if shares is None else np.zeros(1)
    start = np.concatenate([weights, np.zeros(len(biased))])
    best = minimize(loss, start, method="Nelder-Mead", options={"maxiter": 4000})
    return _spec(whole(best.x), biased, n_labels)


def _spec(parameters: Array, biased: Sequence[int], n_labels: int) -> FusionSpec:
    """Log-weights of ensemble and network, then the biases."""
    ensemble, cnn = np.exp(parameters[:2])
    total = float(ensemble + cnn)
    bias = np.zeros(n_labels)
    bias[list(biased)] = parameters[2:]
    return FusionSpec(
        float(ensemble / total),
        float(cnn / total),
        float(np.clip(1.0 / total, *_TEMPERATURES)),
        tuple(round(float(b), 6) for b in bias) if len(biased) else (),
    )


def cross_fitted(
    ensemble: Array,
    cnn_log: Array,
    targets: Targets,
    groups: npt.NDArray[np.str_],
    biased: Sequence[int] = (),
    shares: tuple[float, float] | None = None,
    others: tuple[Array, Array] | None = None,
) -> Array:
    """Fused probabilities of each track by a fusion fitted on the other artists.

    Args:
        others: answers of both for the same tracks heard otherwise, which are fused in place of
            those that are fitted on.
    """
    of_ensemble, of_cnn = others or (ensemble, cnn_log)
    fused = np.empty_like(ensemble)
    for fitted, judged in GroupKFold(_FOLDS).split(ensemble, targets, groups):
        spec = fit_fusion(ensemble[fitted], cnn_log[fitted], targets[fitted], biased, shares)
        fused[judged] = fuse(of_ensemble[judged], of_cnn[judged], spec)
    return fused


def selective_curve(fused: Array, targets: Targets) -> list[dict[str, float]]:
    """Accuracy on, and share of, the tracks at least so sure, for thresholds 0 to 0.95.

    Args:
        fused: probabilities, shape (n, n_labels).
        targets: label indices, shape (n,).
    """
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
            if not sure.any():
                break  # nothing was measured beyond: the surest that was seen
            overall = right[sure].mean()
            own = sure & mine
            precision = (right[own].sum() + _PRIOR_TRACKS * overall) / (own.sum() + _PRIOR_TRACKS)
            if precision >= WANTED_PRECISION:
                break
        thresholds[label] = round(float(threshold), 2)
    return thresholds


def cross_fitted_spoken(
    fused: Array,
    targets: Targets,
    groups: npt.NDArray[np.str_],
    labels: tuple[str, ...],
) -> npt.NDArray[np.bool_]:
    """Which tracks reach their genre's threshold, each by thresholds fitted on other artists.

    Args:
        fused: probabilities, shape (n, n_labels).
        groups: artist of each track, shape (n,); two artists at least.
    """
    said, top = fused.argmax(axis=1), fused.max(axis=1)
    spoken = np.zeros(len(targets), dtype=bool)
    folds = min(_FOLDS, len(np.unique(groups)))
    for fitted, judged in GroupKFold(folds).split(fused, targets, groups):
        thresholds = fit_thresholds(fused[fitted], targets[fitted], labels)
        least = np.array([thresholds[label] for label in labels])
        spoken[judged] = top[judged] >= least[said[judged]]
    return spoken
