"""Convolutional networks, in Keras 3."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from tagger.analysis.picture import N_MELS

__all__ = ["resnet", "segment_cnn"]


def resnet(
    n_labels: int, columns: int, widths: tuple[int, ...] = (32, 64, 128, 256), dropout: float = 0.4
) -> Any:
    """A small residual network on log-mel patches, to logits.

    A 5×5 stem of stride 2, one residual block of two 3×3 convolutions per width (He et al.,
    "Deep Residual Learning", CVPR 2016), each after the first at half the resolution; mean
    and maximum over the whole patch; dropout; one dense layer.

    Args:
        n_labels: number of logits.
        columns: width of a patch; the input's shape is (batch, N_MELS, columns, 1).
    """
    inputs = keras.Input((N_MELS, columns, 1), name="log_mel")
    x = _convolution(inputs, widths[0], 5, 2)
    x = layers.ReLU()(_normalised(x))
    for i, width in enumerate(widths):
        x = _block(x, width, 1 if i == 0 else 2)
    pooled = [layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)]
    x = layers.Dropout(dropout)(layers.Concatenate()(pooled))
    logits = layers.Dense(n_labels, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="resnet")


def segment_cnn(
    n_labels: int,
    columns: int,
    widths: tuple[int, ...] = (32, 64, 128),
    dense: int = 128,
    dropout: float = 0.25,
) -> Any:
    """Blocks of one 3×3 convolution on short log-mel segments, to logits.

    Each block halves both sides by the maximum; the mean over what is left goes through
    one dense layer.

    Args:
        n_labels: number of logits.
        columns: width of a patch; made for 130 frames, 3 s.
        widths: channels of each block.
        dense: width of the dense layer.
        dropout: share lost behind each block; twice that behind the dense layer.
    """
    inputs = keras.Input((N_MELS, columns, 1), name="log_mel")
    x = inputs
    for width in widths:
        x = layers.ReLU()(_normalised(_convolution(x, width, 3, 1)))
        x = layers.Dropout(dropout)(layers.MaxPooling2D()(x))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(dense, activation="relu", kernel_initializer="he_normal")(x)
    x = layers.Dropout(2 * dropout)(x)
    logits = layers.Dense(n_labels, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="segment-cnn")


def _block(x: Any, width: int, stride: int) -> Any:
    h = layers.ReLU()(_normalised(_convolution(x, width, 3, stride)))
    h = _normalised(_convolution(h, width, 3, 1))
    if stride > 1:
        # Averaging keeps what a strided 1×1 convolution would throw away.
        x = layers.AveragePooling2D(stride, padding="same")(x)
    if x.shape[-1] != width:
        x = _normalised(_convolution(x, width, 1, 1))
    return layers.ReLU()(layers.Add()([x, h]))


def _convolution(x: Any, width: int, size: int, stride: int) -> Any:
    return layers.Conv2D(
        width,
        size,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(x)


def _normalised(x: Any) -> Any:
    # Few hundred clips make few steps an epoch: the running statistics must follow quickly.
    return layers.BatchNormalization(momentum=0.9)(x)
