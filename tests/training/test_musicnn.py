"""MusiCNN: its weights, its graph, its copy for pictures and what that learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synth

pytest.importorskip("tensorflow")

import keras
import tensorflow as tf
from training.musicnn_samples import published_arrays
from training.tracing import untraced

from tagger.analysis.picture import COLUMN_S, N_MELS
from tagger.errors import UsageError
from tagger.models.bundle import CnnSpec
from tagger.training import musicnn as weights
from tagger.training.embedding import cut_all
from tagger.training.musicnn import (
    N_BANDS,
    at_columns,
    log_power,
    read_wheel,
    standardised,
    without_silent,
)
from tagger.training.musicnn_adapt import AdaptSettings, adapt, heard_in
from tagger.training.musicnn_hearing import Published, published_activations
from tagger.training.networks_musicnn import PUBLISHED_FRAMES, arrays_of, musicnn, published

COLUMNS = 50
SPEC = CnnSpec("cnn.tflite", COLUMNS, 0.45, 4.0)
EPSILON = 1e-3

Variables = dict[str, Any]


def variables(seed: int = 0, channels: int = 3, middles: int = 2) -> Variables:
    """A checkpoint's variables, named and shaped as the authors' graph made them."""
    rng = np.random.default_rng(seed)
    made: Variables = {}

    def number(kind: str, i: int) -> str:
        return f"{kind}_{i}" if i else kind

    def normalisation(i: int, n: int) -> None:
        name = number("batch_normalization", i)
        made[f"{name}/gamma"] = rng.normal(0, 1, n)  # of either sign
        made[f"{name}/beta"] = rng.normal(0, 0.5, n)
        made[f"{name}/moving_mean"] = rng.normal(0, 0.5, n)
        made[f"{name}/moving_variance"] = rng.uniform(0.2, 2, n)

    def convolution(i: int, shape: tuple[int, ...]) -> None:
        name = number("conv2d", i)
        made[f"{name}/kernel"] = rng.normal(0, 1 / np.sqrt(np.prod(shape[:3])), shape)
        made[f"{name}/bias"] = rng.normal(0, 0.3, shape[3])

    normalisation(0, 1)
    for i, size in enumerate([(7, 38), (7, 67), (128, 1), (64, 1), (32, 1)]):
        convolution(i, (*size, 1, channels))
        normalisation(i + 1, channels)
    for i, n_in in enumerate((5 * channels, middles, middles)):
        convolution(5 + i, (7, n_in, 1, middles))
        normalisation(6 + i, middles)
    return {name: values.astype(np.float32) for name, values in made.items()}


def as_published(made: Variables, x: Any) -> Any:
    """The authors' graph, written down plainly: activations of (batch, frames, bands)."""

    def layer(kind: str, i: int, *parts: str) -> list[Any]:
        name = f"{kind}_{i}" if i else kind
        return [made[f"{name}/{part}"] for part in parts]

    def normalised(h: Any, i: int) -> Any:
        gamma, beta, mean, variance = layer(
            "batch_normalization", i, "gamma", "beta", "moving_mean", "moving_variance"
        )
        return (h - mean) / np.sqrt(variance + EPSILON) * gamma + beta

    def convolved(h: Any, i: int, padding: str) -> Any:
        kernel, bias = layer("conv2d", i, "kernel", "bias")
        return tf.nn.relu(tf.nn.conv2d(h, kernel, 1, padding) + bias)

    x = normalised(x[..., None], 0)
    padded = tf.pad(x, [[0, 0], [3, 3], [0, 0], [0, 0]])
    found = []
    for i in range(5):
        h = convolved(padded, i, "VALID") if i < 2 else convolved(x, i, "SAME")
        found.append(tf.reduce_max(normalised(h, i + 1), axis=2))
    h = tf.concat(found, axis=2)
    seen = [h]
    for i in range(3):
        padded = tf.pad(h[..., None], [[0, 0], [3, 3], [0, 0], [0, 0]])
        new = tf.squeeze(normalised(convolved(padded, 5 + i, "VALID"), 6 + i), axis=2)
        h = new + h if i else new
        seen.append(h)
    channels = tf.concat(seen, axis=2)
    return np.hstack([tf.reduce_max(channels, axis=1), tf.reduce_mean(channels, axis=1)])


def saved(made: Variables, folder: Path) -> Path:
    folder.mkdir()
    tf.raw_ops.SaveV2(
        prefix=f"{folder}/",
        tensor_names=list(made),
        shape_and_slices=[""] * len(made),
        tensors=[tf.constant(values) for values in made.values()],
    )
    return folder


def test_the_published_graph_is_the_authors(tmp_path: Path) -> None:
    made = variables()
    arrays = dict(weights._arrays(saved(made, tmp_path / "checkpoint")))
    x = np.random.default_rng(1).random((2, PUBLISHED_FRAMES, N_BANDS)).astype(np.float32) * 3
    answers = np.asarray(published(arrays)(x))
    wanted = as_published(made, x)
    assert np.ptp(wanted) > 1
    assert answers == pytest.approx(wanted, abs=1e-4)


