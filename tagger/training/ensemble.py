"""The classical members of the ensemble, and their way into ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

__all__ = ["fit_members", "soft_vote", "to_onnx"]

Features = npt.NDArray[np.float32]

_OPSET: Final = 17
_FOLDS: Final = 4


def fit_members(
    features: Features,
    targets: npt.NDArray[np.intp],
    groups: npt.NDArray[np.str_],
    weights: npt.NDArray[np.float64],
    seed: int,
) -> dict[str, Pipeline]:
    """Fit logistic regression, a calibrated SVM and extremely randomised trees.

    Args:
        features: shape (n, n_features).
        targets: label index of each row; every label must occur.
        weights: how much each row counts.
        groups: artists; the SVM's calibration never scores an artist that it was fitted on.
    """
    from sklearn.svm import SVC

    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    width = features.shape[1]
    members = {
        "logistic_regression": make_pipeline(
            StandardScaler(), LogisticRegression(C=0.02, max_iter=5000)
        ),
        "svm": make_pipeline(
            StandardScaler(),
            CalibratedClassifierCV(
                SVC(C=5.0, gamma=0.2 / width),
                ensemble=False,
                cv=list(folds.split(features, targets, groups)),
            ),
        ),
        "extra_trees": make_pipeline(
            StandardScaler(),
            ExtraTreesClassifier(
                150,
                min_samples_leaf=3,
                max_leaf_nodes=64,  # the largest part of the bundle: half the size, as good
                max_features=0.2,
                random_state=seed,
                n_jobs=-1,
            ),
        ),
    }
    for member in members.values():
        member.fit(features, targets, **{f"{member.steps[-1][0]}__sample_weight": weights})
    return members


def soft_vote(members: Mapping[str, Pipeline], features: Features) -> npt.NDArray[np.float64]:
    """Mean of the members' probabilities, shape (n, n_labels)."""
    votes = [member.predict_proba(features) for member in members.values()]
    return np.asarray(np.mean(votes, axis=0))


def to_onnx(member: Pipeline, n_features: int) -> bytes:
    """A fitted member as an ONNX file whose last output is (n, n_labels) probabilities."""
    from skl2onnx import to_onnx as convert
    from skl2onnx.common.data_types import FloatTensorType

    model: Any = convert(
        member,
        initial_types=[("features", FloatTensorType([None, n_features]))],
        options={"zipmap": False},
        target_opset=_OPSET,
    )
    return bytes(model.SerializeToString())
