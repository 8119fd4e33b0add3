"""MusiCNN in Keras: on pictures, and as it was published.

Its authors' graph (:mod:`tagger.training.musicnn`), written for a processor without a graphics
card. Convolutions whose kernel spans a few frames and many bands take the frames as channels,
by which the network takes four fifths of the time (in LiteRT) that it does with the one channel
that a spectrogram has; the sums are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import keras
import numpy as np
from keras import layers

from tagger.analysis.picture import N_MELS
from tagger.training.musicnn import N_BANDS, STRIDES, Arrays
from tagger.training.networks_front import grey_levels, log_mel_input

__all__ = [
    "LOOKING",
    "MUSICNN",
    "PUBLISHED_FRAMES",
    "arrays_of",
    "musicnn",
    "over_time",
    "published",
]

MUSICNN: Final = "musicnn"
"""Name of the network for pictures."""

LOOKING: Final = frozenset({"bands", "input"})
"""Layers that make of a picture what the published network looks at."""

PUBLISHED_FRAMES: Final = 187
"""Width of the published network's own patches: 3 s."""

_FORMER_STRIDES: Final = (2, 1, 2, 2, 2)
"""Of a network whose arrays do not say: one of before they did."""

_WINDOW: Final = 38  # columns, 2.95 s: the published network hears 3 s at a time


def musicnn(n_labels: int, columns: int, arrays: Arrays) -> Any:
    """A network for patches of a picture, to logits; the last layer begins at random.

    Args:
        n_labels: number of logits.
        columns: width of a patch, at least 38; the input's shape is (batch, N_MELS, columns, 1).
        arrays: from :func:`tagger.training.musicnn.at_columns`, or :func:`arrays_of` another.

    Returns:
        a network of which only the last layer is trainable.
    """
    patches = log_mel_input(columns)
    frames = layers.Reshape((N_MELS, columns), dtype="float32")(grey_levels(patches))
    frames = layers.Permute((2, 1), dtype="float32")(frames)
    bands = layers.Dense(N_BANDS, activation="softplus", dtype="float32", name="bands")(frames)
    bands = layers.Rescaling(1 / np.log(10), dtype="float32", name="log10")(bands)
    strides = tuple(int(n) for n in arrays.get(STRIDES, _FORMER_STRIDES))
    fronts = _fronts(bands, arrays, strides)
    activations = Affine(name="standard")(over_time(columns, _WINDOW, arrays)(fronts))
    logits = layers.Dense(n_labels, dtype="float32", name="logits")(activations)
    network = keras.Model(patches, logits, name=MUSICNN)
    _put(network, arrays)
    for layer in network.layers[:-1]:
        layer.trainable = False
    return network


def published(arrays: Arrays) -> Any:
    """The published network, from (batch, 187, N_BANDS) to its activations.

    Args:
        arrays: from :func:`tagger.training.musicnn.read_wheel`.
    """
    frames = keras.Input((PUBLISHED_FRAMES, N_BANDS), name="log_power")
    fronts = _fronts(frames, arrays, (1,) * 5)
    network = keras.Model(frames, over_time(PUBLISHED_FRAMES, PUBLISHED_FRAMES, arrays)(fronts))
    _put(network, arrays)
    network.trainable = False
    return network


def over_time(columns: int, window: int, arrays: Arrays) -> Any:
    """What comes behind the first convolutions, as a model of its own.

    Three convolutions over time, each added to the one before; of all channels the greatest
    value in a window, its mean over the windows, and the mean over the patch.

    Args:
        columns: width of a patch.
        window: columns over which the greatest value is taken.
        arrays: weights, for their shapes alone.

    Returns:
        a model named ``over_time`` from (batch, columns, channels) to (batch, activations).
    """
    found = keras.Input((columns, len(arrays["before.scale"])), name="found")
    x = layers.ReLU()(Affine(name="before")(found))
    x = Affine(name="after")(x)
    seen = [x]
    for i in range(3):
        width, _, n_channels = arrays[f"middle{i}.kernel"].shape
        convolution = layers.Conv1D(
            n_channels, width, padding="same", activation="relu", name=f"middle{i}"
        )
        h = Affine(name=f"middle{i}_after")(convolution(x))
        x = layers.Add()([h, x]) if i else h
        seen.append(x)
    channels = layers.Concatenate()(seen)
    greatest = layers.GlobalAveragePooling1D()(layers.MaxPooling1D(window)(channels))
    mean = layers.GlobalAveragePooling1D()(channels)
    return keras.Model(found, layers.Concatenate()([greatest, mean]), name="over_time")


