"""Where tracks and music types lie on the two directions in which a library varies most."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.models.axes import AXES, axis_scores
from tagger.models.type_fit import moments, principal_axes
from tagger.report.types import TypeMap
from tagger.workflows.cluster import Clustered

__all__ = ["type_map"]

_BLOCK: Final = 4096  # tracks at a time: all at once take a multiple of the memory
_SAYS: Final = 0.4  # correlation from which on an axis of words says what a direction means


def type_map(found: Clustered) -> TypeMap:
    """Lay out the tracks of a library on its first two principal components."""
    if len(found.labels) < 2:  # nothing differs
        return TypeMap(np.zeros((len(found.labels), 2)), found.labels, (0.0, 0.0), (None, None))
    features, spec = found.collection.features, found.spec
    z = (features[:, list(spec.features)].astype(np.float64) - spec.mean) / spec.scale
    z = np.pad(z - z.mean(axis=0), ((0, 0), (0, max(0, 2 - z.shape[1]))))
    axes, shares = principal_axes(z, 0.0, least=2)
    points = z @ axes
    mean, scale = moments(features)
    blocks = range(0, len(features), _BLOCK)
    scores = np.concatenate([
        axis_scores((features[i : i + _BLOCK] - mean) / scale, found.collection.bundle.features)
        for i in blocks
    ])  # fmt: skip
    return TypeMap(
        points=points,
        labels=found.labels,
        shares=(float(shares[0]), float(shares[1])),
        ends=(_ends(points[:, 0], scores), _ends(points[:, 1], scores)),
    )


def _ends(
    along: npt.NDArray[np.float64], scores: npt.NDArray[np.float64]
) -> tuple[str, str] | None:
    """Words for the low and the high end of a direction; None if no words say it well."""
    if along.std() < 1e-9:
        return None
    spread = scores.std(axis=0)
    spread[spread < 1e-9] = np.inf
    r = ((along - along.mean())[:, None] * (scores - scores.mean(axis=0))).mean(axis=0)
    r /= along.std() * spread
    best = int(np.abs(r).argmax())
    if abs(r[best]) < _SAYS:
        return None
    axis = AXES[best]
    return (axis.below, axis.above) if r[best] > 0 else (axis.above, axis.below)
