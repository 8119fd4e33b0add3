from __future__ import annotations

import numpy as np
import pytest

from tagger.training.robustness_figures import (
    Answers,
    compare_answers,
    disagreement,
    robustness_table,
)

NAN = [np.nan] * 3
TARGETS = np.array([0, 0, 1, 1])  # nothing is of label 2


def answers(rows: list[list[float]], refused: list[bool] | None = None) -> Answers:
    return Answers(np.array(rows), np.array(refused or [False] * len(rows)))


ORIGINAL = answers([[0.8, 0.1, 0.1], [0.6, 0.2, 0.2], [0.3, 0.6, 0.1], [0.2, 0.3, 0.5]])
VARIANT = answers(
    [[0.7, 0.2, 0.1], [0.3, 0.1, 0.6], [0.3, 0.6, 0.1], [0.1, 0.7, 0.2]],
    [False, True, False, False],
)


def test_a_variant_by_hand() -> None:
    figures = compare_answers(ORIGINAL, VARIANT, TARGETS)
    assert figures["n"] == 4
    assert figures["accuracy"] == 0.75  # the second is now called 2
    assert figures["of_its_own"] == 1.0  # but of labels 0 and 1 it is still 0
    assert figures["drop"] == 0.0  # one lost, one won
    assert figures["drop_of_its_own"] == 0.0
    # Losses 0, 1, 0, -1: standard deviation sqrt(2 / 3), over sqrt(4).
    assert figures["drop_se"] == pytest.approx(np.sqrt(2 / 3) / 2)
    assert figures["flips"] == 0.5
    assert figures["top_change"] == pytest.approx((0.1 + 0.0 + 0.0 + 0.2) / 4)
    assert figures["refused"] == 0.25


def test_a_drop_is_positive_where_the_variant_is_worse() -> None:
    worse = answers([[0.1, 0.8, 0.1], *VARIANT.probabilities[1:].tolist()])
    figures = compare_answers(ORIGINAL, worse, TARGETS)
    assert figures["drop"] == 0.25
    assert figures["drop_of_its_own"] == 0.25


def test_the_same_answers_differ_in_nothing() -> None:
    figures = compare_answers(ORIGINAL, ORIGINAL, TARGETS)
    assert figures["accuracy"] == 0.75
    assert [figures[k] for k in ("drop", "drop_se", "flips", "top_change")] == [0, 0, 0, 0]


def test_a_clip_that_is_not_heard_is_refused_and_not_compared() -> None:
    rows = VARIANT.probabilities.tolist()
    partly = answers([NAN, *rows[1:]], [True, True, False, False])
    figures = compare_answers(ORIGINAL, partly, TARGETS)
    assert (figures["n"], figures["refused"]) == (3, 0.5)
    assert figures["accuracy"] == pytest.approx(2 / 3)
    assert figures["flips"] == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="no clip"):
        compare_answers(ORIGINAL, answers([NAN] * 4), TARGETS)


def test_disagreement_by_hand() -> None:
    third = answers([[0.9, 0.1, 0.0], [0.6, 0.2, 0.2], [0.6, 0.3, 0.1], [0.2, 0.3, 0.5]])
    figures = disagreement({"a": ORIGINAL, "b": VARIANT, "c": third}, TARGETS)
    assert figures["accuracy"] == {"a": 0.75, "b": 0.75, "c": 0.5}
    assert figures["mean"] == pytest.approx(2 / 3)
    assert figures["sd"] == pytest.approx(np.sqrt((2 * (1 / 12) ** 2 + (1 / 6) ** 2) / 2))
    # a and b differ on two of four clips, a and c on one, b and c on three.
    assert figures["flips"] == pytest.approx((2 + 1 + 3) / 12)
    # Largest probabilities 0.8 0.6 0.6 0.5; 0.7 0.6 0.6 0.7; 0.9 0.6 0.6 0.5.
    assert figures["top_change"] == pytest.approx((0.3 + 0.1 + 0.4) / 12)
    with pytest.raises(ValueError, match="two answers"):
        disagreement({"a": ORIGINAL}, TARGETS)


def test_the_table_says_what_the_figures_say() -> None:
    first = compare_answers(ORIGINAL, ORIGINAL, TARGETS)
    between = disagreement({"start": ORIGINAL, "end": VARIANT}, TARGETS)
    table = robustness_table(
        {
            "original": first,
            "variants": {"MP3": compare_answers(ORIGINAL, VARIANT, TARGETS)},
            "positions": {"15 s": between},
            "seeds": None,
        }
    )
    assert "| as it is | 0.750 | 1.000 | – | – | – | 0.0 % |" in table
    assert "| MP3 | 0.750 | 1.000 | +0.0 ± 40.8 | 50.0 % | 0.075 | 25.0 % |" in table
    assert "| excerpts of 15 s | 0.750, 0.750 | 0.750 | 0.000 | 50.0 % | 0.075 |" in table
    assert "seeds" not in table
