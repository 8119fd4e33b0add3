"""Networks that read a patch from left to right, or as the mean of its MFCC.

Recurrent layers are unrolled: LiteRT runs a loop for one patch at a time only, while an
unrolled layer converts to plain products, of any batch. It also trains about three times as
fast, once TensorFlow has traced it.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from tagger.training.networks_front import log_mel_input, mfcc

__all__ = ["crnn", "dense_mfcc", "lstm"]


def dense_mfcc(
    n_labels: int,
    columns: int,
    n_mfcc: int = 40,
    widths: tuple[int, ...] = (1024, 512, 256, 128, 64, 32),
    dropout: float = 0.3,
) -> Any:
    """Dense layers on the mean MFCC of a patch, to logits.

    Dropout stands behind the wide layers only: of 64 or 32 values none is to spare.
    """
    inputs = log_mel_input(columns)
    x = layers.GlobalAveragePooling1D()(mfcc(inputs, n_mfcc))
    for width in widths:
        x = layers.Dense(width, activation="relu", kernel_initializer="he_normal")(x)
        if width >= 128:
            x = layers.Dropout(dropout)(x)
    return _to_logits(inputs, x, n_labels, "dense-mfcc")


def lstm(
    n_labels: int, columns: int, n_mfcc: int = 13, width: int = 64, dropout: float = 0.3
) -> Any:
    """Two LSTM layers over the MFCC of a patch, one dense layer, to logits."""
    inputs = log_mel_input(columns)
    x = mfcc(inputs, n_mfcc)
    x = layers.LSTM(width, return_sequences=True, unroll=True)(x)
    x = layers.LSTM(width, unroll=True)(x)
    x = layers.Dropout(dropout)(layers.Dense(width, activation="relu")(x))
    return _to_logits(inputs, x, n_labels, "lstm")


def crnn(
    n_labels: int,
    columns: int,
    widths: tuple[int, ...] = (32, 64, 128, 128),
    memory: int = 64,
    dropout: float = 0.3,
) -> Any:
    """Convolutions into a recurrent layer (after Choi et al., ICASSP 2017), to logits.

    A 3×3 convolution per width; each halves the columns but the last and divides the bands
    by 2, then by 4. What is left of the bands at a column is one step of a GRU that reads
    in both directions; the mean over its steps is classified.
    """
    inputs = log_mel_input(columns)
    x = inputs
    for i, width in enumerate(widths):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(
            x
        )
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        pool = (2 if i == 0 else 4, 1 if i == len(widths) - 1 else 2)
        x = layers.MaxPooling2D(pool, padding="same")(x)
        x = layers.Dropout(dropout / 3)(x)
    bands, steps, channels = x.shape[1:]
    x = layers.Reshape((steps, bands * channels))(layers.Permute((2, 1, 3))(x))
    x = layers.Bidirectional(layers.GRU(memory, return_sequences=True, unroll=True))(x)
    x = layers.Dropout(dropout)(layers.GlobalAveragePooling1D()(x))
    return _to_logits(inputs, x, n_labels, "crnn")


def _to_logits(inputs: Any, x: Any, n_labels: int, name: str) -> Any:
    logits = layers.Dense(n_labels, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name=name)
