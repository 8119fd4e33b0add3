"""Fitting what tells music from other sounds, and measuring how well it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

from tagger.models.bundle import MusicSpec
from tagger.models.music import kind_probabilities

__all__ = [
    "KINDS",
    "Sounds",
    "choose_threshold",
    "cross_validated",
    "fit_judge",
    "judge_sounds",
    "weighed",
    "weighed_judge",
]

KINDS: Final[Mapping[str, str]] = {"speech": "speech", "noise": "noise", "tone": "a tone"}
"""Kinds of sounds that are no music, and what they are called to people."""

_PENALTY: Final = 0.1  # scikit-learn's C
_LIMIT: Final = 3.0
_FOLDS: Final = 6
_SPARE_WEIGHT: Final = 3.0
"""Of a made clip of music: few stand for much that the recordings lack, and refusing it is worse
than missing a noise."""
_LEAST_THRESHOLD: Final = 0.2
_UNDECIDED: Final = 0.5

Features = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sounds:
    """Clips of music and of other sounds.

    Attributes:
        features: float32, shape (n, n_features).
        kinds: ``music`` or one of :data:`KINDS`, shape (n,).
        families: what each clip is reported under: a genre, a generator, shape (n,).
        groups: what must not be on both sides of a split: an artist, a generator, a voice.
        sources: data set, ``made`` for clips of our own, shape (n,).
    """

    features: Features
    kinds: npt.NDArray[np.str_]
    families: npt.NDArray[np.str_]
    groups: npt.NDArray[np.str_]
    sources: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def real(self) -> npt.NDArray[np.bool_]:
        """Which clips are recordings of music."""
        return np.asarray((self.kinds == "music") & (self.sources != "made"))

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Sounds:
        """The clips of some rows."""
        return Sounds(
            self.features[rows],
            self.kinds[rows],
            self.families[rows],
            self.groups[rows],
            self.sources[rows],
        )

    @staticmethod
    def joined(*parts: Sounds) -> Sounds:
        """Several as one."""
        return Sounds(
            np.concatenate([p.features for p in parts]),
            np.concatenate([p.kinds for p in parts]),
            np.concatenate([p.families for p in parts]),
            np.concatenate([p.groups for p in parts]),
            np.concatenate([p.sources for p in parts]),
        )


def fit_judge(clips: Sounds, threshold: float = _UNDECIDED) -> MusicSpec:
    """Multinomial logistic regression on all features, each kept within ±3 standard deviations."""
    order = ["music", *KINDS]
    scaler = StandardScaler().fit(clips.features.astype(np.float64))
    scale = np.maximum(scaler.scale_, 1e-9)
    x = ((clips.features - scaler.mean_) / scale).clip(-_LIMIT, _LIMIT)
    target = [order.index(kind) for kind in clips.kinds]
    if len(set(target)) != len(order):
        raise ValueError(f"clips of each kind are needed: {', '.join(order)}")
    weights = np.where((clips.kinds == "music") & ~clips.real, _SPARE_WEIGHT, 1.0)
    fitted = LogisticRegression(C=_PENALTY, max_iter=1000).fit(x, target, sample_weight=weights)
    # A softmax does not change if all rows move together: music's becomes 0.
    coefficients = fitted.coef_[1:] - fitted.coef_[0]
    intercepts = fitted.intercept_[1:] - fitted.intercept_[0]
    return MusicSpec(
        features=tuple(range(clips.features.shape[1])),
        mean=_rounded(scaler.mean_),
        scale=_rounded(scale),
        limit=_LIMIT,
        kinds=tuple(KINDS.values()),
        coefficients=tuple(_rounded(row) for row in coefficients),
        intercepts=_rounded(intercepts),
        threshold=threshold,
    )


def cross_validated(clips: Sounds, groups: npt.NDArray[np.str_], seed: int) -> Probabilities:
    """Probabilities of each kind for each clip, by a fit that saw nothing of its group.

    Returns:
        shape (n, n_kinds).
    """
    answers = np.empty((len(clips), len(KINDS)))
    folds = GroupKFold(_FOLDS, shuffle=True, random_state=seed)
    for fitted_on, others in folds.split(clips.features, groups=groups):
        spec = fit_judge(clips.take(fitted_on))
        answers[others] = kind_probabilities(clips.features[others], spec)
    return answers


def choose_threshold(refusal: npt.NDArray[np.float64], share: float) -> float:
    """The least threshold, in steps of 0.01 and not below 0.2, that refuses no more of this
    music than a share of it.

    Music is fitted on three times as often as all else, so that what is as likely one as the
    other lies far below 0.5.

    Args:
        refusal: probability of being no music, of clips that are music, shape (n,).
        share: how much of it may be refused by mistake.
    """
    thresholds = (percent / 100 for percent in range(round(100 * _LEAST_THRESHOLD), 100))
    return next((t for t in thresholds if (refusal >= t).mean() <= share), 1.0)


def weighed(p: Probabilities, threshold: float) -> Probabilities:
    """Probabilities of the kinds for somebody to whom a threshold is an even chance.

    How often each is met is changed, as a prior: the odds against music are multiplied by what
    makes ``threshold`` one half.

    Args:
        p: probability of each kind, shape (n, n_kinds).
        threshold: above 0 and below 1.
    """
    music = np.maximum(1 - p.sum(axis=1, keepdims=True), 1e-300)
    odds = p / music * ((1 - threshold) / threshold)
    return np.asarray(odds / (1 + odds.sum(axis=1, keepdims=True)))


def weighed_judge(spec: MusicSpec, threshold: float) -> MusicSpec:
    """The judge who says what :func:`weighed` makes of this one's answers, and refuses at one
    half."""
    shift = float(np.log((1 - threshold) / threshold))
    return replace(
        spec,
        intercepts=_rounded(np.asarray(spec.intercepts) + shift),
        threshold=_UNDECIDED,
    )


def judge_sounds(
    clips: Sounds,
    unseen: Probabilities,
    seen: Probabilities,
    threshold: float,
) -> dict[str, Any]:
    """How much is refused of what, at a threshold, and along others.

    Args:
        clips: what was judged.
        unseen: by fits that saw nothing of the same artist, family or voice.
        seen: by fits that saw other clips of the same family and voice, yet not of the artist.
        threshold: the one that ships.
    """
    refused, refused_seen = unseen.sum(axis=1), seen.sum(axis=1)
    names = np.array(list(KINDS))

    def share(rows: npt.NDArray[np.bool_], p: npt.NDArray[np.float64], least: float) -> float:
        return float((p[rows] >= least).mean())

    families = []
    for source in np.unique(clips.sources):
        for kind, family in sorted(set(zip(clips.kinds, clips.families, strict=True))):
            rows = (clips.sources == source) & (clips.kinds == kind) & (clips.families == family)
            if rows.any():
                families.append(
                    {
                        "source": str(source),
                        "kind": str(kind),
                        "family": str(family),
                        "n": int(rows.sum()),
                        "refused": int((refused[rows] >= threshold).sum()),
                    }
                )
    spare = (clips.kinds == "music") & ~clips.real
    made = clips.sources == "made"
    return {
        "threshold": threshold,
        "kinds": {
            kind: {
                "n": int(rows.sum()),
                "seen": share(rows, refused_seen, threshold),
                "unseen": share(rows, refused, threshold),
                "named": float((names[unseen[rows].argmax(axis=1)] == kind).mean()),
            }
            for kind in KINDS
            for rows in [made & (clips.kinds == kind)]
        },
        "recorded": {
            kind: {
                "n": int(rows.sum()),
                "seen": share(rows, refused_seen, threshold),
                "unseen": share(rows, refused, threshold),
            }
            for kind in KINDS
            for rows in [~made & (clips.kinds == kind)]
            if rows.any()
        },
        "music": {
            "real": {"n": int(clips.real.sum()), "refused": share(clips.real, refused, threshold)},
            "made": {
                "n": int(spare.sum()),
                "seen": share(spare, refused_seen, threshold),
                "unseen": share(spare, refused, threshold),
            },
        },
        "families": families,
        "curve": [
            {
                "threshold": round(float(least), 2),
                "music": share(clips.real, refused, float(least)),
                "other": share(clips.kinds != "music", refused, float(least)),
            }
            for least in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
        ],
    }


def _rounded(values: npt.NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(float(f"{value:.6g}") for value in values)
