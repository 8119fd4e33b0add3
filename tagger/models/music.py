"""Whether a track is music at all, and what it sounds like if it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.models.bundle import MusicSpec

__all__ = ["UNJUDGED", "Sound", "kind_probabilities", "sounds"]

_NAMED: Final = 0.8
"""Share of all that is no music that one kind must have to be named."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What a track sounds like.

    Attributes:
        music: probability that it is music, or None where nobody judged.
        objection: why it is not to be tagged, in words; empty for music.
    """

    music: float | None
    objection: str


UNJUDGED: Final = Sound(None, "")
"""Of a track whose model knows music alone."""


def kind_probabilities(
    features: npt.NDArray[np.float32], spec: MusicSpec
) -> npt.NDArray[np.float64]:
    """Probability of each kind; what is missing to 1 is that of music.

    Args:
        features: shape (n_tracks, n_features), all of the model's features.
        spec: picks and standardises the features it was fitted on.

    Returns:
        shape (n_tracks, n_kinds).
    """
    x = (features[:, list(spec.features)].astype(np.float64) - spec.mean) / spec.scale
    # Nothing that was fitted says what a feature far from all that was heard would mean.
    x = x.clip(-spec.limit, spec.limit)
    scores = x @ np.asarray(spec.coefficients).T + spec.intercepts
    scores = np.concatenate([np.zeros((len(x), 1)), scores], axis=1)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray((powers / powers.sum(axis=1, keepdims=True))[:, 1:])


def sounds(features: npt.NDArray[np.float32], spec: MusicSpec) -> list[Sound]:
    """Judge each track; the arguments are those of :func:`kind_probabilities`."""
    return [_sound(row, spec) for row in kind_probabilities(features, spec)]


def _sound(row: npt.NDArray[np.float64], spec: MusicSpec) -> Sound:
    other = float(row.sum())
    music = max(0.0, 1.0 - other)
    if other < spec.threshold:
        return Sound(music, "")
    first = int(row.argmax())
    if row[first] >= _NAMED * other:
        return Sound(music, f"sounds like {spec.kinds[first]}, not music ({other:.2f})")
    return Sound(music, f"does not sound like music ({other:.2f})")
