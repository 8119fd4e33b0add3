"""Logistic regression over clips whose annotators had different labels to choose from.

A data set of four genres says of a rock clip that it is rock rather than classical, electronic
or pop; it does not say that it is not blues. So each clip's likelihood runs over the labels that
were possible for it, and over no others. Fitted as if every label had been possible, the four
would draw in whatever sounds like that data set's discs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

__all__ = ["fit_masked_regression", "with_copies"]

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.float32]

_IMPOSSIBLE = 1e4  # subtracted from a logit; its probability is 0 in float64


def fit_masked_regression(
    x: Array,
    targets: npt.NDArray[np.intp],
    possible: npt.NDArray[np.bool_],
    weights: Array,
    c: float,
) -> LogisticRegression:
    """Multinomial logistic regression with an L2 penalty and masked labels.

    Args:
        x: standardised features, shape (n, n_features).
        targets: label index of each row.
        possible: which labels each row's annotators could choose from, (n, n_labels).
        weights: how much each row counts.
        c: inverse strength of the penalty, as scikit-learn's ``C``.

    Returns:
        A fitted scikit-learn estimator: with every label possible, the one that its own
        ``fit`` would find.
    """
    n_labels, n_features = possible.shape[1], x.shape[1]
    rows = np.arange(len(x))
    hard = np.eye(n_labels)[targets]
    barred = np.where(possible, 0.0, -_IMPOSSIBLE)

    def loss(flat: Array) -> tuple[float, Array]:
        coefficients = flat[: n_labels * n_features].reshape(n_labels, n_features)
        logits = x @ coefficients.T + flat[n_labels * n_features :] + barred
        logits -= logits.max(axis=1, keepdims=True)
        exps = np.exp(logits)
        totals = exps.sum(axis=1, keepdims=True)
        log_likelihood = logits[rows, targets] - np.log(totals[:, 0])
        slope = weights[:, None] * (exps / totals - hard)
        gradient = np.concatenate([(slope.T @ x + coefficients / c).ravel(), slope.sum(axis=0)])
        penalty = 0.5 / c * float(np.square(coefficients).sum())
        return penalty - float(weights @ log_likelihood), gradient

    start = np.zeros(n_labels * (n_features + 1))
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 2000})
    coefficients = best.x[: n_labels * n_features].reshape(n_labels, n_features)
    intercepts = best.x[n_labels * n_features :]
    if n_labels == 2:  # scikit-learn keeps one row for two labels: the second against the first
        coefficients, intercepts = np.diff(coefficients, axis=0), np.diff(intercepts)
    fitted = LogisticRegression(C=c)
    fitted.classes_ = np.arange(n_labels)
    fitted.n_features_in_ = n_features
    fitted.coef_ = coefficients
    fitted.intercept_ = intercepts
    fitted.n_iter_ = np.array([best.nit], dtype=np.int32)
    return fitted


def with_copies(clips: Rows, copies: Rows, as_it_is: float) -> tuple[Rows, Array]:
    """Clips and their copies, as rows to fit on, and how much each row counts.

    Args:
        clips: shape (n, n_features).
        copies: of the same clips, shape (copies, n, n_features).
        as_it_is: what a clip itself counts, 0..1; its copies share the rest.

    Returns:
        shapes ((1 + copies) * n, n_features), the clips first, and ((1 + copies) * n,): a clip and
        its copies count 1 together.
    """
    weights = np.full((1 + len(copies), len(clips)), (1 - as_it_is) / len(copies))
    weights[0] = as_it_is
    return np.concatenate([clips, *copies]), weights.ravel()
