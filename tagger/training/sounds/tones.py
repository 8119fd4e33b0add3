"""Test tones, alarms and signals, by family; the same conventions as in ``noises``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import scipy.signal

from tagger.training.sounds.shaping import Samples, coloured, levelled, wandering

__all__ = ["TONES"]

Random = np.random.Generator

_ROWS: Final = (697, 770, 852, 941)
_COLUMNS: Final = (1209, 1336, 1477, 1633)


def _log_uniform(rng: Random, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _wave(rng: Random, phase: Samples) -> Samples:
    """A sine, square, sawtooth or triangle of a phase in cycles."""
    shape = rng.integers(4)
    if shape == 0:
        return np.asarray(np.sin(2 * np.pi * phase))
    if shape == 1:
        return np.asarray(scipy.signal.square(2 * np.pi * phase))
    return np.asarray(scipy.signal.sawtooth(2 * np.pi * phase, 1.0 if shape == 2 else 0.5))


def _floor(rng: Random, n: int) -> Samples:
    """What noise stands below a tone: none, or that of a cheap recorder."""
    return rng.integers(2) * 10 ** rng.uniform(-4.5, -1.5) * coloured(rng, n, rng.uniform(-1, 0))


def _constant(rng: Random, n: int, sr: int) -> Samples:
    hz = rng.choice([440.0, 1000.0, _log_uniform(rng, 30, 9000)])
    return _wave(rng, np.arange(n) / sr * hz) + _floor(rng, n)


def _sweep(rng: Random, n: int, sr: int) -> Samples:
    seconds = rng.choice([n / sr, rng.uniform(0.5, 10)])
    low, high = _log_uniform(rng, 20, 500), _log_uniform(rng, 1000, 10000)
    x = (np.arange(n) / sr / seconds) % 1
    if rng.random() < 0.4:
        x = 1 - x
    hz = low * (high / low) ** x if rng.random() < 0.6 else low + (high - low) * x
    return _wave(rng, np.cumsum(hz) / sr) + _floor(rng, n)


def _beeps(rng: Random, n: int, sr: int) -> Samples:
    """One tone on and off: alarms, the speaking clock, a busy line."""
    t = np.arange(n) / sr
    period = _log_uniform(rng, 0.15, 4)
    on = (t % period) < period * rng.uniform(0.1, 0.9)
    hz = _log_uniform(rng, 250, 4000)
    y = _wave(rng, t * hz)
    if rng.random() < 0.4:
        y = 0.5 * (y + np.sin(2 * np.pi * hz * rng.uniform(1.05, 1.5) * t))
    return y * on + _floor(rng, n)


def _dialling(rng: Random, n: int, sr: int) -> Samples:
    t = np.arange(n) / sr
    period = rng.uniform(0.12, 0.6)
    digit = (t / period).astype(int)
    rows = rng.choice(_ROWS, digit[-1] + 1)[digit]
    columns = rng.choice(_COLUMNS, digit[-1] + 1)[digit]
    on = (t % period) < period * rng.uniform(0.4, 0.8)
    y = np.sin(2 * np.pi * rows * t) + np.sin(2 * np.pi * columns * t)
    return np.asarray(on * y + _floor(rng, n))


def _several(rng: Random, n: int, sr: int) -> Samples:
    """Two to twenty unrelated sines at once, as intermodulation is measured with."""
    t = np.arange(n) / sr
    y = np.zeros(n)
    for _ in range(int(rng.choice([2, 2, 3, 5, 10, 20]))):
        y += np.sin(2 * np.pi * (_log_uniform(rng, 40, 9000) * t + rng.random()))
    return levelled(y) + _floor(rng, n)


def _beating(rng: Random, n: int, sr: int) -> Samples:
    """Two sines a few Hz apart."""
    t = np.arange(n) / sr
    hz = _log_uniform(rng, 60, 1000)
    y = np.sin(2 * np.pi * hz * t) + np.sin(2 * np.pi * (hz + rng.uniform(0.5, 30)) * t)
    return 0.5 * y + _floor(rng, n)


def _steps(rng: Random, n: int, sr: int) -> Samples:
    """A test disc: one steady sine after the other, an octave or a third apart."""
    seconds = rng.uniform(2, 12)
    step = (np.arange(n) / sr / seconds).astype(int)
    ratio = rng.choice([2.0, 2 ** (1 / 3)])
    hz = _log_uniform(rng, 30, 250) * ratio ** (step % round(5 * np.log(2) / np.log(ratio)))
    on = (np.arange(n) / sr % seconds) < seconds * rng.uniform(0.8, 1)
    return np.sin(2 * np.pi * np.cumsum(hz) / sr) * on + _floor(rng, n)


def _siren(rng: Random, n: int, sr: int) -> Samples:
    t = np.arange(n) / sr
    rate = _log_uniform(rng, 0.1, 8)
    swing = np.sin(2 * np.pi * rate * t)
    if rng.random() < 0.4:
        swing = np.sign(swing)
    centre = rng.uniform(400, 1500)
    y = _wave(rng, np.cumsum(centre * (1 + rng.uniform(0.1, 0.5) * swing)) / sr)
    return y + _floor(rng, n)


def _modulated(rng: Random, n: int, sr: int) -> Samples:
    t = np.arange(n) / sr
    hz, rate = _log_uniform(rng, 100, 5000), _log_uniform(rng, 0.3, 120)
    if rng.random() < 0.5:
        y = np.sin(2 * np.pi * hz * t) * (1 + np.sin(2 * np.pi * rate * t)) / 2
    else:
        y = np.sin(2 * np.pi * hz * t + rng.uniform(0.2, 20) * np.sin(2 * np.pi * rate * t))
    return np.asarray(y + _floor(rng, n))


def _whistling(rng: Random, n: int, sr: int) -> Samples:
    """A line that never settles on a pitch: heterodynes, feedback, a theremin left alone."""
    octaves = wandering(rng, n, sr, rng.uniform(0.2, 3), -1, 1)
    hz = _log_uniform(rng, 300, 3000) * 2**octaves
    return np.sin(2 * np.pi * np.cumsum(hz) / sr) + _floor(rng, n)


TONES: Final[Mapping[str, Callable[[Random, int, int], Samples]]] = MappingProxyType(
    {
        "constant": _constant,
        "sweep": _sweep,
        "beeps": _beeps,
        "dialling": _dialling,
        "several": _several,
        "beating": _beating,
        "steps": _steps,
        "siren": _siren,
        "modulated": _modulated,
        "whistling": _whistling,
    }
)
"""Families of tones by name."""
