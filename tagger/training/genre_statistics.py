"""What the genres of a model sound like, in a few numbers: to add another without their audio.

Each genre of each source of music has its centre among the standardised features, and all share
one covariance about their centres. From these, features of tracks that were never recorded can be
drawn, which stand in for the old tracks where a new genre is learned (generative replay: Shin et
al., "Continual Learning with Deep Generative Replay", NIPS 2017). The numbers say nothing of any
single track.

``python -m tagger.training.genre_statistics DATA`` puts them into ``models/default``.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.errors import ModelError
from tagger.models.bundle import Bundle, load_bundle
from tagger.training.packed_arrays import unpack_arrays

__all__ = ["STATISTICS", "GenreStatistics", "statistics_of"]

STATISTICS: Final = "genres.npz"
"""The file of a bundle that holds them."""

LIMIT: Final = 8.0
"""Standardised features are kept within ± this."""

_LEAST: Final = 5  # tracks for a centre
_SHRINKAGE: Final = 0.1  # of what two features have in common

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GenreStatistics:
    """Centres and spread of genres among a model's features.

    Attributes:
        mean, scale: standardisation of the features, shape (n_features,).
        centres: standardised, one row for each genre of each source, shape (n, n_features).
        covariance: of standardised features about their centres, (n_features, n_features).
    """

    mean: Array
    scale: Array
    centres: Array
    covariance: Array

    @classmethod
    def measured(
        cls,
        features: npt.NDArray[np.float32],
        genres: npt.NDArray[np.str_],
        source: npt.NDArray[np.str_],
    ) -> GenreStatistics:
        """Measure some tracks.

        Args:
            features: shape (n, n_features).
            genres, source: of each track, shape (n,). A genre that comes from several sources
                has a centre for each.
        """
        x = features.astype(np.float64)
        mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
        # As 16 bits hold them, so that what is measured is what is read again.
        mean, scale = (a.astype(np.float32).astype(np.float64) for a in (mean, scale))
        x = ((x - mean) / scale).clip(-LIMIT, LIMIT)
        centres, rest = [], []
        for kind in sorted(set(zip(genres.tolist(), source.tolist(), strict=True))):
            rows = x[(genres == kind[0]) & (source == kind[1])]
            if len(rows) >= _LEAST:
                centres.append(rows.mean(axis=0))
                rest.append(rows - centres[-1])
        if not centres:  # of genres of a few tracks each, all that is known is where all lie
            centres, rest = [x.mean(axis=0)], [x - x.mean(axis=0)]
        about = np.concatenate(rest)
        covariance = about.T @ about / max(1, len(about) - len(centres))
        return cls(mean, scale, np.stack(centres), covariance)

    def standardised(self, features: npt.NDArray[np.float32]) -> Array:
        """Features in units of the spread over all tracks, within ±LIMIT; shape as it was."""
        x = (features.astype(np.float64) - self.mean) / self.scale
        return np.asarray(x.clip(-LIMIT, LIMIT))

    def deviations(self, n: int, rng: np.random.Generator) -> Array:
        """How far tracks lie from their genre's centre, drawn at random: (n, n_features)."""
        shrunk = (1 - _SHRINKAGE) * self.covariance
        shrunk[np.diag_indices_from(shrunk)] += _SHRINKAGE * np.diag(self.covariance) + 1e-3
        return rng.standard_normal((n, len(shrunk))) @ np.linalg.cholesky(shrunk).T

    def drawn(self, each: int, rng: np.random.Generator) -> Array:
        """Standardised features of tracks that might be: (each × n_centres, n_features)."""
        tracks = np.repeat(self.centres, each, axis=0)
        return np.asarray((tracks + self.deviations(len(tracks), rng)).clip(-LIMIT, LIMIT))

    def with_centre(self, features: npt.NDArray[np.float32]) -> GenreStatistics:
        """The same with the centre of one genre more, of tracks (n, n_features)."""
        centre = self.standardised(features).mean(axis=0)
        return replace(self, centres=np.vstack([self.centres, centre]))

    def packed(self) -> bytes:
        """As a file without code, some 200 kB for 473 features."""
        buffer = io.BytesIO()
        upper = self.covariance[np.triu_indices_from(self.covariance)]
        np.savez_compressed(
            buffer,
            mean=self.mean.astype(np.float32),
            scale=self.scale.astype(np.float32),
            centres=self.centres.astype(np.float16),
            covariance=upper.astype(np.float16),
        )
        return buffer.getvalue()


def statistics_of(bundle: Bundle) -> GenreStatistics | None:
    """Those that a bundle holds, or None.

    Raises:
        ModelError: they are damaged, or of other features than the model's.
    """
    if STATISTICS not in bundle.weights:
        return None
    wrong = ModelError(f"{bundle.folder / STATISTICS} does not fit the model")
    try:
        packed = unpack_arrays(bundle.weights[STATISTICS])
        arrays = {name: packed[name].astype(np.float64) for name in _SHAPES}
    except (ValueError, KeyError) as error:
        raise wrong from error
    n = len(bundle.features)
    for name, shape in _SHAPES.items():
        wanted = tuple({"n": n, "upper": n * (n + 1) // 2}.get(side, -1) for side in shape)
        found = arrays[name].shape
        fits = len(found) == len(wanted) and all(
            w in (-1, f) for f, w in zip(found, wanted, strict=True)
        )
        if not fits or not np.isfinite(arrays[name]).all():
            raise wrong
    covariance = np.zeros((n, n))
    covariance[np.triu_indices(n)] = arrays["covariance"]
    covariance += np.triu(covariance, 1).T
    if not (arrays["scale"] > 0).all() or not len(arrays["centres"]):
        raise wrong
    return GenreStatistics(arrays["mean"], arrays["scale"], arrays["centres"], covariance)


_SHAPES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"mean": ("n",), "scale": ("n",), "centres": ("any", "n"), "covariance": ("upper",)}
)


def main(arguments: list[str] | None = None) -> None:
    """Measure the default model's tracks and put the statistics into its bundle."""
    from tagger.training.datasets import ENSEMBLE_FEATURES, TrackSet, load_emotify, load_gtzan
    from tagger.training.export import write_bundle

    parser = argparse.ArgumentParser(description="Puts statistics of genres into a model.")
    parser.add_argument("data", type=Path, help="folder that holds gtzan/ and emotify/")
    parser.add_argument("--model", type=Path, default=Path("models/default"))
    options = parser.parse_args(arguments)
    bundle = load_bundle(options.model)
    if bundle.features != ENSEMBLE_FEATURES:
        parser.error(f"{options.model} asks for other features than the default model")
    parts = [load_gtzan(options.data / "gtzan"), load_emotify(options.data / "emotify")]
    tracks = TrackSet.joined(parts)
    statistics = GenreStatistics.measured(tracks.features, tracks.genres, tracks.source)
    weights = {**bundle.weights, STATISTICS: statistics.packed()}
    write_bundle(replace(bundle, weights=weights), options.model)
    size = len(weights[STATISTICS])
    print(f"{len(statistics.centres)} centres of {len(tracks)} tracks, {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
