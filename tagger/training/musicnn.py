"""The weights of MusiCNN, a published network that names music by sound, as plain arrays.

Pons and Serra, "musicnn: Pre-trained convolutional neural networks for music audio tagging"
(ISMIR 2019, late-breaking). It learned 50 tags from the 200,000 tracks of the Million Song
Dataset; its weights are in the authors' Python package, under the ISC licence. What it looks at is
a mel spectrogram of 96 bands at 16 kHz every 16 ms; :func:`at_columns` makes of it a network for
pictures, which have a column every 77.5 ms.

A normalisation in inference is a scale and a shift; where it follows a convolution's ReLU and the
maximum over frequency follows it, both are put behind the maximum. Of a channel whose scale is
negative the least value counts there, which is minus the greatest of the negated convolution.
"""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.analysis.filters import TOP_DB
from tagger.analysis.picture import COLUMN_S, N_MELS
from tagger.audio.samples import SAMPLE_RATE
from tagger.errors import UsageError

__all__ = [
    "LEVEL_DB",
    "N_BANDS",
    "PUBLISHED_SAMPLE_RATE",
    "STRIDES",
    "WHEEL_SHA256",
    "Arrays",
    "at_columns",
    "log_power",
    "read_wheel",
    "standardised",
    "without_silent",
]

Arrays = Mapping[str, npt.NDArray[np.float32]]

WHEEL_SHA256: Final = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
"""Of ``musicnn-0.1.0-py3-none-any.whl``, as the Python Package Index has it."""

N_BANDS: Final = 96
PUBLISHED_SAMPLE_RATE: Final = 16_000

STRIDES: Final = "front.strides"
"""Name of the one array of a network for pictures that is no weight."""

_N_FFT, _HOP_LENGTH = 512, 256
_FRAME_S: Final = _HOP_LENGTH / PUBLISHED_SAMPLE_RATE

_CHECKPOINT: Final = "musicnn/MSD_musicnn/"
_EPSILON: Final = 1e-3  # of its normalisations
_N_FRONTS, _N_MIDDLES = 5, 3
_LEAST_SPREAD: Final = 1e-3  # of the greatest
_LEAST_KERNEL: Final = 1e-3  # of the greatest weight of the same convolution
_STRIDES: Final = (1,) * _N_FRONTS  # bands, between two places of a first kernel
_GAIN: Final = 10_000.0  # its input is log10(_GAIN * power + 1)

LEVEL_DB: Final = 19.3
"""How far above a picture's loudest point (0 dB) the same point lies in the published network's
own spectrograms: the median over Emotify's clips. Loudness is not in a picture."""


def read_wheel(wheel: Path) -> Arrays:
    """The weights that listen, from the authors' package; not those that name tags, nor those that
    are zero.

    Returns:
        ``input.scale``, ``input.shift``: shape (1,). For i in 0..4 the convolutions that look at
        the spectrogram: ``front<i>.kernel``, shape (frames, bands, channels); and of their
        64 channels together ``before.scale``, ``before.shift`` (between maximum and ReLU) and
        ``after.scale``, ``after.shift`` (behind it). For i in 0..2 the convolutions over time:
        ``middle<i>.kernel``, shape (frames, channels in, channels), ``middle<i>.bias``,
        ``middle<i>.scale``, ``middle<i>.shift`` (behind its ReLU).

    Raises:
        UsageError: the file cannot be read or is not that package.
    """
    try:
        data = wheel.read_bytes()
    except OSError as error:
        raise UsageError(f"{wheel}: cannot be read: {error.strerror or error}") from None
    if hashlib.sha256(data).hexdigest() != WHEEL_SHA256:
        raise UsageError(
            f"{wheel}: not musicnn 0.1.0; get it by `pip download --no-deps musicnn==0.1.0`"
        )
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(_CHECKPOINT):
                archive.extract(name, folder)
        return without_silent(dict(_arrays(Path(folder) / _CHECKPOINT)))


