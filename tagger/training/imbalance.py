"""Genres of which there are few tracks, made to count as much as the others."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted

__all__ = ["Balanced", "over_sampled"]


class Balanced(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A pipeline that is fitted as if all labels had as many rows.

    Args:
        estimator: ends in a classifier.
        how: ``weights`` lets a row count the more, the rarer its label; ``balanced`` repeats
            rows of the rarer labels.
        random_state: seed of which rows are repeated.

    Attributes:
        estimator_: the fitted pipeline.
        classes_: its labels.
    """

    def __init__(
        self,
        estimator: Pipeline,
        how: Literal["weights", "balanced"] = "weights",
        random_state: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.how = how
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Balanced:
        """Fit a copy of the pipeline."""
        X, y = np.asarray(X), np.asarray(y)
        pipeline = clone(self.estimator)
        if self.how == "weights":
            last = pipeline.steps[-1][0]
            pipeline.fit(X, y, **{f"{last}__sample_weight": compute_sample_weight("balanced", y)})
        else:
            rows = over_sampled(y, self.random_state)
            pipeline.fit(X[rows], y[rows])
        self.estimator_ = pipeline
        self.classes_ = pipeline.classes_
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Label of each row."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict(X))

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Probabilities of the labels, shape (n, n_labels)."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict_proba(X))


def over_sampled(targets: npt.NDArray[Any], seed: int | None) -> npt.NDArray[np.intp]:
    """Indices of rows among which every label is as frequent as the most frequent one.

    No row is left out, and none of a label comes twice more often than another of it.

    Args:
        targets: label of each row, shape (n,).
        seed: of the draw of rows that come once more.
    """
    rng = np.random.default_rng(seed)
    labels, counts = np.unique(targets, return_counts=True)
    drawn = []
    for label, count in zip(labels, counts, strict=True):
        rows = np.flatnonzero(targets == label)
        whole, rest = divmod(int(counts.max()), int(count))
        drawn += [np.tile(rows, whole), rng.permutation(rows)[:rest]]
    return np.concatenate(drawn)
