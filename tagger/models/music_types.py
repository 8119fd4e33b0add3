"""The music types of a library: fitted once, so that what is added later is assigned to them and
no name or number moves; fitted anew, so that as much as possible keeps its name.

Pure: :mod:`tagger.workflows.own_types` reads and writes the file that they are kept in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.analysis.version import ANALYSIS_VERSION
from tagger.audio.excerpts import ExcerptPlan
from tagger.errors import ModelError
from tagger.models.bundle import Bundle, ClusterSpec
from tagger.models.clusters import distances
from tagger.models.kmeans import CountChoice, Look
from tagger.models.type_fit import fit_clusters, floats
from tagger.models.type_names import names_for

__all__ = [
    "FEWEST_TRACKS",
    "FittedTypes",
    "MusicType",
    "fit_types",
    "fitted_anew",
    "same_types",
    "spec_for",
]

Array = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]

FEWEST_TRACKS: Final = 12
"""Fewer tracks have no types worth a name."""

_SAME: Final = 0.5  # share of the tracks of a new type that were of the old one


@dataclass(frozen=True, slots=True)
class MusicType:
    """One type.

    Attributes:
        number: from 1; a number is never given twice.
        name: as it stands in tags.
        scores: where its tracks lie on each of :data:`~tagger.models.axes.AXES`, on average, in
            standard deviations of all tracks.
        tracks: how many there were when it was fitted.
    """

    number: int
    name: str
    scores: tuple[float, ...]
    tracks: int


@dataclass(frozen=True, slots=True)
class FittedTypes:
    """The types of a library, and all that it takes to assign tracks to them.

    Attributes:
        types: in the order of their numbers.
        analysis: version of the analysis that heard the tracks.
        excerpts: what of a track was heard.
        features: names of the features that they are told by.
        mean, scale: standardisation of these.
        axes: principal components, shape (n_features, n_components), row by row; empty for none.
        centroids: a row a type.
        looks: at other numbers of types.
        choice: why there are as many as there are.
        seed: of the random starts.
        next_number: of a type that is new when they are fitted anew.
    """

    types: tuple[MusicType, ...]
    analysis: int
    excerpts: ExcerptPlan
    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    axes: tuple[tuple[float, ...], ...]
    centroids: tuple[tuple[float, ...], ...]
    looks: tuple[Look, ...]
    choice: CountChoice
    seed: int
    next_number: int

    @property
    def tracks(self) -> int:
        """How many tracks they were fitted on."""
        return sum(kind.tracks for kind in self.types)


def spec_for(types: FittedTypes, bundle: Bundle) -> ClusterSpec | None:
    """The types as a model's features tell them; None if that model hears otherwise.

    Genres, network and ensemble of a model have no part in its types.
    """
    if types.analysis != ANALYSIS_VERSION or types.excerpts != bundle.excerpts:
        return None
    if not set(types.features) <= set(bundle.features):
        return None
    return ClusterSpec(
        features=tuple(bundle.features.index(name) for name in types.features),
        mean=types.mean,
        scale=types.scale,
        centroids=types.centroids,
        names=tuple(kind.name for kind in types.types),
        axes=types.axes,
    )


def fit_types(
    features: Features,
    bundle: Bundle,
    *,
    k: int | None = None,
    share: float | None = None,
    seed: int = 0,
) -> tuple[FittedTypes, npt.NDArray[np.intp]]:
    """Fit the types of some tracks.

    Args:
        features: shape (n, n_features), as the model hears them; n at least
            :data:`FEWEST_TRACKS`.
        bundle: the model.
        k: how many; None to choose.
        share: sort by as many principal components as carry this share of the variance, 0 to 1;
            None for the features themselves.
        seed: of the random starts.

    Returns:
        the types, numbered by size from 1, and the row of :attr:`FittedTypes.types` that each
        track belongs to.

    Raises:
        ModelError: the tracks are too few, or too much alike, for types or for so many.
    """
    if len(features) < FEWEST_TRACKS:
        raise ModelError(f"{len(features)} tracks are too few: types need {FEWEST_TRACKS} or more")
    fit = fit_clusters(features, bundle.features, k=k, share=share, seed=seed)
    types = tuple(
        MusicType(i + 1, name, floats(scores), int((fit.labels == i).sum()))
        for i, (name, scores) in enumerate(zip(names_for(fit.scores), fit.scores, strict=True))
    )
    return FittedTypes(
        types=types,
        analysis=ANALYSIS_VERSION,
        excerpts=bundle.excerpts,
        features=tuple(bundle.features[i] for i in fit.columns),
        mean=floats(fit.mean),
        scale=floats(fit.scale),
        axes=tuple(map(floats, fit.axes)),
        centroids=tuple(map(floats, fit.centroids)),
        looks=fit.looks,
        choice=fit.choice,
        seed=seed,
        next_number=len(types) + 1,
    ), fit.labels


def same_types(x: Array, labels: npt.NDArray[np.intp], centroids: Array) -> dict[int, int]:
    """Which new type is which old one.

    A new type may be an old one only if half of its tracks or more were of that. Among such pairs
    as many as possible are made, and those whose middles lie nearest to each other (Kuhn, "The
    Hungarian Method for the Assignment Problem", 1955). Middles, because counts would give the
    name to whatever was added, if that is much and was nearest to the old type.

    Args:
        x: where the tracks lie among the old types, shape (n, n_dims).
        labels: new type of each track, shape (n,).
        centroids: of the old types, shape (n_old, n_dims).

    Returns:
        old type by new type, for those that there were.
    """
    from scipy.optimize import linear_sum_assignment  # here: a scan assigns without it

    before = distances(x, centroids).argmin(axis=1)
    new = np.unique(labels)
    shares = np.array([np.bincount(before[labels == i], minlength=len(centroids)) for i in new])
    shares = shares / shares.sum(axis=1, keepdims=True)
    middles = np.stack([x[labels == i].mean(axis=0) for i in new])
    away = np.sqrt(distances(middles, centroids))
    may = shares >= _SAME
    rows, columns = linear_sum_assignment(np.where(may, away, (away.max() + 1) * len(may) * 2))
    return {
        int(new[row]): int(column)
        for row, column in zip(rows, columns, strict=True)
        if may[row, column]
    }


def fitted_anew(
    old: FittedTypes, new: FittedTypes, same: dict[int, int]
) -> tuple[FittedTypes, npt.NDArray[np.intp]]:
    """Give new types the names and numbers of the old ones that they are.

    Args:
        old: the types so far.
        new: as :func:`fit_types` gives them.
        same: as :func:`same_types` gives it.

    Returns:
        the new types in the order of their numbers, and the place of each of ``new`` among them.
    """
    kept = {i: old.types[j] for i, j in same.items()}
    fresh = [i for i in range(len(new.types)) if i not in kept]
    names = names_for([new.types[i].scores for i in fresh], [kind.name for kind in kept.values()])
    identity = {i: (kind.number, kind.name) for i, kind in kept.items()}
    identity |= {
        i: (old.next_number + n, name) for n, (i, name) in enumerate(zip(fresh, names, strict=True))
    }
    order = sorted(range(len(new.types)), key=lambda i: identity[i][0])
    types = tuple(replace(new.types[i], number=identity[i][0], name=identity[i][1]) for i in order)
    centroids = tuple(new.centroids[i] for i in order)
    next_number = old.next_number + len(fresh)
    anew = replace(new, types=types, centroids=centroids, next_number=next_number)
    return anew, np.argsort(np.array(order, dtype=np.intp))