def _arrays(checkpoint: Path) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    import tensorflow as tf

    # Its files are hidden ones: what comes before .index and .data is the folder alone.
    reader = tf.compat.v1.train.NewCheckpointReader(f"{checkpoint}/")
    seen: dict[str, int] = {}

    def layer(kind: str, *parts: str) -> list[Any]:
        """Variables of the next layer of a kind: TensorFlow numbered them as they were made."""
        number = seen.get(kind, 0)
        seen[kind] = number + 1
        name = f"{kind}_{number}" if number else kind
        return [reader.get_tensor(f"{name}/{part}") for part in parts]

    def normalisation() -> tuple[Any, Any]:
        gamma, beta, mean, variance = layer(
            "batch_normalization", "gamma", "beta", "moving_mean", "moving_variance"
        )
        scale = gamma / np.sqrt(variance + _EPSILON)
        return scale, beta - mean * scale

    yield from zip(("input.scale", "input.shift"), normalisation(), strict=True)
    channels: dict[str, list[Any]] = {}
    for i in range(_N_FRONTS):
        kernel, bias = layer("conv2d", "kernel", "bias")
        scale, shift = normalisation()
        sign = np.where(scale < 0, -1, 1).astype(np.float32)
        yield f"front{i}.kernel", kernel[:, :, 0] * sign
        for name, values in (
            ("before.scale", sign),
            ("before.shift", bias),
            ("after.scale", scale),
            ("after.shift", shift),
        ):
            channels.setdefault(name, []).append(values)
    for name, parts in channels.items():
        yield name, np.concatenate(parts)
    for i in range(_N_MIDDLES):
        kernel, bias = layer("conv2d", "kernel", "bias")
        scale, shift = normalisation()
        yield f"middle{i}.kernel", kernel[:, :, 0]
        yield f"middle{i}.bias", bias
        yield f"middle{i}.scale", scale
        yield f"middle{i}.shift", shift


def without_silent(arrays: Arrays) -> Arrays:
    """The same network without those first kernels that are zero, as its training left nine in
    ten of them; what comes of these, everywhere the same, is put into the next bias."""
    kernels = [arrays[f"front{i}.kernel"] for i in range(_N_FRONTS)]
    greatest = [np.abs(kernel).max(axis=(0, 1)) for kernel in kernels]
    speak = [of_one > _LEAST_KERNEL * of_one.max() for of_one in greatest]
    new = dict(arrays)
    for i, kernel in enumerate(kernels):
        new[f"front{i}.kernel"] = kernel[..., speak[i]]
    kept = np.concatenate(speak)
    always = np.maximum(arrays["before.shift"], 0) * arrays["after.scale"] + arrays["after.shift"]
    for name in ("before.scale", "before.shift", "after.scale", "after.shift"):
        new[name] = arrays[name][kept]
    kernel = arrays["middle0.kernel"]
    new["middle0.kernel"] = kernel[:, kept]
    new["middle0.bias"] = arrays["middle0.bias"] + always[~kept] @ kernel.sum(axis=0)[~kept]
    return new


def log_power(y: npt.NDArray[np.float32], level_db: float | None = None) -> npt.NDArray[np.float32]:
    """The published network's input: ``log10(10000 * power + 1)`` in mel bands.

    Args:
        y: mono, at :data:`PUBLISHED_SAMPLE_RATE`.
        level_db: what the power of the loudest point is made, in dB; by default it stays.

    Returns:
        shape (frames, N_BANDS), a frame every 16 ms.
    """
    import librosa

    power = librosa.feature.melspectrogram(
        y=y, sr=PUBLISHED_SAMPLE_RATE, n_fft=_N_FFT, hop_length=_HOP_LENGTH, n_mels=N_BANDS
    )
    loudest = float(power.max())
    if level_db is not None and loudest > 0:
        power *= 10 ** (level_db / 10) / loudest
    return np.asarray(np.log10(_GAIN * power.T + 1), dtype=np.float32)


