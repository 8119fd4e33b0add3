"""``genretag cluster``: the music types of a library, from what was heard in it.

Types are fitted once, and kept. From then on tracks are assigned to them, so that a name or a
number that stands in files keeps its meaning; they change only where that is asked for, and then
as much as possible keeps its name.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.errors import ModelError, UsageError
from tagger.models.bundle import BUILTIN_MODEL, ClusterSpec
from tagger.models.clusters import distances, placed
from tagger.models.kmeans import CLEAR_SILHOUETTE
from tagger.models.music_types import (
    FittedTypes,
    fit_types,
    fitted_anew,
    same_types,
    spec_for,
)
from tagger.models.type_names import described
from tagger.report.types import Move, SeenTrack, SeenType, SeenTypes
from tagger.tags.artists import artist_key
from tagger.workflows.collection import Collection, CollectOptions, collect
from tagger.workflows.described import describe
from tagger.workflows.own_types import load_types, save_types, types_path

__all__ = ["ClusterOptions", "Clustered", "cluster"]

Labels = npt.NDArray[np.intp]

_TYPICAL: Final = 3
_MOST_LOOKED_AT: Final = 30  # of the nearest to a centroid, in search of different artists


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """What the user asked for.

    Attributes:
        paths: files and folders of music.
        k: how many types; None to choose.
        pca: go by as many principal components as carry this share of the variance, 0 to 1; None
            for the features themselves.
        seed: of the random starts.
        refit: fit anew, though there are types.
        keep: keep what is fitted for later runs.
        model: name or folder.
        jobs: processes that hear what no earlier run has heard; None for what the machine allows.
        exclude: shell patterns of names and paths to leave out.
    """

    paths: tuple[Path, ...]
    k: int | None = None
    pca: float | None = None
    seed: int = 0
    refit: bool = False
    keep: bool = True
    model: str = BUILTIN_MODEL
    jobs: int | None = None
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clustered:
    """A library and its types.

    Attributes:
        collection: the tracks; each has the name of its type in ``cluster``.
        types: the types.
        spec: the same, as the model's features tell them.
        labels: row of ``types.types`` of each track, shape (n,).
        seen: all of it for people.
    """

    collection: Collection
    types: FittedTypes
    spec: ClusterSpec
    labels: Labels
    seen: SeenTypes


def cluster(
    options: ClusterOptions,
    progress: Callable[[int, int], None] = lambda done, total: None,
    environment: Mapping[str, str] = os.environ,
) -> Clustered:
    """Fit the types of a library, or assign it to those that it has.

    Args:
        options: what is asked for.
        progress: told how many of how many tracks are done.
        environment: as for :func:`~tagger.workflows.own_types.types_path`.

    Raises:
        UsageError: a path does not exist, the types cannot be read or kept, or a number of types
            is asked for while there are types.
        LibraryGoneError: the library does not answer, or vanished.
        ModelError: the model cannot be used, or the tracks are too few or too much alike.
    """
    old = load_types(environment)
    if old and not options.refit and (options.k or options.pca):
        raise UsageError(
            f"{types_path(environment)}: there are {len(old.types)} music types already; "
            "--refit fits them anew"
        )
    collection = collect(
        CollectOptions(options.paths, options.model, options.jobs, options.exclude, tags=False),
        progress,
    )
    if old and not options.refit:
        return _assigned(collection, old, environment)
    if not collection.tracks:
        raise UsageError("no music was found there")
    types, labels = fit_types(
        collection.features,
        collection.bundle,
        k=options.k,
        share=options.pca,
        seed=options.seed,
    )
    return _fitted(collection, types, labels, old, options.keep, environment)


def _assigned(
    collection: Collection, types: FittedTypes, environment: Mapping[str, str]
) -> Clustered:
    spec = spec_for(types, collection.bundle)
    if spec is None:
        raise UsageError(
            f"{types_path(environment)}: these music types were fitted on what another model or "
            "version hears; --refit fits them anew"
        )
    labels = _nearest(collection, spec)
    seen = _seen(collection, types, spec, labels, fitted="earlier")
    return _clustered(
        collection, types, spec, labels, replace(seen, kept_in=types_path(environment))
    )


def _fitted(
    collection: Collection,
    types: FittedTypes,
    labels: Labels,
    old: FittedTypes | None,
    keep: bool,
    environment: Mapping[str, str],
) -> Clustered:
    before = None
    if old:
        # What the model cannot tell any more has no tracks to be known by.
        old_spec = spec_for(old, collection.bundle)
        before = _nearest(collection, old_spec) if old_spec else None
        same = {}
        if old_spec:
            places = placed(collection.features, old_spec)
            same = same_types(places, labels, np.asarray(old_spec.centroids))
        types, place = fitted_anew(old, types, same)
        labels = place[labels]
    spec = spec_for(types, collection.bundle)
    if spec is None:
        raise ModelError("types were fitted that the model cannot tell; please report this")
    seen = _seen(collection, types, spec, labels, fitted="anew" if old else "now")
    if old:
        names = {kind.number: kind.name for kind in types.types}
        old_names = {kind.number: kind.name for kind in old.types}
        seen = replace(
            seen,
            new=tuple(name for number, name in names.items() if number not in old_names),
            gone=tuple(name for number, name in old_names.items() if number not in names),
            moves=() if before is None else _moves(old, types, before, labels),
            moved_of=0 if before is None else len(labels),
        )
    if keep:
        seen = replace(seen, kept_in=save_types(types, environment))
    return _clustered(collection, types, spec, labels, seen)


def _clustered(
    collection: Collection, types: FittedTypes, spec: ClusterSpec, labels: Labels, seen: SeenTypes
) -> Clustered:
    tracks = tuple(
        replace(track, cluster=spec.names[label])
        for track, label in zip(collection.tracks, labels, strict=True)
    )
    return Clustered(replace(collection, tracks=tracks), types, spec, labels, seen)


def _nearest(collection: Collection, spec: ClusterSpec) -> Labels:
    if not len(collection):
        return np.zeros(0, dtype=np.intp)
    away = distances(placed(collection.features, spec), spec.centroids)
    return np.asarray(away.argmin(axis=1))


def _moves(old: FittedTypes, new: FittedTypes, before: Labels, after: Labels) -> tuple[Move, ...]:
    """Which tracks have another number than before; the largest group first."""
    pairs = Counter(zip(before.tolist(), after.tolist(), strict=True))
    return tuple(
        Move(old.types[i].name, new.types[j].name, n)
        for (i, j), n in pairs.most_common()
        if old.types[i].number != new.types[j].number
    )


def _seen(
    collection: Collection, types: FittedTypes, spec: ClusterSpec, labels: Labels, *, fitted: str
) -> SeenTypes:
    away = np.zeros((0, len(types.types)))
    if len(collection):
        away = distances(placed(collection.features, spec), spec.centroids)
    kinds = []
    for i, kind in enumerate(types.types):
        mine = np.flatnonzero(labels == i)
        genres = Counter(collection.tracks[row].genres[0][0] for row in mine)
        nearest = mine[np.argsort(away[mine, i], kind="stable")]
        kinds.append(
            SeenType(
                number=kind.number,
                name=kind.name,
                description=described(kind.scores),
                tracks=len(mine),
                genres=tuple((genre, n / len(mine)) for genre, n in genres.most_common()),
                typical=_typical(collection, nearest),
            )
        )
    return SeenTypes(
        model=collection.bundle.identity,
        tracks=len(collection),
        left_out=len(collection.left_out),
        types=tuple(kinds),
        looks=types.looks,
        choice=types.choice,
        fitted_on=types.tracks,
        fitted=fitted,
        clear=CLEAR_SILHOUETTE,
    )


def _typical(collection: Collection, nearest: Labels) -> tuple[SeenTrack, ...]:
    """The first tracks of different artists; of any, where there are not enough."""
    found: list[SeenTrack] = []
    others: list[SeenTrack] = []
    artists: set[str] = set()
    for row in nearest[:_MOST_LOOKED_AT]:
        track = collection.tracks[row]
        tags = describe(track.path)
        seen = SeenTrack(track.path, track.duration_s, tags.artist, tags.title)
        key = artist_key(tags.artist)
        (others if key in artists else found).append(seen)
        if key:
            artists.add(key)
        if len(found) == _TYPICAL:
            break
    return tuple([*found, *others][:_TYPICAL])
