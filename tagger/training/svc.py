"""A support vector machine with probabilities that need nothing deprecated.

scikit-learn gives up ``SVC(probability=True)``; what it advises instead calibrates each label
against all others, which costs accuracy, as the machine itself decides between two labels at a
time. Here each pair of labels has its own sigmoid (Platt, "Probabilistic Outputs for Support
Vector Machines", 1999), fitted on decision values of rows that were held out, and the pairs
are coupled in closed form (Price, Knerr, Personnaz and Dreyfus, "Pairwise Neural Network
Classifiers with Probabilistic Outputs", NIPS 1994).
"""

from __future__ import annotations

from itertools import combinations
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted, validate_data

__all__ = ["MAX_LOGIT", "PairwiseSVC"]

Array = npt.NDArray[np.float64]
Targets = npt.NDArray[np.intp]

MAX_LOGIT: Final = 30.0
"""A pair's logit is cut off here: its exponential still fits float32 many times over."""

_FOLDS: Final = 5
_UNPENALISED: Final = 1e6


class PairwiseSVC(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Support vector classifier with calibrated, coupled pairs of labels.

    Args:
        C: inverse strength of the penalty.
        gamma: inverse width of the ``rbf`` kernel; ``linear`` has none.
        kernel: ``rbf`` or ``linear``.
        random_state: seed of the folds that the sigmoids are fitted on.

    Attributes:
        classes_: the labels, sorted, shape (n_labels,).
        svc_: the machine, fitted on all rows; it knows labels as indices into ``classes_``.
        pairs_: indices of the labels of each pair, n_pairs of them.
        slopes_, shifts_: each pair's sigmoid, shape (n_pairs,).
    """

    def __init__(
        self,
        C: float = 1.0,
        gamma: float = 0.1,
        kernel: Literal["rbf", "linear"] = "rbf",
        random_state: int | None = None,
    ) -> None:
        self.C = C
        self.gamma = gamma
        self.kernel = kernel
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> PairwiseSVC:
        """Fit the machine, and a sigmoid for each pair of labels.

        Args:
            X: shape (n, n_features), standardised.
            y: label of each row. One of a single row, which cannot be held out, is calibrated by
                what the machine says of it after having learned it.
            sample_weight: how much each row counts, shape (n,).

        Raises:
            ValueError: there is one label.
        """
        X, y = validate_data(self, X, y)
        self.classes_, targets = np.unique(y, return_inverse=True)
        weights = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, float)
        if len(self.classes_) < 2:
            raise ValueError("an SVM needs two labels")
        self.pairs_ = list(combinations(range(len(self.classes_)), 2))
        self.svc_ = self._machine().fit(X, targets, weights)
        values = self._held_out_values(X, targets, weights)
        sigmoids = [
            _sigmoid(column[rows], targets[rows] == first, weights[rows])
            for column, (first, second) in zip(values.T, self.pairs_, strict=True)
            for rows in [(targets == first) | (targets == second)]
        ]
        self.slopes_, self.shifts_ = np.array(sigmoids).T
        return self

    def predict_proba(self, X: Any) -> Array:
        """Probabilities of the labels, shape (n, n_labels)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        logits = np.clip(
            _pairwise_values(self.svc_, X) * self.slopes_ + self.shifts_, -MAX_LOGIT, MAX_LOGIT
        )
        first, second = np.eye(len(self.classes_))[np.array(self.pairs_).T]
        # 1 / p_i = 1 + the sum over j of p_j / p_i, each ratio taken from its pair.
        probabilities = 1.0 / (1.0 + np.exp(-logits) @ first + np.exp(logits) @ second)
        return np.asarray(probabilities / probabilities.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The likeliest label of each row: never another one than the probabilities name."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def _machine(self) -> SVC:
        return SVC(C=self.C, gamma=self.gamma, kernel=self.kernel, decision_function_shape="ovo")

    def _held_out_values(self, X: Array, targets: Targets, weights: Array) -> Array:
        # Over-sampling repeats rows: a repeated one must not be on both sides.
        _, twins = np.unique(X, axis=0, return_inverse=True)
        different = np.array(
            [len(np.unique(twins[targets == t])) for t in range(len(self.classes_))]
        )
        values = _pairwise_values(self.svc_, X)
        rows = np.flatnonzero(different[targets] > 1)
        if not len(rows):
            return values
        folds = StratifiedGroupKFold(
            min(_FOLDS, different[different > 1].min()),
            shuffle=True,
            random_state=self.random_state,
        )
        for _, some in folds.split(X[rows], targets[rows], twins[rows]):
            judged = rows[some]
            fitted = np.setdiff1d(np.arange(len(X)), judged)
            machine = self._machine().fit(X[fitted], targets[fitted], weights[fitted])
            values[judged] = _pairwise_values(machine, X[judged])
        return values


def _pairwise_values(machine: SVC, X: Array) -> Array:
    """Decision values, positive for the first label of a pair, shape (n, n_pairs)."""
    values = np.asarray(machine.decision_function(X))
    # Of two labels alone scikit-learn gives one column, with the sign the other way round.
    return -values[:, None] if values.ndim == 1 else values


def _sigmoid(values: Array, first: npt.NDArray[np.bool_], weights: Array) -> tuple[float, float]:
    """Slope and shift of Platt's sigmoid for "it is the first of the two"."""
    n_first, n_second = weights[first].sum(), weights[~first].sum()
    # Platt's targets, short of 0 and 1: the slope stays finite where the pair is separated.
    wanted = np.where(first, (n_first + 1) / (n_first + 2), 1 / (n_second + 2))
    both = np.concatenate([values, values])[:, None]
    answers = np.repeat([1, 0], len(values))
    shares = np.concatenate([weights * wanted, weights * (1 - wanted)])
    fitted = LogisticRegression(C=_UNPENALISED).fit(both, answers, sample_weight=shares)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
