"""Networks whose body has learned to see photographs (ImageNet), under a new head.

The patch is resized to the image that the body knows, and goes through the arithmetic of the
body's own ``preprocess_input``. A body with weights stays as it is: neither its weights nor its
running statistics change in training.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import keras
from keras import layers

from tagger.errors import UsageError
from tagger.training.networks_front import image, log_mel_input

__all__ = ["mobilenetv2", "vgg16", "xception"]

Weights = Path | str | None

IMAGENET: Final = "imagenet"

# keras.applications.imagenet_utils: the means of ImageNet, blue first, or -1..1.
_MEANS: Final = (1.0, (-103.939, -116.779, -123.68))
_SYMMETRIC: Final = (1 / 127.5, (-1.0, -1.0, -1.0))


def vgg16(
    n_labels: int,
    columns: int,
    weights: Weights = IMAGENET,
    frozen: bool | None = None,
    size: int = 300,
    dropout: float = 0.3,
) -> Any:
    """VGG16 (Simonyan and Zisserman, ICLR 2015), flattened into two dense layers, to logits.

    Args:
        n_labels: number of logits.
        columns: width of a patch.
        weights: of the body: ``imagenet`` (downloaded by Keras, once), a file of Keras, or
            None for random ones.
        frozen: whether training leaves the body alone; by default, if it has weights.
        size: height and width of the image in pixels.
        dropout: behind the first dense layer.

    Raises:
        UsageError: the weights cannot be had.
    """
    inputs = log_mel_input(columns)
    body = _body(keras.applications.VGG16, size, weights)
    x = layers.Flatten()(_seen(inputs, body, size, *_MEANS, weights, frozen))
    x = layers.Dropout(dropout)(layers.Dense(512, activation="relu")(x))
    x = layers.Dense(64, activation="relu")(x)
    return _to_logits(inputs, x, n_labels, "vgg16")


def xception(
    n_labels: int,
    columns: int,
    weights: Weights = IMAGENET,
    frozen: bool | None = None,
    size: int = 299,
    dropout: float = 0.3,
) -> Any:
    """Xception (Chollet, CVPR 2017), pooled into a dense layer; see :func:`vgg16`."""
    inputs = log_mel_input(columns)
    body = _body(keras.applications.Xception, size, weights)
    x = _seen(inputs, body, size, *_SYMMETRIC, weights, frozen)
    return _to_logits(inputs, _pooled_head(x, dropout), n_labels, "xception")


def mobilenetv2(
    n_labels: int,
    columns: int,
    weights: Weights = IMAGENET,
    frozen: bool | None = None,
    size: int = 224,
    alpha: float = 1.0,
    dropout: float = 0.3,
) -> Any:
    """MobileNetV2 (Sandler et al., CVPR 2018), pooled into a dense layer; see :func:`vgg16`.

    ``alpha`` is the width of the body's layers, 1.0 as published.
    """
    inputs = log_mel_input(columns)

    def body_of(**options: Any) -> Any:
        return keras.applications.MobileNetV2(alpha=alpha, **options)

    body = _body(body_of, size, weights)
    x = _seen(inputs, body, size, *_SYMMETRIC, weights, frozen)
    return _to_logits(inputs, _pooled_head(x, dropout), n_labels, "mobilenetv2")


def _body(application: Callable[..., Any], size: int, weights: Weights) -> Any:
    shape = (size, size, 3)
    if weights == IMAGENET:
        try:
            return application(include_top=False, weights=IMAGENET, input_shape=shape)
        except Exception as error:  # Keras raises a bare one where a download fails
            raise UsageError(
                f"the weights learned on ImageNet cannot be downloaded: {_one_line(error)}; give "
                "a file of them, or none"
            ) from error
    body = application(include_top=False, weights=None, input_shape=shape)
    if weights is not None:
        try:
            with warnings.catch_warnings():
                # Keras only warns of layers that the file lacks, and leaves them random.
                warnings.simplefilter("error", UserWarning)
                body.load_weights(weights)
        except (OSError, ValueError, KeyError, BadZipFile, UserWarning) as error:
            raise UsageError(
                f"{weights} does not hold the weights of {body.name} without its top: "
                f"{_one_line(error)}"
            ) from error
    return body


def _seen(
    inputs: Any,
    body: Any,
    size: int,
    scale: float,
    offset: tuple[float, float, float],
    weights: Weights,
    frozen: bool | None,
) -> Any:
    """What the body makes of the patch, shape (batch, height, width, channels)."""
    body.trainable = weights is None if frozen is None else not frozen
    # A frozen body's normalisation keeps its statistics in training, too.
    training = None if body.trainable else False
    return body(image(inputs, size, scale, offset), training=training)


def _pooled_head(x: Any, dropout: float) -> Any:
    x = layers.Dropout(dropout)(layers.GlobalAveragePooling2D()(x))
    return layers.Dropout(dropout)(layers.Dense(256, activation="relu")(x))


def _to_logits(inputs: Any, x: Any, n_labels: int, name: str) -> Any:
    logits = layers.Dense(n_labels, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name=name)


def _one_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
