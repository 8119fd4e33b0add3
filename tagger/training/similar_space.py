"""Fits anew the space of similar tracks: ``python -m tagger.training.similar_space DATA``.

Of the default model as it stands: ensemble, network and all other files stay as they are. The
stage ``bundle`` of :mod:`tagger.training.default_model` fits the same space on the same clips; this
is for a change of its recipe (:func:`tagger.models.similarity.fit_space`) and of nothing else.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagger.analysis.picture import Picture
from tagger.errors import ModelError
from tagger.models.bundle import Bundle, CnnSpec, load_bundle
from tagger.models.cnn import Cnn, cut_patches
from tagger.models.ensemble import Ensemble
from tagger.models.fusion import fuse, mean_patches
from tagger.models.similarity import fit_space
from tagger.training.datasets import ENSEMBLE_FEATURES, TrackSet
from tagger.training.default_data import load_default_data
from tagger.training.export import write_bundle

__all__ = ["look", "main", "with_space"]

Rows = npt.NDArray[np.float32]


def main(arguments: list[str] | None = None) -> None:
    """Put a new space into a bundle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder that holds gtzan/ and emotify/")
    parser.add_argument("--out", type=Path, default=Path("models/default"), help="the bundle")
    options = parser.parse_args(arguments)
    bundle = load_bundle(options.out)
    written = write_bundle(with_space(bundle, load_default_data(options.data).tracks), options.out)
    print(f"{written.identity}: space of similar tracks written to {options.out}")


def with_space(bundle: Bundle, tracks: TrackSet) -> Bundle:
    """A bundle with its space fitted on some clips.

    Args:
        bundle: a model.
        tracks: clips with :data:`~tagger.training.datasets.ENSEMBLE_FEATURES`.

    Raises:
        ModelError: the model looks at other features.
    """
    if bundle.features != ENSEMBLE_FEATURES:
        raise ModelError(f"{bundle.folder}: a model of other features")
    embeddings, log_probs = look(Cnn(bundle), bundle.cnn, tracks.pictures)
    ensemble = Ensemble(bundle).probabilities(tracks.features)
    space = fit_space(tracks.features, embeddings, fuse(ensemble, log_probs, bundle.fusion))
    weights = {**bundle.weights, space.spec.file: space.weights()}
    return replace(bundle, similarity=space.spec, weights=weights)


def look(
    cnn: Cnn, spec: CnnSpec, pictures: Iterable[npt.NDArray[np.uint8]]
) -> tuple[Rows, npt.NDArray[np.float64]]:
    """Mean embedding and log-probabilities of each picture, shapes (n, n_dims), (n, n_labels)."""
    embeddings, log_probs = [], []
    for picture in pictures:
        said = cnn.look(cut_patches(Picture((picture,)), (0.0,), spec)[0])
        embeddings.append(said.embeddings.mean(axis=0))
        log_probs.append(mean_patches(said.log_probs))
    return np.stack(embeddings), np.stack(log_probs)


if __name__ == "__main__":
    main()
