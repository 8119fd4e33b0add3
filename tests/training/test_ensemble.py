from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("sklearn")

from training.training_samples import LABELS, N_FEATURES, Blobs, blobs

from tagger.training.ensemble import fit_members, fit_vote_weights, soft_vote

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


def test_soft_vote_is_the_weighted_mean_and_sums_to_one(members: dict[str, Any]) -> None:
    unseen = blobs(10, spread=3.0, seed=3)
    shares = dict(zip(members, (2.0, 1.0, 1.0), strict=True))
    votes = soft_vote(members, shares, unseen.features)
    first, *others = (member.predict_proba(unseen.features) for member in members.values())
    assert np.allclose(votes, (2 * first + sum(others)) / 4)
    assert np.allclose(votes.sum(axis=1), 1.0)


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


def misfiled() -> Blobs:
    """120 rows, then 30 that sound like label 2 and are filed under 1."""
    made = blobs(40)
    elsewhere = made.features[made.targets == 2][:30]
    return Blobs(
        np.concatenate([made.features, elsewhere]),
        np.concatenate([made.targets, np.ones(30, dtype=np.intp)]),
        made.centres,
    )


def test_catch_alls_are_kept_from_those_who_know_no_masks() -> None:
    """Discs that sound like label 2, filed under 1 by people who had no 2."""
    joined = misfiled()
    catch_all = np.arange(150) >= 120
    kept_from, fooled = fit(joined, catch_all=catch_all), fit(joined)
    for name in ("svm", "extra_trees"):
        right, wrong = (
            m[name].predict_proba(joined.centres[2:])[0, 2] for m in (kept_from, fooled)
        )
        assert right > 0.8, name
        assert wrong < 0.75, name
    name = "logistic_regression"
    assert np.allclose(kept_from[name][-1].coef_, fooled[name][-1].coef_)


def test_votes_weigh_as_much_as_they_are_worth() -> None:
    """Shares of one vote, from folds that no artist is on both sides of."""
    made = blobs(40, spread=4.0)
    n = len(made.targets)
    weights = fit_vote_weights(
        made.features,
        made.targets,
        np.ones((n, len(LABELS)), dtype=bool),
        np.zeros(n, dtype=bool),
        np.arange(n) % 5,
        seed=0,
    )
    assert sorted(weights) == ["extra_trees", "logistic_regression", "svm"]
    assert sum(weights.values()) == pytest.approx(1.0)
    assert min(weights.values()) >= 0.0


def test_a_label_that_only_one_part_holds_takes_part_in_the_vote() -> None:
    """Where that part is judged, nobody has learned the label."""
    made = blobs(20, spread=2.0)
    n = len(made.targets)
    every, none = np.ones((n, len(LABELS)), dtype=bool), np.zeros(n, dtype=bool)
    parts = np.where(made.targets == 2, 0, np.arange(n) % 3)
    weights = fit_vote_weights(made.features, made.targets, every, none, parts, seed=0)
    assert sum(weights.values()) == pytest.approx(1.0)


def test_without_parts_to_judge_all_votes_are_equal() -> None:
    made = blobs(8)
    n = len(made.targets)
    every, none = np.ones((n, len(LABELS)), dtype=bool), np.zeros(n, dtype=bool)
    weights = fit_vote_weights(made.features, made.targets, every, none, np.full(n, -1), seed=0)
    assert set(weights.values()) == {1 / 3}


def test_labels_that_nobody_could_choose_are_not_unlearned() -> None:
    """Discs that sound like label 2, from people who knew 0 and 1 only and said 1."""
    joined = misfiled()
    possible = np.ones((150, len(LABELS)), dtype=bool)
    possible[120:, 2] = False
    masked, fooled = (
        fit(joined, possible=p)["logistic_regression"].predict_proba(joined.centres[2:])[0, 2]
        for p in (possible, np.ones_like(possible))
    )
    assert masked > 0.85
    assert fooled < 0.7


def test_the_seed_decides_the_trees() -> None:
    made = blobs(20, spread=4.0)
    answers = [
        fit(made, seed=seed)["extra_trees"].predict_proba(made.features) for seed in (0, 0, 1)
    ]
    assert np.allclose(answers[0], answers[1], rtol=0, atol=1e-12)  # threads add in any order
    assert not np.allclose(answers[0], answers[2])


def test_what_copies_lose_is_not_leant_on() -> None:
    """Label i lies at +3 on four features. Of the first of each four another master leaves nothing,
    and adds as much to one that says nothing: who has heard such copies still knows the labels."""
    made, unseen = blobs(60), blobs(60, spread=1.5, seed=1)
    units = made.centres.max(axis=0) / 3

    def other_master(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        changed = features.copy()
        changed[:, [0, 1, 2]] -= 6 * units[[0, 1, 2]]
        return changed

    n = len(made.targets)
    every, none = np.ones((n, len(LABELS)), dtype=bool), np.zeros(n, dtype=bool)
    copies = np.stack([other_master(made.features)] * 3)
    alone = fit_members(made.features, made.targets, every, none, 0)
    learned = fit_members(made.features, made.targets, every, none, 0, copies)
    for name in NAMES:
        right = [
            np.mean(m[name].predict(other_master(unseen.features)) == unseen.targets)
            for m in (alone, learned)
        ]
        assert right[1] > right[0] + 0.1, (name, right)
        assert np.mean(learned[name].predict(unseen.features) == unseen.targets) > 0.9, name


def test_votes_are_of_members_that_learned_from_copies() -> None:
    made = blobs(40, spread=4.0)
    n = len(made.targets)
    given = made.features, made.targets, np.ones((n, len(LABELS)), dtype=bool), np.zeros(n, bool)
    misleading = np.stack([np.roll(made.features, 4, axis=1)])
    alone = fit_vote_weights(*given, np.arange(n) % 5, 0)
    learned = fit_vote_weights(*given, np.arange(n) % 5, 0, misleading)
    assert alone != learned
