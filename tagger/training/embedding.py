"""What a network hears in a patch before it names a genre, small enough to be kept for each track.

The activations that its last layer looks at (512 in the small residual network) are projected
on their principal components: a fixed linear map, fitted on the training clips once the network is,
so that nothing has to be trained again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.analysis.picture import Picture
from tagger.models.bundle import MAX_DIMS, CnnSpec
from tagger.models.cnn import EMBEDDING, LOGITS, cut_patches
from tagger.training.answers import heard_log_probs

__all__ = ["Embedded", "Projection", "cut_all", "embed", "fit_projection", "with_embedding"]

_FIT_ON: Final = 1000  # clips; the slowest network takes 2 s a patch
_AT_A_TIME: Final = 8  # clips
_LEAST: Final = 1e-12  # variance of activations that are all the same
_NOISE: Final = 1e-3  # share of the largest variance below which a component is none

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Projection:
    """A linear map from activations to an embedding, ``x @ kernel + bias``.

    Attributes:
        kernel: float32, shape (n_units, n_dims).
        bias: float32, shape (n_dims,).
    """

    kernel: Rows
    bias: Rows

    @property
    def n_dims(self) -> int:
        """Width of the embedding."""
        return int(self.kernel.shape[1])


@dataclass(frozen=True, slots=True)
class Embedded:
    """A network that has got an embedding, and what it says of the clips that it was fitted on.

    Attributes:
        network: what :func:`with_embedding` makes of it.
        spec: how it is used.
        rows: of which clips the rest is: 1,000 of them at most.
        embeddings: float32, shape (n, n_dims), the mean over the patches of a clip.
        log_probs: shape (n, n_labels), log of the mean probability.
    """

    network: Any
    spec: CnnSpec
    rows: npt.NDArray[np.intp]
    embeddings: Rows
    log_probs: npt.NDArray[np.float64]


def cut_all(pictures: Iterable[npt.NDArray[np.uint8]], spec: CnnSpec) -> Rows:
    """The patches of some pictures, one after the other, cut as a scan cuts them.

    Args:
        pictures: each of shape (N_MELS, picture columns).

    Returns:
        shape (n_patches, N_MELS, columns, 1).
    """
    return np.concatenate([cut_patches(Picture((p,)), (0.0,), spec)[0] for p in pictures])


def embed(
    network: Any, spec: CnnSpec, pictures: npt.NDArray[np.uint8], heard: Rows | None = None
) -> Embedded:
    """Give a fitted network an embedding.

    Args:
        network: float32 Keras network that ends in one dense layer, patches to logits.
        spec: how it is used.
        pictures: uint8, shape (n, N_MELS, columns), the training clips.
        heard: what the last layer is given of each patch of them, shape (n, n_patches, n_units),
            if that is known already.
    """
    rows = np.arange(0, len(pictures), -(-len(pictures) // _FIT_ON))
    seen = _heard(network, spec, pictures[rows]) if heard is None else heard[rows]
    projection = fit_projection(seen.reshape(-1, seen.shape[-1]))
    return Embedded(
        with_embedding(network, projection),
        replace(spec, embedding=projection.n_dims),
        rows,
        seen.mean(axis=1) @ projection.kernel + projection.bias,
        heard_log_probs(network, seen),
    )


def _heard(network: Any, spec: CnnSpec, pictures: npt.NDArray[np.uint8]) -> Rows:
    import keras  # not before tagger.training.fit has silenced what it says of GPUs

    body = keras.Model(network.input, network.layers[-1].input)
    heard = []
    for start in range(0, len(pictures), _AT_A_TIME):
        some = pictures[start : start + _AT_A_TIME]
        activations = np.asarray(body(cut_all(some, spec), training=False), dtype=np.float32)
        heard.append(activations.reshape(len(some), -1, activations.shape[1]))
    return np.concatenate(heard)


def fit_projection(seen: Rows, n_dims: int = MAX_DIMS) -> Projection:
    """Principal components of some activations, the first scaled to unit variance.

    They are not whitened: the last components are noise, and neighbours that are found by them,
    too, are worse (0.51 of ten share the genre, on the clips that the network was fitted on,
    instead of 0.70).

    Args:
        seen: float32, shape (n, n_units), of patches of the training clips.
        n_dims: most components; those without variance are left out.
    """
    x = seen.astype(np.float64)
    mean = x.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov(x - mean, rowvar=False))
    variances, axes = variances[::-1], axes[:, ::-1]
    n = max(1, min(n_dims, int((variances > _NOISE * variances[0]).sum())))
    # The sign of an eigenvector is free: the greatest part of each is positive here.
    signs = np.sign(axes[np.abs(axes[:, :n]).argmax(axis=0), np.arange(n)])
    kernel = axes[:, :n] * signs / np.sqrt(max(variances[0], _LEAST))
    return Projection(kernel.astype(np.float32), (-mean @ kernel).astype(np.float32))


def with_embedding(network: Any, projection: Projection) -> Any:
    """The network with a second output; its outputs are ``logits`` and ``embedding``, by name."""
    import keras  # as above

    seen = network.layers[-1].input
    dense = keras.layers.Dense(projection.n_dims, dtype="float32", trainable=False, name=EMBEDDING)
    embedding = dense(seen)
    dense.set_weights([projection.kernel, projection.bias])
    outputs = {LOGITS: network.output, EMBEDDING: embedding}
    return keras.Model(network.input, outputs, name=network.name)
