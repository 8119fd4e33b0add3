from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from tagger.training.networks_front import (
    dct_matrix,
    grey_levels,
    image,
    log_mel_input,
    mfcc,
    mfcc_centre_and_spread,
)
from tagger.training.networks_registry import OFFSET, SCALE

COLUMNS = 12
GREY = np.random.default_rng(0).random((3, 128, COLUMNS, 1)).astype(np.float32)
PATCHES = ((GREY - OFFSET) * SCALE).astype(np.float32)


@contextmanager
def policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def answer(front: Any) -> Any:
    inputs = log_mel_input(COLUMNS)
    network = keras.Model(inputs, front(inputs))
    assert network.count_params() == 0
    return np.asarray(network(PATCHES))


def test_the_normalisation_is_undone() -> None:
    assert np.allclose(answer(grey_levels), GREY, atol=1e-6)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("n_mfcc", [13, 40])
def test_mfcc_are_those_of_librosa(n_mfcc: int, precision: str) -> None:
    with policy(precision):
        made = answer(lambda inputs: mfcc(inputs, n_mfcc))
    assert made.shape == (3, COLUMNS, n_mfcc)
    centre, spread = mfcc_centre_and_spread(n_mfcc)
    for grey, standardised in zip(GREY, made, strict=True):
        expected = librosa.feature.mfcc(S=80 * grey[..., 0], n_mfcc=n_mfcc)
        raw = (standardised * spread + centre).T
        np.testing.assert_allclose(raw, expected, rtol=0, atol=2e-3)


def test_the_dct_is_orthonormal() -> None:
    basis = dct_matrix(128)
    assert basis.T @ basis == pytest.approx(np.eye(128), abs=1e-5)
    assert np.array_equal(dct_matrix(13), basis[:, :13])


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize(
    ("mode", "scale", "offset"),
    [
        ("caffe", 1.0, (-103.939, -116.779, -123.68)),
        ("tf", 1 / 127.5, (-1.0, -1.0, -1.0)),
    ],
)
def test_images_are_preprocessed_as_by_keras_itself(
    mode: str, scale: float, offset: tuple[float, float, float], precision: str
) -> None:
    with policy(precision):
        made = answer(lambda inputs: image(inputs, 30, scale, offset))
    grey = np.asarray(keras.ops.image.resize(GREY, (30, 30)))
    own = keras.applications.vgg16 if mode == "caffe" else keras.applications.xception
    expected = own.preprocess_input(np.repeat(255 * grey, 3, axis=-1))
    assert made == pytest.approx(np.asarray(expected), abs=1e-3)


def test_an_image_of_a_ramp_is_the_ramp_in_another_size() -> None:
    inputs = log_mel_input(64)
    network = keras.Model(inputs, image(inputs, 32, 1 / 255, (0.0, 0.0, 0.0)))
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (128, 1))[None, ..., None]
    made = np.asarray(network((ramp - OFFSET) * SCALE))[0]
    assert made.shape == (32, 32, 3)
    assert made[5, :, 1] == pytest.approx((ramp[0, 0, ::2, 0] + ramp[0, 0, 1::2, 0]) / 2, abs=1e-5)
    assert np.array_equal(made[0], made[31])


def test_a_network_of_these_layers_is_saved_and_read_as_data(tmp_path: Path) -> None:
    inputs = log_mel_input(COLUMNS)
    network = keras.Model(inputs, mfcc(inputs, 13))
    network.save(tmp_path / "n.keras")
    read = keras.saving.load_model(tmp_path / "n.keras", safe_mode=True)
    assert np.array_equal(np.asarray(read(PATCHES)), np.asarray(network(PATCHES)))
