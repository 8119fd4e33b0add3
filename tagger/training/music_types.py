"""Music types: K-means over what tracks sound like, named by what sets them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

from tagger.models.axes import AXES, axis_scores
from tagger.models.bundle import ClusterSpec

__all__ = ["MusicTypes", "fit_music_types"]

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
class MusicTypes:
    """Fitted types and what speaks for their number.

    Attributes:
        sizes: tracks of each type.
        words: z-scores on the naming axes, a row a type: ``{"rhythmic": 0.8, …}``.
        elbow: for each k tried, ``{"k", "inertia", "silhouette"}``.
    """

    spec: ClusterSpec
    sizes: tuple[int, ...]
    words: tuple[dict[str, float], ...]
    elbow: tuple[dict[str, float], ...]


def fit_music_types(
    features: Features, names: Sequence[str], *, k: int = 3, seed: int = 0
) -> MusicTypes:
    """Fit ``k`` types on some tracks.

    Args:
        features: shape (n, n_features).
        names: the features' names.
    """
    columns = [names.index(name) for name in _SORTED_BY]
    scaler = StandardScaler().fit(features[:, columns].astype(np.float64))
    x = scaler.transform(features[:, columns].astype(np.float64))
    elbow = []
    for tried in range(2, 9):
        means = KMeans(tried, n_init=10, random_state=seed).fit(x)
        elbow.append(
            {
                "k": float(tried),
                "inertia": float(means.inertia_),
                "silhouette": float(silhouette_score(x, means.labels_)),
            }
        )
    means = KMeans(k, n_init=50, random_state=seed).fit(x)
    # Numbered by size: the order does not hang on the random start.
    order = np.argsort(-np.bincount(means.labels_), kind="stable")
    z = StandardScaler().fit_transform(features.astype(np.float64))
    words = tuple(_words(z[means.labels_ == i].mean(axis=0), names) for i in order)
    return MusicTypes(
        spec=ClusterSpec(
            features=tuple(columns),
            mean=tuple(float(v) for v in scaler.mean_),
            scale=tuple(float(v) for v in scaler.scale_),
            centroids=tuple(
                tuple(round(float(v), 5) for v in means.cluster_centers_[i]) for i in order
            ),
            names=_distinct(words),
        ),
        sizes=tuple(int((means.labels_ == i).sum()) for i in order),
        words=words,
        elbow=tuple(elbow),
    )


def _words(z: npt.NDArray[np.float64], names: Sequence[str]) -> dict[str, float]:
    """The naming axes of one type, strongest first, each by its word and |z|."""
    found = {}
    for axis, score in zip(AXES, axis_scores(z[None], names)[0].tolist(), strict=True):
        found[axis.above if score >= 0 else axis.below] = abs(score)
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _distinct(words: Sequence[dict[str, float]]) -> tuple[str, ...]:
    """Two words a type, the strongest; where another type has the same two, a third.

    Without commas: servers split a tag's value at them.
    """
    for n in range(2, len(AXES) + 1):
        chosen = [list(w)[:n] for w in words]
        if len({frozenset(c) for c in chosen}) == len(chosen):
            return tuple(" and ".join(c) for c in chosen)
    return tuple(f"type {i + 1}" for i in range(len(words)))
