from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras
from keras import layers

from tagger.training.networks import resnet


def test_the_default_network_has_the_parameters_of_a_hand_sum() -> None:
    stem = 5 * 5 * 1 * 32 + 4 * 32
    first = 3 * 3 * 32 * 32 + 3 * 3 * 32 * 32 + 2 * 4 * 32
    # two convolutions, the 1×1 way around them, three normalisations
    second = 3 * 3 * 32 * 64 + 3 * 3 * 64 * 64 + 32 * 64 + 3 * 4 * 64
    third = 3 * 3 * 64 * 128 + 3 * 3 * 128 * 128 + 64 * 128 + 3 * 4 * 128
    fourth = 3 * 3 * 128 * 256 + 3 * 3 * 256 * 256 + 128 * 256 + 3 * 4 * 256
    head = (256 + 256) * 11 + 11
    network = resnet(11, 192)
    assert network.count_params() == stem + first + second + third + fourth + head == 1_234_859
    assert network.input_shape == (None, 128, 192, 1)
    assert network.output_shape == (None, 11)


def test_each_block_but_the_first_halves_the_resolution() -> None:
    network = resnet(11, 192)
    blocks = [layer.output.shape for layer in network.layers if isinstance(layer, layers.Add)]
    assert blocks == [(None, 64 >> i, 96 >> i, 32 << i) for i in range(4)]
    kinds = [type(layer) for layer in network.layers[-5:]]
    assert kinds[:2] == [layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D]
    assert kinds[2:] == [layers.Concatenate, layers.Dropout, layers.Dense]


@pytest.mark.parametrize("columns", [16, 18, 23])
def test_logits_for_any_batch_and_width(columns: int) -> None:
    network = resnet(3, columns, (4, 8))
    x = np.random.default_rng(0).normal(0, 1, (5, 128, columns, 1)).astype(np.float32)
    logits = np.asarray(network(x, training=False))
    assert logits.shape == (5, 3)
    assert np.allclose(logits[:1], np.asarray(network(x[:1], training=False)), atol=1e-5)
    assert not np.allclose(logits.sum(axis=1), 1)  # not probabilities


def test_logits_are_float32_in_mixed_precision() -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = resnet(3, 16, (4,))
    finally:
        keras.config.set_dtype_policy(before)
    assert network.layers[1].compute_dtype == "bfloat16"
    assert network.output.dtype == "float32"
    assert {w.dtype for w in network.weights} == {"float32"}


def test_dropout_is_for_training_alone() -> None:
    network = resnet(3, 16, (4,), dropout=0.5)
    x = np.random.default_rng(0).normal(0, 1, (1, 128, 16, 1)).astype(np.float32)
    quiet = [np.asarray(network(x, training=False)) for _ in range(2)]
    assert np.array_equal(*quiet)
    loud = {np.asarray(network(x, training=True)).tobytes() for _ in range(6)}
    assert len(loud) > 1
