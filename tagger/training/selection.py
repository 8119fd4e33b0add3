"""Fewer features: principal components up to the elbow, and features that are missed.

Fit either on the rows that a model is fitted on. A selection that has seen the artists which
the model is judged by flatters it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tagger.errors import UsageError
from tagger.training.classifiers import make_classifier
from tagger.training.splits import folds

__all__ = [
    "Component",
    "Importance",
    "by_method",
    "elbow",
    "important",
    "permutation_importance",
    "principal_components",
]

Features = npt.NDArray[np.float32]
Targets = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Component:
    """A principal component: what share of the variance it has, and all up to it."""

    number: int
    share: float
    cumulative: float


@dataclass(frozen=True, slots=True)
class Importance:
    """How much a feature, or all features of a method, are missed.

    Attributes:
        name: feature or method.
        decrease: by how much accuracy on held-out groups falls once the values are dealt out
            anew among the rows; mean over folds.
        error: standard error of that mean over the folds.
    """

    name: str
    decrease: float
    error: float


def elbow(cumulative: npt.NDArray[np.float64]) -> int:
    """How many components to keep of a curve of cumulative shares of variance.

    The one at which the curve, with (0, 0) in front of it and both axes from 0 to 1, lies
    farthest above its chord: up to there a component brings more than the average one, beyond
    it less (Satopää et al., "Finding a Kneedle in a Haystack", 2011, without smoothing).

    Args:
        cumulative: not falling, shape (n,).
    """
    curve = np.asarray(cumulative) / cumulative[-1]
    chord = np.arange(1, len(curve) + 1) / len(curve)
    return int((curve - chord).argmax()) + 1


def principal_components(features: Features) -> tuple[Any, tuple[Component, ...]]:
    """Principal components of standardised features, up to the elbow.

    Args:
        features: shape (n, n_features).

    Returns:
        a fitted pipeline whose ``transform`` gives the components, and all components there
        are: min(n, n_features) at most.
    """
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    standardised = StandardScaler().fit_transform(features)
    shares = PCA().fit(standardised).explained_variance_ratio_
    cumulative = np.cumsum(shares)
    table = tuple(
        Component(number, float(share), float(total))
        for number, (share, total) in enumerate(zip(shares, cumulative, strict=True), start=1)
    )
    kept = PCA(elbow(cumulative), svd_solver="full")
    return make_pipeline(StandardScaler(), kept).fit(features), table


def by_method(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Columns of each MIR method, by the part of a feature's name before the first dot."""
    columns: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        columns.setdefault(name.partition(".")[0], []).append(column)
    return {method: tuple(found) for method, found in columns.items()}


def permutation_importance(
    features: Features,
    targets: Targets,
    groups: npt.NDArray[np.str_],
    columns: Mapping[str, Sequence[int]],
    seed: int,
    *,
    classifier: str = "logistic-regression",
    k: int = 3,
    repeats: int = 5,
) -> tuple[Importance, ...]:
    """Mean decrease in accuracy on held-out groups, columns permuted together.

    Of features that say the same none is missed alone: single features of a large table come
    out near 0 where their method does not.

    Args:
        features: shape (n, n_features).
        targets: label index of each row.
        groups: what must stay on one side of a split.
        columns: name to the columns that are permuted as one: :func:`by_method`, or one each.
        seed: of folds, permutations and classifier.
        classifier: by which it is judged.
        k: folds.
        repeats: permutations per fold.

    Returns:
        one for each name, the most missed first.

    Raises:
        UsageError: the rows cannot be split.
    """
    numbers = folds(groups, targets.astype(np.str_), k, seed)
    if not (numbers >= 0).any():
        raise UsageError("importance needs a genre of two artists or more, to be judged on one")
    rng = np.random.default_rng(seed)
    decreases = np.array(
        [
            _decreases(features, targets, numbers == fold, columns, classifier, seed, repeats, rng)
            for fold in range(int(numbers.max()) + 1)
        ]
    )
    # Between folds, as the permutations of one share a model and its rows.
    errors = decreases.std(axis=0, ddof=1) / np.sqrt(len(decreases))
    found = [
        Importance(name, float(mean), float(error))
        for name, mean, error in zip(columns, decreases.mean(axis=0), errors, strict=True)
    ]
    return tuple(sorted(found, key=lambda importance: -importance.decrease))


def important(table: Sequence[Importance]) -> tuple[str, ...]:
    """Names whose decrease is greater than its standard error; the first one at the least."""
    kept = tuple(row.name for row in table if row.decrease > row.error)
    return kept or (table[0].name,)


def _decreases(
    features: Features,
    targets: Targets,
    judged: npt.NDArray[np.bool_],
    columns: Mapping[str, Sequence[int]],
    classifier: str,
    seed: int,
    repeats: int,
    rng: np.random.Generator,
) -> list[float]:
    model = make_classifier(classifier, seed, features.shape[1], int(targets.max()) + 1)
    model.fit(features[~judged], targets[~judged])
    rows, right = features[judged], np.tile(targets[judged], repeats)
    accuracy = float((model.predict(rows) == targets[judged]).mean())
    decreases = []
    for chosen in columns.values():
        permuted = np.tile(rows, (repeats, 1))
        orders = [rng.permutation(len(rows)) for _ in range(repeats)]
        permuted[:, chosen] = np.concatenate([rows[order][:, chosen] for order in orders])
        decreases.append(accuracy - float((model.predict(permuted) == right).mean()))
    return decreases
