from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.training.explore_attributes import (
    REDUNDANT_R,
    correlate,
    pick_separating,
    principal_components,
    separation,
    standardise,
    suggest_drops,
)

Array = npt.NDArray[np.float64]


def correlations(seed: int, d: int) -> Array:
    """Of few common causes, so that many attributes are much alike."""
    rng = np.random.RandomState(seed)
    x = rng.standard_normal((40, 3)) @ rng.standard_normal((3, d))
    return correlate(standardise(x + 0.1 * rng.standard_normal((40, d)), range(d)).z)


@pytest.mark.filterwarnings("error")
def test_missing_and_constant_attributes() -> None:
    nan, inf = np.nan, np.inf
    x = np.array([[1, 5, nan, 2, 1e9], [nan, 5, nan, inf, 1e9], [3, 5, nan, 4, 1e9]])
    found = standardise(x.astype(np.float32), ["a", "b", "c", "d", "e"])
    assert found.names == ("a", "d")
    assert found.constant == ("b", "c", "e")
    assert found.incomplete == 2
    assert found.values.tolist() == [[1, 2], [2, 3], [3, 4]]
    assert found.z.mean(axis=0) == pytest.approx([0, 0])
    assert found.z.std(axis=0) == pytest.approx([1, 1])


def test_correlation_is_pearsons() -> None:
    x = np.random.RandomState(0).standard_normal((30, 4))
    x[:, 3] = -2 * x[:, 0] + 7
    r = correlate(standardise(x, "abcd").z)
    assert r == pytest.approx(np.corrcoef(x.T))


def test_of_two_alike_the_one_more_like_the_rest_goes() -> None:
    r = np.array([[1.0, 0.97, 0.5], [0.97, 1.0, -0.8], [0.5, -0.8, 1.0]])
    (drop,) = suggest_drops(r, ["a", "b", "c"])
    assert (drop.name, drop.instead, drop.r) == ("b", "a", 0.97)
    assert drop.mean_r == pytest.approx((0.97 + 0.8) / 2)
    (drop,) = suggest_drops(-r, ["a", "b", "c"])  # opposites say the same
    assert (drop.name, drop.r) == ("b", -0.97)


def test_of_three_alike_one_stays() -> None:
    drops = suggest_drops(np.full((3, 3), 1.0), ["a", "b", "c"])
    assert len(drops) == 2
    assert len({drop.name for drop in drops}) == 2


@given(st.integers(0, 500), st.integers(1, 25))
def test_what_is_left_is_not_alike_and_nothing_goes_for_nothing(seed: int, d: int) -> None:
    r = correlations(seed, d)
    drops = suggest_drops(r, [str(i) for i in range(d)])
    gone = {int(drop.name) for drop in drops}
    assert len(gone) == len(drops)
    left = sorted(set(range(d)) - gone)
    alike = np.abs(r[np.ix_(left, left)]) > REDUNDANT_R
    assert not (alike & ~np.eye(len(left), dtype=bool)).any()
    for drop in drops:
        assert abs(r[int(drop.name), int(drop.instead)]) > REDUNDANT_R


@pytest.mark.filterwarnings("error")
def test_separation_orders_as_the_f_test_does() -> None:
    from scipy.stats import f_oneway

    rng = np.random.RandomState(1)
    codes = np.repeat([0, 1, 2], [10, 20, 5])
    x = rng.standard_normal((35, 6)) + np.outer(codes, np.arange(6) / 4)
    rows = [np.flatnonzero(codes == c) for c in range(3)]
    eta2 = separation(x, rows)
    f = np.array([f_oneway(*(column[r] for r in rows)).statistic for column in x.T])
    assert eta2 / (1 - eta2) * (35 - 3) / (3 - 1) == pytest.approx(f)
    # Other genres' tracks do not matter; an attribute that does not vary separates nothing.
    x[:10, 0] = 4.0
    assert separation(x, rows[:1])[0] == 0
    perfect = separation(np.array([[0.0], [0.0], [1.0]]), [np.array([0, 1]), np.array([2])])
    assert perfect == pytest.approx([1])


def test_the_picked_attributes_are_the_best_that_are_not_alike() -> None:
    r = np.eye(4)
    r[0, 1] = r[1, 0] = -0.9
    eta2 = np.array([0.5, 0.7, 0.1, 0.6])
    assert pick_separating(eta2, r, 12) == [1, 3, 2]
    assert pick_separating(eta2, r, 2) == [1, 3]


def test_components_are_those_of_scikit_learn() -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    x = np.random.RandomState(2).standard_normal((30, 5)) @ np.diag([3, 1, 1, 1, 1])
    x[:, 1] += x[:, 0]
    z = standardise(x, "abcde").z
    scores, explained = principal_components(z, correlate(z))
    pca = decomposition.PCA(2).fit(z)
    assert explained == pytest.approx(pca.explained_variance_ratio_)
    signs = np.sign((scores * pca.transform(z)).sum(axis=0))
    assert scores == pytest.approx(pca.transform(z) * signs)
    assert (scores == principal_components(z, correlate(z))[0]).all()
