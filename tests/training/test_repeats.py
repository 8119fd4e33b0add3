"""Mean and spread over seeds, against numbers worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("sklearn")

from tagger.training.calibration import cross_fitted_spoken, fit_thresholds
from tagger.training.repeats import artist_error, judge_repeats, repeats_table, spread

Array = npt.NDArray[np.float64]

LABELS = ("Rock", "Jazz", "Pop")
TARGETS = np.array([0, 0, 1, 1, 0])
GROUPS = np.array(["a", "a", "b", "b", "c"])


def sure(confidences: list[float], said: list[int], n_labels: int = 3) -> Array:
    """Probabilities whose largest is as given; the rest is spread evenly."""
    top = np.array(confidences)[:, None]
    rows = np.repeat((1 - top) / (n_labels - 1), n_labels, axis=1)
    rows[np.arange(len(said)), said] = top[:, 0]
    return rows


def two_seeds() -> Array:
    """The first is right on four of five clips, the second on three; nobody is sure of pop."""
    return np.stack(
        [
            sure([0.95, 0.95, 0.95, 0.65, 0.65], [0, 0, 1, 0, 0]),
            sure([0.95, 0.65, 0.65, 0.65, 0.65], [0, 1, 1, 1, 1]),
        ]
    )


def test_mean_and_spread_by_hand() -> None:
    figures = judge_repeats(two_seeds(), TARGETS, GROUPS, LABELS, thresholds=(0.0, 0.9, 0.99))
    assert (figures["n"], figures["seeds"]) == (5, 2)
    assert figures["accuracy"]["values"] == [0.8, 0.6]
    assert figures["accuracy"]["mean"] == pytest.approx(0.7)
    assert figures["accuracy"]["sd"] == pytest.approx(0.2 / np.sqrt(2))
    # By chance 3/5 · 4/5 + 2/5 · 1/5 = 14/25, and 3/5 · 1/5 + 2/5 · 4/5 = 11/25, would agree.
    kappas = [(0.8 - 0.56) / 0.44, (0.6 - 0.44) / 0.56]
    assert figures["kappa"]["values"] == pytest.approx(kappas)
    # Rock 3 of 4 said, 3 of 3 found; jazz 1 of 1, 1 of 2. Then rock 1/1, 1/3; jazz 2/4, 2/2.
    assert figures["macro_f1"]["values"] == pytest.approx([(6 / 7 + 2 / 3) / 2, (0.5 + 2 / 3) / 2])
    # Three at 0.95, all right; two at 0.65, one right. Then one at 0.95, four at 0.65, two right.
    eces = [0.6 * 0.05 + 0.4 * 0.15, 0.2 * 0.05 + 0.8 * 0.15]
    assert figures["ece"]["values"] == pytest.approx(eces)
    assert list(figures["per_genre"]) == ["Rock", "Jazz"]
    assert figures["per_genre"]["Rock"]["values"] == pytest.approx([1.0, 1 / 3])
    assert figures["per_genre"]["Jazz"]["values"] == [0.5, 1.0]
    everything, sure_ones, none = figures["selective"]
    assert everything["share"]["values"] == [1.0, 1.0]
    assert everything["accuracy"] == figures["accuracy"]
    assert sure_ones["threshold"] == 0.9
    assert sure_ones["share"]["values"] == [0.6, 0.2]
    assert sure_ones["share"]["mean"] == pytest.approx(0.4)
    assert sure_ones["accuracy"]["values"] == [1.0, 1.0]
    assert none["share"]["mean"] == 0
    assert none["accuracy"] == {"mean": None, "sd": None, "values": []}
    json.dumps(figures, allow_nan=False)


def test_artists_rather_than_clips_are_the_witnesses() -> None:
    right = np.array([True, True, False, False])
    # Two artists, sums of deviations +1 and -1: sqrt(1 + 1) / 4.
    assert artist_error(right, np.array(["a", "a", "b", "b"])) == pytest.approx(np.sqrt(2) / 4)
    # Each clip an artist of its own: the usual error sqrt(p (1 - p) / n).
    assert artist_error(right, np.array(list("abcd"))) == pytest.approx(np.sqrt(0.25 / 4))
    # Both artists half right: their sums are 0.
    assert artist_error(right, np.array(["a", "b", "a", "b"])) == 0
    figures = judge_repeats(two_seeds(), TARGETS, GROUPS, LABELS)
    # Seed 1: a +0.4, b -0.6, c +0.2 from 0.8. Seed 2: a -0.2, b +0.8, c -0.6 from 0.6.
    by_hand = [np.sqrt(0.16 + 0.36 + 0.04) / 5, np.sqrt(0.04 + 0.64 + 0.36) / 5]
    assert figures["artist_error"] == pytest.approx(np.mean(by_hand))


def test_spread_of_one_value_and_of_none() -> None:
    assert spread([0.5]) == {"mean": 0.5, "sd": None, "values": [0.5]}
    assert spread([]) == {"mean": None, "sd": None, "values": []}


def many(n: int = 300, seed: int = 0) -> tuple[Array, npt.NDArray[np.intp], npt.NDArray[np.str_]]:
    rng = np.random.default_rng(seed)
    said, top = rng.integers(0, 3, n), rng.uniform(0.34, 0.99, n)
    targets = np.where(rng.random(n) < top, said, (said + 1) % 3)
    groups = np.array([f"artist {i}" for i in rng.integers(0, 30, n)])
    return sure(top.tolist(), said.tolist()), targets, groups


def test_what_is_written_goes_by_thresholds_of_other_artists() -> None:
    fused, targets, _ = many()
    groups = np.repeat(list("abcde"), 60)  # five artists, five folds
    spoken = cross_fitted_spoken(fused, targets, groups, LABELS)
    for artist in "abcde":
        mine = groups == artist
        thresholds = fit_thresholds(fused[~mine], targets[~mine], LABELS)
        least = np.array([thresholds[label] for label in LABELS])[fused[mine].argmax(axis=1)]
        assert np.array_equal(spoken[mine], fused[mine].max(axis=1) >= least)
    figures = judge_repeats(fused[None], targets, groups, LABELS)
    assert figures["written"]["share"]["values"] == [spoken.mean()]
    right = fused.argmax(axis=1) == targets
    assert figures["written"]["accuracy"]["values"] == [right[spoken].mean()]
    assert 0.1 < spoken.mean() < 0.9


def test_an_artist_does_not_choose_the_thresholds_it_is_judged_by() -> None:
    fused, targets, groups = many()
    before = cross_fitted_spoken(fused, targets, groups, LABELS)
    mine = groups == "artist 3"
    lied = targets.copy()
    lied[mine] = (fused[mine].argmax(axis=1) + 1) % 3
    assert np.array_equal(cross_fitted_spoken(fused, lied, groups, LABELS)[mine], before[mine])


def test_the_table_says_what_the_figures_say() -> None:
    table = repeats_table(judge_repeats(two_seeds(), TARGETS, GROUPS, LABELS, thresholds=(0.9,)))
    assert "| over 2 seeds, 5 clips | mean | sd |" in table
    assert "| accuracy | 0.700 | 0.141 |" in table
    assert "| recall of Rock | 0.667 | 0.471 |" in table
    assert "| 0.90 | 0.400 | 0.283 | 1.000 | 0.000 |" in table
    one = repeats_table(judge_repeats(two_seeds()[:1], TARGETS, GROUPS, LABELS, thresholds=(0.99,)))
    assert "| 0.99 | 0.000 | – | – | – |" in one


@pytest.mark.parametrize("shape", [(2, 4, 3), (2, 5, 2), (5, 3)])
def test_shapes_that_do_not_agree_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        judge_repeats(np.ones(shape), TARGETS, GROUPS, LABELS)


def test_nothing_to_judge_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing"):
        judge_repeats(np.ones((0, 5, 3)), TARGETS, GROUPS, LABELS)
