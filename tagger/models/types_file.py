"""Music types as a JSON document: data alone, as a model is."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from tagger.audio.excerpts import ExcerptPlan
from tagger.errors import ModelError
from tagger.models.axes import AXES
from tagger.models.kmeans import CountChoice, Look
from tagger.models.music_types import FittedTypes, MusicType
from tagger.models.schema import Node

__all__ = ["FORMAT", "read_types", "types_object"]

FORMAT: Final = 1

_SPLITTERS: Final = frozenset(";/,")  # servers split a tag's value at these
_DECIDERS: Final = ("silhouette", "elbow", "you")


def types_object(types: FittedTypes) -> dict[str, Any]:
    """Types as JSON holds them."""
    return {
        "genretag_types": FORMAT,
        "analysis": {
            "version": types.analysis,
            "excerpts": {"count": types.excerpts.count, "seconds": types.excerpts.seconds},
        },
        "types": [
            {
                "number": kind.number,
                "name": kind.name,
                "tracks": kind.tracks,
                "scores": {axis.above: z for axis, z in zip(AXES, kind.scores, strict=True)},
            }
            for kind in types.types
        ],
        "next_number": types.next_number,
        "features": list(types.features),
        "mean": list(types.mean),
        "scale": list(types.scale),
        "axes": [list(row) for row in types.axes],
        "centroids": [list(row) for row in types.centroids],
        "looks": [asdict(look) for look in types.looks],
        "choice": asdict(types.choice),
        "seed": types.seed,
    }


def read_types(root: Node) -> FittedTypes:
    """Types from such a document.

    Raises:
        ModelError: it is not one, or of another version; the message names the key at fault.
    """
    if (found := root.integer("genretag_types")) != FORMAT:
        raise ModelError(f"{root.place}: types of format {found}; this genretag reads {FORMAT}")
    types = FittedTypes(
        types=tuple(_type(node) for node in root.items("types")),
        analysis=root.integer("analysis", "version"),
        excerpts=ExcerptPlan(
            root.integer("analysis", "excerpts", "count", low=1, high=100),
            root.number("analysis", "excerpts", "seconds", low=5.0, high=600.0),
        ),
        features=root.texts("features"),
        mean=root.numbers("mean"),
        scale=root.numbers("scale", low=1e-12),
        axes=tuple(row.numbers() for row in root.items("axes")),
        centroids=tuple(row.numbers() for row in root.items("centroids")),
        looks=tuple(
            Look(
                look.integer("k", low=1, high=10_000),
                look.number("inertia", low=0.0),
                look.number("silhouette", low=-1.0, high=1.0),
            )
            for look in root.items("looks")
        ),
        choice=_choice(root.at("choice")),
        seed=root.integer("seed", low=0, high=2**32 - 1),
        next_number=root.integer("next_number", low=1),
    )
    _check(types, root.place)
    return types


def _type(node: Node) -> MusicType:
    name = node.text("name")
    if _SPLITTERS & set(name):
        raise ModelError(f"{node.place}: name must hold no semicolon, slash or comma")
    return MusicType(
        number=node.integer("number", low=1),
        name=name,
        scores=tuple(node.number("scores", axis.above) for axis in AXES),
        tracks=node.integer("tracks", low=0),
    )


def _choice(node: Node) -> CountChoice:
    by = node.text("by")
    if by not in _DECIDERS:
        raise ModelError(f"{node.place}: by must be one of {', '.join(_DECIDERS)}")
    return CountChoice(
        node.integer("k", low=1),
        by,
        node.integer("elbow", low=1),
        node.integer("silhouette", low=1),
    )


def _check(types: FittedTypes, place: str) -> None:
    n = len(types.features)
    if not types.types or len(types.types) != len(types.centroids):
        raise ModelError(f"{place}: there must be one or more types, each with a centroid")
    numbers = [kind.number for kind in types.types]
    if numbers != sorted(set(numbers)) or numbers[-1] >= types.next_number:
        raise ModelError(f"{place}: numbers of types must rise, and lie below next_number")
    if len({kind.name for kind in types.types}) != len(numbers):
        raise ModelError(f"{place}: two types have the same name")
    if len(set(types.features)) != n or (len(types.mean), len(types.scale)) != (n, n):
        raise ModelError(f"{place}: features, mean and scale differ in length")
    if types.axes and (len(types.axes) != n or len({len(row) for row in types.axes}) != 1):
        raise ModelError(f"{place}: axes must have a row for each feature, all of one length")
    width = len(types.axes[0]) if types.axes else n
    if {len(row) for row in types.centroids} != {width} or not width:
        raise ModelError(f"{place}: centroids must have {width} numbers each")
