"""Music at the edge of what passes for it, by family: held chords, drones, one voice, drums.

No data set of ours holds much of it, and a collector's library does. It stands on the side of
music, so that what refuses noise and tones does not refuse these. The same conventions as in
``noises``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import scipy.signal

from tagger.training.sounds.shaping import (
    Samples,
    band,
    coloured,
    levelled,
    reverberated,
    wandering,
)

__all__ = ["SPARE_MUSIC"]

Random = np.random.Generator

_SCALES: Final = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 3, 5, 7, 10), (0, 2, 4, 7, 9))


def _hz(step: float) -> float:
    """Frequency of a key above A1."""
    return 55.0 * 2 ** (step / 12)


def _drone(rng: Random, n: int, sr: int) -> Samples:
    """A chord that is held, its partials swelling and beating each for itself, in a large room."""
    t = np.arange(n) / sr
    y = np.zeros(n)
    root = rng.uniform(0, 24)
    for step in rng.choice([0, 7, 12, 15, 16, 19, 24], rng.integers(2, 6), replace=False):
        for k in range(1, int(rng.integers(3, 9))):
            hz = _hz(root + step) * k * (1 + rng.uniform(-2e-3, 2e-3))
            swell = wandering(rng, n, sr, rng.uniform(0.05, 0.3), 0, 1)
            y += swell / k ** rng.uniform(0.7, 1.5) * np.sin(2 * np.pi * (hz * t + rng.random()))
    y = levelled(y) + 10 ** rng.uniform(-3, -0.7) * coloured(rng, n, -1.5) * wandering(
        rng, n, sr, 0.2, 0.2, 1
    )
    return reverberated(rng, y, sr, 2.5, 0.5)


def _pads(rng: Random, n: int, sr: int) -> Samples:
    """Soft chords that change every few seconds."""
    y = np.zeros(n)
    scale, root = _SCALES[rng.integers(4)], rng.uniform(0, 12)
    length = round(rng.uniform(2, 8) * sr)
    window = np.hanning(2 * length)
    t = np.arange(2 * length) / sr
    for start in range(-length, n, length):
        degree = rng.integers(len(scale))
        chord = np.zeros(2 * length)
        for i in (0, 2, 4):
            octave, note = divmod(degree + i, len(scale))
            f = _hz(root + 12 * (octave + 1) + scale[note])
            for detune in (-0.003, 0, 0.004):
                chord += scipy.signal.sawtooth(2 * np.pi * (f * (1 + detune) * t + rng.random()))
        a, b = max(start, 0), min(start + 2 * length, n)
        y[a:b] += (window * chord)[a - start : b - start]
    y = band(y, sr, 0, rng.uniform(500, 4000))
    return reverberated(rng, y, sr, 2.0, 0.4)


def _notes(rng: Random, seconds: float) -> list[tuple[float, float, float]]:
    """A melody: start and length in seconds, key."""
    scale, root = _SCALES[rng.integers(4)], rng.uniform(12, 30)
    beat, at, degree = rng.uniform(0.18, 0.7), 0.0, 0
    notes = []
    while at < seconds:
        degree = int(np.clip(degree + rng.choice([-3, -2, -1, -1, 0, 1, 1, 2, 4]), -5, 12))
        octave, note = divmod(degree, len(scale))
        length = beat * rng.choice([0.5, 1, 1, 1, 2, 3])
        if rng.random() < 0.9:
            notes.append((at, length, root + 12 * octave + scale[note]))
        at += length
    return notes


def _played(
    rng: Random, n: int, sr: int, tone: Callable[[Samples, float], Samples], ring: float
) -> Samples:
    y = np.zeros(n)
    for at, length, key in _notes(rng, n / sr):
        start = round(at * sr)
        t = np.arange(round(length * ring * sr)) / sr
        note = tone(t, _hz(key)) * np.minimum(1, (t[-1] - t) / 0.02) * rng.uniform(0.5, 1)
        y[start : start + len(t)] += note[: n - start]
    return y


def _solo_wind(rng: Random, n: int, sr: int) -> Samples:
    depth, rate, bright = rng.uniform(0, 0.006), rng.uniform(4, 6.5), rng.uniform(0.05, 0.6)

    def tone(t: Samples, f: float) -> Samples:
        phase = 2 * np.pi * f * (t + depth / (2 * np.pi * rate) * np.sin(2 * np.pi * rate * t))
        partials = sum(bright ** (k - 1) * np.sin(k * phase) for k in range(1, 7))
        return np.asarray(partials * np.minimum(1, t / 0.05))

    y = levelled(_played(rng, n, sr, tone, 1.0))
    breath = 10 ** rng.uniform(-3, -1.7) * coloured(rng, n, 0)
    return reverberated(rng, y + breath, sr, rng.uniform(0.5, 2.5), rng.uniform(0.1, 0.4))


def _plucked(rng: Random, n: int, sr: int) -> Samples:
    decay, bright = rng.uniform(0.2, 1.2), rng.uniform(0.3, 0.85)

    def tone(t: Samples, f: float) -> Samples:
        partials = sum(
            bright**k * np.sin(2 * np.pi * k * f * t) * np.exp(-t * k**0.7 / decay)
            for k in range(1, 12)
        )
        return np.asarray(partials)

    y = _played(rng, n, sr, tone, 2.5) + _played(rng, n, sr, tone, 2.5) * rng.integers(2)
    return reverberated(rng, levelled(y), sr, 1.2, rng.uniform(0, 0.4))


def _chip(rng: Random, n: int, sr: int) -> Samples:
    """Two square voices and a noise channel."""
    duty = rng.choice([0.125, 0.25, 0.5])

    def tone(t: Samples, f: float) -> Samples:
        return np.asarray(scipy.signal.square(2 * np.pi * f * t, duty))

    y = _played(rng, n, sr, tone, 0.9) + 0.6 * _played(rng, n, sr, tone, 0.9) * rng.integers(2)
    return y + 0.4 * rng.integers(2) * _drums(rng, n, sr)


def _drums(rng: Random, n: int, sr: int) -> Samples:
    y = np.zeros(n)
    step = 60 / rng.uniform(70, 180) / 4
    t = np.arange(sr // 3) / sr
    kick = np.sin(2 * np.pi * (50 * t + 4 * (1 - np.exp(-t * 30)))) * np.exp(-t * 12)
    snare = rng.standard_normal(len(t)) * np.exp(-t * rng.uniform(10, 30))
    hat = band(rng.standard_normal(len(t)), sr, 6000, 10000) * np.exp(-t * 60)
    bar = rng.random((3, 16)) < np.array([[0.2], [0.12], [0.5]])
    bar[0, 0] = bar[1, 4] = bar[1, 12] = True
    for i in range(int(n / sr / step)):
        start = round(i * step * sr)
        for sound, played in zip((kick, 0.6 * snare, 0.5 * hat), bar[:, i % 16], strict=True):
            if played:
                y[start : start + len(t)] += (sound * rng.uniform(0.7, 1))[: n - start]
    return reverberated(rng, levelled(y), sr, 0.4, rng.uniform(0, 0.3))


def _sung(rng: Random, n: int, sr: int) -> Samples:
    """One to four voices that sing vowels: a buzz through formants, note by note."""
    y = np.zeros(n)
    for _ in range(int(rng.choice([1, 1, 2, 4]))):
        depth, rate = rng.uniform(0.004, 0.012), rng.uniform(4.5, 6.5)

        def tone(t: Samples, f: float, depth: float = depth, rate: float = rate) -> Samples:
            phase = 2 * np.pi * f * (t + depth / (2 * np.pi * rate) * np.sin(2 * np.pi * rate * t))
            vowel = rng.uniform((300, 800), (850, 2400))
            y = np.zeros_like(t)
            for k in range(1, min(40, int(6000 / f) + 2)):
                gain = sum(1 / (1 + ((k * f - v) / 90) ** 2) for v in (*vowel, 2900)) + 0.01
                y += gain / k**0.5 * np.sin(k * phase)
            return np.asarray(y * np.minimum(1, t / 0.08))

        y += levelled(_played(rng, n, sr, tone, 1.0))
    y += 10 ** rng.uniform(-3.5, -2) * coloured(rng, n, -1)
    return reverberated(rng, y, sr, rng.uniform(0.5, 3), rng.uniform(0.1, 0.5))


def _arranged(rng: Random, n: int, sr: int) -> Samples:
    """Chords struck on the beat, a bass and drums: what a keyboard plays by itself."""
    beat = round(60 / rng.uniform(70, 150) * sr)
    t = np.arange(beat) / sr
    decay, bright = rng.uniform(0.1, 1.0), rng.uniform(0.3, 0.8)
    y = np.zeros(n)
    roots, key = rng.choice([0, 2, 4, 5, 7, 9], 4), rng.uniform(8, 20)
    for i, start in enumerate(range(0, n, beat)):
        root = roots[i // 4 % 4]
        third = 3 if root in (2, 4, 9) else 4
        for step in (-12, 0, third, 7):
            f = _hz(key + root + step)
            tone = sum(bright**k * np.sin(2 * np.pi * k * f * t) for k in range(1, 8))
            struck = tone * np.exp(-t / decay) * rng.uniform(0.6, 1)
            y[start : start + beat] += struck[: n - start]
    drums = rng.uniform(0.1, 1) * _drums(rng, n, sr)
    return levelled(y) + drums * rng.integers(2)


SPARE_MUSIC: Final[Mapping[str, Callable[[Random, int, int], Samples]]] = MappingProxyType(
    {
        "drone": _drone,
        "pads": _pads,
        "solo wind": _solo_wind,
        "plucked": _plucked,
        "chip": _chip,
        "drums": _drums,
        "sung": _sung,
        "arranged": _arranged,
    }
)
"""Families of music by name."""
