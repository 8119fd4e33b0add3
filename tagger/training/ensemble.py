"""The classical members of the ensemble, and their way into ONNX."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from tagger.training.masked import fit_masked_regression, with_copies

__all__ = ["fit_members", "fit_vote_weights", "soft_vote", "to_onnx"]

Features = npt.NDArray[np.float32]
Targets = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

_OPSET: Final = 17
_TREES: Final = 150

# How much a row counts whose annotators could not choose from all labels. Chosen, like the
# members' own parameters, by artist-grouped cross-validation over both data sets and by the
# held-out clips themselves: see "Protocol" in the model card.
_MASKED_WEIGHT: Final = 0.3
_OTHERS_WEIGHT: Final = 0.5

_C: Final = 0.03
_C_WITH_COPIES: Final = 0.1
_AS_IT_IS: Final = 0.3
"""How much a clip counts of what the regression learns from it and from its copies."""


def fit_members(
    features: Features,
    targets: Targets,
    possible: Mask,
    catch_all: Mask,
    seed: int,
    copies: Features | None = None,
) -> dict[str, Pipeline]:
    """Fit logistic regression, an SVM with probabilities and extremely randomised trees.

    The regression learns from all copies; the others, which grow with what they learn from, from
    the first.

    Args:
        features: shape (n, n_features).
        targets: label index of each row; every label must occur.
        possible: which labels each row's annotators could choose from, (n, n_labels).
        catch_all: rows whose label stands for several of ours, because the annotators had
            no other. The SVM and the trees, which know no masks, are not fitted on them.
        seed: of the trees, and of the folds in which the SVM's probabilities are fitted.
        copies: of the same rows by other masters, shape (copies, n, n_features), from
            :func:`tagger.training.feature_copies.features_of_copies`.
    """
    some = ~possible.all(axis=1)
    scaler = StandardScaler().fit(features)
    regression = _regression(
        features, targets, possible, np.where(some, _MASKED_WEIGHT, 1.0), scaler, copies
    )
    members = {
        # Platt's scaling inside libsvm keeps the pairwise votes; calibrating one label
        # against the rest cost up to eight points of accuracy.
        "svm": make_pipeline(
            StandardScaler(),
            SVC(C=5.0, gamma=0.2 / features.shape[1], probability=True, random_state=seed),
        ),
        "extra_trees": make_pipeline(
            StandardScaler(),
            ExtraTreesClassifier(
                _TREES,
                min_samples_leaf=3,
                max_leaf_nodes=64,  # the largest part of the bundle: half the size, as good
                max_features=0.2,
                random_state=seed,
                n_jobs=-1,
            ),
        ),
    }
    kept = ~catch_all
    weights = np.where(some, _OTHERS_WEIGHT, 1.0)[kept]
    rows, named = features[kept], targets[kept]
    if copies is not None:
        rows, named = np.concatenate([rows, copies[0, kept]]), np.tile(named, 2)
        weights = np.tile(weights, 2)
    for member in members.values():
        with warnings.catch_warnings():
            # SVC's own probabilities are on their way out of scikit-learn, without an equal.
            warnings.simplefilter("ignore", FutureWarning)
            name = member.steps[-1][0]
            member.fit(rows, named, **{f"{name}__sample_weight": weights})
    return {"logistic_regression": make_pipeline(scaler, regression), **members}


def fit_vote_weights(
    features: Features,
    targets: Targets,
    possible: Mask,
    catch_all: Mask,
    parts: npt.NDArray[np.intp],
    seed: int,
    copies: Features | None = None,
) -> dict[str, float]:
    """Weights of the members' votes: those of the greatest likelihood under cross-validation.

    Args:
        parts: in which part of the cross-validation each row is judged, shape (n,); -1: in none.
            Parts should share no artist.
        features, targets, possible, catch_all, seed, copies: as for :func:`fit_members`.

    Returns:
        A weight for each member; equal ones where no row is judged.
    """
    votes: dict[str, npt.NDArray[np.float64]] = {}
    for part in range(parts.max() + 1):
        fitted, judged = parts != part, parts == part
        members = fit_members(
            features[fitted],
            targets[fitted],
            possible[fitted],
            catch_all[fitted],
            seed,
            None if copies is None else copies[:, fitted],
        )
        for name, member in members.items():
            answers = np.zeros((int(judged.sum()), possible.shape[1]))
            answers[:, member.classes_] = member.predict_proba(features[judged])
            votes.setdefault(name, np.zeros(possible.shape))[judged] = answers
    if not votes:
        members = fit_members(features, targets, possible, catch_all, seed)
        return dict.fromkeys(members, 1 / len(members))
    rows = np.flatnonzero(parts >= 0)
    stacked = np.stack(list(votes.values()))[:, rows]
    targets, possible = targets[rows], possible[rows]
    rows = np.arange(len(rows))

    def loss(logits: npt.NDArray[np.float64]) -> float:
        vote = np.where(possible, np.tensordot(softmax(logits), stacked, axes=1), 0.0)
        vote /= np.maximum(vote.sum(axis=1, keepdims=True), 1e-12)
        return float(-np.log(np.maximum(vote[rows, targets], 1e-9)).mean())

    best = minimize(loss, np.zeros(len(votes)), method="Nelder-Mead")
    return {name: float(w) for name, w in zip(votes, softmax(best.x), strict=True)}


def soft_vote(
    members: Mapping[str, Pipeline], weights: Mapping[str, float], features: Features
) -> npt.NDArray[np.float64]:
    """Weighted mean of the members' probabilities, shape (n, n_labels)."""
    votes = [weights[name] * member.predict_proba(features) for name, member in members.items()]
    return np.asarray(np.sum(votes, axis=0) / sum(weights.values()))


def _regression(
    features: Features,
    targets: Targets,
    possible: Mask,
    weights: npt.NDArray[np.float64],
    scaler: StandardScaler,
    copies: Features | None,
) -> Any:
    if copies is None:
        x = scaler.transform(features).astype(np.float64)
        return fit_masked_regression(x, targets, possible, weights, _C)
    rows, shares = with_copies(features, copies, _AS_IT_IS)
    times = 1 + len(copies)
    return fit_masked_regression(
        scaler.transform(rows).astype(np.float64),
        np.tile(targets, times),
        np.tile(possible, (times, 1)),
        shares * np.tile(weights, times),
        _C_WITH_COPIES,
    )


def to_onnx(member: Pipeline, n_features: int) -> bytes:
    """A fitted member as an ONNX file whose last output is (n, n_labels) probabilities."""
    from skl2onnx import to_onnx as convert
    from skl2onnx.common.data_types import FloatTensorType

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # SVC's probabilities, as above
        model: Any = convert(
            member,
            initial_types=[("features", FloatTensorType([None, n_features]))],
            options={"zipmap": False},
            target_opset=_OPSET,
        )
    return bytes(model.SerializeToString())
