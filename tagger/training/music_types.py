"""Music types of a model: fitted on what it was trained on, for libraries without their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from tagger.models.bundle import ClusterSpec
from tagger.models.type_fit import fit_clusters, floats
from tagger.models.type_names import names_for, words_of

__all__ = ["MusicTypes", "fit_music_types"]

Features = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MusicTypes:
    """Fitted types and what speaks for their number.

    Attributes:
        sizes: tracks of each type.
        words: distance from the average on the naming axes, a row a type: ``{"rhythmic": 0.8, …}``.
        elbow: for each k tried from 2 on, ``{"k", "inertia", "silhouette"}``.
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
    fit = fit_clusters(features, names, k=k, seed=seed)
    return MusicTypes(
        spec=ClusterSpec(
            features=fit.columns,
            mean=floats(fit.mean),
            scale=floats(fit.scale),
            centroids=tuple(floats(np.round(row, 5)) for row in fit.centroids),
            names=names_for(fit.scores),
        ),
        sizes=tuple(int((fit.labels == i).sum()) for i in range(k)),
        words=tuple(words_of(scores) for scores in fit.scores),
        elbow=tuple(asdict(look) for look in fit.looks if look.k > 1),
    )
