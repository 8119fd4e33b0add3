"""Clusters of tracks by what they sound like: which features, standardised how, how many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.errors import ModelError
from tagger.models.axes import axis_scores
from tagger.models.clusters import distances
from tagger.models.kmeans import CountChoice, Look, choose, fit_centroids, look_at_counts

__all__ = ["Fit", "fit_clusters", "floats", "moments", "principal_axes", "sorted_by"]

Array = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]

# Timbre, harmony, movement: what a listener would sort by, each method with a like number
# of columns so that none outweighs the others.
_SORTED_BY: Final = (
    *(f"mfcc.mean.{i:02d}" for i in range(2, 14)),
    *(f"log_mel_edges_time.mean.{i:02d}" for i in range(1, 17)),
    *(f"log_mel_edges_frequency.mean.{i:02d}" for i in range(1, 17)),
    *("chroma_stft.mean.all", "chroma_stft.std.all"),
    *("spectral_centroid.mean.01", "spectral_bandwidth.mean.01", "zero_crossing_rate.mean.01"),
)


@dataclass(frozen=True, slots=True)
class Fit:
    """Clusters, the largest first.

    Attributes:
        columns: which features they are told by.
        mean, scale: standardisation of these.
        axes: principal components, shape (n_columns, n_components); shape (0, 0) for none.
        centroids: shape (k, n_components), or (k, n_columns) without components.
        labels: cluster of each track, shape (n,).
        scores: mean place of each cluster on :data:`~tagger.models.axes.AXES`, shape
            (k, n_axes), in standard deviations of all tracks.
        looks: at other numbers of clusters.
        choice: why there are as many as there are.
    """

    columns: tuple[int, ...]
    mean: Array
    scale: Array
    axes: Array
    centroids: Array
    labels: npt.NDArray[np.intp]
    scores: Array
    looks: tuple[Look, ...]
    choice: CountChoice


def sorted_by(names: Sequence[str]) -> tuple[int, ...]:
    """The columns of features that clusters are told by; all, where there are none of the usual."""
    usual = tuple(names.index(name) for name in _SORTED_BY if name in names)
    return usual or tuple(range(len(names)))


def fit_clusters(
    features: Features,
    names: Sequence[str],
    *,
    k: int | None = None,
    share: float | None = None,
    seed: int = 0,
) -> Fit:
    """Standardise the features that count, and fit clusters.

    Args:
        features: shape (n, n_features).
        names: the features' names.
        k: how many clusters; None to choose.
        share: go by as many principal components as carry this share of the variance, 0 to 1;
            None for the features themselves.
        seed: of the random starts.

    Raises:
        ModelError: the tracks are too much alike for clusters, or for so many.
    """
    columns = sorted_by(names)
    x = features[:, list(columns)].astype(np.float64)
    mean, scale = moments(x)
    x = (x - mean) / scale
    axes = np.zeros((0, 0)) if share is None else principal_axes(x, share)[0]
    x = x @ axes if axes.size else x
    different = len(np.unique(x, axis=0))
    if different < max(3, k or 0):
        raise ModelError(f"only {different} of {len(x)} tracks sound different")
    looks = look_at_counts(x, seed=seed)
    choice = choose(looks)
    if k is not None:
        choice = replace(choice, k=k, by="you")
    centroids = fit_centroids(x, choice.k, seed=seed)
    labels = distances(x, centroids).argmin(axis=1)
    middle, spread = moments(features)
    means = np.stack([features[labels == i].mean(axis=0, dtype=float) for i in range(choice.k)])
    return Fit(
        columns=columns,
        mean=mean,
        scale=scale,
        axes=axes,
        centroids=centroids,
        labels=labels,
        scores=axis_scores((means - middle) / spread, names),
        looks=looks,
        choice=choice,
    )


def principal_axes(x: Array, share: float, *, least: int = 1) -> tuple[Array, Array]:
    """The first principal components, and the share of the variance that each of them carries.

    Args:
        x: shape (n, n_dims), of mean 0.
        share: what they are to carry together, 0 to 1.
        least: how many there are to be at least, as far as there are dimensions.

    Returns:
        shapes (n_dims, m) and (m,). The largest part of each component is positive, as its sign
        would be anybody's.
    """
    variances, axes = np.linalg.eigh(x.T @ x / len(x))
    shares = np.maximum(variances[::-1], 0.0) / max(variances.sum(), 1e-12)
    axes = axes[:, ::-1]
    enough = int(np.searchsorted(np.cumsum(shares), share - 1e-9)) + 1
    m = min(max(enough, least), len(shares))
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return np.asarray((axes * signs)[:, :m]), np.asarray(shares[:m])


def floats(row: Array) -> tuple[float, ...]:
    """A row of an array as plain numbers."""
    return tuple(map(float, row))


def moments(x: Array | Features) -> tuple[Array, Array]:
    """Mean and standard deviation of each column; a deviation of 1 where all rows are the same.

    Column by column, as all at once would take a multiple of the memory.
    """
    mean = x.mean(axis=0, dtype=np.float64)
    spread = np.array([column.astype(np.float64).std() for column in x.T])
    return mean, np.where(spread > 1e-9, spread, 1.0)
