"""Fusion of ensemble and network, and calibration: pure functions on log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.models.bundle import FusionSpec

__all__ = ["FLOOR", "fuse", "log_softmax", "mean_patches", "pool_tracks"]

Array = npt.NDArray[np.float64]

FLOOR: Final = 1e-6
"""Probability below which no part may veto a label: a tree can answer exactly 0."""


def log_softmax(logits: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Log-probabilities of logits of shape (…, n_labels)."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def mean_patches(patch_log_probs: npt.NDArray[np.float32]) -> Array:
    """Log of the mean probability over patches (n_patches, n_labels) -> (n_labels,)."""
    return np.asarray(np.log(np.exp(patch_log_probs.astype(np.float64)).mean(axis=0)))


def fuse(ensemble: Array, cnn_log: Array, spec: FusionSpec) -> Array:
    """Weighted sum of log-probabilities, softened by one temperature, and a bias per label.

    A logarithmic opinion pool (Genest and Zidek, "Combining Probability Distributions",
    Statistical Science 1986) with temperature scaling (Guo et al., "On Calibration of
    Modern Neural Networks", ICML 2017).

    Args:
        ensemble: probabilities, shape (n_tracks, n_labels).
        cnn_log: log-probabilities, same shape.

    Returns:
        Calibrated probabilities, same shape, each row summing to 1.
    """
    pooled = spec.ensemble * np.log(np.maximum(ensemble, FLOOR)) + spec.cnn * np.maximum(
        cnn_log, np.log(FLOOR)
    )
    logits = pooled / spec.temperature
    if spec.bias:
        logits = logits + np.asarray(spec.bias)
    return np.asarray(np.exp(log_softmax(logits)))


def pool_tracks(
    tracks: Sequence[Sequence[tuple[str, float]]],
) -> tuple[tuple[str, float], ...]:
    """One answer for several tracks that belong together, from their summed log-probabilities.

    The sum is divided by the number of tracks before it is made a probability again: the
    tracks of an album are no independent witnesses, and a plain product of them would be
    certain of anything.

    Args:
        tracks: for each track, every label with its probability, in any order.

    Returns:
        every label with its probability, most probable first, in sum 1.
    """
    labels = [label for label, _ in tracks[0]]
    logs = [[np.log(max(dict(genres)[label], FLOOR)) for label in labels] for genres in tracks]
    pooled = np.exp(log_softmax(np.asarray(logs).mean(axis=0)))
    order = np.argsort(-pooled, kind="stable")
    return tuple((labels[i], float(pooled[i])) for i in order)
