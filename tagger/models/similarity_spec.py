"""How a bundle says what makes two tracks alike, and how that is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tagger.errors import ModelError
from tagger.models.schema import Node

__all__ = ["MOST_DIMS", "SOURCES", "PartSpec", "SimilaritySpec", "read_similarity"]

SOURCES: Final = ("features", "embedding", "genres")
"""What tracks are compared by: features, the network's embedding, and the square roots of the
genres' probabilities."""

MOST_DIMS: Final = 96
"""Widest vector of a track: a byte a dimension is kept for each."""


@dataclass(frozen=True, slots=True)
class PartSpec:
    """One thing that tracks are compared by.

    Attributes:
        source: one of :data:`SOURCES`.
        dims: how many dimensions of the vector it takes.
        weight: how much it counts.
        limit: its standardised inputs are kept within ±limit.
    """

    source: str
    dims: int
    weight: float
    limit: float


@dataclass(frozen=True, slots=True)
class SimilaritySpec:
    """A linear map for each part, whose numbers lie in a file of their own.

    Attributes:
        file: little-endian float32, for each part in turn: mean and scale, a number an input
            each, and the axes, shape (inputs, dims), row by row.
        parts: the parts, each source at most once.
    """

    file: str
    parts: tuple[PartSpec, ...]


def read_similarity(node: Node) -> SimilaritySpec:
    """Read the ``similarity`` section of a manifest.

    Raises:
        ModelError: it is not what it must be; the message names the key at fault.
    """
    spec = SimilaritySpec(
        file=node.text("file"),
        parts=tuple(
            PartSpec(
                source=part.text("source"),
                dims=part.integer("dims", low=1, high=MOST_DIMS),
                weight=part.number("weight", low=1e-3, high=1e3),
                limit=part.number("limit", low=0.1, high=1e6),
            )
            for part in node.items("parts")
        ),
    )
    sources = [part.source for part in spec.parts]
    if not sources or len(set(sources)) != len(sources) or set(sources) - set(SOURCES):
        raise ModelError(f"{node.place}: parts must be of {', '.join(SOURCES)}, each at most once")
    if sum(part.dims for part in spec.parts) > MOST_DIMS:
        raise ModelError(f"{node.place}: parts have more than {MOST_DIMS} dims together")
    return spec
