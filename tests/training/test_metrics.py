from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("sklearn")

from tagger.training.metrics import expected_calibration_error, judge, precision_at


def sure(confidences: list[float], said: list[int], n_labels: int) -> npt.NDArray[np.float64]:
    """Probabilities whose largest is as given; the rest is spread evenly."""
    top = np.array(confidences)[:, None]
    rows = np.repeat((1 - top) / (n_labels - 1), n_labels, axis=1)
    rows[np.arange(len(said)), said] = top[:, 0]
    return rows


def test_judge_by_hand() -> None:
    labels = ("Rock", "Jazz", "Pop", "Blues")  # no track is blues
    targets = np.array([0, 0, 0, 1, 1, 2])
    said = [0, 0, 1, 1, 1, 0]
    figures = judge(sure([0.85] * 4 + [0.55] * 2, said, 4), targets, labels)
    assert figures["n"] == 6
    assert figures["labels"] == list(labels)
    assert figures["confusion"] == [[2, 1, 0, 0], [0, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert figures["accuracy"] == pytest.approx(4 / 6)
    # By chance 3/6 · 3/6 + 2/6 · 3/6 + 1/6 · 0 = 15/36 would agree.
    assert figures["kappa"] == pytest.approx((24 / 36 - 15 / 36) / (1 - 15 / 36))
    # Rock: precision 2/3, recall 2/3; jazz: 2/3, 1; pop: 0.
    assert figures["macro_f1"] == pytest.approx((2 / 3 + 0.8 + 0) / 3)
    assert figures["per_genre"] == {"Rock": pytest.approx(2 / 3), "Jazz": 1.0, "Pop": 0.0}
    # 4 tracks at 0.85, 3 of them right; 2 at 0.55, 1 of them right.
    assert figures["ece"] == pytest.approx(4 / 6 * 0.10 + 2 / 6 * 0.05)
    json.dumps(figures, allow_nan=False)


def test_a_genre_said_by_mistake_alone_does_not_enter_macro_f1() -> None:
    figures = judge(sure([0.9] * 4, [0, 0, 1, 2], 3), np.array([0, 0, 1, 1]), ("A", "B", "C"))
    assert figures["macro_f1"] == pytest.approx((1 + 2 / 3) / 2)
    assert list(figures["per_genre"]) == ["A", "B"]


def test_a_perfect_answer() -> None:
    figures = judge(np.eye(3)[[0, 1, 2, 1]], np.array([0, 1, 2, 1]), ("A", "B", "C"))
    assert (figures["accuracy"], figures["kappa"], figures["macro_f1"]) == (1, 1, 1)
    assert figures["ece"] == 0


@pytest.mark.filterwarnings("error")
def test_one_genre_alone_gives_figures_that_json_can_hold() -> None:
    figures = judge(np.eye(2)[[0, 0, 0]], np.array([0, 0, 0]), ("A", "B"))
    assert figures["accuracy"] == 1
    assert figures["kappa"] == 0
    json.dumps(figures, allow_nan=False)


def test_calibration_error_of_the_perfectly_calibrated_is_0() -> None:
    targets = np.array([0] * 8 + [1] * 2 + [0] * 6 + [1] * 4)
    probabilities = sure([0.8] * 10 + [0.6] * 10, [0] * 20, 2)
    assert expected_calibration_error(probabilities, targets) == pytest.approx(0)


def test_calibration_error_of_the_sure_and_wrong_is_1() -> None:
    assert expected_calibration_error(np.eye(2)[[0] * 7], np.ones(7, dtype=int)) == 1


def test_calibration_error_weighs_bins_by_their_tracks() -> None:
    # 30 tracks at 0.95, all right (gap 0.05); 10 at 0.65, none right (gap 0.65).
    probabilities = sure([0.95] * 30 + [0.65] * 10, [0] * 40, 2)
    targets = np.array([0] * 30 + [1] * 10)
    expected = 0.75 * 0.05 + 0.25 * 0.65
    assert expected_calibration_error(probabilities, targets) == pytest.approx(expected)
    # In one bin the two cancel: |30/40 - (0.75 · 0.95 + 0.25 · 0.65)|.
    assert expected_calibration_error(probabilities, targets, bins=1) == pytest.approx(0.125)


def test_precision_at_leaves_the_artist_out():
    at = np.array([[100, 0], [99, 5], [98, 9], [0, 100], [5, 99], [9, 98]], dtype=np.int8)
    genres = np.array(["a", "a", "a", "b", "b", "b"])
    artists = np.array(["1", "1", "2", "3", "4", "4"])
    # Each track's nearest other artist has its genre; of the first, one of four others has.
    assert precision_at(1, at, genres, artists) == pytest.approx(
        (1.0, (1 / 4 + 1 / 4 + 2 / 5 + 2 / 5 + 1 / 4 + 1 / 4) / 6)
    )
    share, chance = precision_at(9, at, genres, artists)
    assert share == pytest.approx(chance)  # all others are neighbours
    turned = precision_at(1, at, genres[[0, 3, 1, 4, 2, 5]], artists)
    assert turned[0] < 1.0
