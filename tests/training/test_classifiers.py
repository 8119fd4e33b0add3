from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from training.training_samples import LABELS, N_FEATURES, Blobs, blobs

from tagger.errors import UsageError
from tagger.training.classifiers import (
    CLASSIFIERS,
    available_classifiers,
    check_classifier,
    make_classifier,
    to_onnx,
    vote,
)
from tagger.training.imbalance import Balanced, over_sampled
from tagger.training.svc import PairwiseSVC

NAMES = available_classifiers()
ON_BLOBS = {"random-forest": {"n_estimators": 20}, "extra-trees": {"n_estimators": 20}}
"""Fewer trees are as good here, and faster."""


def fit(name: str, made: Blobs, **how: Any) -> Any:
    model = make_classifier(name, 0, N_FEATURES, len(LABELS), parameters=ON_BLOBS.get(name), **how)
    return model.fit(made.features, made.targets)


@pytest.fixture(scope="module")
def fitted(blobs_80: Blobs) -> dict[str, Any]:
    return {name: fit(name, blobs_80) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_they_know_the_blobs(fitted: dict[str, Any], name: str) -> None:
    """The last label is the first that they were shown: column i is label i all the same."""
    unseen = blobs(40, seed=1)
    probabilities = fitted[name].predict_proba(unseen.features)
    assert probabilities.shape == (120, len(LABELS))
    assert np.allclose(probabilities.sum(axis=1), 1.0)
    assert (probabilities.argmax(axis=1) == unseen.targets).mean() > 0.95
    assert (fitted[name].predict(unseen.features) == unseen.targets).mean() > 0.95


@pytest.mark.parametrize("name", NAMES)
def test_more_features_than_rows(name: str) -> None:
    rng = np.random.default_rng(0)
    targets = np.repeat([0, 1, 2], 12)
    features = rng.normal(0, 1, (36, 150)).astype(np.float32)
    features[:, :30] += 2.0 * targets[:, None]
    model = make_classifier(name, 0, 150, 3, parameters=ON_BLOBS.get(name))
    model.fit(features[::2], targets[::2])
    assert (model.predict(features[1::2]) == targets[1::2]).mean() > 0.7


@pytest.mark.parametrize("name", [n for n in NAMES if CLASSIFIERS[n].onnx])
def test_onnx_answers_as_the_classifier(fitted: dict[str, Any], name: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("skl2onnx")
    session = onnxruntime.InferenceSession(
        to_onnx(fitted[name], N_FEATURES), providers=["CPUExecutionProvider"]
    )
    features = blobs(60, spread=3.0, seed=3).features
    expected = fitted[name].predict_proba(features)
    assert np.ptp(expected) > 0.5  # some sure, some not
    label, answer = session.run(None, {session.get_inputs()[0].name: features})
    assert np.abs(answer - expected).max() <= 1e-4
    assert (label == fitted[name].predict(features)).mean() > 0.98


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_onnx_of_a_machine_of_two_labels_and_of_weighted_rows(kernel: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("skl2onnx")
    made = blobs(40, spread=2.0)
    two = made.targets != 1
    model = Balanced(make_classifier("svc", 0, N_FEATURES, 2, parameters={"kernel": kernel})).fit(
        made.features[two], made.targets[two]
    )
    assert model.classes_.tolist() == [0, 2]
    session = onnxruntime.InferenceSession(
        to_onnx(model, N_FEATURES), providers=["CPUExecutionProvider"]
    )
    label, answer = session.run(None, {session.get_inputs()[0].name: made.features})
    assert np.abs(answer - model.predict_proba(made.features)).max() <= 1e-4
    assert set(label.tolist()) == {0, 2}


def test_the_machines_probabilities_come_true() -> None:
    """Blobs that overlap: among rows given about p, about a share of p is right."""
    made, unseen = blobs(150, spread=6.0), blobs(600, spread=6.0, seed=1)
    scale = made.features.std(axis=0)
    model = PairwiseSVC(C=1.0, gamma=0.02, random_state=0)
    model.fit(made.features / scale, made.targets)
    probabilities = model.predict_proba(unseen.features / scale)
    right = probabilities.argmax(axis=1) == unseen.targets
    assert 0.5 < right.mean() < 0.8
    assert abs(probabilities.max(axis=1).mean() - right.mean()) < 0.06


def test_the_machine_takes_a_label_of_one_row() -> None:
    """As a fold may leave of a genre with two tracks; the row repeated is no second one."""
    made = blobs(30)
    scale = made.features.std(axis=0)
    alone = [*np.flatnonzero(made.targets != 2), np.flatnonzero(made.targets == 2)[0]]
    for rows in (alone, [*alone, alone[-1], alone[-1]]):
        model = PairwiseSVC(C=1.0, gamma=0.02, random_state=0)
        model.fit(made.features[rows] / scale, made.targets[rows])
        probabilities = model.predict_proba(made.features / scale)
        assert np.isfinite(probabilities).all()
        known = made.targets != 2
        assert np.mean(probabilities.argmax(axis=1)[known] == made.targets[known]) > 0.9
        single = probabilities[alone[-1]]
        assert single.argmax() == 2
        assert single[2] < 0.9  # one row is no certainty


def test_the_machine_takes_labels_of_one_row_each() -> None:
    model = PairwiseSVC().fit(np.array([[0.0, 0.0], [4.0, 4.0]]), [0, 1])
    assert model.predict(np.array([[1.0, 0.0], [4.0, 3.0]])).tolist() == [0, 1]


def test_the_machine_needs_two_labels() -> None:
    with pytest.raises(ValueError, match="needs two labels"):
        PairwiseSVC().fit(np.arange(12.0).reshape(6, 2), [0] * 6)


def test_over_sampling_repeats_rare_rows_evenly() -> None:
    targets = np.array([0] * 10 + [1] * 4 + [2])
    rows = over_sampled(targets, 0)
    assert np.bincount(targets[rows]).tolist() == [10, 10, 10]
    times = np.bincount(rows, minlength=15)
    assert times[:10].tolist() == [1] * 10
    assert sorted(times[10:14]) == [2, 2, 3, 3]
    assert times[14] == 10
    assert np.array_equal(rows, over_sampled(targets, 0))
    assert any(not np.array_equal(rows, over_sampled(targets, seed)) for seed in range(1, 5))


@pytest.mark.parametrize(
    ("name", "how"),
    [("logistic-regression", "weights"), ("naive-bayes", "balanced"), ("svc", "balanced")],
)
def test_rare_labels_gain(name: str, how: Any) -> None:
    made, unseen = blobs(100, spread=8.0), blobs(200, spread=8.0, seed=1)
    kept = np.r_[np.flatnonzero(made.targets != 2), np.flatnonzero(made.targets == 2)[:12]]
    rare = Blobs(made.features[kept], made.targets[kept], made.centres)
    plain, helped = (
        (fit(name, rare, imbalance=i).predict(unseen.features) == 2)[unseen.targets == 2].mean()
        for i in ("none", how)
    )
    assert helped > plain + 0.15


def test_votes() -> None:
    made, unseen = blobs(40, spread=5.0), blobs(60, spread=5.0, seed=1)
    names = ("logistic-regression", "naive-bayes", "knn")

    def members() -> dict[str, Any]:
        return {name: make_classifier(name, 0, N_FEATURES, len(LABELS)) for name in names}

    alone = [m.fit(made.features, made.targets) for m in members().values()]
    soft = vote(members(), "soft").fit(made.features, made.targets)
    mean = np.mean([m.predict_proba(unseen.features) for m in alone], axis=0)
    assert np.allclose(soft.predict_proba(unseen.features), mean)
    hard = vote(members(), "hard").fit(made.features, made.targets).predict(unseen.features)
    said = np.array([m.predict(unseen.features) for m in alone])
    counts = np.array([(said == label).sum(axis=0) for label in range(len(LABELS))])
    assert np.array_equal(hard, counts.argmax(axis=0))  # the first of as many votes
    assert (hard != soft.predict(unseen.features)).any()


def test_what_cannot_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"'forest'; there are logistic-regression, knn"):
        check_classifier("forest")
    with pytest.raises(UsageError, match="knn takes no weights"):
        check_classifier("knn", "weights")
    monkeypatch.setitem(sys.modules, "xgboost", None)
    monkeypatch.setattr("tagger.training.classifiers.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'genretag\[xgboost\]'"):
        make_classifier("xgboost", 0, 3, 2)
    assert "xgboost" not in available_classifiers()
    assert len(available_classifiers()) == len(CLASSIFIERS) - 1


@pytest.mark.parametrize("name", [n for n in NAMES if CLASSIFIERS[n].weighted])
def test_those_that_say_so_take_weights(name: str, blobs_80: Blobs) -> None:
    model = fit(name, blobs_80, imbalance="weights")
    assert (model.predict(blobs_80.features) == blobs_80.targets).mean() > 0.95
