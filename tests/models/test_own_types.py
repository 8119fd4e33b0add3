"""Types of a library: fitted, kept, assigned to, fitted anew."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.planted import planted

from tagger.audio.excerpts import ExcerptPlan
from tagger.errors import ModelError
from tagger.models.bundle import find_bundle, load_bundle
from tagger.models.clusters import assign, placed
from tagger.models.music_types import fit_types, fitted_anew, same_types, spec_for
from tagger.models.schema import Node
from tagger.models.type_fit import principal_axes
from tagger.models.types_file import read_types, types_object

KINDS = (0,) * 14 + (1,) * 10 + (2,) * 8
NAMES = ("rhythmic and bright", "melodic and sparse", "percussive and flowing")


@pytest.fixture(scope="module")
def bundle():
    return load_bundle(find_bundle("default"))


@pytest.fixture(scope="module")
def features(bundle):
    return planted(KINDS, bundle.features)


@pytest.fixture(scope="module")
def fitted(features, bundle):
    return fit_types(features, bundle)


def named(types, bundle, features):
    return assign(features, spec_for(types, bundle))


def test_planted_types_are_found_named_and_numbered_by_size(fitted):
    types, labels = fitted
    assert types.choice.k == 3
    assert [kind.number for kind in types.types] == [1, 2, 3]
    assert [kind.tracks for kind in types.types] == [14, 10, 8]
    assert labels.tolist() == list(KINDS)
    assert {frozenset(kind.name.split(" and ")) for kind in types.types} == {
        frozenset(name.split(" and ")) for name in NAMES
    }
    assert types.next_number == 4


def test_assignment_says_what_the_fit_said_and_new_tracks_move_nothing(fitted, features, bundle):
    types, labels = fitted
    assert named(types, bundle, features) == [types.types[i].name for i in labels]
    more = planted((2, 0, 3, 1), bundle.features, seed=5)
    together = named(types, bundle, np.concatenate([more, features]))
    assert together[4:] == named(types, bundle, features)
    assert [together[i] for i in (0, 1, 3)] == [types.types[i].name for i in (2, 0, 1)]


@pytest.mark.parametrize("share", [None, 0.8])
def test_neither_the_order_of_tracks_nor_the_seed_makes_another_type(features, bundle, share):
    order = np.random.default_rng(1).permutation(len(features))
    first, labels = fit_types(features, bundle, k=3, share=share)
    again, _ = fit_types(features, bundle, k=3, share=share)
    assert again == first
    other, moved = fit_types(features[order], bundle, k=3, share=share, seed=7)
    assert moved.tolist() == labels[order].tolist()
    assert [kind.name for kind in other.types] == [kind.name for kind in first.types]
    np.testing.assert_allclose(other.centroids, first.centroids, atol=1e-6)


def test_components_carry_the_share_that_is_asked_for(features, bundle):
    types, labels = fit_types(features, bundle, k=3, share=0.8)
    assert labels.tolist() == list(KINDS)
    axes = np.array(types.axes)
    assert len(axes) == len(types.features)
    assert axes.shape[1] < len(types.features)
    np.testing.assert_allclose(axes.T @ axes, np.eye(axes.shape[1]), atol=1e-9)
    x = features[:, [bundle.features.index(name) for name in types.features]].astype(float)
    z = (x - types.mean) / types.scale
    carried = np.var(z @ axes, axis=0)
    assert carried.sum() >= 0.8 * len(axes) > carried[:-1].sum()


def test_all_components_rebuild_what_they_were_made_of():
    x = np.random.default_rng(0).normal(size=(30, 4)) @ np.random.default_rng(1).normal(size=(4, 4))
    x -= x.mean(axis=0)
    axes, shares = principal_axes(x, 1.0)
    np.testing.assert_allclose(x @ axes @ axes.T, x, atol=1e-9)
    assert shares.sum() == pytest.approx(1)
    assert (np.diff(shares) <= 0).all()
    assert (axes[np.abs(axes).argmax(axis=0), range(4)] > 0).all()
    assert principal_axes(x, 0.0, least=2)[0].shape == (4, 2)


@pytest.mark.parametrize(
    ("kinds", "k", "said"),
    [((0,) * 11, None, "11 tracks are too few"), ((0,) * 12, 13, "only 12 of 12 tracks")],
)
def test_too_few(bundle, kinds, k, said):
    with pytest.raises(ModelError, match=said):
        fit_types(planted(kinds, bundle.features), bundle, k=k)


def test_copies_of_one_track_are_no_types(features, bundle):
    with pytest.raises(ModelError, match="only 1 of 20 tracks sound different"):
        fit_types(np.repeat(features[:1], 20, axis=0), bundle)


def test_types_are_of_what_was_heard_and_no_part_of_the_models_genres(fitted, bundle):
    types, _ = fitted
    assert spec_for(types, replace(bundle, labels=("A", "B"))) is not None
    assert spec_for(types, replace(bundle, excerpts=ExcerptPlan(3, 10.0))) is None
    assert spec_for(types, replace(bundle, features=bundle.features[:5])) is None
    assert spec_for(replace(types, analysis=types.analysis + 1), bundle) is None
    turned = replace(bundle, features=bundle.features[::-1])
    spec = spec_for(types, turned)
    assert [turned.features[i] for i in spec.features] == list(types.features)


# --- fitted anew --------------------------------------------------------------------------


def anew(old, features, bundle, **how):
    new, labels = fit_types(features, bundle, **how)
    same = same_types(placed(features, spec_for(old, bundle)), labels, np.array(old.centroids))
    types, place = fitted_anew(old, new, same)
    return types, place[labels]


def test_a_new_kind_of_music_gets_a_new_number_and_all_others_keep_theirs(fitted, features, bundle):
    old, labels = fitted
    # So many that by size it would be the first.
    more = planted((3,) * 20, bundle.features, seed=2)
    types, after = anew(old, np.concatenate([more, features]), bundle, k=4)
    assert [(t.number, t.name) for t in types.types[:3]] == [(t.number, t.name) for t in old.types]
    assert types.types[3].number == 4
    assert after[20:].tolist() == labels.tolist()
    assert set(after[:20].tolist()) == {3}
    assert named(types, bundle, features) == named(old, bundle, features)


def test_a_number_is_never_given_twice(fitted, features, bundle):
    old, _ = fitted
    fewer, _ = anew(old, features[:24], bundle, k=2)
    assert [t.number for t in fewer.types] == [1, 2]
    assert [t.name for t in fewer.types] == [t.name for t in old.types[:2]]
    again, labels = anew(fewer, features, bundle, k=3)
    assert [t.number for t in again.types] == [1, 2, 4]
    assert labels.tolist() == list(KINDS)
    assert again.next_number == 5


PLACES = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0], [9.0, 9.0], [4.0, 20.0]])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.permutations(range(5)))
def test_the_same_groups_in_another_order_are_the_same_types(kinds, order):
    before = np.array(kinds)
    x = PLACES[before] + np.random.default_rng(0).uniform(-1, 1, (len(before), 2))
    same = same_types(x, np.array(order)[before], PLACES)
    assert same == {order[old]: old for old in set(kinds)}


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=1, max_size=60))
def test_matches_are_one_to_one_and_share_half_of_their_tracks(pairs):
    before, after = np.array(pairs).T
    same = same_types(PLACES[before], after, PLACES)
    assert len(set(same.values())) == len(same)
    for new, old in same.items():
        assert 2 * ((after == new) & (before == old)).sum() >= (after == new).sum()
    most = {new: np.bincount(before[after == new]).max() for new in set(after.tolist())}
    sure = [new for new, n in most.items() if 2 * n > (after == new).sum()]
    olds = {int(np.bincount(before[after == new]).argmax()) for new in sure}
    assert len(same) >= len(olds)  # no old type that has a claimant goes without


# --- as a file ----------------------------------------------------------------------------


@pytest.mark.parametrize("share", [None, 0.8])
def test_what_is_read_is_what_was_kept(features, bundle, share):
    types, _ = fit_types(features, bundle, k=3, share=share)
    text = json.dumps(types_object(types))
    assert read_types(Node(json.loads(text), "types.json")) == types


def _two_of_a_name(value):
    value["types"][1]["name"] = value["types"][0]["name"]


def _rows(value):
    value["centroids"][0] = value["centroids"][0][:-1]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda v: v.update(genretag_types=2), "format 2; this genretag reads 1"),
        (lambda v: v.pop("features"), "features"),
        (lambda v: v["types"][0].update(name="a; b"), "no semicolon"),
        (lambda v: v["types"][0].update(number=0), "number"),
        (lambda v: v["types"][0]["scores"].pop("bright"), "bright"),
        (lambda v: v.update(next_number=3), "below next_number"),
        (lambda v: v["types"].reverse(), "numbers of types must rise"),
        (_two_of_a_name, "same name"),
        (lambda v: v["centroids"].pop(), "each with a centroid"),
        (_rows, "centroids must have 49 numbers each"),
        (lambda v: v["mean"].pop(), "differ in length"),
        (lambda v: v["scale"].__setitem__(0, 0.0), "scale"),
        (lambda v: v["scale"].__setitem__(0, float("nan")), "scale"),
        (lambda v: v.update(axes=[[1.0]]), "axes must have a row for each feature"),
        (lambda v: v["choice"].update(by="magic"), "by must be one of"),
        (lambda v: v["looks"][0].update(silhouette=2.0), "silhouette"),
        (lambda v: v.clear(), "genretag_types"),
    ],
)
def test_a_damaged_file_is_refused_by_the_key_at_fault(fitted, edit, said):
    value = copy.deepcopy(types_object(fitted[0]))
    edit(value)
    with pytest.raises(ModelError, match=said) as refused:
        read_types(Node(value, "types.json"))
    assert "types.json" in str(refused.value)
