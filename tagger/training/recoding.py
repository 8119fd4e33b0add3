"""The same music as another file: codecs, sample rates, levels, stretches of it.

What a track is does not change with how it was stored, and what a model says of it should not
either. The variants are a table; each is an alteration of the samples and a container.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import scipy.fft
import soundfile
import soxr

from tagger.errors import AudioError
from tagger.training.sounds.shaping import coloured

__all__ = ["POSITIONS", "VARIANTS", "Coding", "Variant", "read_whole", "write_variant"]

Samples = npt.NDArray[np.float32]
Hertz = npt.NDArray[np.float64]
Alteration = Callable[[Samples, int], tuple[Samples, int]]
Place = Literal["start", "middle", "end"]

_BLOCK_FRAMES: Final = 1 << 15  # libsndfile's Vorbis encoder overflows its stack on long buffers
_OPUS_HZ: Final = 48_000
_MPEG_1_HZ: Final = (32_000, 44_100, 48_000)


@dataclass(frozen=True, slots=True)
class Coding:
    """A container as libsndfile names it.

    Attributes:
        suffix: of the file's name.
        format, subtype: of libsndfile.
        kbps: bit rate in kb/s of all channels, or None where the coding has none; constant for
            MP3, nominal for Opus.
        quality: of Vorbis, -1 to 10 as its encoder counts.
    """

    suffix: str
    format: str
    subtype: str
    kbps: int | None = None
    quality: float | None = None

    def compression_level(self, sr: int, channels: int) -> float | None:
        """The bit rate or quality on libsndfile's scale of 0 to 1, None for its default."""
        if self.quality is not None:
            return 1.0 - self.quality / 10.0
        if self.kbps is None:
            return None
        if self.format == "MP3":
            least, most = (32, 320) if sr in _MPEG_1_HZ else (8, 160)
            return (most - min(self.kbps, most)) / (most - least)
        # Opus: 6 to 256 kb/s a channel.
        return 1.0 - (self.kbps / channels - 6.0) / 250.0


_WAV: Final = Coding(".wav", "WAV", "PCM_16")
_VORBIS: Final = Coding(".ogg", "OGG", "VORBIS", quality=4.0)
_OPUS: Final = Coding(".opus", "OGG", "OPUS", kbps=96)


def _mp3(kbps: int) -> Coding:
    return Coding(".mp3", "MP3", "MPEG_LAYER_III", kbps=kbps)


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to store a track.

    Attributes:
        name: short, as tables show it.
        alter: from samples of shape (frames, channels) and sample rate in Hz to the same.
        coding: the file's.
    """

    name: str
    alter: Alteration
    coding: Coding = _WAV

    @property
    def dear(self) -> bool:
        """Whether encoding it takes longer than hearing it."""
        return self.coding != _WAV


def _same(y: Samples, sr: int) -> tuple[Samples, int]:
    return y, sr


def _resampled(hz: int) -> Alteration:
    def alter(y: Samples, sr: int) -> tuple[Samples, int]:
        return (y if sr == hz else soxr.resample(y, sr, hz, quality="HQ")), hz

    return alter


def _mono(y: Samples, sr: int) -> tuple[Samples, int]:
    return y.mean(axis=1, keepdims=True), sr


def _stereo(y: Samples, sr: int) -> tuple[Samples, int]:
    return (np.repeat(y, 2, axis=1) if y.shape[1] == 1 else y[:, :2]), sr


def _gain(db: float) -> Alteration:
    def alter(y: Samples, sr: int) -> tuple[Samples, int]:
        return y * np.float32(10 ** (db / 20)), sr

    return alter


def _stretch(place: Place, seconds: float) -> Alteration:
    """So many seconds from the start, the middle or the end; all of what is shorter."""

    def alter(y: Samples, sr: int) -> tuple[Samples, int]:
        n = min(round(seconds * sr), len(y))
        begin = {"start": 0, "middle": (len(y) - n) // 2, "end": len(y) - n}[place]
        return y[begin : begin + n], sr

    return alter


def _noisy(db: float) -> Alteration:
    """Pink noise so many dB below the track's own power."""

    def alter(y: Samples, sr: int) -> tuple[Samples, int]:
        n = scipy.fft.next_fast_len(len(y), real=True)
        noise = coloured(np.random.default_rng(0), n, -1.0)[: len(y), None]
        wanted = np.sqrt(np.square(y).mean()) * 10 ** (-db / 20)
        return (y + noise * (wanted / noise.std())).astype(np.float32), sr

    return alter


