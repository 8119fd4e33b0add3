"""One recipe, several seeds: what its figures are, and how far chance moves them.

Each seed has an answer for every clip by a fit that saw nothing of the clip's artist. The spread
over seeds says how much of a difference between two recipes is luck of the fit; the standard
error over artists says how much is luck of the clips.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.training.calibration import cross_fitted_spoken
from tagger.training.metrics import judge

__all__ = ["SELECTIVE", "artist_error", "judge_repeats", "repeats_table", "spread"]

Targets = npt.NDArray[np.intp]

SELECTIVE: Final = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Thresholds of the selective accuracy."""

_FIGURES: Final = ("accuracy", "kappa", "macro_f1", "ece")


def judge_repeats(
    probabilities: npt.NDArray[np.float64],
    targets: Targets,
    groups: npt.NDArray[np.str_],
    labels: tuple[str, ...],
    thresholds: Sequence[float] = SELECTIVE,
) -> dict[str, Any]:
    """Mean and spread over seeds of all that is published of a model.

    Args:
        probabilities: out-of-fold, shape (n_seeds, n, n_labels).
        targets: label indices, shape (n,).
        groups: artist of each clip, shape (n,).
        thresholds: confidences for the selective accuracy.

    Returns:
        ``accuracy``, ``kappa``, ``macro_f1``, ``ece`` (10 bins), each as :func:`spread`;
        ``per_genre``: recall likewise, of the genres that occur; ``artist_error``: as
        :func:`artist_error`, mean over seeds; ``selective``: for each threshold the ``share``
        of clips at least so sure and the ``accuracy`` on them; ``written``: the same at each
        genre's own threshold, chosen on other artists. An accuracy is over the seeds that
        speak of any clip; its mean is None where none does.

    Raises:
        ValueError: the shapes do not agree, or there is nothing to judge.
    """
    if probabilities.ndim != 3 or probabilities.shape[1:] != (len(targets), len(labels)):
        raise ValueError(f"probabilities of shape {probabilities.shape} do not fit the targets")
    if not probabilities.size:
        raise ValueError("there is nothing to judge")
    judged = [judge(p, targets, labels) for p in probabilities]
    top = probabilities.max(axis=2)
    right = probabilities.argmax(axis=2) == targets
    own = np.array([cross_fitted_spoken(p, targets, groups, labels) for p in probabilities])
    return {
        "n": len(targets),
        "seeds": len(probabilities),
        **{name: spread([figures[name] for figures in judged]) for name in _FIGURES},
        "per_genre": {
            label: spread([figures["per_genre"][label] for figures in judged])
            for label in judged[0]["per_genre"]
        },
        "artist_error": float(np.mean([artist_error(r, groups) for r in right])),
        "selective": [
            {"threshold": float(least), **_spoken(top >= least, right)} for least in thresholds
        ],
        "written": _spoken(own, right),
    }


def spread(values: Sequence[float]) -> dict[str, Any]:
    """``{"mean", "sd", "values"}``; the standard deviation is that of a sample (n - 1), None
    for fewer than two values, the mean None for none."""
    return {
        "mean": float(np.mean(values)) if len(values) else None,
        "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "values": [float(value) for value in values],
    }


def artist_error(right: npt.NDArray[np.bool_], groups: npt.NDArray[np.str_]) -> float:
    """Standard error of an accuracy whose clips come in artists.

    Clips of one artist are right or wrong together, so that they are fewer witnesses than
    clips: the cluster-robust variance (Liang and Zeger, "Longitudinal data analysis using
    generalized linear models", Biometrika 1986) of a mean.

    Args:
        right: which clips were named rightly, shape (n,).
        groups: artist of each, shape (n,).
    """
    _, artist = np.unique(groups, return_inverse=True)
    sums = np.bincount(artist, weights=right - right.mean())
    return float(np.sqrt(np.square(sums).sum()) / len(right))


def repeats_table(figures: dict[str, Any]) -> str:
    """The figures as the model card shows them, in Markdown."""
    lines = [
        f"| over {figures['seeds']} seeds, {figures['n']} clips | mean | sd |",
        "|---|---|---|",
        *(f"| {name.replace('_', ' ')} | {_cells(figures[name])} |" for name in _FIGURES),
        *(f"| recall of {label} | {_cells(of)} |" for label, of in figures["per_genre"].items()),
        "",
        f"Standard error over artists: {figures['artist_error']:.3f}.",
        "",
        "| spoken at | share of clips | sd | right | sd |",
        "|---|---|---|---|---|",
        *(
            f"| {of['threshold']:.2f} | {_cells(of['share'])} | {_cells(of['accuracy'])} |"
            for of in figures["selective"]
        ),
        f"| each genre's own | {_cells(figures['written']['share'])} "
        f"| {_cells(figures['written']['accuracy'])} |",
    ]
    return "\n".join(lines) + "\n"


def _spoken(spoken: npt.NDArray[np.bool_], right: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Share spoken on and accuracy there, over seeds; both of shape (n_seeds, n)."""
    return {
        "share": spread(spoken.mean(axis=1).tolist()),
        "accuracy": spread(
            [float(r[s].mean()) for s, r in zip(spoken, right, strict=True) if s.any()]
        ),
    }


def _cells(of: dict[str, Any]) -> str:
    return " | ".join("–" if of[key] is None else f"{of[key]:.3f}" for key in ("mean", "sd"))
