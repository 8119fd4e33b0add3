from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("sklearn")

from training.training_samples import LABELS, N_FEATURES, Blobs, blobs

from tagger.training.ensemble import fit_members, soft_vote

NAMES = ["extra_trees", "logistic_regression", "svm"]


def test_members_know_the_blobs_of_artists_new_to_them(members: dict[str, Any]) -> None:
    assert sorted(members) == NAMES
    unseen = blobs(50, seed=1)
    for name, member in members.items():
        said = member.predict_proba(unseen.features).argmax(axis=1)
        assert (said == unseen.targets).mean() > 0.95, name


@pytest.mark.parametrize("name", NAMES)
def test_column_i_is_label_i(members: dict[str, Any], blobs_80: Blobs, name: str) -> None:
    """The last label is the first that they were shown."""
    assert blobs_80.targets[0] == len(LABELS) - 1
    at_centres = members[name].predict_proba(blobs_80.centres)
    assert at_centres.shape == (len(LABELS), len(LABELS))
    assert np.array_equal(at_centres.argmax(axis=1), np.arange(len(LABELS)))


def test_soft_vote_is_the_mean_and_sums_to_one(members: dict[str, Any]) -> None:
    unseen = blobs(20, spread=2.0, seed=2)
    votes = soft_vote(members, unseen.features)
    each = [member.predict_proba(unseen.features) for member in members.values()]
    assert np.allclose(votes, (each[0] + each[1] + each[2]) / 3)
    assert np.allclose(votes.sum(axis=1), 1)
    assert votes.min() >= 0


@pytest.mark.parametrize("name", NAMES)
def test_onnx_answers_as_scikit_learn(
    members: dict[str, Any], members_onnx: dict[str, bytes], name: str
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        members_onnx[f"{name}.onnx"], options, providers=["CPUExecutionProvider"]
    )
    assert session.get_inputs()[0].shape == [None, N_FEATURES]
    unseen = blobs(67, spread=3.0, seed=3)
    features = unseen.features[:200]
    expected = members[name].predict_proba(features)
    assert np.ptp(expected) > 0.5  # some sure, some not
    answer = session.run(None, {session.get_inputs()[0].name: features})[-1]
    assert answer.shape == (200, len(LABELS))
    assert np.abs(answer - expected).max() <= 1e-4


def fit(
    made: Blobs,
    *,
    possible: npt.NDArray[np.bool_] | None = None,
    catch_all: npt.NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    n = len(made.targets)
    return fit_members(
        made.features,
        made.targets,
        np.ones((n, len(LABELS)), dtype=bool) if possible is None else possible,
        np.zeros(n, dtype=bool) if catch_all is None else catch_all,
        seed,
    )


def mean_of_label_1(member: Any, made: Blobs) -> float:
    return float(member.predict_proba(made.features)[:, 1].mean())


def test_a_catch_all_counts_little_where_masks_are_not_known() -> None:
    made = blobs(40, spread=4.0)
    plain, held_back = fit(made), fit(made, catch_all=made.targets == 1)
    # The SVM moves its borders, but Platt's scaling counts every row as one again.
    for name, at_most in (("svm", 0.99), ("extra_trees", 0.7)):
        before, after = (mean_of_label_1(m[name], made) for m in (plain, held_back))
        assert after < at_most * before, name
    name = "logistic_regression"
    assert np.allclose(held_back[name][-1].coef_, plain[name][-1].coef_)


def test_labels_that_nobody_could_choose_are_not_unlearned() -> None:
    """Discs that sound like label 2, from people who knew 0 and 1 only and said 1."""
    made = blobs(40)
    elsewhere = made.features[made.targets == 2][:30]
    joined = Blobs(
        np.concatenate([made.features, elsewhere]),
        np.concatenate([made.targets, np.ones(30, dtype=np.intp)]),
        made.centres,
    )
    possible = np.ones((150, len(LABELS)), dtype=bool)
    possible[120:, 2] = False
    masked, fooled = (
        fit(joined, possible=p)["logistic_regression"].predict_proba(made.centres[2:])[0, 2]
        for p in (possible, np.ones_like(possible))
    )
    assert masked > 0.9
    assert fooled < 0.7


def test_the_seed_decides_the_trees() -> None:
    made = blobs(20, spread=4.0)
    answers = [
        fit(made, seed=seed)["extra_trees"].predict_proba(made.features) for seed in (0, 0, 1)
    ]
    assert np.allclose(answers[0], answers[1], rtol=0, atol=1e-12)  # threads add in any order
    assert not np.allclose(answers[0], answers[2])
