"""What the default model's card says, from answers for artists that nothing was fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tagger.models.bundle import FusionSpec
from tagger.models.fusion import fuse
from tagger.training.calibration import cross_fitted, fit_thresholds, selective_curve
from tagger.training.default_data import BIASED, EMOTIFY_CHOICE, LABELS, DefaultData
from tagger.training.metrics import judge
from tagger.training.repeats import judge_repeats, spread

__all__ = ["cross_figures", "development_figures", "repeat_figures"]

Probabilities = npt.NDArray[np.float64]

_CHOICE = np.isin(list(LABELS), EMOTIFY_CHOICE)


def development_figures(
    held: DefaultData,
    ensemble: Probabilities,
    cnn_log: Probabilities,
    members: Mapping[str, Probabilities],
    fusion: FusionSpec,
) -> tuple[dict[str, Any], Probabilities]:
    """Figures of the development split, and the fused probabilities of its held-out clips.

    Args:
        held: the held-out clips.
        ensemble: the vote's probabilities, shape (n, n_labels).
        cnn_log: the network's log-probabilities, same shape.
        members: probabilities of each of the voters.
        fusion: what was fitted on all these clips; the fused figures are by fits on other
            artists' clips.
    """
    labels, targets, source = tuple(LABELS.values()), held.targets, held.tracks.source
    fused = cross_fitted(ensemble, cnn_log, targets, held.tracks.groups, BIASED)
    thresholds = fit_thresholds(fused, targets, labels)
    said = fused.argmax(axis=1)
    spoken = fused.max(axis=1) >= np.array([thresholds[labels[i]] for i in said])
    parts = {"ensemble": ensemble, "cnn": np.exp(cnn_log), "fused": fused, **members}
    figures = {
        "sources": {
            name: {
                "n": int(rows.sum()),
                "parts": {
                    part: float((p[rows].argmax(axis=1) == targets[rows]).mean())
                    for part, p in parts.items()
                },
            }
            for name in ("gtzan", "emotify")
            for rows in [source == name]
        },
        "emotify_of_its_four": {part: _of_its_four(p, held) for part, p in parts.items()},
        "held_out": judge(fused, targets, labels),
        "uncrossed_accuracy": float(
            (fuse(ensemble, cnn_log, fusion).argmax(axis=1) == targets).mean()
        ),
        "selective": selective_curve(fused, targets),
        "written": {
            "share": float(spoken.mean()),
            "accuracy": float((said == targets)[spoken].mean()) if spoken.any() else None,
        },
    }
    return figures, fused


def cross_figures(data: DefaultData, answers: Mapping[str, Probabilities]) -> dict[str, Any]:
    """Figures of the cross-validation: mean and spread over its seeds.

    Args:
        data: all clips.
        answers: by fits on other artists, shape (n_seeds, n, n_labels) each: ``ensemble``
            (probabilities), ``cnn_log`` (the network's log-probabilities), and both for another
            master of each clip, ``ensemble_other`` and ``cnn_log_other``.
    """
    ensemble, cnn_log = answers["ensemble"], answers["cnn_log"]
    others = answers["ensemble_other"], answers["cnn_log_other"]
    fused, fused_other = _fused(data, ensemble, cnn_log), _fused(data, ensemble, cnn_log, others)
    targets, groups = data.targets, data.tracks.groups
    return {
        **_by_source(data, {"ensemble": ensemble, "cnn": np.exp(cnn_log), "fused": fused}),
        "fused": judge_repeats(fused, targets, groups, tuple(LABELS.values())),
        "other_master": _by_source(
            data, {"ensemble": others[0], "cnn": np.exp(others[1]), "fused": fused_other}
        ),
    }


def repeat_figures(
    held: DefaultData, ensemble: Probabilities, cnn_log: Probabilities
) -> dict[str, Any]:
    """Accuracies on the development split's held-out clips: mean and spread over seeds.

    Args:
        held: the held-out clips.
        ensemble, cnn_log: answers for these, as for :func:`cross_figures`.
    """
    fused = _fused(held, ensemble, cnn_log)
    return _by_source(held, {"ensemble": ensemble, "cnn": np.exp(cnn_log), "fused": fused})


def _fused(
    data: DefaultData,
    ensemble: Probabilities,
    cnn_log: Probabilities,
    others: tuple[Probabilities, Probabilities] | None = None,
) -> Probabilities:
    """Each seed's, by fusions that were fitted on other artists' answers."""
    judged = zip(*(others or (ensemble, cnn_log)), strict=True)
    return np.stack(
        [
            cross_fitted(e, c, data.targets, data.tracks.groups, BIASED, others=other)
            for e, c, other in zip(ensemble, cnn_log, judged, strict=True)
        ]
    )


def _by_source(data: DefaultData, parts: Mapping[str, Probabilities]) -> dict[str, Any]:
    gtzan, emotify = ~data.of_emotify, data.of_emotify
    return {
        "gtzan": {
            name: spread([_accuracy(q, data, gtzan) for q in p]) for name, p in parts.items()
        },
        "emotify_of_its_four": {
            name: spread([_of_its_four(q, data) for q in p]) for name, p in parts.items()
        },
        "emotify": {
            name: spread([_accuracy(q, data, emotify) for q in p]) for name, p in parts.items()
        },
    }


def _accuracy(p: Probabilities, data: DefaultData, rows: npt.NDArray[np.bool_]) -> float:
    return float((p[rows].argmax(axis=1) == data.targets[rows]).mean())


def _of_its_four(p: Probabilities, data: DefaultData) -> float:
    """Emotify's accuracy where no label but those its annotators chose from is said."""
    return _accuracy(np.where(_CHOICE, p, 0), data, data.of_emotify)
