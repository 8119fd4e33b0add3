"""Genres that were added to a model after it was fitted, each by a judge of its own.

The judge says how much a track sounds like its genre. What it leaves is shared out among the
others as the model did before, so that nothing else changes between them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tagger.models.specs import AddedGenre

__all__ = ["add_genres", "judged"]

Array = npt.NDArray[np.float64]


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
        mine = judged(genre, features)[:, None]
        total = probabilities.sum(axis=1, keepdims=True)
        probabilities = np.hstack([probabilities * (1 - mine), total * mine])
    return probabilities


def judged(genre: AddedGenre, features: npt.NDArray[np.float32]) -> Array:
    """How much each track sounds like a genre, from shape (n, n_features) to (n,)."""
    x = (features.astype(np.float64) - genre.mean) / genre.scale
    scores = x.clip(-genre.limit, genre.limit) @ np.asarray(genre.coefficients) + genre.intercept
    return np.asarray(1 / (1 + np.exp(-scores.clip(-700, 700))))
