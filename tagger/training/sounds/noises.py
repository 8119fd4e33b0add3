"""Noise, of machines, weather, media and crowds, by family.

Each function makes ``n`` samples at ``sr`` Hz; what is not fixed by the family is drawn from
``rng``. The level is for the caller to set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from tagger.training.sounds.shaping import (
    Samples,
    band,
    coloured,
    levelled,
    reverberated,
    scattered,
    wandering,
)

__all__ = ["NOISES"]

Random = np.random.Generator


def _coloured(rng: Random, n: int, sr: int) -> Samples:
    return coloured(rng, n, float(rng.choice([0, -1, -2, 1, rng.uniform(-2.5, 1)])))


def _band(rng: Random, n: int, sr: int) -> Samples:
    low = float(np.exp(rng.uniform(np.log(50), np.log(5000))))
    return band(rng.standard_normal(n), sr, low, low * rng.uniform(1.3, 6))


def _hum(rng: Random, n: int, sr: int) -> Samples:
    t = np.arange(n) / sr
    mains = rng.choice([50.0, 60.0]) * (1 + wandering(rng, n, sr, 0.1, -1e-3, 1e-3))
    phase = 2 * np.pi * np.cumsum(mains) / sr
    y = np.zeros_like(t)
    for k in range(1, rng.integers(4, 30)):
        y += rng.exponential() / k ** rng.uniform(0.3, 1.5) * np.sin(k * phase)
    return levelled(y) + 10 ** rng.uniform(-3.5, -1) * coloured(rng, n, -1)


def _record(rng: Random, n: int, sr: int) -> Samples:
    """The run-out groove, or a tape between two pieces: hiss, crackle, rumble, a turning click."""
    event = np.exp(-np.arange(40) / 6) * np.cos(np.arange(40))
    y = 10 ** rng.uniform(-2.5, -0.7) * coloured(rng, n, rng.uniform(-1, 0.5))
    y += 10 ** rng.uniform(-2, -0.3) * coloured(rng, n, -2)
    y += levelled(scattered(rng, n, sr, rng.uniform(1, 60), event), rng.uniform(0.1, 1))
    if rng.random() < 0.5:
        turn = round(sr * 60 / rng.choice([33.33, 45, 78]))
        clicks = np.zeros(n)
        clicks[rng.integers(turn) :: turn] = 1
        y += rng.uniform(0.2, 1) * np.convolve(clicks, event)[:n]
    return y


def _tape_hiss(rng: Random, n: int, sr: int) -> Samples:
    hiss = coloured(rng, n, rng.uniform(-0.3, 1)) * wandering(rng, n, sr, 2, 0.8, 1)
    return band(hiss, sr, 20, rng.uniform(4000, 20000))


def _room(rng: Random, n: int, sr: int) -> Samples:
    y = coloured(rng, n, rng.uniform(-2.5, -1.2)) + 0.05 * coloured(rng, n, 0)
    y += 10 ** rng.uniform(-2, -0.7) * levelled(_hum(rng, n, sr))
    bump = band(rng.standard_normal(sr // 4) * np.exp(-np.arange(sr // 4) / 800), sr, 40, 900)
    bumps = levelled(scattered(rng, n, sr, rng.uniform(0.02, 0.3), levelled(bump)))
    return y + rng.uniform(0, 1) * reverberated(rng, bumps, sr, 0.6, 0.4)


def _engine(rng: Random, n: int, sr: int) -> Samples:
    rate = rng.uniform(12, 60) * wandering(rng, n, sr, rng.uniform(0.05, 1), 0.7, 1.4)
    phase = np.cumsum(rate) / sr
    firing = np.exp(-((phase * rng.integers(2, 6)) % 1) * rng.uniform(4, 12))
    firing *= 1 + 0.3 * np.sin(2 * np.pi * phase)
    y = firing - firing.mean() + rng.uniform(0.05, 0.5) * coloured(rng, n, -1) * firing
    return band(y, sr, 20, rng.uniform(800, 5000))


def _fan(rng: Random, n: int, sr: int) -> Samples:
    t = np.arange(n) / sr
    y = coloured(rng, n, rng.uniform(-1.5, -0.5))
    f0 = rng.uniform(40, 400)
    for k in range(1, rng.integers(2, 8)):
        y += 10 ** rng.uniform(-2.5, -0.7) * np.sin(2 * np.pi * k * f0 * t + rng.uniform(0, 6))
    return y * (1 + rng.uniform(0, 0.2) * np.sin(2 * np.pi * rng.uniform(0.3, 8) * t))


def _rain(rng: Random, n: int, sr: int) -> Samples:
    k = np.arange(400)
    drop = np.exp(-k / rng.uniform(10, 60)) * np.sin(rng.uniform(0.3, 2) * k)
    drops = levelled(scattered(rng, n, sr, 10 ** rng.uniform(1, 3.3), drop))
    return drops + rng.uniform(0.05, 0.6) * coloured(rng, n, rng.uniform(-1, 0))


def _wind(rng: Random, n: int, sr: int) -> Samples:
    y = coloured(rng, n, -1.5) * wandering(rng, n, sr, 0.4, 0.1, 1)
    for _ in range(rng.integers(1, 4)):
        low = rng.uniform(150, 900)
        whistle = band(coloured(rng, n, 0), sr, low, low * 1.25)
        y += rng.uniform(0.2, 2) * whistle * wandering(rng, n, sr, 0.5, 0, 1) ** 2
    return y


def _surf(rng: Random, n: int, sr: int) -> Samples:
    period = rng.uniform(4, 12)
    waves = np.zeros(n)
    for _ in range(3):
        phase = np.cumsum(wandering(rng, n, sr, 0.2, 0.7, 1.3)) / sr / period + rng.random()
        waves += rng.random() * np.maximum(np.sin(2 * np.pi * phase), 0) ** 2
    return coloured(rng, n, rng.uniform(-1.2, -0.3)) * (0.1 + waves)


def _applause(rng: Random, n: int, sr: int) -> Samples:
    k = np.arange(sr // 30)
    y = np.zeros(n)
    for _ in range(6):
        low = rng.uniform(500, 1500)
        clap = band(rng.standard_normal(len(k)) * np.exp(-k / (0.004 * sr)), sr, low, 3 * low)
        y += scattered(rng, n, sr, 10 ** rng.uniform(0.7, 2.5), clap)
    y *= wandering(rng, n, sr, 0.2, 0.3, 1)
    return reverberated(rng, y, sr, rng.uniform(0.3, 1.5), rng.uniform(0.1, 0.6))


def _static(rng: Random, n: int, sr: int) -> Samples:
    """Radio between stations."""
    y = coloured(rng, n, rng.uniform(-1, 0)) * wandering(rng, n, sr, 3, 0.2, 1)
    for _ in range(rng.integers(0, 3)):
        low = rng.uniform(200, 1500)
        hz = wandering(rng, n, sr, 0.5, low, low + rng.uniform(50, 2500))
        whistle = np.sin(2 * np.pi * np.cumsum(hz) / sr)
        y += 10 ** rng.uniform(-2, -0.5) * whistle * wandering(rng, n, sr, 1, 0, 1)
    crackle = scattered(rng, n, sr, rng.uniform(0.5, 30), np.exp(-np.arange(60) / 15))
    return band(y + rng.uniform(0, 0.7) * levelled(crackle), sr, 200, rng.uniform(3000, 8000))


def _knocks(rng: Random, n: int, sr: int) -> Samples:
    """Steps, typing, hammering: single blows at human intervals, in a room."""
    k = np.arange(sr // 5)
    y = np.zeros(n)
    gap, at = rng.uniform(0.12, 1.2), 0.0
    while at < n / sr - 0.2:
        low = rng.uniform(60, 1500)
        blow = band(rng.standard_normal(len(k)) * np.exp(-k / (0.01 * sr)), sr, low, 4 * low)
        start = int(at * sr)
        y[start : start + len(k)] += (levelled(blow) * rng.uniform(0.3, 1))[: n - start]
        at += gap * rng.lognormal(0, 0.35)
    y = reverberated(rng, y, sr, rng.uniform(0.1, 0.8), rng.uniform(0, 0.5))
    return y + 10 ** rng.uniform(-4, -1.5) * coloured(rng, n, -1)


def _modem(rng: Random, n: int, sr: int) -> Samples:
    baud = float(rng.choice([50, 110, 300, 1200]))
    low = rng.uniform(900, 1800)
    levels = int(rng.choice([2, 4, 8]))
    symbols = rng.integers(0, levels, int(n / sr * baud) + 2)
    hz = low + symbols[(np.arange(n) / sr * baud).astype(int)] * rng.uniform(100, 900) / levels
    y = np.sin(2 * np.pi * np.cumsum(hz) / sr)
    return y + 10 ** rng.uniform(-3, -0.5) * coloured(rng, n, 0)


def _insects(rng: Random, n: int, sr: int) -> Samples:
    t = np.arange(n) / sr
    y = 10 ** rng.uniform(-2.5, -1) * coloured(rng, n, -1)
    for _ in range(rng.integers(1, 8)):
        trill = np.maximum(np.sin(2 * np.pi * rng.uniform(15, 60) * t), 0)
        song = (np.sin(2 * np.pi * rng.uniform(0.3, 3) * t + rng.uniform(0, 6)) > 0) * trill
        y += rng.random() * song * np.sin(2 * np.pi * rng.uniform(2500, 7000) * t)
    return y


NOISES: Final[Mapping[str, Callable[[Random, int, int], Samples]]] = MappingProxyType(
    {
        "coloured": _coloured,
        "band": _band,
        "hum": _hum,
        "record": _record,
        "tape hiss": _tape_hiss,
        "room": _room,
        "engine": _engine,
        "fan": _fan,
        "rain": _rain,
        "wind": _wind,
        "surf": _surf,
        "applause": _applause,
        "static": _static,
        "knocks": _knocks,
        "modem": _modem,
        "insects": _insects,
    }
)
"""Families of noise by name."""
