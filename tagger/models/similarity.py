"""What makes two tracks alike: a short vector for each, whose angles are compared.

A vector has a part for the features, one for the network's embedding and one for the genres heard.
Each is standardised, projected and scaled to unit length before it is weighted, so that no part
counts more for having larger numbers. Genres enter as square roots of probabilities: their inner
product is the Bhattacharyya coefficient of two predictions (Bhattacharyya, "On a Measure of
Divergence between Two Multinomial Populations", Sankhyā 1946).

The weights were chosen on clips of artists that nothing was fitted on, and on a genre that no
part knew: see ``tests/benchmarks/similar_quality.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.errors import ModelError
from tagger.models.bundle import Bundle
from tagger.models.similarity_spec import PartSpec, SimilaritySpec

__all__ = [
    "FILE",
    "Part",
    "Space",
    "fit_space",
    "read_space",
    "similarities",
    "space_of",
    "widths_of",
]

FILE: Final = "similarity.f32"
"""Name of the weights in bundles that are made here."""

_FLOAT32: Final = "<f4"
_STEPS: Final = 200.0  # of a unit; no dimension of a unit vector comes near 127 / 200 as a rule
_ROWS: Final = 1 << 14

# source: (dims, weight, limit of standardised inputs, power of the standard deviation that the
# principal components are divided by).
# By five-fold cross-validation in which no artist is known to ensemble, network or axes, of ten
# neighbours share the genre in GTZAN and in Emotify, and are zouk of zouk: 0.322, 0.351 and 0.777.
# With genres at 0.7: 0.30, 0.33, 0.79; at 1.2: 0.325, 0.355, 0.758; alone: 0.33, 0.37, 0.60. The
# more they weigh, the less is left for music that is none of the model's genres. Without embedding
# it is the same (0.322, 0.352, 0.773); not whitened it costs a hundredth of zouk, and at twice the
# weight more. Linear discriminants of the embedding in its place: no better, 0.01 less of zouk.
_RECIPE: Final[Mapping[str, tuple[int, float, float, float]]] = {
    "features": (56, 1.0, 4.0, 0.5),
    "embedding": (24, 0.5, 1e6, 1.0),
    "genres": (16, 1.0, 1e6, 0.0),
}

Array = npt.NDArray[np.float32]
Inputs = npt.NDArray[np.floating[Any]]
Vectors = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a vector, ``clip((x - mean) / scale, ±limit) @ axes``.

    Attributes:
        spec: its source, width, weight and limit.
        mean: shape (n_inputs,).
        scale: shape (n_inputs,).
        axes: shape (n_inputs, dims).
    """

    spec: PartSpec
    mean: Array
    scale: Array
    axes: Array


@dataclass(frozen=True, slots=True)
class Space:
    """Where tracks that sound alike lie close together.

    Attributes:
        parts: what they are compared by.
    """

    parts: tuple[Part, ...]

    @property
    def n_dims(self) -> int:
        """Width of the vectors."""
        return sum(part.spec.dims for part in self.parts)

    @property
    def spec(self) -> SimilaritySpec:
        """What a bundle's manifest says of it."""
        return SimilaritySpec(FILE, tuple(part.spec for part in self.parts))

    def weights(self) -> bytes:
        """What lies in the file that the manifest names."""
        arrays = (array for part in self.parts for array in (part.mean, part.scale, part.axes))
        return b"".join(np.ascontiguousarray(array, _FLOAT32).tobytes() for array in arrays)

    def standardised(self, features: Inputs) -> npt.NDArray[np.float64] | None:
        """Features (n, n_features) in standard deviations, or None if the space ignores them."""
        for part in self.parts:
            if part.spec.source == "features":
                return _standardised(part, features)
        return None

    def vectors(self, features: Inputs, embeddings: Inputs, probabilities: Inputs) -> Vectors:
        """A vector for each track.

        Args:
            features: shape (n, n_features).
            embeddings: shape (n, n_dims of the embedding).
            probabilities: of the genres, in the order of the labels, shape (n, n_labels).

        Returns:
            int8, shape (n, n_dims); all zero where nothing sets a track apart.
        """
        inputs = _inputs(features, embeddings, probabilities)
        total = np.sqrt(sum(part.spec.weight**2 for part in self.parts))
        columns = [
            part.spec.weight
            / total
            * _unit(_standardised(part, inputs[part.spec.source]) @ part.axes)
            for part in self.parts
        ]
        steps = np.rint(np.concatenate(columns, axis=1) * _STEPS)
        return steps.clip(-127, 127).astype(np.int8)


