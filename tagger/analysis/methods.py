"""The rows of numbers, one per frame, that statistics are taken of.

Each method agrees with the librosa function of its name, called with the defaults of
:mod:`tagger.analysis.spectrum`; where librosa would go over the whole spectrum several
times, the same number comes from a matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import librosa
import numpy as np
import numpy.typing as npt
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

from tagger.analysis import texture
from tagger.analysis.picture import Picture
from tagger.analysis.spectrum import BINS_PER_OCTAVE, HOP_LENGTH, N_FFT, Array, Spectrum

__all__ = ["FMA_METHODS", "METHODS", "PICTURE_METHODS", "Method"]

N_MFCC: Final = 20
ROLLOFF: Final = 0.85

Compute = Callable[[Spectrum | None, Picture | None], Array]


@dataclass(frozen=True, slots=True)
class Method:
    """One row of the table: ``compute`` returns an array of shape (rows, frames)."""

    name: str
    rows: int
    compute: Compute


def _of_spectrum(function: Callable[[Spectrum], Array]) -> Compute:
    def compute(spectrum: Spectrum | None, picture: Picture | None) -> Array:
        if spectrum is None:
            raise ValueError("this feature needs a spectrum")
        return function(spectrum)

    return compute


def _of_picture(function: Callable[[npt.NDArray[np.uint8]], Array]) -> Compute:
    def compute(spectrum: Spectrum | None, picture: Picture | None) -> Array:
        if picture is None:
            raise ValueError("this feature needs a log-mel picture")
        # Differences along time never span the join of two excerpts.
        return np.concatenate([function(part) for part in picture.parts], axis=-1)

    return compute


def _frequencies(spectrum: Spectrum) -> npt.NDArray[np.float64]:
    return np.linspace(0, spectrum.sr / 2, 1 + N_FFT // 2)


def _spectral_centroid(spectrum: Spectrum) -> Array:
    total, first, _ = spectrum.moments
    centroid = np.divide(first, total, out=np.zeros_like(first), where=total > 0)
    return np.asarray(centroid[None] * (spectrum.sr / 2), dtype=np.float32)


def _spectral_bandwidth(spectrum: Spectrum) -> Array:
    """Standard deviation of frequency, weighted by magnitude: E[f²] - E[f]²."""
    total, first, second = spectrum.moments
    safe = np.where(total > 0, total, 1.0)
    variance = np.maximum(second / safe - np.square(first / safe), 0.0)
    return np.asarray(np.sqrt(variance)[None] * (spectrum.sr / 2), dtype=np.float32)


def _spectral_rolloff(spectrum: Spectrum) -> Array:
    """Frequency of the first bin at which 85 % of the magnitude is reached."""
    magnitude, step = spectrum.magnitude, 32
    # Whole rows added up, of which every 32nd sum is kept: np.cumsum goes down the columns one
    # by one, and takes five times as long for the same sums.
    total = np.zeros_like(magnitude[0])
    sums = []
    for start in range(0, len(magnitude), step):
        sums.append(total.copy())
        for row in magnitude[start : start + step]:
            total += row
    enough = ROLLOFF * total
    # The sums only grow, so that the bin lies behind the last of those kept that is too small.
    kept = np.stack(sums)
    block = (kept[1:] < enough).sum(axis=0)
    bins = np.minimum(block * step + np.arange(step)[:, None], len(magnitude) - 1)
    inside = np.take_along_axis(magnitude, bins, axis=0)
    inside[0] += np.take_along_axis(kept, block[None], axis=0)[0]
    below = block * step + (np.cumsum(inside, axis=0) < enough).sum(axis=0)
    return np.asarray(_frequencies(spectrum)[below][None], dtype=np.float32)


def _rms(spectrum: Spectrum) -> Array:
    """Root mean square of each centred frame of samples (not of the windowed spectrum)."""
    rows = []
    for y in spectrum.ys:
        # A running sum in float64 gives every frame's energy from one pass.
        energy = np.concatenate([[0.0], np.cumsum(np.square(np.pad(y, N_FFT // 2), dtype=float))])
        starts = np.arange(1 + len(y) // HOP_LENGTH) * HOP_LENGTH
        rows.append(np.sqrt(np.maximum(energy[starts + N_FFT] - energy[starts], 0.0) / N_FFT))
    return np.asarray(np.concatenate(rows)[None], dtype=np.float32)


def _zero_crossing_rate(spectrum: Spectrum) -> Array:
    rows = []
    for y, n_frames in zip(spectrum.ys, spectrum.frame_counts, strict=True):
        # librosa counts values up to 1e-10 as zero, and zero as positive.
        negative = np.pad(y, N_FFT // 2, mode="edge") < -1e-10
        crossings = np.diff(negative, prepend=negative[:1])
        hops = np.arange(0, len(crossings), HOP_LENGTH)
        in_hop = np.add.reduceat(crossings, hops, dtype=np.intp)
        in_frame = sliding_window_view(in_hop, N_FFT // HOP_LENGTH).sum(axis=-1)[:n_frames]
        # The sample in front of a frame is none of it, so nothing crosses at its first sample.
        rows.append((in_frame - crossings[hops[:n_frames]]) / N_FFT)
    return np.asarray(np.concatenate(rows)[None], dtype=np.float32)


def _spectral_contrast(spectrum: Spectrum) -> Array:
    contrast = librosa.feature.spectral_contrast(S=spectrum.magnitude, sr=spectrum.sr, n_bands=6)
    return np.asarray(contrast, dtype=np.float32)


def _mfcc(spectrum: Spectrum) -> Array:
    """Type-II cosine transform of the mel bands in dB, orthonormal."""
    cepstrum = scipy.fft.dct(spectrum.mel_db, axis=0, type=2, norm="ortho")
    return np.asarray(cepstrum[:N_MFCC], dtype=np.float32)


def _chroma_cqt(spectrum: Spectrum) -> Array:
    chroma = librosa.feature.chroma_cqt(
        C=spectrum.cqt, sr=spectrum.sr, hop_length=HOP_LENGTH, bins_per_octave=BINS_PER_OCTAVE
    )
    return np.asarray(chroma, dtype=np.float32)


def _tonnetz(spectrum: Spectrum) -> Array:
    return np.asarray(librosa.feature.tonnetz(chroma=spectrum.chroma_cens), dtype=np.float32)


def _tempo(spectrum: Spectrum) -> Array:
    """One global tempo in beats per minute, shape (1, 1).

    The autocorrelations of all excerpts are averaged before the peak is picked.
    """
    tempograms = [
        librosa.feature.tempogram(
            onset_envelope=librosa.onset.onset_strength(S=part, sr=spectrum.sr),
            sr=spectrum.sr,
            hop_length=HOP_LENGTH,
        )
        for part in spectrum.per_excerpt(spectrum.mel_db)
    ]
    tempo = librosa.feature.tempo(
        tg=np.concatenate(tempograms, axis=-1), sr=spectrum.sr, hop_length=HOP_LENGTH
    )
    return np.asarray(tempo, dtype=np.float32).reshape(1, 1)


FMA_METHODS: Final = (
    Method("chroma_stft", 12, _of_spectrum(lambda s: s.chroma_stft)),
    Method("chroma_cqt", 12, _of_spectrum(_chroma_cqt)),
    Method("chroma_cens", 12, _of_spectrum(lambda s: s.chroma_cens)),
    Method("tonnetz", 6, _of_spectrum(_tonnetz)),
    Method("mfcc", N_MFCC, _of_spectrum(_mfcc)),
    Method("rms", 1, _of_spectrum(_rms)),
    Method("zero_crossing_rate", 1, _of_spectrum(_zero_crossing_rate)),
    Method("spectral_centroid", 1, _of_spectrum(_spectral_centroid)),
    Method("spectral_bandwidth", 1, _of_spectrum(_spectral_bandwidth)),
    Method("spectral_contrast", 7, _of_spectrum(_spectral_contrast)),
    Method("spectral_rolloff", 1, _of_spectrum(_spectral_rolloff)),
)

PICTURE_METHODS: Final = (
    Method("log_mel", texture.BANDS, _of_picture(texture.bands)),
    Method("log_mel_delta", texture.BANDS, _of_picture(texture.delta)),
    Method("log_mel_edges_time", texture.EDGE_BANDS, _of_picture(texture.edges_in_time)),
    Method("log_mel_edges_frequency", texture.EDGE_BANDS, _of_picture(texture.edges_in_frequency)),
    Method("log_mel_modulation", texture.MODULATIONS, _of_picture(texture.modulation)),
    Method("log_mel_correlation", texture.CORRELATIONS, _of_picture(texture.correlation)),
)

METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        method.name: method
        for method in (*FMA_METHODS, *PICTURE_METHODS, Method("tempo", 1, _of_spectrum(_tempo)))
    }
)
