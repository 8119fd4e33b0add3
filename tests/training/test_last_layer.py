from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from tagger.training.last_layer import fit_last_layer


def rows_of(n_labels: int, n: int = 90):
    rng = np.random.default_rng(3)
    targets = np.arange(n) % n_labels
    x = rng.normal(size=(n, 6)) + np.eye(n_labels, 6)[targets]
    return (x * [1, 50, 0.1, 1, 1, 1] + 7).astype(np.float32), targets


def softmax(logits):
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("n_labels", [2, 3])
def test_it_is_scikit_learns_regression_on_standardised_rows(n_labels):
    heard, targets = rows_of(n_labels)
    kernel, bias = fit_last_layer(heard, targets, n_labels, "none")
    scaler = StandardScaler().fit(heard)
    # For two labels scikit-learn has one row of coefficients, d; ours are -d/2 and d/2, whose
    # squares add up to half of its.
    c = 0.03 if n_labels > 2 else 0.06
    theirs = LogisticRegression(C=c, max_iter=1000, tol=1e-8)
    theirs.fit(scaler.transform(heard), targets)
    wanted = theirs.predict_proba(scaler.transform(heard))
    assert softmax(heard @ kernel + bias) == pytest.approx(wanted, abs=2e-3)
    assert kernel.shape == (6, n_labels)
    assert bias.shape == (n_labels,)


@pytest.mark.parametrize("balance", ["weights", "sampling"])
def test_a_rare_label_counts_as_much(balance):
    heard, targets = rows_of(3)
    kept = np.flatnonzero((targets != 2) | (np.arange(len(targets)) < 12))
    heard, targets = heard[kept], targets[kept]
    said = {
        name: (heard @ kernel + bias).argmax(axis=1)
        for name in ("none", balance)
        for kernel, bias in [fit_last_layer(heard, targets, 3, name)]
    }
    rare = targets == 2
    assert np.mean(said[balance][rare] == 2) > np.mean(said["none"][rare] == 2)


def test_a_unit_that_is_always_the_same_says_nothing():
    heard, targets = rows_of(3)
    heard[:, 4] = 5.0
    kernel, bias = fit_last_layer(heard, targets, 3, "none")
    assert np.isfinite(kernel).all()
    assert kernel[4] == pytest.approx(0, abs=1e-6)
    assert np.isfinite(bias).all()


def test_copies_that_are_the_rows_again_change_nothing():
    heard, targets = rows_of(3)
    alone = fit_last_layer(heard, targets, 3, "weights")
    again = fit_last_layer(heard, targets, 3, "weights", np.stack([heard] * 3))
    for one, other in zip(alone, again, strict=True):
        assert other == pytest.approx(one, rel=1e-3, abs=1e-3)


def test_what_copies_lose_is_not_leant_on():
    """The first unit tells the labels apart in the rows, and says nothing in the copies."""
    heard, targets = rows_of(2)
    copies = np.stack([heard] * 3)
    copies[..., 0] = np.random.default_rng(0).permutation(heard[:, 0])
    alone, _ = fit_last_layer(heard, targets, 2, "none")
    kernel, _ = fit_last_layer(heard, targets, 2, "none", copies)
    assert np.abs(kernel[0]).max() < 0.7 * np.abs(alone[0]).max()
