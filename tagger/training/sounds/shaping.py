"""What sounds are shaped with: coloured noise, filters, envelopes, a room.

Samples are float64 of shape (n,); ``sr`` is their rate in Hz.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.signal

__all__ = ["Samples", "band", "coloured", "levelled", "reverberated", "scattered", "wandering"]

Samples = npt.NDArray[np.float64]
Random = np.random.Generator


def coloured(rng: Random, n: int, exponent: float) -> Samples:
    """Noise whose power goes as frequency to the ``exponent``: 0 white, -1 pink, -2 brown."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    k = np.maximum(np.arange(len(spectrum)), n / 2000)  # no power below what is heard
    return levelled(np.fft.irfft(spectrum * (k / len(k)) ** (exponent / 2), n))


def band(y: Samples, sr: int, low: float, high: float, order: int = 2) -> Samples:
    """What lies between two frequencies in Hz (0 for no lower edge)."""
    high = min(high, 0.45 * sr)
    if low <= 0:
        sos = scipy.signal.butter(order, high, fs=sr, output="sos")
    else:
        sos = scipy.signal.butter(order, (min(low, 0.8 * high), high), "band", fs=sr, output="sos")
    return np.asarray(scipy.signal.sosfilt(sos, y))


def wandering(rng: Random, n: int, sr: int, hz: float, low: float, high: float) -> Samples:
    """A smooth random curve between ``low`` and ``high`` that turns about ``hz`` times a second."""
    points = rng.uniform(low, high, max(4, int(n / sr * hz) + 4))
    at = np.linspace(0, len(points) - 1, n)
    return np.asarray(np.interp(at, np.arange(len(points)), points))


def scattered(rng: Random, n: int, sr: int, per_second: float, event: Samples) -> Samples:
    """One short event again and again, at random times and strengths."""
    pulses = np.zeros(n)
    at = rng.integers(0, n, max(1, rng.poisson(per_second * n / sr)))
    np.add.at(pulses, at, rng.exponential(1.0, len(at)) * rng.choice((-1, 1), len(at)))
    return np.asarray(scipy.signal.fftconvolve(pulses, event)[:n])


def reverberated(rng: Random, y: Samples, sr: int, seconds: float, wet: float) -> Samples:
    """In a room whose sound fades by 60 dB in ``seconds``; ``wet`` is its share of the level."""
    n = round(seconds * sr)
    tail = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
    echo = scipy.signal.fftconvolve(y, tail / np.sqrt(np.square(tail).sum()))[: len(y)]
    return np.asarray((1 - wet) * y + wet * echo)


def levelled(y: Samples, peak: float = 1.0) -> Samples:
    """Scaled to a peak amplitude."""
    return np.asarray(y * (peak / max(float(np.abs(y).max()), 1e-9)))