def arrays_of(network: Any) -> Arrays:
    """The weights of a network's body, by their names in :mod:`tagger.training.musicnn`, and its
    strides."""
    arrays = {
        f"{name}.{part}": _stored(np.asarray(weight, dtype=np.float32))
        for layer, name, parts in _named(network)
        for part, weight in zip(parts, layer.get_weights(), strict=True)
    }
    fronts = (name for name in arrays if name.startswith("front"))
    strides = [network.get_layer(name.partition(".")[0]).strides[1] for name in sorted(fronts)]
    return {**arrays, STRIDES: np.array(strides, dtype=np.float32)}


def _fronts(bands: Any, arrays: Arrays, strides: tuple[int, ...]) -> Any:
    """What five convolutions find at their best place, over all bands."""
    n_frames = bands.shape[1]
    x = Affine(name="input")(layers.Reshape((n_frames, N_BANDS, 1))(bands))
    found = []
    for i, stride in enumerate(strides):
        n_long, n_tall, n_channels = arrays[f"front{i}.kernel"].shape
        margin = ((n_long - 1) // 2, n_long // 2)
        padded = layers.ZeroPadding2D((margin, (0, 0)))(x)
        size = (n_long, 1)
        if n_tall > 1:
            shifted = [
                layers.Cropping2D(((shift, n_long - 1 - shift), (0, 0)))(padded)
                for shift in range(n_long)
            ]
            padded, size = layers.Concatenate()(shifted), (1, n_tall)
        h = layers.Conv2D(n_channels, size, strides=(1, stride), use_bias=False, name=f"front{i}")(
            padded
        )
        h = layers.MaxPooling2D((1, h.shape[2]))(h)
        found.append(layers.Reshape((n_frames, n_channels))(h))
    return layers.Concatenate()(found)


def _named(network: Any) -> Iterator[tuple[Any, str, tuple[str, ...]]]:
    """The body's layers with weights: layer, name of its arrays, names of their parts."""
    inner = network.get_layer("over_time")
    for layer in (*network.layers, *inner.layers):
        if layer.name == "logits" or layer is inner or not layer.weights:
            continue
        parts = ("scale", "shift") if isinstance(layer, Affine) else ("kernel", "bias")
        yield layer, layer.name.removesuffix("_after"), parts[: len(layer.weights)]


def _put(network: Any, arrays: Arrays) -> None:
    for layer, name, parts in _named(network):
        layer.set_weights([_laid_out(arrays[f"{name}.{part}"], name) for part in parts])


def _laid_out(values: Any, name: str) -> Any:
    """An array as its layer has it: kernels in two dimensions, frames or bands as channels."""
    if not name.startswith("front"):
        return values
    return values.transpose(1, 0, 2)[None] if values.shape[1] > 1 else values[:, :, None]


def _stored(weight: Any) -> Any:
    if weight.ndim < 4:
        return weight
    return weight[0].transpose(1, 0, 2) if len(weight) == 1 else weight[:, :, 0]


@keras.saving.register_keras_serializable(package="genretag")
class Affine(layers.Layer):  # type: ignore[misc]
    """``x * scale + shift``, one of each for a channel: a normalisation that has learned."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the two weights, shape (channels,) each."""
        self.scale = self.add_weight(shape=shape[-1:], initializer="ones", name="scale")
        self.shift = self.add_weight(shape=shape[-1:], initializer="zeros", name="shift")

    def call(self, x: Any) -> Any:
        """Any shape, and the same shape back."""
        return x * self.scale + self.shift

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """As the input's."""
        return shape
