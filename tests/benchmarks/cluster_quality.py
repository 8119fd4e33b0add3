"""How good music types are: ``python tests/benchmarks/cluster_quality.py DATA [--draws N]``.

On the clips of GTZAN and Emotify (in ``DATA/gtzan`` and ``DATA/emotify``), fitted as ``genretag
cluster`` fits them: with the number that it would choose and with as many as there are genres, by
features and by principal components that carry nine tenths of the variance.

silhouette  mean silhouette of the clips in the space in which they are clustered, -1 to 1.
ARI         adjusted Rand index of types and genres: 0 by chance, 1 if they are the same.
purity      share of clips whose genre is the most frequent one of their type, and what it is if
            the genres are dealt out at random.
stability   adjusted Rand index of the types of all clips and of types that are fitted on the clips
            of four fifths of the artists, drawn anew each time, and to which all are assigned:
            mean and worst.
kept        where the other fifth is added and the types are fitted anew with as many: share of the
            first clips that keep name and number. Without --refit it is 1 by construction.

A type is not meant to be a genre: agreement says that types are about something that people hear.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import adjusted_rand_score, silhouette_score

from tagger.models.bundle import Bundle, find_bundle, load_bundle
from tagger.models.clusters import distances, placed
from tagger.models.music_types import FittedTypes, fit_types, fitted_anew, same_types, spec_for
from tagger.training.datasets import ENSEMBLE_FEATURES, TrackSet, load_emotify, load_gtzan

Array = npt.NDArray[Any]

WAYS = (("features", None), ("components 0.9", 0.9))
HEAD = ("k", "silhouette", "ARI", "purity", "(chance)", "stability", "(worst)", "kept")


def purity(genres: Array, labels: Array) -> float:
    most = [np.unique(genres[labels == i], return_counts=True)[1].max() for i in np.unique(labels)]
    return float(np.sum(most) / len(genres))


def space_of(features: Array, types: FittedTypes, bundle: Bundle) -> tuple[Array, Array]:
    """Where clips lie among types, and the centroids of these."""
    spec = spec_for(types, bundle)
    assert spec is not None
    return placed(features, spec), np.asarray(spec.centroids)


def nearest(features: Array, types: FittedTypes, bundle: Bundle) -> Array:
    return distances(*space_of(features, types, bundle)).argmin(axis=1)


def kept_after(features: Array, some: Array, old: FittedTypes, bundle: Bundle, how: Any) -> float:
    """Share of some clips that keep their type when all are fitted anew."""
    new, labels = fit_types(features, bundle, **how)
    same = same_types(space_of(features, old, bundle)[0], labels, np.asarray(old.centroids))
    types, place = fitted_anew(old, new, same)
    before = np.array([kind.number for kind in old.types])[nearest(features, old, bundle)]
    after = np.array([kind.number for kind in types.types])[place[labels]]
    return float((before == after)[some].mean())


def figures(
    tracks: TrackSet, bundle: Bundle, k: int | None, share: float | None, draws: int
) -> tuple[str, list[float]]:
    features, genres = tracks.features, tracks.genres
    how = {"k": k, "share": share}
    types, labels = fit_types(features, bundle, **how)
    how["k"] = types.choice.k
    rng = np.random.default_rng(0)
    dealt = [purity(rng.permutation(genres), labels) for _ in range(50)]
    agreed, kept = [], []
    artists = np.unique(tracks.groups)
    for _ in range(draws):
        drawn = rng.choice(artists, size=round(0.8 * len(artists)), replace=False)
        some = np.isin(tracks.groups, drawn)
        fewer, _ = fit_types(features[some], bundle, **how)
        agreed.append(adjusted_rand_score(labels, nearest(features, fewer, bundle)))
        kept.append(kept_after(features, some, fewer, bundle, how))
    chosen = f"{types.choice.k}*" if k is None else str(k)
    return chosen, [
        silhouette_score(space_of(features, types, bundle)[0], labels),
        adjusted_rand_score(genres, labels),
        purity(genres, labels),
        float(np.mean(dealt)),
        float(np.mean(agreed)),
        min(agreed),
        float(np.mean(kept)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--draws", type=int, default=10)
    options = parser.parse_args()
    bundle = load_bundle(find_bundle("default"))
    assert bundle.features == tuple(ENSEMBLE_FEATURES)
    sets = {"GTZAN": load_gtzan(options.data / "gtzan")}
    sets["Emotify"] = load_emotify(options.data / "emotify")
    for name, tracks in sets.items():
        n = len(np.unique(tracks.genres))
        print(f"\n{name}: {len(tracks)} clips, {n} genres; * as chosen by --k auto")
        print(f"{'':16}" + "".join(f"{head:>11}" for head in HEAD))
        for way, share in WAYS:
            for k in (None, n):
                count, values = figures(tracks, bundle, k, share, options.draws)
                row = "".join(f"{value:11.3f}" for value in values)
                print(f"{way:16}{count:>11}{row}", flush=True)


if __name__ == "__main__":
    main()
