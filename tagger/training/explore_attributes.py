"""What the attributes of labelled tracks have in common and what tells the genres apart.

Everything starts from standardised attributes: missing values replaced by the attribute's
median, attributes that do not vary left out, the rest of mean 0 and variance 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = [
    "REDUNDANT_R",
    "Attributes",
    "Drop",
    "correlate",
    "pick_separating",
    "principal_components",
    "separation",
    "standardise",
    "suggest_drops",
]

REDUNDANT_R: Final = 0.95
"""Correlation above which one of two attributes says nothing that the other does not."""

_ALIKE_R: Final = 0.8

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Attributes:
    """The attributes of some tracks that vary.

    Attributes:
        names: one each.
        values: as measured, missing ones replaced by the median, shape (n, len(names)).
        z: the same with mean 0 and variance 1.
        constant: names of those left out, as they are missing or the same in all tracks.
        incomplete: how many attributes miss a value in some track.
    """

    names: tuple[str, ...]
    values: Array
    z: Array
    constant: tuple[str, ...]
    incomplete: int


@dataclass(frozen=True, slots=True)
class Drop:
    """An attribute that could go.

    Attributes:
        name: the attribute.
        instead: the one that says the same.
        r: their correlation, -1 to 1.
        mean_r: mean of |r| between the attribute and all others.
    """

    name: str
    instead: str
    r: float
    mean_r: float


def standardise(features: npt.NDArray[Any], names: Sequence[str]) -> Attributes:
    """Standardise attributes; infinite values count as missing.

    Args:
        features: shape (n, len(names)), NaN where unknown.
    """
    x = np.where(np.isfinite(features), features, np.nan).astype(np.float64)
    missing = np.isnan(x)
    known = ~missing.all(axis=0)
    medians = np.zeros(x.shape[1])
    medians[known] = np.nanmedian(x[:, known], axis=0)
    x = np.where(missing, medians, x)
    scale = x.std(axis=0)
    # Rounding leaves about eps times the mean where nothing varies.
    varies = scale > 1e-9 * np.maximum(np.abs(x).max(axis=0, initial=0.0), 1e-30)
    z = (x[:, varies] - x[:, varies].mean(axis=0)) / scale[varies]
    return Attributes(
        names=tuple(compress(names, varies)),
        values=x[:, varies],
        z=z,
        constant=tuple(compress(names, ~varies)),
        incomplete=int((missing.any(axis=0) & varies).sum()),
    )


def correlate(z: Array) -> Array:
    """Pearson's r of every pair of columns, shape (d, d).

    Args:
        z: standardised, shape (n, d).
    """
    return np.asarray(np.clip(z.T @ z / len(z), -1.0, 1.0))


def suggest_drops(r: Array, names: Sequence[str]) -> tuple[Drop, ...]:
    """Attributes to drop so that no two are left with \\|r\\| above :data:`REDUNDANT_R`.

    Pairs are looked at from the most alike down. Of each, the one that is more like all the
    others goes, unless one of them is gone already.

    Args:
        r: correlations, shape (d, d).
    """
    size = np.abs(r)
    mean_r = (size.sum(axis=0) - 1.0) / max(len(r) - 1, 1)
    first, second = np.nonzero(np.triu(size > REDUNDANT_R, k=1))
    gone: set[int] = set()
    drops = []
    for k in np.argsort(-size[first, second], kind="stable"):
        i, j = int(first[k]), int(second[k])
        if gone.isdisjoint((i, j)):
            out, kept = (i, j) if mean_r[i] > mean_r[j] else (j, i)
            gone.add(out)
            drops.append(Drop(names[out], names[kept], float(r[i, j]), float(mean_r[out])))
    return tuple(drops)


def separation(z: Array, rows: Sequence[npt.NDArray[np.intp]]) -> Array:
    """How well each attribute alone separates some genres: eta², 0 to 1, shape (d,).

    The share of an attribute's variance that lies between the genres' means. It orders
    attributes as the F of an analysis of variance does, and stays finite where a genre does
    not vary.

    Args:
        z: shape (n, d).
        rows: indices of each genre's tracks.
    """
    x = z[np.concatenate(rows)]
    mean = x.mean(axis=0)
    total = np.square(x - mean).sum(axis=0)
    between = sum(len(members) * np.square(z[members].mean(axis=0) - mean) for members in rows)
    # An attribute may vary in other genres only.
    return np.asarray(np.divide(between, total, out=np.zeros(z.shape[1]), where=total > 1e-9))


def pick_separating(eta2: Array, r: Array, most: int) -> list[int]:
    """The attributes that separate the genres best, the best first, none much like another.

    Neighbouring bands separate alike; after the best of them the others would tell nothing.

    Args:
        eta2: what :func:`separation` says, shape (d,).
        r: correlations, shape (d, d).
        most: how many at most.
    """
    picked: list[int] = []
    for i in np.argsort(-eta2, kind="stable"):
        if len(picked) < most and (np.abs(r[i, picked]) <= _ALIKE_R).all():
            picked.append(int(i))
    return picked


def principal_components(z: Array, r: Array) -> tuple[Array, Array]:
    """The first two principal components of standardised attributes.

    Args:
        z: shape (n, d), d at least 2.
        r: their correlations, shape (d, d).

    Returns:
        the tracks' scores, shape (n, 2), and the share of the variance that each explains,
        shape (2,). The largest loading of a component is positive.
    """
    values, vectors = np.linalg.eigh(r)
    top = vectors[:, [-1, -2]]
    top = top * np.sign(top[np.abs(top).argmax(axis=0), [0, 1]])
    return z @ top, np.maximum(values[[-1, -2]], 0.0) / len(r)
