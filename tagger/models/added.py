"""Genres that were added to a model after it was fitted, each by a judge of its own.

The judge says how much a track sounds like its genre. What it leaves is shared out among the
others as the model did before, so that nothing else changes between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tagger.errors import ModelError
from tagger.models.schema import Node

__all__ = ["AddedGenre", "add_genres", "read_added"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AddedGenre:
    """Logistic regression that tells one genre from all others.

    Attributes:
        label: the genre.
        mean, scale: standardisation of the model's features.
        limit: standardised features are kept within ±limit.
        coefficients: one a feature.
        intercept: the score of a track whose features are all at their mean.
    """

    label: str
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    limit: float
    coefficients: tuple[float, ...]
    intercept: float

    def probabilities(self, features: npt.NDArray[np.float32]) -> Array:
        """How much each track sounds like the genre, from shape (n, n_features) to (n,)."""
        x = (features.astype(np.float64) - self.mean) / self.scale
        scores = x.clip(-self.limit, self.limit) @ np.asarray(self.coefficients) + self.intercept
        return np.asarray(1 / (1 + np.exp(-scores.clip(-700, 700))))


def add_genres(
    probabilities: Array, features: npt.NDArray[np.float32], added: Sequence[AddedGenre]
) -> Array:
    """Probabilities with a column more for each added genre.

    Args:
        probabilities: of the genres that the model was fitted on, shape (n, n_fitted).
        features: shape (n, n_features).
        added: in the order of their labels.

    Returns:
        shape (n, n_fitted + n_added); rows sum to what they did.
    """
    for genre in added:
        mine = genre.probabilities(features)[:, None]
        total = probabilities.sum(axis=1, keepdims=True)
        probabilities = np.hstack([probabilities * (1 - mine), total * mine])
    return probabilities


def read_added(root: Node, n_features: int) -> tuple[AddedGenre, ...]:
    """The added genres that stand in a manifest.

    Raises:
        ModelError: they are not as they must be; the message names the key at fault.
    """
    if not root.has("added"):
        return ()
    found = []
    for node in root.items("added"):
        genre = AddedGenre(
            label=node.text("label"),
            mean=node.numbers("mean"),
            scale=node.numbers("scale", low=1e-12),
            limit=node.number("limit", low=0.1, high=1e6),
            coefficients=node.numbers("coefficients"),
            intercept=node.number("intercept"),
        )
        if {len(genre.mean), len(genre.scale), len(genre.coefficients)} != {n_features}:
            raise ModelError(f"{node.place}: the arrays must hold one number per feature")
        found.append(genre)
    return tuple(found)
