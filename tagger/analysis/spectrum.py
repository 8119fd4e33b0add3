"""The one spectrum that every feature of a track is computed from.

Each array is made at most once, on first use, in float32. The excerpts of a track are
transformed one by one (so that no frame spans a join) and their frames stand side by
side: statistics over frames are statistics over all that was heard.

Equal to librosa 0.11's own calls on a single excerpt, with ``tuning=0.0`` wherever
librosa would estimate a tuning: the estimate costs more than the whole spectrum and
moves with the excerpt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final

import librosa
import numpy as np
import numpy.typing as npt
import scipy.fft

from tagger.analysis.filters import (
    chroma_filters,
    hann_window,
    mel_power,
    peak_normalised,
    power_to_db,
)
from tagger.analysis.picture import N_MELS

__all__ = ["HOP_LENGTH", "N_FFT", "Spectrum"]

N_FFT: Final = 2048
HOP_LENGTH: Final = 512
BINS_PER_OCTAVE: Final = 12  # librosa's chroma of a CQT assumes 36 where it is not told
CQT_BINS: Final = 7 * BINS_PER_OCTAVE  # from C1

_BATCH: Final = 64  # frames transformed at a time: half a megabyte, which stays in a core's cache

Array = npt.NDArray[np.float32]


class Spectrum:
    """Shared arrays of one track; frames of all excerpts along the last axis.

    Args:
        ys: the excerpts, each float32, shape (n,).
        sr: sample rate in Hz.
    """

    def __init__(self, ys: Sequence[Array], sr: int) -> None:
        if not ys or any(len(y) < N_FFT for y in ys):
            raise ValueError(f"every excerpt needs at least {N_FFT} samples")
        self.ys: Final = tuple(np.ascontiguousarray(y, dtype=np.float32) for y in ys)
        self.sr: Final = sr

    @cached_property
    def frame_counts(self) -> tuple[int, ...]:
        """Number of frames of each excerpt."""
        return tuple(1 + len(y) // HOP_LENGTH for y in self.ys)

    @cached_property
    def magnitude(self) -> Array:
        """|STFT|, shape (1 + N_FFT/2, frames): Hann window, centred, zero-padded."""
        magnitude = np.empty((1 + N_FFT // 2, sum(self.frame_counts)), dtype=np.float32)
        for y, part in zip(self.ys, self.per_excerpt(magnitude), strict=True):
            _stft_magnitude(y, part)
        return magnitude

    @cached_property
    def power(self) -> Array:
        """|STFT|², shape (1 + N_FFT/2, frames)."""
        return np.square(self.magnitude)

    @cached_property
    def moments(self) -> npt.NDArray[np.float64]:
        """Sums over bins of S, f S and f² S of the magnitude S, shape (3, frames).

        Frequencies in units of the Nyquist frequency keep float32 products exact enough.
        """
        f = np.linspace(0, 1, 1 + N_FFT // 2)
        weights = np.stack([np.ones_like(f), f, np.square(f)]).astype(np.float32)
        return (weights @ self.magnitude).astype(np.float64)

    @cached_property
    def mel(self) -> Array:
        """Mel power spectrogram (Slaney scale and norm), shape (N_MELS, frames)."""
        return mel_power(self.power, self.sr, N_FFT, N_MELS)

    @cached_property
    def mel_db(self) -> Array:
        """``power_to_db(mel)``, (N_MELS, frames): dB re 1.0, at most 80 dB below the loudest."""
        return power_to_db(self.mel)

    @cached_property
    def cqt(self) -> Array:
        """|CQT| from C1, 12 bins an octave, shape (84, frames), tuning 0."""
        return _side_by_side(self.ys, self._cqt_magnitude)

    @cached_property
    def chroma_stft(self) -> Array:
        """Chroma of the power spectrum, max-normalised per frame, shape (12, frames)."""
        raw = chroma_filters(self.sr, N_FFT) @ self.power
        return peak_normalised(raw)

    @cached_property
    def chroma_cens(self) -> Array:
        """Chroma energy normalised (CENS) of the CQT, shape (12, frames).

        Smoothing runs along time, so it is done excerpt by excerpt.
        """
        parts = [
            librosa.feature.chroma_cens(
                C=part, sr=self.sr, hop_length=HOP_LENGTH, bins_per_octave=BINS_PER_OCTAVE
            )
            for part in self.per_excerpt(self.cqt)
        ]
        return np.asarray(np.concatenate(parts, axis=-1), dtype=np.float32)

    def per_excerpt(self, frames: Array) -> list[Array]:
        """Split an array of this spectrum, (…, frames), back into its excerpts."""
        ends = np.cumsum(self.frame_counts)[:-1]
        return list(np.split(frames, ends, axis=-1))

    def _cqt_magnitude(self, y: Array) -> Array:
        cqt = librosa.cqt(
            y,
            sr=self.sr,
            hop_length=HOP_LENGTH,
            n_bins=CQT_BINS,
            bins_per_octave=BINS_PER_OCTAVE,
            tuning=0.0,
        )
        return np.asarray(np.abs(cqt), dtype=np.float32)


def _side_by_side(ys: Sequence[Array], transform: Callable[[Array], Array]) -> Array:
    parts = [transform(y) for y in ys]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)


def _stft_magnitude(y: Array, out: Array) -> None:
    padded = np.pad(y, N_FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP_LENGTH]
    for start in range(0, len(frames), _BATCH):
        windowed = frames[start : start + _BATCH] * hann_window(N_FFT)
        spectrum = scipy.fft.rfft(windowed, axis=-1, overwrite_x=True)
        # One row a bin: the layout that every filter bank and librosa expects.
        np.abs(spectrum.T, out=out[:, start : start + _BATCH])
