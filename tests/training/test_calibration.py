from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("sklearn")

from tagger.models.fusion import fuse, log_softmax
from tagger.training.calibration import (
    WANTED_PRECISION,
    cross_fitted,
    fit_fusion,
    fit_thresholds,
    selective_curve,
)

Array = npt.NDArray[np.float64]
Targets = npt.NDArray[np.intp]
N, N_LABELS = 3000, 5


def simulated(seed: int = 0, n: int = N) -> tuple[Array, Targets]:
    """True log-probabilities of some tracks, and genres drawn by them."""
    rng = np.random.default_rng(seed)
    true = log_softmax(rng.normal(0, 2, (n, N_LABELS)))
    targets = (np.exp(true).cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return true, targets


# --- fusion -----------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 3.0])
def test_a_known_temperature_is_found(temperature: float) -> None:
    true, targets = simulated()
    overconfident = log_softmax(true * temperature)
    spec = fit_fusion(np.exp(overconfident), overconfident, targets)
    assert spec.temperature == pytest.approx(temperature, rel=0.08)
    assert spec.ensemble == pytest.approx(0.5, abs=0.01)
    assert spec.ensemble + spec.cnn == pytest.approx(1)


@pytest.mark.parametrize("informative", ["ensemble", "cnn"])
def test_the_informative_part_weighs_more(informative: str) -> None:
    true, targets = simulated()
    chance = log_softmax(np.random.default_rng(9).normal(0, 2, true.shape))
    if informative == "ensemble":
        spec = fit_fusion(np.exp(true), chance, targets)
        more, less = spec.ensemble, spec.cnn
    else:
        spec = fit_fusion(np.exp(chance), true, targets)
        more, less = spec.cnn, spec.ensemble
    assert more > 2.5 * less


def test_two_parts_that_know_different_things_are_better_together() -> None:
    rng = np.random.default_rng(8)
    true, targets = simulated()
    one, other = (log_softmax(true + rng.normal(0, 1.5, true.shape)) for _ in range(2))
    spec = fit_fusion(np.exp(one), other, targets)
    fused = fuse(np.exp(one), other, spec)
    rows = np.arange(N)
    loss = -np.log(fused[rows, targets]).mean()
    assert loss < -one[rows, targets].mean()
    assert loss < -other[rows, targets].mean()
    assert (fused.argmax(axis=1) == targets).mean() > (one.argmax(axis=1) == targets).mean()


def test_cross_fitting_never_uses_the_judged_artist() -> None:
    true, targets = simulated(n=300)
    rng = np.random.default_rng(1)
    ensemble = np.exp(log_softmax(true + rng.normal(0, 1, true.shape)))
    groups = np.array([f"artist {i}" for i in rng.integers(0, 12, 300)])
    before = cross_fitted(ensemble, true, targets, groups)
    assert np.allclose(before.sum(axis=1), 1)
    for artist in ("artist 0", "artist 7"):
        mine = groups == artist
        lied = targets.copy()
        lied[mine] = (targets[mine] + 1) % N_LABELS
        after = cross_fitted(ensemble, true, lied, groups)
        assert np.array_equal(after[mine], before[mine])
        assert np.any(after[~mine] != before[~mine])


def test_cross_fitting_is_the_fusion_of_the_others() -> None:
    """Five artists, five folds: each is judged by the fit on the other four."""
    true, targets = simulated(n=200)
    ensemble = np.exp(log_softmax(0.5 * true))
    groups = np.repeat(["a", "b", "c", "d", "e"], 40)
    answer = cross_fitted(ensemble, true, targets, groups)
    for artist in "abcde":
        mine = groups == artist
        others = targets[~mine]
        spec = fit_fusion(ensemble[~mine], true[~mine], others)
        assert np.allclose(answer[mine], fuse(ensemble[mine], true[mine], spec))


def test_what_was_heard_otherwise_is_fused_as_what_was_fitted_on() -> None:
    true, targets = simulated(n=200)
    ensemble = np.exp(log_softmax(0.5 * true))
    groups = np.repeat(["a", "b", "c", "d", "e"], 40)
    others = ensemble[::-1], true[::-1]
    answer = cross_fitted(ensemble, true, targets, groups, others=others)
    mine = groups == "b"
    spec = fit_fusion(ensemble[~mine], true[~mine], targets[~mine])
    assert np.allclose(answer[mine], fuse(others[0][mine], others[1][mine], spec))


# --- abstaining -------------------------------------------------------------------------


def sure(confidences: list[float], said: list[int], n_labels: int = 3) -> Array:
    """Probabilities whose largest is as given; the rest is spread evenly."""
    top = np.array(confidences)[:, None]
    rows = np.repeat((1 - top) / (n_labels - 1), n_labels, axis=1)
    rows[np.arange(len(said)), said] = top[:, 0]
    return rows


def test_selective_curve_by_hand() -> None:
    fused = sure([0.92, 0.71, 0.52, 0.43], [0, 1, 2, 0])
    curve = selective_curve(fused, np.array([0, 1, 0, 0]))  # the third is wrong
    by_threshold = {point["threshold"]: (point["accuracy"], point["share"]) for point in curve}
    assert list(by_threshold) == [round(0.05 * i, 2) for i in range(19)]  # nobody is 95 % sure
    assert by_threshold[0.0] == by_threshold[0.4] == (0.75, 1.0)
    assert by_threshold[0.45] == by_threshold[0.5] == (pytest.approx(2 / 3), 0.75)
    assert by_threshold[0.55] == by_threshold[0.7] == (1.0, 0.5)
    assert by_threshold[0.75] == by_threshold[0.9] == (1.0, 0.25)


LABELS = ("Right", "Wrong", "Unheard")


def two_genres(n: int = 400) -> tuple[Array, Targets]:
    """Tracks of all confidences: label 0 is always right, label 1 never, 2 never said."""
    said = np.arange(n) % 2
    confidences = np.linspace(0.34, 0.99, n)
    return sure(confidences.tolist(), said.tolist()), np.where(said == 0, 0, 2)


def test_thresholds_of_a_genre_always_right_and_one_never_right() -> None:
    thresholds = fit_thresholds(*two_genres(), LABELS)
    assert list(thresholds) == list(LABELS)
    assert thresholds["Right"] == 0.30  # the lowest there is
    assert thresholds["Wrong"] == 0.95  # the highest
    assert thresholds["Right"] <= thresholds["Unheard"] <= thresholds["Wrong"]


def test_a_genre_right_from_some_confidence_on_gets_about_that_threshold() -> None:
    n = 600
    confidences = np.linspace(0.34, 0.99, n)
    fused = sure(confidences.tolist(), [0] * n, 3)
    targets = np.where(confidences >= 0.7, 0, 1)
    threshold = fit_thresholds(fused, targets, LABELS)["Right"]
    spoken = confidences >= threshold
    assert (targets[spoken] == 0).mean() >= WANTED_PRECISION
    below = confidences >= threshold - 0.01
    assert (targets[below] == 0).mean() < WANTED_PRECISION
    assert 0.6 < threshold < 0.7


def test_a_track_set_right_never_raises_a_threshold() -> None:
    rng = np.random.default_rng(3)
    true, targets = simulated(seed=3, n=300)
    fused = np.exp(true)
    labels = tuple("abcde")
    before = fit_thresholds(fused, targets, labels)
    for share in (0.2, 0.5, 1.0):
        mended = np.where(rng.random(300) < share, fused.argmax(axis=1), targets)
        after = fit_thresholds(fused, mended, labels)
        assert all(after[label] <= before[label] for label in labels)
    assert set(after.values()) == {0.30}  # all right
    assert max(before.values()) > 0.30


def test_few_tracks_are_held_back_by_all_others() -> None:
    """Two lucky hits do not make a genre safe where all others are wrong."""
    n = 300
    confidences = np.full(n, 0.8).tolist()
    said = [0] * 2 + [1] * (n - 2)
    targets = np.array([0] * 2 + [2] * (n - 2))
    thresholds = fit_thresholds(sure(confidences, said), targets, LABELS)
    assert thresholds["Right"] > 0.8
    many = [0] * 200 + [1] * (n - 200)
    targets = np.array([0] * 200 + [2] * (n - 200))
    assert fit_thresholds(sure(confidences, many), targets, LABELS)["Right"] == 0.30


def test_fit_fusion_finds_a_label_that_is_never_said_loudly_enough() -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 1.5, (4000, 3))
    true = log_softmax(logits)
    targets = np.array([rng.choice(3, p=np.exp(row)) for row in true])
    too_quiet = log_softmax(logits - [0.0, 0.0, 1.2])
    spec = fit_fusion(np.exp(too_quiet), too_quiet, targets, biased=[2])
    assert spec.bias[:2] == (0.0, 0.0)
    assert spec.bias[2] == pytest.approx(1.2, abs=0.25)
    assert fit_fusion(np.exp(too_quiet), too_quiet, targets).bias == ()


def test_without_an_error_to_learn_from_the_temperature_stays_in_bounds() -> None:
    """Such a spec is also one that a bundle may hold."""
    targets = np.tile(np.arange(3), 4)
    sure = np.where(np.eye(3)[targets] > 0, 0.9, 0.05)
    spec = fit_fusion(sure, np.log(sure), targets)
    assert spec.temperature == pytest.approx(0.2)
    assert fuse(sure, np.log(sure), spec).argmax(axis=1).tolist() == targets.tolist()
