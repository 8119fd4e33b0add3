"""MIR features as a declared table: method × rows × statistic.

A feature is named ``method.statistic.row``: ``mfcc.mean.01`` is the mean over frames of the
first MFCC. ``all`` in place of a row pools the rows as well, as the GTZAN table does with
its chroma. ``tempo`` stands alone.

Two sets are named: the 518 of the FMA data set (Defferrard et al., "FMA: A Dataset For Music
Analysis", ISMIR 2017) and the columns of the GTZAN feature table. Only the methods that the
asked names need are computed, all from one :class:`~tagger.analysis.spectrum.Spectrum`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.analysis import methods
from tagger.analysis.methods import Method
from tagger.analysis.picture import Picture
from tagger.analysis.spectrum import Array, Spectrum

__all__ = [
    "FMA_FEATURES",
    "GTZAN_FEATURES",
    "PICTURE_FEATURES",
    "STATISTICS",
    "check_feature_names",
    "compute_features",
    "compute_picture_features",
    "feature_names",
]

Statistic = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


def _moment(x: npt.NDArray[np.float64], order: int) -> npt.NDArray[np.float64]:
    """Standardised central moment along the last axis; 0 where the row is constant."""
    centred = x - x.mean(axis=-1, keepdims=True)
    squares = np.square(centred)
    variance = squares.mean(axis=-1)
    powers = squares * centred if order == 3 else np.square(squares)
    moment = powers.mean(axis=-1)
    # Rounding leaves about eps * mean in a constant row: the bound scipy.stats uses.
    constant = variance <= np.square(np.finfo(np.float64).eps * x.mean(axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(constant, 0.0, moment / variance ** (order / 2))


STATISTICS: Final[Mapping[str, Statistic]] = MappingProxyType(
    {
        "mean": lambda x: x.mean(axis=-1),
        "std": lambda x: x.std(axis=-1),
        "skew": lambda x: _moment(x, 3),
        "kurtosis": lambda x: _moment(x, 4) - 3.0,  # Fisher: 0 for a normal distribution
        "median": lambda x: np.median(x, axis=-1),
        "min": lambda x: x.min(axis=-1),
        "max": lambda x: x.max(axis=-1),
        "var": lambda x: x.var(axis=-1),
        "p10": lambda x: np.percentile(x, 10, axis=-1),
        "p90": lambda x: np.percentile(x, 90, axis=-1),
    }
)
"""Statistics over frames. Skewness and kurtosis are the biased (population) ones of
scipy.stats, but 0 instead of NaN for a row that does not vary."""

_FMA_STATISTICS: Final = ("mean", "std", "skew", "kurtosis", "median", "min", "max")


@dataclass(frozen=True, slots=True)
class _Column:
    """A parsed feature name; ``row`` is None where all rows are pooled."""

    method: str
    statistic: str
    row: int | None


@cache
def _parse(name: str) -> _Column:
    try:
        method, statistic, row = name.split(".")
        number = None if row == "all" else int(row)
        rows = methods.METHODS[method].rows
    except (ValueError, KeyError) as error:
        raise ValueError(f"unknown feature {name!r}") from error
    if statistic not in STATISTICS or (number is not None and not 1 <= number <= rows):
        raise ValueError(f"unknown feature {name!r}")
    return _Column(method, statistic, None if number is None else number - 1)


def feature_names(table: Iterable[Method], statistics: Sequence[str]) -> tuple[str, ...]:
    """All names of some methods: method by method, statistic by statistic, row by row."""
    return tuple(
        f"{method.name}.{statistic}.{row:02d}"
        for method in table
        for statistic in statistics
        for row in range(1, method.rows + 1)
    )


FMA_FEATURES: Final = feature_names(methods.FMA_METHODS, _FMA_STATISTICS)
"""The 518 features of the FMA data set."""

_PICTURE_STATISTICS: Final = {
    "log_mel": ("mean", "std", "p10", "median", "p90"),
    "log_mel_delta": ("std",),  # its mean is the first column against the last: chance
}

PICTURE_FEATURES: Final = tuple(
    name
    for method in methods.PICTURE_METHODS
    for name in feature_names([method], _PICTURE_STATISTICS.get(method.name, ("mean",)))
)
"""What can be told from the log-mel picture alone."""

GTZAN_FEATURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        f"{column}_{statistic}": f"{method}.{statistic}.{row}"
        for column, method, row in (
            ("chroma_stft", "chroma_stft", "all"),
            ("rms", "rms", "01"),
            ("spectral_centroid", "spectral_centroid", "01"),
            ("spectral_bandwidth", "spectral_bandwidth", "01"),
            ("rolloff", "spectral_rolloff", "01"),
            ("zero_crossing_rate", "zero_crossing_rate", "01"),
            *((f"mfcc{i}", "mfcc", f"{i:02d}") for i in range(1, 21)),
        )
        for statistic in ("mean", "var")
    }
    | {"tempo": "tempo"}
)
"""Columns of the GTZAN table to our names; its HPSS columns cost 1 s a track and are left out."""


def check_feature_names(names: Iterable[str]) -> None:
    """Make sure that every name is known.

    Raises:
        ValueError: the first one that is not.
    """
    for name in names:
        if name != "tempo":
            _parse(name)


def compute_features(
    names: Sequence[str], spectrum: Spectrum, picture: Picture | None = None
) -> npt.NDArray[np.float32]:
    """Compute the named features of a track, in that order.

    Args:
        names: feature names; each method is computed once, whatever is asked of it.
        spectrum: the track's shared spectrum.
        picture: its log-mel picture, needed for ``log_mel.*`` names only.

    Returns:
        float32, shape (len(names),), finite.

    Raises:
        ValueError: a name is unknown, or needs a picture and none is given.
    """
    return _statistics(names, lambda method: methods.METHODS[method].compute(spectrum, picture))


def compute_picture_features(names: Sequence[str], picture: Picture) -> npt.NDArray[np.float32]:
    """Compute features that need the log-mel picture alone (``log_mel.*``).

    Returns:
        float32, shape (len(names),), finite.

    Raises:
        ValueError: a name is unknown, or needs more than a picture.
    """

    def rows(method: str) -> Array:
        declared = methods.METHODS[method]
        if declared not in methods.PICTURE_METHODS:
            raise ValueError(f"{method} cannot be computed from a picture")
        return declared.compute(None, picture)

    return _statistics(names, rows)


def _statistics(names: Sequence[str], rows_of: Callable[[str], Array]) -> npt.NDArray[np.float32]:
    rows: dict[str, npt.NDArray[np.float64]] = {}
    done: dict[tuple[str, str, bool], npt.NDArray[np.float64]] = {}
    values = np.empty(len(names), dtype=np.float32)
    for i, name in enumerate(names):
        if name == "tempo":
            values[i] = rows_of("tempo")[0, 0]
            continue
        column = _parse(name)
        pooled = column.row is None
        key = (column.method, column.statistic, pooled)
        if key not in done:
            if column.method not in rows:
                rows[column.method] = rows_of(column.method).astype(np.float64)
            x = rows[column.method]
            done[key] = STATISTICS[column.statistic](x.reshape(1, -1) if pooled else x)
        values[i] = done[key][0 if column.row is None else column.row]
    return values
