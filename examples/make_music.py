"""Synthesise a small music library to try genretag on: ``python examples/make_music.py FOLDER``.

Five pieces of half a minute to two minutes, made of sines, plucked strings and noise, in MP3,
FLAC and Ogg, two of them with tags. They are no music that anybody would mistake for a
recording, so do not expect more than plausible genres.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import mutagen
import numpy as np
import numpy.typing as npt
import soundfile

SR = 44_100
Samples = npt.NDArray[np.float64]


def hertz(note: float) -> float:
    """Frequency of a MIDI note."""
    return float(440.0 * 2 ** ((note - 69) / 12))


def pluck(note: float, seconds: float, rng: np.random.Generator) -> Samples:
    """A plucked string (Karplus and Strong, 1983): noise in a loop that loses its treble."""
    period = round(SR / hertz(note))
    loop = rng.uniform(-1, 1, period)
    rounds = []
    for _ in range(round(seconds * SR) // period + 1):
        rounds.append(loop)
        loop = 0.498 * (loop + np.roll(loop, 1))
    return np.concatenate(rounds)[: round(seconds * SR)]


def held(note: float, seconds: float, partials: int = 6) -> Samples:
    """A held tone with vibrato, soft at both ends."""
    t = np.arange(round(seconds * SR)) / SR
    phase = 2 * np.pi * hertz(note) * t + 0.3 * np.sin(2 * np.pi * 5.5 * t)
    tone = sum(np.sin(k * phase) / k**1.6 for k in range(1, partials + 1))
    return np.asarray(tone * np.minimum(1, np.minimum(t, t[::-1]) / 0.12))


def drum(low_hz: float, decay_s: float, noise: float, rng: np.random.Generator) -> Samples:
    """A falling sine and a burst of noise: kick, snare or hi-hat."""
    t = np.arange(round(4 * decay_s * SR)) / SR
    body = np.sin(2 * np.pi * low_hz * (t + 0.05 * np.exp(-t / 0.03)))
    return np.asarray(
        np.exp(-t / decay_s) * ((1 - noise) * body + noise * rng.normal(0, 0.5, len(t)))
    )


class Score:
    """A strip of silence that sounds are added to."""

    def __init__(self, seconds: float) -> None:
        self.y = np.zeros(round(seconds * SR))

    def add(self, at_s: float, sound: Samples, gain: float = 1.0) -> None:
        """Mix a sound in; what runs over the end is cut."""
        start = round(at_s * SR)
        sound = sound[: len(self.y) - start]
        self.y[start : start + len(sound)] += gain * sound


def four_on_the_floor(seconds: float, rng: np.random.Generator) -> Samples:
    """128 beats a minute: kick on every beat, hats between, a sawtooth-like bass."""
    score, beat = Score(seconds), 60 / 128
    kick, hat = drum(50, 0.12, 0.05, rng), drum(8000, 0.02, 0.95, rng)
    for i in range(int(seconds / beat)):
        score.add(i * beat, kick)
        score.add((i + 0.5) * beat, hat, 0.5)
        note = [33, 33, 36, 31][(i // 8) % 4]
        for half in (0.25, 0.5, 0.75):
            score.add((i + half) * beat, held(note, beat / 4, 20), 0.5)
        if i % 16 == 0:
            for interval in (24, 27, 31):
                score.add(i * beat, held(note + interval, 8 * beat, 12), 0.12)
    return score.y


def chorale(seconds: float, rng: np.random.Generator) -> Samples:
    """Slow four-part chords of held tones."""
    score = Score(seconds)
    chords = [(48, 55, 64, 72), (45, 57, 60, 69), (41, 57, 60, 65), (43, 55, 62, 71)]
    for i in range(int(seconds / 2.5)):
        for note in chords[i % 4]:
            score.add(2.5 * i + rng.uniform(0, 0.04), held(note, 2.8), 0.3)
    return score.y


def fingerpicking(seconds: float, rng: np.random.Generator) -> Samples:
    """A guitar-like pattern over three chords, swung."""
    score, beat = Score(seconds), 60 / 92
    chords = [(40, 52, 56, 59, 64), (45, 52, 57, 61, 64), (47, 54, 57, 63, 66)]
    for i in range(int(seconds / beat)):
        chord = chords[[0, 0, 1, 0, 2, 0][(i // 4) % 6]]
        score.add(i * beat, pluck(chord[0], 1.2, rng), 0.8)
        for k, swing in enumerate((0.0, 0.34, 0.67)):
            score.add((i + swing) * beat, pluck(chord[1 + (i + k) % 4], 1.0, rng), 0.6)
    return score.y


def wall_of_sound(seconds: float, rng: np.random.Generator) -> Samples:
    """Overdriven fifths, fast double kicks, crashing noise."""
    score, step = Score(seconds), 60 / 170 / 2
    kick, snare = drum(60, 0.06, 0.2, rng), drum(190, 0.09, 0.7, rng)
    for i in range(int(seconds / step)):
        score.add(i * step, kick, 0.9)
        if i % 4 == 2:
            score.add(i * step, snare)
        note = [28, 28, 31, 33, 28, 28, 34, 33][(i // 4) % 8]
        for interval in (0, 7, 12, 19):
            score.add(i * step, pluck(note + interval, step * 1.1, rng), 1.2)
    return np.tanh(4 * score.y) + 0.03 * rng.normal(0, 1, len(score.y))


def off_beat(seconds: float, rng: np.random.Generator) -> Samples:
    """Chords between the beats over a round bass."""
    score, beat = Score(seconds), 60 / 74
    for i in range(int(seconds / beat)):
        root = [45, 45, 50, 52][(i // 4) % 4]
        score.add(i * beat, held(root - 12, 0.8 * beat, 3), 0.9)
        for interval in (12, 15, 19):
            score.add((i + 0.5) * beat, pluck(root + interval, 0.18, rng), 0.7)
        if i % 4 == 2:
            score.add(i * beat, drum(180, 0.08, 0.6, rng), 0.8)
    return score.y


PIECES: tuple[tuple[str, Callable[[float, np.random.Generator], Samples], float, str], ...] = (
    ("Club/01 Four on the Floor.mp3", four_on_the_floor, 120.0, "Other"),
    ("Club/02 Off Beat.ogg", off_beat, 40.0, ""),
    ("Hall/01 Chorale.flac", chorale, 75.0, ""),
    ("Porch/01 Fingerpicking.mp3", fingerpicking, 60.0, "Blues"),
    ("Garage/01 Wall of Sound.flac", wall_of_sound, 32.0, ""),
)
"""File name, composer, seconds, genre that it is tagged with beforehand."""


def main() -> None:
    """Write the library."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for name, compose, seconds, genre in PIECES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        y = compose(seconds, np.random.default_rng(0))
        stereo = np.stack([y, np.roll(y, 200)], axis=1)
        soundfile.write(path, 0.7 * stereo / np.abs(stereo).max(), SR)
        if genre:
            tags = mutagen.File(path, easy=True)
            tags["title"], tags["genre"] = [path.stem[3:]], [genre]
            tags.save()
        print(path)


if __name__ == "__main__":
    main()
