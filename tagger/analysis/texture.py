"""What a log-mel picture shows beside its mean: movement, rhythm, lines, agreement of bands.

Everything here is computed from the picture alone, so that it is independent of level and
the same for audio and for an archive of spectrograms. All functions take one excerpt's part
of a picture, uint8 of shape (N_MELS, columns), and return float32 of shape (rows, frames).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = [
    "BANDS",
    "CORRELATIONS",
    "EDGE_BANDS",
    "MODULATIONS",
    "bands",
    "correlation",
    "delta",
    "edges_in_frequency",
    "edges_in_time",
    "modulation",
]

Part = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.float32]

BANDS: Final = 32
EDGE_BANDS: Final = 16

_CORRELATED_BANDS: Final = 16
CORRELATIONS: Final = _CORRELATED_BANDS * (_CORRELATED_BANDS - 1) // 2

_MODULATED_BANDS: Final = 8
_WINDOW: Final = 192  # columns, 14.9 s: as much as a patch of the network
_STEP: Final = 65
# Rhythm lies between a bar (0.2 Hz) and a sixteenth note (6.5 Hz): bins of the window's
# spectrum, in ten steps of equal ratio.
_EDGES: Final = np.unique(np.geomspace(3, 96, 11).astype(int))
_WIDTHS: Final = np.diff(np.append(_EDGES[:-1], _WINDOW // 2))
MODULATIONS: Final = _MODULATED_BANDS * (len(_EDGES) - 1)
_MODULATION_FLOOR: Final = 1e-3


def _grouped(x: npt.NDArray[np.float32], n: int) -> Rows:
    """Mean of neighbouring rows, n rows remaining."""
    return np.asarray(x.reshape(n, x.shape[0] // n, -1).mean(axis=1), dtype=np.float32)


def _unit(part: Part) -> Rows:
    return part.astype(np.float32) / np.float32(255.0)


def bands(part: Part, n: int = BANDS) -> Rows:
    """The picture in ``n`` bands, 0..1."""
    return _grouped(_unit(part), n)


def delta(part: Part) -> Rows:
    """Change of each band from one column to the next."""
    return np.diff(bands(part), axis=-1)


def edges_in_time(part: Part) -> Rows:
    """Absolute change from column to column, in 16 bands: strikes and plucks."""
    return _grouped(np.abs(np.diff(_unit(part), axis=1)), EDGE_BANDS)


def edges_in_frequency(part: Part) -> Rows:
    """Absolute change from one mel band to the next, in 16 bands: the lines of held tones."""
    x = _unit(part)
    return _grouped(np.abs(np.diff(x, axis=0, append=x[-1:])), EDGE_BANDS)


def modulation(part: Part) -> Rows:
    """Log spectrum of each of 8 bands' envelopes, 0.2 to 6.5 Hz in 10 steps: rhythm.

    One frame per overlapping window of 15 s; a shorter part is repeated.
    Rows go band by band, slow to fast.
    """
    if part.shape[1] < _WINDOW:
        part = np.tile(part, -(-_WINDOW // part.shape[1]))
    envelopes = bands(part, _MODULATED_BANDS)
    window = np.hanning(_WINDOW).astype(np.float32)
    frames = []
    for start in range(0, envelopes.shape[1] - _WINDOW + 1, _STEP):
        cut = envelopes[:, start : start + _WINDOW]
        spectrum = np.abs(np.fft.rfft((cut - cut.mean(axis=1, keepdims=True)) * window, axis=1))
        # reduceat adds up from each edge to the next, the last one to the end.
        means = np.add.reduceat(spectrum[:, 1:], _EDGES[:-1], axis=1) / _WIDTHS
        frames.append(np.log(_MODULATION_FLOOR + means).ravel())
    return np.stack(frames, axis=-1).astype(np.float32)


def correlation(part: Part) -> Rows:
    """Correlation over time between each two of 16 bands: (120, 1). 0 for a still band."""
    x = bands(part, _CORRELATED_BANDS).astype(np.float64)
    x -= x.mean(axis=1, keepdims=True)
    norm = np.sqrt(np.square(x).sum(axis=1))
    x /= np.where(norm > 1e-6, norm, np.inf)[:, None]
    pairs = (x @ x.T)[np.triu_indices(_CORRELATED_BANDS, 1)]
    return np.asarray(pairs[:, None], dtype=np.float32)
