"""Music types: the nearest K-means centroid in standardised feature space."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tagger.models.bundle import ClusterSpec

__all__ = ["assign"]


def assign(features: npt.NDArray[np.float32], spec: ClusterSpec) -> list[str]:
    """Name the music type of each track.

    Args:
        features: shape (n_tracks, n_features), all of the model's features.
        spec: the types; picks and standardises the features it was fitted on.
    """
    x = (features[:, list(spec.features)].astype(np.float64) - spec.mean) / spec.scale
    centroids = np.asarray(spec.centroids)
    distances = np.square(x[:, None, :] - centroids[None, :, :]).sum(axis=-1)
    return [spec.names[i] for i in distances.argmin(axis=1)]
