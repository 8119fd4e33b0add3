"""Genres that the model which a training begins with does not know: they are held back a little."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.models.fusion import log_softmax
from tagger.words import comparable

__all__ = ["BIAS", "biased", "biases", "new_among"]

BIAS: Final = -0.5
"""Added to the log-probability of a new genre. Where it is as likely as one that was known before,
it is more often the latter: on twelve artist-separated splits with 48 clips of zouk the old genres
lost 2.4 points (of 68.5) without it and 1.3 with it, and of the other zouk 0.91 and 0.88 were
recognised; with twice as much 1.0 and 0.81."""

Array = npt.NDArray[np.float64]


def new_among(labels: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """The labels that a model does not know.

    Args:
        labels: of the model that is trained.
        known: of the one that it begins with, in any spelling.

    Returns:
        Those of ``labels`` that are new; none where all are, as there is nothing to protect then.
    """
    old = {comparable(label) for label in known}
    new = tuple(label for label in labels if comparable(label) not in old)
    return new if len(new) < len(labels) else ()


def biases(labels: Sequence[str], new: Collection[str]) -> tuple[float, ...]:
    """A bias for each label, as :class:`~tagger.models.bundle.FusionSpec` has them; empty if no
    label is new."""
    return tuple(BIAS if label in new else 0.0 for label in labels) if new else ()


def biased(fused: Array, bias: Sequence[float]) -> Array:
    """Probabilities, shape (n, n_labels), as a fusion with these biases would have given them."""
    if not bias:
        return fused
    with np.errstate(divide="ignore"):  # of a probability of 0, which stays 0
        return np.asarray(np.exp(log_softmax(np.log(fused) + np.asarray(bias))))
