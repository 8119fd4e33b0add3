from __future__ import annotations

import numpy as np
import pytest

from tagger.models.bundle import ClusterSpec, FusionSpec
from tagger.models.clusters import assign
from tagger.models.fusion import FLOOR, fuse, log_softmax, mean_patches

ENSEMBLE = np.array([[0.8, 0.2], [0.5, 0.5]])
CNN = np.array([[0.4, 0.6], [0.9, 0.1]])


def random_rows(n: int, labels: int, seed: int) -> np.ndarray:
    rows = np.random.RandomState(seed).gamma(0.3, size=(n, labels)) + 1e-9
    return rows / rows.sum(axis=1, keepdims=True)


def test_two_equal_opinions_multiply():
    # 0.8 · 0.4 = 0.32 against 0.2 · 0.6 = 0.12; 0.5 · 0.9 against 0.5 · 0.1
    fused = fuse(ENSEMBLE, np.log(CNN), FusionSpec(1.0, 1.0, 1.0))
    np.testing.assert_allclose(fused, [[8 / 11, 3 / 11], [0.9, 0.1]], rtol=1e-12)


def test_temperature_takes_a_root():
    # (0.32)^(1/2) : (0.12)^(1/2) = sqrt(8) : sqrt(3)
    fused = fuse(ENSEMBLE[:1], np.log(CNN[:1]), FusionSpec(1.0, 1.0, 2.0))
    a, b = np.sqrt(8), np.sqrt(3)
    np.testing.assert_allclose(fused, [[a / (a + b), b / (a + b)]], rtol=1e-12)


def test_weights_are_exponents():
    # 0.8^2 · 0.4^3 : 0.2^2 · 0.6^3 = 0.04096 : 0.00864
    fused = fuse(ENSEMBLE[:1], np.log(CNN[:1]), FusionSpec(2.0, 3.0, 1.0))
    np.testing.assert_allclose(fused, [[0.04096 / 0.0496, 0.00864 / 0.0496]], rtol=1e-12)


def test_a_part_of_weight_nought_is_not_heard():
    np.testing.assert_allclose(fuse(ENSEMBLE, np.log(CNN), FusionSpec(1.0, 0.0, 1.0)), ENSEMBLE)
    np.testing.assert_allclose(fuse(ENSEMBLE, np.log(CNN), FusionSpec(0.0, 1.0, 1.0)), CNN)


@pytest.mark.parametrize("temperature", [0.01, 0.7, 1.0, 3.0, 100.0])
def test_rows_sum_to_one(temperature):
    ensemble, cnn = random_rows(50, 11, 1), random_rows(50, 11, 2)
    fused = fuse(ensemble, np.log(cnn), FusionSpec(0.7, 0.3, temperature))
    np.testing.assert_allclose(fused.sum(axis=1), 1.0, rtol=1e-12)
    assert np.isfinite(fused).all()
    assert (fused >= 0).all()


def test_temperature_limits():
    cold = fuse(ENSEMBLE[:1], np.log(CNN[:1]), FusionSpec(1.0, 1.0, 0.01))
    np.testing.assert_allclose(cold, [[1.0, 0.0]], atol=1e-12)
    hot = fuse(ENSEMBLE[:1], np.log(CNN[:1]), FusionSpec(1.0, 1.0, 1e9))
    np.testing.assert_allclose(hot, [[0.5, 0.5]], atol=1e-8)


def test_temperature_changes_no_ranking():
    ensemble, cnn = random_rows(50, 11, 3), np.log(random_rows(50, 11, 4))
    ranks = [fuse(ensemble, cnn, FusionSpec(0.7, 0.3, t)).argsort(axis=1) for t in (0.5, 1.0, 2.0)]
    assert (ranks[0] == ranks[1]).all()
    assert (ranks[1] == ranks[2]).all()


def test_no_part_may_veto():
    ensemble = np.array([[0.0, 1.0]])
    cnn_log = np.array([[0.0, -np.inf]])
    fused = fuse(ensemble, cnn_log, FusionSpec(1.0, 1.0, 1.0))
    np.testing.assert_allclose(fused, [[0.5, 0.5]])
    fused = fuse(ensemble, np.log([[0.5, 0.5]]), FusionSpec(1.0, 1.0, 1.0))
    np.testing.assert_allclose(fused, [[FLOOR / (1 + FLOOR), 1 / (1 + FLOOR)]], rtol=1e-9)


def test_log_softmax():
    np.testing.assert_allclose(np.exp(log_softmax(np.log([1.0, 3.0]))), [0.25, 0.75])
    huge = np.exp(log_softmax(np.array([1e4, 1e4, -1e4])))
    np.testing.assert_allclose(huge, [0.5, 0.5, 0.0])


def test_patches_are_averaged_as_probabilities():
    logs = np.log(np.array([[0.9, 0.1], [0.3, 0.7]], dtype=np.float32))
    np.testing.assert_allclose(np.exp(mean_patches(logs)), [0.6, 0.4], rtol=1e-6)
    np.testing.assert_allclose(mean_patches(logs[:1]), logs[0], rtol=1e-6)


TYPES = ClusterSpec(
    features=(2, 0),
    mean=(1.0, 10.0),
    scale=(2.0, 5.0),
    centroids=((0.0, 0.0), (1.0, -1.0), (5.0, 5.0)),
    names=("calm", "lively", "wild"),
)


@pytest.mark.parametrize(
    ("features", "name"),
    [
        ([10.0, 99.0, 1.0], "calm"),  # (0, 0)
        ([5.0, -99.0, 3.0], "lively"),  # (1, -1)
        ([35.0, 0.0, 11.0], "wild"),  # (5, 5)
        ([10.0, 0.0, 1.0 + 2 * 0.99], "calm"),  # (0.99, 0): 0.98 from calm, 1.0001 from lively
        ([10.0, 0.0, 1.0 + 2 * 1.01], "lively"),  # (1.01, 0)
    ],
)
def test_the_nearest_music_type(features, name):
    assert assign(np.array([features], dtype=np.float32), TYPES) == [name]


def test_music_types_of_many_tracks_in_order():
    rows = np.array([[35, 0, 11], [10, 0, 1], [5, 0, 3], [10, 0, 1]], dtype=np.float32)
    assert assign(rows, TYPES) == ["wild", "calm", "lively", "calm"]


def test_a_bias_multiplies_the_odds_of_its_label() -> None:
    ensemble = np.array([[0.5, 0.3, 0.2]])
    cnn_log = np.log(np.array([[0.5, 0.3, 0.2]]))
    plain = fuse(ensemble, cnn_log, FusionSpec(0.5, 0.5, 1.0))
    biased = fuse(ensemble, cnn_log, FusionSpec(0.5, 0.5, 1.0, (0.0, 0.0, np.log(2.0))))
    odds = (biased[0, 2] / biased[0, 0]) / (plain[0, 2] / plain[0, 0])
    assert odds == pytest.approx(2.0)
    assert biased[0, 1] / biased[0, 0] == pytest.approx(plain[0, 1] / plain[0, 0])
