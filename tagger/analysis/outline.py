"""A signal in a few columns, as wide as a picture can show."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["column_means", "envelope"]

Array = npt.NDArray[np.float32]


def envelope(y: Array, n: int) -> Array:
    """Lowest and highest sample of each of ``n`` equal parts of ``y``.

    Args:
        y: shape (n_samples,), not empty.
        n: number of parts; a sample may stand for several if there are more parts than samples.

    Returns:
        shape (2, n).
    """
    starts = _starts(len(y), n)
    return np.stack([np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)])


def column_means(x: Array, n: int) -> Array:
    """Mean of each of ``n`` equal parts of the columns of ``x``.

    Args:
        x: shape (rows, columns), with at least one column.
        n: number of parts; a column may stand for several if there are more parts than columns.

    Returns:
        shape (rows, n).
    """
    starts = _starts(x.shape[1], n)
    widths = np.maximum(np.diff(np.append(starts, x.shape[1])), 1)
    return np.asarray(np.add.reduceat(x, starts, axis=1) / widths, dtype=np.float32)


def _starts(length: int, n: int) -> npt.NDArray[np.intp]:
    # Where two starts are equal, reduceat takes the element itself.
    return np.arange(n) * length // n
