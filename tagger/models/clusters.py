"""Music types: the nearest K-means centroid in standardised feature space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tagger.models.bundle import ClusterSpec

__all__ = ["assign", "distances", "placed"]

Array = npt.NDArray[np.float64]


def assign(features: npt.NDArray[np.float32], spec: ClusterSpec) -> list[str]:
    """Name the music type of each track.

    Args:
        features: shape (n_tracks, n_features), all of the model's features.
        spec: the types; picks and standardises the features it was fitted on.
    """
    nearest = distances(placed(features, spec), spec.centroids).argmin(axis=1)
    return [spec.names[i] for i in nearest]


def placed(features: npt.NDArray[np.float32], spec: ClusterSpec) -> Array:
    """Where tracks lie in the space of the centroids, shape (n_tracks, n_dims).

    Args:
        features: shape (n_tracks, n_features), all of the model's features.
        spec: the types.
    """
    z = (features[:, list(spec.features)].astype(np.float64) - spec.mean) / spec.scale
    return np.asarray(z @ np.asarray(spec.axes) if spec.axes else z)


def distances(x: Array, centroids: Sequence[Sequence[float]] | Array) -> Array:
    """Squared Euclidean distance of each row of ``x`` from each centroid, shape (n, k)."""
    return np.stack([np.square(x - centroid).sum(axis=1) for centroid in centroids], axis=1)