def similarities(vector: Vectors, others: Vectors) -> npt.NDArray[np.float32]:
    """Cosine of the angles between one vector and others.

    Args:
        vector: shape (n_dims,).
        others: shape (n, n_dims).

    Returns:
        float32, shape (n,), from -1 to 1; 0 for a vector that is all zero.
    """
    one = vector.astype(np.float32)
    found = np.zeros(len(others), dtype=np.float32)
    for at in range(0, len(others), _ROWS):  # 100,000 tracks as float32 would be 38 MB at once
        some = others[at : at + _ROWS].astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", some, some) * (one @ one))
        found[at : at + _ROWS] = (some @ one) / np.maximum(lengths, 1.0)
    return found.clip(-1.0, 1.0)


def fit_space(features: Inputs, embeddings: Inputs, probabilities: Inputs) -> Space:
    """Fit a space on some tracks: principal components of each part.

    Args:
        features, embeddings, probabilities: as for :meth:`Space.vectors`; two rows or more. A
            part without columns is left out.
    """
    inputs = _inputs(features, embeddings, probabilities)
    return Space(
        tuple(_fit_part(source, x) for source, x in inputs.items() if x.shape[1] and len(x) > 1)
    )


def _fit_part(source: str, x: npt.NDArray[np.float64]) -> Part:
    dims, weight, limit, power = _RECIPE[source]
    mean = x.mean(axis=0)
    scale = np.ones_like(mean)
    if source == "features":
        deviation = x.std(axis=0)
        scale = np.where(deviation > 1e-9, deviation, 1.0)
    z = ((x - mean) / scale).clip(-limit, limit)
    _, singular, rows = np.linalg.svd(z - z.mean(axis=0), full_matrices=False)
    deviations = singular / np.sqrt(len(x))
    n = max(1, min(dims, int((deviations > 1e-6 * max(deviations[0], 1e-9)).sum())))
    axes = rows[:n].T / np.maximum(deviations[:n], 1e-9) ** power
    spec = PartSpec(source, n, weight, limit)
    return Part(spec, *(array.astype(np.float32) for array in (mean, scale, axes)))


def space_of(bundle: Bundle) -> Space | None:
    """The space of a bundle, or None if it has none.

    Raises:
        ModelError: its numbers are too few, too many or no numbers.
    """
    if bundle.similarity is None:
        return None
    place = f"{bundle.folder / bundle.similarity.file}"
    weights = bundle.weights[bundle.similarity.file]
    return read_space(bundle.similarity, widths_of(bundle), weights, place)


def widths_of(bundle: Bundle) -> dict[str, int]:
    """How many inputs each source has in a bundle."""
    return {
        "features": len(bundle.features),
        "embedding": bundle.cnn.embedding,
        "genres": len(bundle.labels),
    }


def read_space(
    spec: SimilaritySpec, widths: Mapping[str, int], weights: bytes, place: str
) -> Space:
    """A space from its numbers.

    Args:
        spec: what the parts are.
        widths: number of inputs of each source.
        weights: what :meth:`Space.weights` gave.
        place: where they come from, for the message.

    Raises:
        ModelError: they are too few, too many or no numbers.
    """
    sizes = [widths[part.source] * (2 + part.dims) for part in spec.parts]
    if any(not size for size in sizes) or len(weights) != 4 * sum(sizes):
        raise ModelError(f"{place} does not hold as many numbers as the model says")
    numbers = np.frombuffer(weights, _FLOAT32).astype(np.float32)
    if not np.isfinite(numbers).all():
        raise ModelError(f"{place} holds what is no finite number")
    parts = []
    at = 0
    for part, size in zip(spec.parts, sizes, strict=True):
        n = widths[part.source]
        mean, scale, axes = np.split(numbers[at : at + size], [n, 2 * n])
        if not (scale > 0).all():
            raise ModelError(f"{place} holds a scale that is not above 0")
        parts.append(Part(part, mean, scale, axes.reshape(n, part.dims)))
        at += size
    return Space(tuple(parts))


def _inputs(
    features: Inputs, embeddings: Inputs, probabilities: Inputs
) -> dict[str, npt.NDArray[np.float64]]:
    given: dict[str, Inputs] = {
        "features": features,
        "embedding": embeddings,
        "genres": np.sqrt(probabilities),
    }
    # What is no number sets a track apart from nothing.
    return {
        name: np.nan_to_num(x.astype(np.float64), posinf=0.0, neginf=0.0)
        for name, x in given.items()
    }


def _standardised(part: Part, x: Inputs) -> npt.NDArray[np.float64]:
    z = (x.astype(np.float64) - part.mean) / part.scale
    return np.asarray(z.clip(-part.spec.limit, part.spec.limit))


def _unit(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1.0))
