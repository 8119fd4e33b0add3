"""Window, filter banks and decibels of the shared spectrum.

The same numbers as librosa's, from their formulas. librosa's own functions load numba and its
compiler on first use, 110 MB and more than a second in every worker process, for a handful of
constant arrays; the tests hold the two equal.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = [
    "chroma_filters",
    "hann_window",
    "mel_centres_hz",
    "mel_filters",
    "mel_power",
    "peak_normalised",
    "power_to_db",
]

Array = npt.NDArray[np.float32]

AMIN: Final = 1e-10
"""Power below which decibels are not told apart."""

TOP_DB: Final = 80.0
"""Range of a decibel scale, from the loudest value down."""

_A0_HZ: Final = 440.0 / 16
_BREAK_HZ: Final = 1000.0
_MELS_TO_BREAK: Final = 15.0  # 200/3 Hz a mel below 1 kHz
_LOG_STEP: Final = np.log(6.4) / 27.0


@cache
def hann_window(n: int) -> Array:
    """Periodic Hann window, shape (n,)."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n), dtype=np.float32)


@cache
def mel_filters(sr: int, n_fft: int, n_mels: int) -> Array:
    """Triangular mel filters from 0 Hz to Nyquist, each of unit area (in Hz).

    Slaney's scale ("Auditory Toolbox", 1998): linear up to 1 kHz, logarithmic above.

    Returns:
        shape (n_mels, 1 + n_fft/2).
    """
    corners = _mel_corners_hz(sr, n_mels)
    low, centre, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    f = np.linspace(0.0, sr / 2, 1 + n_fft // 2)[None]
    triangles = np.minimum((f - low) / (centre - low), (high - f) / (high - centre))
    return np.asarray(np.maximum(triangles, 0.0) * 2.0 / (high - low), dtype=np.float32)


def mel_centres_hz(sr: int, n_mels: int) -> npt.NDArray[np.float64]:
    """Where the mel filters have their peaks, in Hz, shape (n_mels,)."""
    return _mel_corners_hz(sr, n_mels)[1:-1]


def _mel_corners_hz(sr: int, n_mels: int) -> npt.NDArray[np.float64]:
    top = _MELS_TO_BREAK + np.log(sr / 2 / _BREAK_HZ) / _LOG_STEP
    mels = np.linspace(0.0, top, n_mels + 2)
    return np.where(
        mels < _MELS_TO_BREAK,
        mels * _BREAK_HZ / _MELS_TO_BREAK,
        _BREAK_HZ * np.exp(_LOG_STEP * (mels - _MELS_TO_BREAK)),
    )


def mel_power(power: Array, sr: int, n_fft: int, n_mels: int) -> Array:
    """``mel_filters @ power``, without the zeros: eight filters at a time, on their own bins.

    Args:
        power: shape (1 + n_fft/2, frames).

    Returns:
        shape (n_mels, frames).
    """
    mel = np.empty((n_mels, power.shape[1]), dtype=np.float32)
    for rows, bins, weights in _mel_bands(sr, n_fft, n_mels):
        np.matmul(weights, power[bins], out=mel[rows])
    return mel


@cache
def _mel_bands(sr: int, n_fft: int, n_mels: int) -> tuple[tuple[slice, slice, Array], ...]:
    filters = mel_filters(sr, n_fft, n_mels)
    bands = []
    for start in range(0, n_mels, 8):
        rows = slice(start, start + 8)
        used = np.flatnonzero(filters[rows].any(axis=0))
        bins = slice(used[0], used[-1] + 1)
        bands.append((rows, bins, np.ascontiguousarray(filters[rows, bins])))
    return tuple(bands)


@cache
def chroma_filters(sr: int, n_fft: int) -> Array:
    """Which pitch class each bin of a spectrum belongs to, A440, C first.

    Gaussian bumps around each pitch class, a bin's weights of unit norm, and a Gaussian of
    two octaves around the fifth octave above A0, so that neither bass nor treble rules
    (Ellis, "Chroma feature analysis and synthesis", 2007).

    Returns:
        shape (12, 1 + n_fft/2).
    """
    hz = np.arange(1, n_fft) * sr / n_fft
    pitch = 12.0 * np.log2(hz / _A0_HZ)
    # The DC bin has no pitch: put an octave and a half below the first.
    pitch = np.concatenate([[pitch[0] - 18.0], pitch])
    width = np.append(np.maximum(np.diff(pitch), 1.0), 1.0)
    distance = np.remainder(pitch[None] - np.arange(12)[:, None] + 6.0, 12.0) - 6.0
    weights = np.exp(-0.5 * np.square(2.0 * distance / width))
    weights /= np.sqrt(np.square(weights).sum(axis=0, keepdims=True))
    weights *= np.exp(-0.5 * np.square((pitch / 12.0 - 5.0) / 2.0))
    return np.asarray(np.roll(weights, -3, axis=0)[:, : 1 + n_fft // 2], dtype=np.float32)


def power_to_db(power: Array) -> Array:
    """Decibels re 1.0 of a power of any shape, at most :data:`TOP_DB` below the loudest value."""
    db = 10.0 * np.log10(np.maximum(power, np.float32(AMIN)))
    return np.asarray(np.maximum(db, db.max() - TOP_DB), dtype=np.float32)


def peak_normalised(x: Array) -> Array:
    """Each column of (rows, frames) divided by its largest magnitude; columns of zeros stay."""
    peak = np.abs(x).max(axis=0, keepdims=True)
    return np.asarray(x / np.where(peak > np.finfo(np.float32).tiny, peak, 1.0), dtype=np.float32)
