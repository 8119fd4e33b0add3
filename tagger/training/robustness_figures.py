"""How much answers depend on how a track was stored, and on which part of it was heard.

Two answers about the same clip are compared, so that the clips' own difficulty drops out: a drop
of accuracy has the standard error of the difference, not of two accuracies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Answers", "compare_answers", "disagreement", "robustness_table"]

Targets = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model says of some clips.

    Attributes:
        probabilities: shape (n, n_labels); a row of NaN for a clip that it could not hear.
        refused: which clips it takes for no music, shape (n,); clips not heard are among them.
    """

    probabilities: npt.NDArray[np.float64]
    refused: npt.NDArray[np.bool_]

    @property
    def heard(self) -> npt.NDArray[np.bool_]:
        """Which clips have an answer, shape (n,)."""
        return np.asarray(~np.isnan(self.probabilities).any(axis=1))


def compare_answers(original: Answers, variant: Answers, targets: Targets) -> dict[str, Any]:
    """One variant of some clips against the clips as they are.

    Args:
        targets: label indices, shape (n,). The labels that occur are the data set's own.

    Returns:
        Over the clips heard both times (``n``): ``accuracy`` of all labels and ``of_its_own``,
        among the data set's own labels; ``drop`` and ``drop_of_its_own`` against the original,
        positive where the variant is worse, and the standard error ``drop_se`` of the former;
        ``flips``, the share of clips whose likeliest label changes; ``top_change``, the mean
        absolute change of the largest probability. Over all clips: ``refused``, the share
        taken for no music.

    Raises:
        ValueError: no clip was heard both times.
    """
    both = original.heard & variant.heard
    if not both.any():
        raise ValueError("no clip was heard both times")
    before, after, truth = original.probabilities[both], variant.probabilities[both], targets[both]
    own = np.unique(targets)
    lost = _right(before, truth).astype(float) - _right(after, truth)
    lost_own = _right(before, truth, own).astype(float) - _right(after, truth, own)
    n = int(both.sum())
    return {
        "n": n,
        "accuracy": float(_right(after, truth).mean()),
        "of_its_own": float(_right(after, truth, own).mean()),
        "drop": float(lost.mean()),
        "drop_of_its_own": float(lost_own.mean()),
        "drop_se": float(lost.std(ddof=1) / np.sqrt(n)) if n > 1 else None,
        "flips": float((before.argmax(axis=1) != after.argmax(axis=1)).mean()),
        "top_change": float(np.abs(before.max(axis=1) - after.max(axis=1)).mean()),
        "refused": float(variant.refused.mean()),
    }


def disagreement(answers: Mapping[str, Answers], targets: Targets) -> dict[str, Any]:
    """Several answers of equal standing about the same clips: of excerpts, or of seeds.

    Args:
        answers: two or more, by name.

    Returns:
        Over the clips that all have an answer for (``n``): ``accuracy`` of each name; their
        ``mean``; ``sd``, the standard deviation; ``flips``, the share of clips that two of
        them call differently, mean over pairs; ``top_change``, the mean absolute difference of
        the largest probability, likewise.

    Raises:
        ValueError: fewer than two answers, or no clip that all have one for.
    """
    heard = np.all([a.heard for a in answers.values()], axis=0)
    if len(answers) < 2 or not heard.any():
        raise ValueError("two answers about the same clips are needed")
    probabilities = [a.probabilities[heard] for a in answers.values()]
    right = [float(_right(p, targets[heard]).mean()) for p in probabilities]
    said = [p.argmax(axis=1) for p in probabilities]
    top = [p.max(axis=1) for p in probabilities]
    return {
        "n": int(heard.sum()),
        "accuracy": dict(zip(answers, right, strict=True)),
        "mean": float(np.mean(right)),
        "sd": float(np.std(right, ddof=1)),
        "flips": float(np.mean([(a != b).mean() for a, b in combinations(said, 2)])),
        "top_change": float(np.mean([np.abs(a - b).mean() for a, b in combinations(top, 2)])),
    }


def robustness_table(figures: Mapping[str, Any]) -> str:
    """The figures as the model card shows them, in Markdown.

    Args:
        figures: as :mod:`tagger.training.robustness` writes them.
    """
    first = figures["original"]
    rows = [
        f"| as it is | {first['accuracy']:.3f} | {first['of_its_own']:.3f} | – | – | – "
        f"| {100 * first['refused']:.1f} % |"
    ]
    for name, of in figures["variants"].items():
        error = "" if of["drop_se"] is None else f" ± {100 * of['drop_se']:.1f}"
        rows.append(
            f"| {name} | {of['accuracy']:.3f} | {of['of_its_own']:.3f} "
            f"| {100 * of['drop']:+.1f}{error} | {100 * of['flips']:.1f} % "
            f"| {of['top_change']:.3f} | {100 * of['refused']:.1f} % |"
        )
    lines = [
        "| stored as | right | of its own labels | points lost | flips | change of confidence "
        "| taken for no music |",
        "|---|---|---|---|---|---|---|",
        *rows,
    ]
    apart = [
        *((f"excerpts of {length}", of) for length, of in figures["positions"].items()),
        *((("seeds", figures["seeds"]),) if figures.get("seeds") else ()),
    ]
    if apart:
        lines += [
            "",
            "| between | right, each | mean | sd | flips | change of confidence |",
            "|---|---|---|---|---|---|",
        ]
    for name, of in apart:
        each = ", ".join(f"{value:.3f}" for value in of["accuracy"].values())
        lines.append(
            f"| {name} | {each} | {of['mean']:.3f} | {of['sd']:.3f} | {100 * of['flips']:.1f} % "
            f"| {of['top_change']:.3f} |"
        )
    return "\n".join(lines) + "\n"


def _right(
    probabilities: npt.NDArray[np.float64], targets: Targets, among: Targets | None = None
) -> npt.NDArray[np.bool_]:
    """Which rows' likeliest label, of some or of all, is the target."""
    if among is None:
        return np.asarray(probabilities.argmax(axis=1) == targets)
    return np.asarray(among[probabilities[:, among].argmax(axis=1)] == targets)
