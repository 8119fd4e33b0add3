from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("sklearn")

from sklearn.linear_model import LogisticRegression

from tagger.training.masked import fit_masked_regression

Array = npt.NDArray[np.float64]
N, WIDTH, N_LABELS, C = 90, 5, 4, 0.3


def clouds() -> tuple[Array, npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Overlapping clouds; a third of the rows could not have been of label 3."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, N_LABELS, N)
    x = rng.normal(0, 1, (N_LABELS, WIDTH))[targets] + rng.normal(0, 1, (N, WIDTH))
    possible = np.ones((N, N_LABELS), dtype=bool)
    possible[::3, 3] = targets[::3] == 3
    return x, targets, possible


def weights() -> Array:
    return np.random.default_rng(1).uniform(0.2, 2.0, N)


def test_with_every_label_possible_it_is_what_scikit_learn_finds() -> None:
    x, targets, _ = clouds()
    possible = np.ones((N, N_LABELS), dtype=bool)
    ours = fit_masked_regression(x, targets, possible, weights(), C)
    theirs = LogisticRegression(C=C, max_iter=5000, tol=1e-8)
    theirs.fit(x, targets, sample_weight=weights())
    assert np.allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=1e-3)
    assert np.allclose(ours.coef_, theirs.coef_, atol=5e-3)
    assert np.array_equal(ours.classes_, theirs.classes_)


def objective(coefficients: Array, intercept: Array) -> float:
    """The penalised likelihood as the docstring says it, row by row."""
    x, targets, possible = clouds()
    cost = np.square(coefficients).sum() / (2 * C)
    for row, label, choice, weight in zip(x, targets, possible, weights(), strict=True):
        logits = (coefficients @ row + intercept)[choice]
        picked = (coefficients @ row + intercept)[label]
        cost += weight * (np.log(np.exp(logits).sum()) - picked)
    return float(cost)


def test_no_step_in_any_direction_is_better() -> None:
    x, targets, possible = clouds()
    fitted = fit_masked_regression(x, targets, possible, weights(), C)
    found = objective(fitted.coef_, fitted.intercept_)
    rng = np.random.default_rng(2)
    for _ in range(50):
        step = 0.05 * rng.normal(0, 1, (N_LABELS, WIDTH + 1))
        moved = objective(fitted.coef_ + step[:, :-1], fitted.intercept_ + step[:, -1])
        assert moved > found


def test_a_row_of_weight_two_is_that_row_twice() -> None:
    x, targets, possible = clouds()
    twice = np.ones(N)
    twice[:10] = 2
    rows = np.concatenate([np.arange(N), np.arange(10)])
    heavy = fit_masked_regression(x, targets, possible, twice, C)
    repeated = fit_masked_regression(x[rows], targets[rows], possible[rows], np.ones(len(rows)), C)
    assert np.allclose(heavy.predict_proba(x), repeated.predict_proba(x), atol=1e-3)


def test_rows_with_one_choice_say_nothing() -> None:
    x, targets, possible = clouds()
    added = np.random.default_rng(3).normal(4, 1, (30, WIDTH))
    only = np.zeros((30, N_LABELS), dtype=bool)
    only[:, 1] = True
    before = fit_masked_regression(x, targets, possible, np.ones(N), C)
    after = fit_masked_regression(
        np.concatenate([x, added]),
        np.concatenate([targets, np.ones(30, dtype=np.intp)]),
        np.concatenate([possible, only]),
        np.ones(N + 30),
        C,
    )
    assert np.allclose(before.coef_, after.coef_, atol=1e-3)


def test_two_labels_are_one_row_as_scikit_learn_and_onnx_have_it() -> None:
    x, targets, _ = clouds()
    targets = targets % 2
    ours = fit_masked_regression(x, targets, np.ones((N, 2), dtype=bool), weights(), C)
    # Two rows share the penalty that one row bears alone.
    theirs = LogisticRegression(C=2 * C, tol=1e-8).fit(x, targets, sample_weight=weights())
    assert ours.coef_.shape == (1, WIDTH)
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=1e-3)
