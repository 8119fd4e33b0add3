"""K-means, and how many clusters speak for themselves.

K-means with the k-means++ start (Arthur and Vassilvitskii, "k-means++: The Advantages of Careful
Seeding", SODA 2007) is scikit-learn's, which is loaded only where something is fitted: whoever
assigns to what was fitted needs no more than numpy. It runs on one thread, so that sums, and
with them the fit, are the same on any number of cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = [
    "CLEAR_SILHOUETTE",
    "MOST_TYPES",
    "CountChoice",
    "Look",
    "choose",
    "fit_centroids",
    "look_at_counts",
]

Array = npt.NDArray[np.float64]

MOST_TYPES: Final = 12
"""Highest number of clusters that is looked at; more, nobody can tell apart by their names."""

CLEAR_SILHOUETTE: Final = 0.25
"""Below it "no substantial structure has been found" (Kaufman and Rousseeuw, "Finding Groups in
Data", 1990, chapter 2)."""

_LOOKED_AT: Final = 20_000  # tracks; the curves do not move with more
_SILHOUETTES: Final = 2_000  # tracks, as each is compared with each


@dataclass(frozen=True, slots=True)
class Look:
    """One number of clusters.

    Attributes:
        k: how many.
        inertia: mean squared distance of a track from its centroid, in squared z-scores.
        silhouette: mean silhouette from -1 to 1 (Rousseeuw, "Silhouettes: a Graphical Aid",
            1987); 0 for one cluster.
    """

    k: int
    inertia: float
    silhouette: float


@dataclass(frozen=True, slots=True)
class CountChoice:
    """A number of clusters and what decided for it.

    Attributes:
        k: how many.
        by: ``silhouette``, ``elbow``, or ``you``.
        elbow: where the curve of the inertia bends most.
        silhouette: where the silhouette is highest.
    """

    k: int
    by: str
    elbow: int
    silhouette: int


def look_at_counts(x: Array, *, seed: int = 0) -> tuple[Look, ...]:
    """Fit 1, 2, 3… clusters, as many as the tracks allow.

    Args:
        x: shape (n, n_dims), standardised; n at least 3.
        seed: of the random starts, and of the sample that is looked at if there are many tracks.

    Returns:
        a look at each number from 1 to at most :data:`MOST_TYPES`, and less than n.
    """
    from sklearn.metrics import silhouette_score

    rng = np.random.default_rng(seed)
    if len(x) > _LOOKED_AT:
        x = x[np.sort(rng.permutation(len(x))[:_LOOKED_AT])]
    some = np.sort(rng.permutation(len(x))[:_SILHOUETTES])
    looks = []
    for k in range(1, min(MOST_TYPES, len(np.unique(x, axis=0)) - 1) + 1):
        means = _fitted(x, k, seed, starts=10)
        labels = means.labels_[some]
        apart = 1 < len(np.unique(labels)) < len(some)
        silhouette = float(silhouette_score(x[some], labels)) if apart else 0.0
        looks.append(Look(k, float(means.inertia_) / len(x), silhouette))
    return tuple(looks)


def choose(looks: Sequence[Look]) -> CountChoice:
    """Take the number at which the silhouette is highest, if it shows clear structure there;
    otherwise the elbow of the inertia.

    The elbow is the point farthest from the straight line between the ends of the curve, both
    axes scaled to 1 (Satopää et al., "Finding a 'Kneedle' in a Haystack", 2011).

    Args:
        looks: at 1, 2, 3… clusters; at least two of them.
    """
    several = [look for look in looks if look.k > 1]
    best = max(several, key=lambda look: look.silhouette)
    k = np.array([look.k for look in looks], dtype=float)
    inertia = np.array([look.inertia for look in looks])
    fallen = (inertia[0] - inertia) / (max(inertia[0] - inertia[-1], 0.0) or 1.0)
    bend = fallen - (k - k[0]) / (k[-1] - k[0])
    elbow = max(several, key=lambda look: bend[looks.index(look)])
    clear = best.silhouette >= CLEAR_SILHOUETTE
    return CountChoice(
        k=best.k if clear else elbow.k,
        by="silhouette" if clear else "elbow",
        elbow=elbow.k,
        silhouette=best.k,
    )


def fit_centroids(x: Array, k: int, *, seed: int = 0, starts: int = 20) -> Array:
    """Fit k clusters.

    Args:
        x: shape (n, n_dims), standardised.
        k: how many; no more than there are different rows.
        seed: of the random starts.
        starts: how many of these are tried; the tightest fit is taken.

    Returns:
        the centroids, shape (k, n_dims), that of the largest cluster first: the order does not
        hang on the random start.
    """
    means = _fitted(x, k, seed, starts)
    order = np.argsort(-np.bincount(means.labels_, minlength=k), kind="stable")
    return np.asarray(means.cluster_centers_[order], dtype=float)


def _fitted(x: Array, k: int, seed: int, starts: int) -> Any:
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return KMeans(k, n_init=starts, random_state=seed).fit(x)