def at_columns(arrays: Arrays) -> Arrays:
    """The same network for the columns of a picture.

    A convolution over frames 16 ms apart becomes one over columns 77.5 ms apart: each frame's
    share of the kernel goes to the two columns beside it, the nearer the more. That is what the
    kernel would see if the spectrogram between two columns were the line between them. The bands
    are those of a picture, read where the published network's have their centres.

    Returns:
        as :func:`read_wheel`, and ``bands.kernel``, shape (N_MELS, N_BANDS), and ``bands.bias``:
        what makes of a picture's grey levels (0..1) the exponent of a softplus that is the
        published network's input times ln 10; and ``standard.scale``, ``standard.shift``, shape
        (512,), which leave the activations as they are until :func:`standardised` is called;
        ``front.strides``, shape (5,), bands between two places of a first convolution's kernel:
        one. Models of before 1.3.0 left places out, and so fewer clips were named rightly, most
        of all by another master.
    """
    new = dict(arrays)
    for name, values in arrays.items():
        if name.endswith(".kernel"):
            new[name] = _over_columns(values)
    decibel = np.log(10) / 10
    new["bands.kernel"] = (_band_weights() * TOP_DB * decibel).astype(np.float32)
    loudest = np.log(_GAIN) + (LEVEL_DB - TOP_DB) * decibel
    new["bands.bias"] = np.full(N_BANDS, loudest, dtype=np.float32)
    middles = (arrays[f"middle{i}.bias"] for i in range(_N_MIDDLES))
    # The greatest and the mean value of each channel.
    n_activations = 2 * (len(arrays["before.scale"]) + sum(map(len, middles)))
    new["standard.scale"] = np.ones(n_activations, dtype=np.float32)
    new["standard.shift"] = np.zeros(n_activations, dtype=np.float32)
    new[STRIDES] = np.array(_STRIDES, dtype=np.float32)
    return new


def standardised(arrays: Arrays, activations: npt.NDArray[np.float32]) -> Arrays:
    """The same weights, by which each of some activations has mean 0 and variance 1; one that
    hardly moves among them is 0.

    Args:
        activations: shape (n, n_activations), of a network with these weights, whose own
            ``standard`` leaves them as they are.
    """
    spread = activations.std(axis=0)
    moves = spread > _LEAST_SPREAD * spread.max()
    scale = np.divide(1, spread, out=np.zeros_like(spread), where=moves)
    shift = -activations.mean(axis=0) * scale
    return {**arrays, "standard.scale": scale, "standard.shift": shift}


def _over_columns(kernel: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A kernel over frames (first axis) as one over columns, of odd length, its middle kept."""
    at = (np.arange(len(kernel)) - (len(kernel) - 1) // 2) * _FRAME_S / COLUMN_S
    reach = int(np.ceil(np.abs(at).max()))
    wide = np.zeros((2 * reach + 1, *kernel.shape[1:]), dtype=np.float32)
    for place, values in zip(at, kernel, strict=True):
        left = int(np.floor(place))
        share = place - left
        wide[reach + left] += (1 - share) * values
        if share:
            wide[reach + left + 1] += share * values
    return wide


def _band_weights() -> npt.NDArray[np.float64]:
    """Which of a picture's bands stand for each of the published network's, (N_MELS, N_BANDS)."""
    import librosa

    def centres(n_bands: int, highest: float) -> Any:
        return librosa.hz_to_mel(librosa.mel_frequencies(n_bands + 2, fmin=0.0, fmax=highest)[1:-1])

    ours = centres(N_MELS, SAMPLE_RATE / 2)
    place = np.interp(centres(N_BANDS, PUBLISHED_SAMPLE_RATE / 2), ours, np.arange(N_MELS))
    low = np.floor(place).astype(int).clip(0, N_MELS - 2)
    weights = np.zeros((N_MELS, N_BANDS))
    weights[low, np.arange(N_BANDS)] = 1 - (place - low)
    weights[low + 1, np.arange(N_BANDS)] = place - low
    return weights
