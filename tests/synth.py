"""Audio made from arithmetic, so that no test needs a recording.

Samples are float32 in [-1, 1], shape (frames,), or (frames, channels) as soundfile wants.
Everything is deterministic: the same call gives the same samples on every machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile

__all__ = [
    "CONTAINERS", "loudest_hz", "noise", "silence", "sine", "song", "vbr_mp3", "without_xing",
    "write",
]  # fmt: skip

Samples = npt.NDArray[np.float32]

CONTAINERS: Final[dict[str, tuple[str, str | None]]] = {
    ".wav": ("WAV", "PCM_16"),
    ".aiff": ("AIFF", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".mp3": ("MP3", None),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
}
"""Suffix to libsndfile's format and subtype."""

_MAJOR: Final = (0, 4, 7, 12)
_MINOR: Final = (0, 3, 7, 12)
# Semitones above A1 of each chord's root: a plain I-vi-IV-V in A major.
_PROGRESSION: Final = ((12, _MAJOR), (9, _MINOR), (5, _MAJOR), (7, _MAJOR))
_BEAT_S: Final = 0.5  # 120 beats per minute
_BLOCK_FRAMES: Final = 1 << 15


def _random(seed: int) -> np.random.RandomState:
    # The one generator whose stream numpy promises never to change.
    return np.random.RandomState(seed)


def sine(hz: float, seconds: float, sr: int = 22_050, amplitude: float = 0.5) -> Samples:
    """A sine of constant amplitude."""
    t = np.arange(round(seconds * sr)) / sr
    return (amplitude * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def noise(seconds: float, sr: int = 22_050, amplitude: float = 0.1, seed: int = 0) -> Samples:
    """White noise of normal distribution; ``amplitude`` is its standard deviation."""
    rng = _random(seed)
    return (amplitude * rng.standard_normal(round(seconds * sr))).astype(np.float32)


def silence(seconds: float, sr: int = 22_050) -> Samples:
    """Digital silence."""
    return np.zeros(round(seconds * sr), dtype=np.float32)


def song(seconds: float, sr: int = 22_050, seed: int = 0) -> Samples:
    """Four chords in turn, each beat opened by a burst of noise, at 120 bpm.

    Each beat is struck a little harder or softer, so that no two stretches are equal.
    """
    rng = _random(seed)
    n = round(seconds * sr)
    beat = round(_BEAT_S * sr)
    t = np.arange(beat) / sr
    y = np.zeros(n)
    for i, start in enumerate(range(0, n, beat)):
        root, chord = _PROGRESSION[i // 4 % len(_PROGRESSION)]
        level = rng.uniform(0.6, 1.0)
        tone = np.zeros(beat)
        for step in chord:
            hz = 110.0 * 2 ** ((root + step) / 12)
            for harmonic in (1, 2, 3, 5):
                tone += np.sin(2 * np.pi * hz * harmonic * t) / harmonic**1.5
        burst = rng.standard_normal(beat) * np.exp(-t / 0.03)
        struck = level * (0.08 * tone * np.exp(-t / 0.6) + 0.12 * burst)
        y[start : start + beat] = struck[: n - start]
    return y.astype(np.float32)


def write(
    path: Path, y: Samples, sr: int = 22_050, *, subtype: str | None = None, quality: float = 0.0
) -> Path:
    """Write samples in the container that the suffix names; return the path.

    Blocks are handed over one by one: libsndfile's Vorbis encoder overflows its stack on
    long buffers. An MP3 has a variable bit rate: 0 is the best ``quality``, 1 the least.
    """
    container, usual = CONTAINERS[path.suffix]
    with soundfile.SoundFile(
        path,
        "w",
        samplerate=sr,
        channels=1 if y.ndim == 1 else y.shape[1],
        format=container,
        subtype=subtype or usual,
        # LAME at a constant rate scales by 0.95; at its best variable rate it does not.
        bitrate_mode="VARIABLE" if container == "MP3" else None,
        compression_level=quality if container == "MP3" else None,
    ) as file:
        for start in range(0, len(y), _BLOCK_FRAMES):
            file.write(y[start : start + _BLOCK_FRAMES])
    return path


def vbr_mp3(path: Path, y: Samples, sr: int = 44_100, *, xing: bool) -> Path:
    """Write a VBR MP3, without its Xing header where asked: then its length is a guess."""
    write(path, y, sr, quality=0.5)
    if not xing:
        path.write_bytes(without_xing(path.read_bytes()))
    return path


def without_xing(data: bytes) -> bytes:
    """An MPEG 1 layer III stream without its first frame, which holds the Xing header.

    Raises:
        ValueError: there is none.
    """
    return data[_first_frame_length(data) :]


def _first_frame_length(data: bytes) -> int:
    if b"Xing" not in data[:200]:
        raise ValueError("no Xing header where one was expected")
    kbps = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)[data[2] >> 4]
    hz = (44_100, 48_000, 32_000)[data[2] >> 2 & 3]
    return 144_000 * kbps // hz + (data[2] >> 1 & 1)


def loudest_hz(y: Samples, sr: int = 22_050) -> tuple[float, float]:
    """Frequency and amplitude of the strongest sine in ``y``.

    The logarithm of a Gaussian window's spectrum is a parabola, so that three bins around
    the peak give both exactly.
    """
    n = len(y)
    window = np.exp(-0.5 * np.square((np.arange(n) - n / 2) / (n / 10)))
    spectrum = np.abs(np.fft.rfft(y * window)) + 1e-12
    k = int(spectrum[1:-1].argmax()) + 1
    a, b, c = np.log(spectrum[k - 1 : k + 2])
    shift = 0.5 * (a - c) / (a - 2 * b + c)
    peak = np.exp(b - 0.25 * (a - c) * shift)
    return float((k + shift) * sr / n), float(2 * peak / window.sum())