def _tilted(db_per_octave: float, most_db: float = 6.0) -> Alteration:
    """Treble up and bass down around 1 kHz, or the other way round; leaves room to the peak."""

    def alter(y: Samples, sr: int) -> tuple[Samples, int]:
        def gains(hz: Hertz) -> Hertz:
            db = db_per_octave * np.log2(np.maximum(hz, 1.0) / 1000.0)
            return np.asarray(10 ** ((np.clip(db, -most_db, most_db) - most_db) / 20))

        return _filtered(y, sr, gains), sr

    return alter


def _band_limited(top_hz: float) -> Alteration:
    def alter(y: Samples, sr: int) -> tuple[Samples, int]:
        # From pass to stop within 5 %, so that nothing rings.
        return _filtered(y, sr, lambda hz: np.clip((1.05 - hz / top_hz) / 0.05, 0.0, 1.0)), sr

    return alter


def _filtered(y: Samples, sr: int, gains: Callable[[Hertz], Hertz]) -> Samples:
    n = scipy.fft.next_fast_len(len(y), real=True)
    spectrum = scipy.fft.rfft(y, n, axis=0)
    spectrum *= gains(scipy.fft.rfftfreq(n, 1 / sr)).astype(np.float32)[:, None]
    return np.asarray(scipy.fft.irfft(spectrum, n, axis=0)[: len(y)], dtype=np.float32)


_POSITIONS: Final[tuple[Place, ...]] = ("start", "middle", "end")
_TABLE: Final = (
    Variant("MP3 64 kb/s", _same, _mp3(64)),
    Variant("MP3 128 kb/s", _same, _mp3(128)),
    Variant("MP3 320 kb/s", _same, _mp3(320)),
    Variant("Vorbis q4", _same, _VORBIS),
    Variant("Opus 96 kb/s", _resampled(_OPUS_HZ), _OPUS),
    Variant("22.05 kHz", _resampled(22_050)),
    Variant("44.1 kHz", _resampled(44_100)),
    Variant("48 kHz", _resampled(48_000)),
    Variant("mono", _mono),
    Variant("stereo", _stereo),
    Variant("-12 dB", _gain(-12.0)),
    *(Variant(f"{place} 25 s", _stretch(place, 25.0)) for place in _POSITIONS),
    *(Variant(f"{place} 15 s", _stretch(place, 15.0)) for place in _POSITIONS),
    Variant("noise -40 dB", _noisy(40.0)),
    Variant("bright", _tilted(1.0)),
    Variant("dark", _tilted(-1.0)),
    Variant("8 kHz band", _band_limited(8000.0)),
)
VARIANTS: Final[Mapping[str, Variant]] = MappingProxyType({v.name: v for v in _TABLE})
"""All variants, by name."""

POSITIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {f"{s} s": tuple(f"{place} {s} s" for place in _POSITIONS) for s in (25, 15)}
)
"""Variants that differ in the excerpt's position alone, by its length."""


def read_whole(path: Path) -> tuple[Samples, int]:
    """All samples of a file that libsndfile reads, shape (frames, channels), and their rate.

    Raises:
        AudioError: it does not read it.
    """
    try:
        y, sr = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise AudioError(f"{path}: cannot be read: {error}") from error
    return np.asarray(y, dtype=np.float32), int(sr)


def write_variant(path: Path, y: Samples, sr: int, variant: Variant) -> None:
    """Write samples as a variant.

    Args:
        path: the file; its suffix says nothing, ``variant.coding`` everything.
        y: shape (frames, channels), within [-1, 1]; what is louder is clipped.
        sr: sample rate in Hz.

    Raises:
        AudioError: libsndfile cannot write it.
    """
    y, sr = variant.alter(y, sr)
    coding = variant.coding
    try:
        with soundfile.SoundFile(
            path,
            "w",
            samplerate=sr,
            channels=y.shape[1],
            format=coding.format,
            subtype=coding.subtype,
            bitrate_mode="CONSTANT" if coding.format == "MP3" else None,
            compression_level=coding.compression_level(sr, y.shape[1]),
        ) as file:
            for start in range(0, len(y), _BLOCK_FRAMES):
                file.write(y[start : start + _BLOCK_FRAMES])
    except (OSError, soundfile.LibsndfileError) as error:
        raise AudioError(f"{path}: cannot be written as {variant.name}: {error}") from error
