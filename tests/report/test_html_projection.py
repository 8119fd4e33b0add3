from __future__ import annotations

import numpy as np
import pytest

from tagger.report.html.projection import LANDMARKS, draw_landmarks, fit_map


def groups(rng, n_groups=4, n_each=40, n_labels=8):
    """Tracks of so many kinds, each kind sure of a label of its own; with their kinds."""
    kind = np.repeat(np.arange(n_groups), n_each)
    taste = np.full((n_groups, n_labels), 0.4)
    taste[np.arange(n_groups), np.arange(n_groups)] = 8.0
    return np.stack([rng.dirichlet(taste[k]) for k in kind]), kind


def same_among_nearest(places, kind, k=10):
    apart = ((places[:, None] - places[None]) ** 2).sum(axis=-1)
    np.fill_diagonal(apart, np.inf)
    nearest = np.argsort(apart, axis=1, kind="stable")[:, :k]
    return float((kind[nearest] == kind[:, None]).mean())


def test_tracks_of_a_kind_lie_together():
    p, kind = groups(np.random.default_rng(0))
    places = fit_map(p).place(p)
    assert places.shape == (160, 2)
    assert places.min() >= 0
    assert places.max() <= 1
    assert same_among_nearest(places, kind) > 0.95


def test_it_separates_kinds_that_principal_components_lay_upon_each_other():
    p, kind = groups(np.random.default_rng(1), n_groups=8)
    roots = np.sqrt(p) - np.sqrt(p).mean(axis=0)
    _, _, axes = np.linalg.svd(roots, full_matrices=False)
    flat = same_among_nearest(roots @ axes[:2].T, kind)
    assert same_among_nearest(fit_map(p).place(p), kind) > flat + 0.15


def test_tracks_that_were_no_landmarks_lie_with_their_kind():
    p, kind = groups(np.random.default_rng(2), n_each=80)
    fitted = fit_map(p[::4])
    assert same_among_nearest(fitted.place(p), kind) > 0.95
    # And a landmark stays where it was put.
    np.testing.assert_allclose(fitted.place(fitted.known**2), fitted.places, atol=1e-6)


def test_the_same_tracks_give_the_same_map_in_whatever_order():
    p, _ = groups(np.random.default_rng(3), n_each=15)
    mixed = np.random.default_rng(0).permutation(p)
    np.testing.assert_array_equal(fit_map(p).place(p), fit_map(mixed).place(p))


@pytest.mark.parametrize("n_each", [2, 3, 6, 12, 50])
def test_nearly_the_same_tracks_give_nearly_the_same_map(n_each):
    moved = []
    for seed in range(6):
        p, _ = groups(np.random.default_rng(seed), n_groups=5, n_each=n_each, n_labels=11)
        rounded = p.round(4)
        moved.append(np.abs(fit_map(p).place(p) - fit_map(rounded).place(rounded)).mean())
    assert sorted(moved)[-2] < 0.03  # one of six may hang on a hair


def test_genres_stay_on_their_side_when_tracks_are_added():
    alike = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        p, kind = groups(rng, n_groups=6, n_each=30)
        # Half as many again of one kind: the first principal component is another one.
        more, _ = groups(rng, n_groups=1, n_each=90)
        whole = np.concatenate([p, more])
        means = [
            np.stack([fit_map(fitted_on).place(p)[kind == k].mean(axis=0) for k in range(6)])
            for fitted_on in (p, whole)
        ]
        before, after = (m - m.mean(axis=0) for m in means)
        alike.append((before * after).sum() / np.linalg.norm(before) / np.linalg.norm(after))
    assert np.mean(alike) > 0.4  # 0.1 by axes that are signed by their largest loading


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 40])
@pytest.mark.parametrize("n_labels", [1, 2, 11])
@pytest.mark.parametrize("equal", [False, True])
def test_few_tracks_few_labels_or_all_the_same(n, n_labels, equal):
    p = np.random.default_rng(4).dirichlet(np.ones(n_labels), size=n)
    if equal:
        p[:] = p[0]
    with np.errstate(all="raise", under="ignore"):
        places = fit_map(p).place(p)
    assert places.shape == (n, 2)
    assert np.isfinite(places).all()
    assert places.min() >= 0
    assert places.max() <= 1


def test_certain_tracks_do_no_harm():
    p = np.eye(5)[np.arange(50) % 5]
    assert np.isfinite(fit_map(p).place(p)).all()


def test_landmarks():
    rng = np.random.default_rng(5)
    few = rng.dirichlet(np.ones(4), size=5)
    np.testing.assert_array_equal(draw_landmarks([few[:2], few[2:]]), few)
    many = rng.dirichlet(np.ones(4), size=10 * LANDMARKS)
    drawn = draw_landmarks(np.array_split(many, 7))
    assert drawn.shape == (LANDMARKS, 4)
    others = draw_landmarks([rng.permutation(many)])
    np.testing.assert_array_equal(np.sort(drawn[:, 0]), np.sort(others[:, 0]))
    # Of the whole library, not of its beginning.
    place = np.searchsorted(np.sort(many[:, 0]), drawn[:, 0]) / len(many)
    assert abs(place.mean() - 0.5) < 0.05
    at = np.flatnonzero(np.isin(many[:, 0], drawn[:, 0])) / len(many)
    assert abs(at.mean() - 0.5) < 0.05