def test_another_file_is_not_read(tmp_path: Path) -> None:
    wheel = tmp_path / "musicnn-0.1.0-py3-none-any.whl"
    with pytest.raises(UsageError, match=r"whl: cannot be read: No such file"):
        read_wheel(wheel)
    wheel.write_bytes(b"PK")
    with pytest.raises(UsageError, match=r"not musicnn 0\.1\.0; get it by `pip download"):
        read_wheel(wheel)


def test_a_kernel_over_columns_weighs_time_as_the_one_over_frames_did() -> None:
    arrays = published_arrays()
    stretched = at_columns(arrays)
    for i in range(5):
        before, after = arrays[f"front{i}.kernel"], stretched[f"front{i}.kernel"]
        assert len(after) % 2 == 1
        assert after.sum(axis=0) == pytest.approx(before.sum(axis=0), abs=1e-5)
        # And its centre of gravity lies at the same time.
        frames = (np.arange(len(before)) - (len(before) - 1) // 2) * 0.016
        columns = (np.arange(len(after)) - len(after) // 2) * COLUMN_S
        assert np.tensordot(columns, after, 1) == pytest.approx(
            np.tensordot(frames, before, 1), abs=1e-5
        )
    for name in ("before.shift", "after.scale", "middle1.bias", "input.scale"):
        assert np.array_equal(stretched[name], arrays[name])


def test_each_band_is_read_where_its_centre_lies() -> None:
    kernel = at_columns(published_arrays())["bands.kernel"]
    assert kernel.shape == (N_MELS, N_BANDS)
    sums = kernel.sum(axis=0)
    assert sums == pytest.approx(np.full(N_BANDS, 80 * np.log(10) / 10), rel=1e-4)
    # Up to 8 kHz of the picture's 11: 85 % of its bands on the mel scale.
    middle = np.arange(N_MELS) @ kernel / sums
    assert np.all(np.diff(middle) > 0)
    assert 0 < middle[0] < 2
    assert 112 < middle[-1] < 118


def test_log_power_is_ten_thousand_times_the_power_and_one() -> None:
    y = synth.sine(440.0, 1.0, sr=16_000).astype(np.float32)
    frames, louder = log_power(y), log_power(2 * y)
    assert frames.shape == (63, N_BANDS)
    assert not log_power(0 * y).any()
    loudest = frames[30].argmax()
    assert 10 < loudest < 20
    assert 10 ** louder[30, loudest] - 1 == pytest.approx(
        4 * (10 ** frames[30, loudest] - 1), rel=1e-3
    )


def test_weights_go_into_a_network_and_come_out_of_it() -> None:
    arrays = at_columns(published_arrays())
    network = musicnn(3, COLUMNS, arrays)
    assert network.input_shape == (None, N_MELS, COLUMNS, 1)
    assert network.output_shape == (None, 3)
    again = arrays_of(network)
    assert set(again) == set(arrays)
    for name, values in arrays.items():
        assert np.array_equal(again[name], values), name
    assert [v.path for v in network.trainable_variables] == ["logits/kernel", "logits/bias"]


def test_a_network_of_before_strides_were_kept_is_what_it_was() -> None:
    arrays = dict(at_columns(published_arrays()))
    arrays.pop(weights.STRIDES)
    former = musicnn(3, COLUMNS, arrays)
    assert arrays_of(former)[weights.STRIDES].tolist() == [2, 1, 2, 2, 2]


def test_strides_other_than_those_lie_with_the_weights() -> None:
    arrays = {**at_columns(published_arrays()), weights.STRIDES: np.array([3, 3, 2, 2, 2])}
    assert arrays_of(musicnn(3, COLUMNS, arrays))[weights.STRIDES].tolist() == [3, 3, 2, 2, 2]


def pictures(n: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 255, (n, N_MELS, COLUMNS + 20)).astype(np.uint8)


def activations(arrays: Any, of: Any) -> Any:
    network = musicnn(3, COLUMNS, arrays)
    ears = keras.Model(network.input, network.layers[-1].input)
    x = (of[:, :, :COLUMNS].astype(np.float32) / 255 - SPEC.offset) * SPEC.scale
    return np.asarray(ears(x[..., None], training=False))


def test_standardised_activations() -> None:
    arrays = at_columns(published_arrays())
    some = activations(arrays, pictures(40))
    after = activations(standardised(arrays, some), pictures(40))
    spread = some.std(axis=0)
    moving = spread > 1e-3 * spread.max()
    assert moving.sum() > 20
    assert after[:, moving].mean(axis=0) == pytest.approx(np.zeros(moving.sum()), abs=1e-3)
    assert after[:, moving].std(axis=0) == pytest.approx(np.ones(moving.sum()), abs=1e-2)
    assert not after[:, ~moving].any()


def test_adapting_learns_what_the_other_hears() -> None:
    begin = at_columns(published_arrays(seed=1))
    some = pictures(24)
    halves = [activations(begin, cut) for cut in (some, some[:, :, -COLUMNS:])]
    noise = np.random.default_rng(0).normal(0, 0.01, (24, 2, halves[0].shape[1]))
    wanted = (np.stack(halves, axis=1) * 0.5 + noise).astype(np.float32)
    settings = AdaptSettings(epochs=12, peak_rate=1e-2)
    held = some[16:], wanted[16:]
    with untraced():
        adapted = adapt(begin, SPEC, some[:16], wanted[:16], settings, held)
        again = adapt(begin, SPEC, some[:16], wanted[:16], settings, held)
    assert [look["epoch"] for look in adapted.history] == list(range(1, 13))
    first, last = adapted.history[0], adapted.history[-1]
    assert last["loss"] < 0.5 * first["loss"]
    assert last["validation_loss"] < 0.5 * first["validation_loss"]
    assert set(adapted.arrays) == set(begin)
    for name, values in begin.items():
        learned = name.startswith(("front", "before", "after", "middle"))
        learned &= name != weights.STRIDES
        assert np.array_equal(adapted.arrays[name], values) is not learned, name
        assert np.array_equal(adapted.arrays[name], again.arrays[name]), name


def test_activations_that_never_vary_ask_for_nothing() -> None:
    """A channel that is the same in all clips would have the whole loss, in units of nothing."""
    begin = at_columns(published_arrays(seed=1))
    some = pictures(16)
    wanted = np.stack([activations(begin, some)] * 2, axis=1)
    wanted[..., 3] = 1000.0
    with untraced():
        adapted = adapt(begin, SPEC, some, wanted, AdaptSettings(epochs=1), (some, wanted))
    assert adapted.history[0]["loss"] < 10
    assert adapted.history[0]["validation_loss"] < 10


def test_what_is_heard_is_what_the_last_layer_is_given() -> None:
    arrays = at_columns(published_arrays())
    some = pictures(19)
    heard = heard_in(arrays, SPEC, some)
    assert heard.shape[:2] == (19, 1)
    network = musicnn(3, COLUMNS, arrays)
    ears = keras.Model(network.input, network.layers[-1].input)
    assert heard[:, 0] == pytest.approx(np.asarray(ears(cut_all(some, SPEC))), rel=1e-4, abs=1e-4)


def test_recordings_are_heard_in_halves_and_short_ones_repeated(tmp_path: Path) -> None:
    long, short = tmp_path / "long.flac", tmp_path / "short.flac"
    y = synth.song(4.0)
    synth.write(long, np.concatenate([np.tile(y, 4), 0.01 * np.tile(y[::-1], 5)]))
    synth.write(short, y[: len(y) * 3 // 4])
    arrays = published_arrays()
    heard = published_activations(arrays, [long, short])
    assert heard.shape == (2, 2, published(arrays).output_shape[1])
    assert np.isfinite(heard).all()
    assert np.abs(heard[0, 0] - heard[0, 1]).max() > 10 * np.abs(heard[1, 0] - heard[1, 1]).max()


def test_what_is_heard_does_not_depend_on_the_level() -> None:
    network = Published(published_arrays())
    y = synth.song(4.0).astype(np.float32)
    heard, quieter = network.activations(y), network.activations(0.05 * y)
    assert np.ptp(heard) > 1
    assert quieter == pytest.approx(heard, abs=2e-3)
    assert np.isfinite(network.activations(0 * y)).all()


def test_without_its_silent_kernels_the_network_hears_the_same() -> None:
    arrays = dict(published_arrays(channels=6))
    for i, silent in enumerate([(1, 4), (0,), (), (2, 3, 5), (5,)]):
        kernel = arrays[f"front{i}.kernel"].copy()
        kernel[..., list(silent)] *= 1e-7
        arrays[f"front{i}.kernel"] = kernel
    # Beyond the edges of a patch there is nothing, not what the silent ones always say: where the
    # next convolution does not look past the edges, all that is kept is as it was.
    arrays["middle0.kernel"] = arrays["middle0.kernel"].copy()
    arrays["middle0.kernel"][[0, 1, 2, 4, 5, 6]] = 0
    less = without_silent(arrays)
    speak = np.ones(30, dtype=bool)
    speak[[1, 4, 6, 20, 21, 23, 29]] = False
    assert sum(less[f"front{i}.kernel"].shape[2] for i in range(5)) == speak.sum()
    x = np.random.default_rng(1).random((2, PUBLISHED_FRAMES, N_BANDS)).astype(np.float32) * 3
    all_of_them, kept = np.asarray(published(arrays)(x)), np.asarray(published(less)(x))
    n = published(arrays).output_shape[1] // 2
    channels = np.concatenate([speak, np.ones(n - 30, dtype=bool)])
    assert kept == pytest.approx(all_of_them[:, np.tile(channels, 2)], abs=1e-4)
    assert not all_of_them[:, np.tile(~channels, 2)].std(axis=0).max() > 1e-4
