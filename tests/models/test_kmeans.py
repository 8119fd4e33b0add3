from __future__ import annotations

import numpy as np
import pytest

from tagger.models.kmeans import (
    CLEAR_SILHOUETTE,
    MOST_TYPES,
    Look,
    choose,
    fit_centroids,
    look_at_counts,
)

SIZES = (25, 15, 10)


def heaps(spread: float) -> np.ndarray:
    """Three heaps of points, the smallest first."""
    rng = np.random.default_rng(0)
    places = [(0.0, 0.0), (10.0, 0.0), (0.0, 10.0)]
    some = [rng.normal(at, spread, (n, 2)) for at, n in zip(places, SIZES[::-1], strict=True)]
    return np.concatenate(some)


def test_heaps_that_lie_apart_are_counted():
    looks = look_at_counts(heaps(0.5))
    assert [look.k for look in looks] == list(range(1, MOST_TYPES + 1))
    assert looks[0].silhouette == 0
    inertia = [look.inertia for look in looks]
    assert inertia == sorted(inertia, reverse=True)
    assert inertia[0] == pytest.approx(heaps(0.5).var(axis=0).sum())
    choice = choose(looks)
    assert (choice.k, choice.by, choice.elbow, choice.silhouette) == (3, "silhouette", 3, 3)


@pytest.mark.parametrize(
    ("x", "counts"),
    [
        (np.eye(4), [1, 2, 3]),
        (np.repeat(np.eye(3), 9, axis=0), [1, 2]),  # of three different points
    ],
)
def test_no_more_clusters_than_there_are_points(x, counts):
    looks = look_at_counts(x)
    assert [look.k for look in looks] == counts
    assert choose(looks).k >= 2


@pytest.mark.parametrize(
    ("inertia", "silhouettes", "k", "by"),
    [
        ([9, 5, 2, 1.8, 1.7], [0.2, 0.24, 0.1, 0.1], 3, "elbow"),  # none is clear
        ([9, 5, 2, 1.8, 1.7], [0.5, 0.3, 0.1, 0.1], 2, "silhouette"),
        ([9, 5, 2, 1.8, 1.7], [0.1, 0.1, 0.1, CLEAR_SILHOUETTE], 5, "silhouette"),
        ([9, 9, 9], [0.0, 0.0], 2, "elbow"),  # a straight line bends nowhere
        ([9, 1], [0.1], 2, "elbow"),
    ],
)
def test_what_decides(inertia, silhouettes, k, by):
    looks = [
        Look(i, float(x), s)
        for i, (x, s) in enumerate(zip(inertia, [0.0, *silhouettes], strict=True), 1)
    ]
    choice = choose(looks)
    assert (choice.k, choice.by) == (k, by)


def test_centroids_come_the_largest_first_whatever_the_seed():
    x = heaps(0.5)
    first = fit_centroids(x, 3, seed=0)
    np.testing.assert_array_equal(fit_centroids(x, 3, seed=0), first)
    for seed in (1, 2):
        np.testing.assert_allclose(fit_centroids(x[::-1], 3, seed=seed), first)
    np.testing.assert_allclose(first, [x[25:].mean(0), x[10:25].mean(0), x[:10].mean(0)])
