"""Genres added to a model, by hand: a judge of three features beside two genres."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from models.bundles import put, small_bundle

from tagger.errors import ModelError
from tagger.models.added import add_genres, judged
from tagger.models.bundle import load_bundle
from tagger.models.specs import AddedGenre

ZOUK = AddedGenre("Zouk", (1.0, 0.0, 5.0), (2.0, 1.0, 1.0), 3.0, (1.0, -2.0, 0.0), 0.5)
ADDED = [dataclasses.asdict(ZOUK)]


def test_the_judge_is_a_logistic_regression():
    features = np.array([[5.0, 1.0, 9.0], [1.0, 0.0, 0.0]], dtype=np.float32)
    scores = np.array([2.0 - 2.0 + 0.5, 0.5])
    assert judged(ZOUK, features) == pytest.approx(1 / (1 + np.exp(-scores)))


def test_what_is_far_from_all_that_was_heard_says_no_more_than_the_limit():
    far, limit = np.array([[1e30, -1e30, 0], [7.0, -3.0, 0]], dtype=np.float32)
    assert judged(ZOUK, far[None]) == pytest.approx(judged(ZOUK, limit[None]))
    steep = dataclasses.replace(ZOUK, coefficients=(1e6, 0.0, 0.0))
    assert judged(steep, -far[None]) == pytest.approx([0.0])


def test_the_others_share_what_is_left_as_they_did():
    features = np.zeros((4, 3), dtype=np.float32)
    features[:, 0] = [-9, 0, 1, 9]
    before = np.array([[0.2, 0.8], [0.5, 0.5], [0.9, 0.1], [0.0, 1.0]])
    after = add_genres(before, features, [ZOUK, dataclasses.replace(ZOUK, label="Soca")])
    assert after.shape == (4, 4)
    assert after.sum(axis=1) == pytest.approx(np.ones(4))
    left = after[:, :2].sum(axis=1, keepdims=True)
    assert after[:, :2] == pytest.approx(before * left)
    sure = judged(ZOUK, features)
    assert after[:, 3] == pytest.approx(sure)  # the last judge has the last word
    assert after[:, 2] == pytest.approx(sure * (1 - sure))
    assert add_genres(before, features, []) is before


def test_a_bundle_holds_them(tmp_path):
    def edit(manifest):
        put("labels", ["Folk", "Ska", "Zouk"])(manifest)
        put("thresholds.Zouk", 0.6)(manifest)
        put("added", ADDED)(manifest)

    bundle = load_bundle(small_bundle(tmp_path / "m", edit))
    assert bundle.added == (ZOUK,)
    assert bundle.labels == ("Folk", "Ska", "Zouk")
    assert bundle.fitted_labels == ("Folk", "Ska")
    assert load_bundle(small_bundle(tmp_path / "plain")).fitted_labels == ("Folk", "Ska")


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        ("added", {}, "added must be a list"),
        ("added.0.mean", [1.0], "one number per feature"),
        ("added.0.coefficients", [1.0] * 4, "one number per feature"),
        ("added.0.scale", [0.0] * 3, "scale"),
        ("added.0.intercept", None, "intercept must be a number"),
        ("added.0.label", "Soca", "labels must end with those of the added genres"),
        ("labels", ["Zouk", "Folk", "Ska"], "labels must end with those of the added genres"),
        ("fusion.bias", [0.0] * 3, "one number per label"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, place, value, named):
    def edit(manifest):
        put("labels", ["Folk", "Ska", "Zouk"])(manifest)
        put("thresholds.Zouk", 0.6)(manifest)
        put("added", [dict(ADDED[0])])(manifest)
        put(place, value)(manifest)

    with pytest.raises(ModelError, match=named):
        load_bundle(small_bundle(tmp_path / "m", edit))
