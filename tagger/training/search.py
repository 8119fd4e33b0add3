"""Random search for a classifier's parameters, by kappa on artists that it does not know."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tagger.errors import UsageError
from tagger.training.classifiers import (
    CLASSIFIERS,
    Imbalance,
    check_classifier,
    make_classifier,
    parameter_prefix,
)
from tagger.training.splits import folds

__all__ = ["Draw", "Found", "search"]


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw of parameters, judged.

    Attributes:
        parameters: of the classifier, by its own names.
        kappa: Cohen's, mean over the folds; NaN if a fold could not be fitted.
        spread: standard deviation over the folds.
        fit_s: mean seconds of a fit.
    """

    parameters: Mapping[str, Any]
    kappa: float
    spread: float
    fit_s: float


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has found.

    Attributes:
        parameters: the best ones, for :func:`~tagger.training.classifiers.make_classifier`.
        kappa: their score. The best of several draws is a little lucky: judge the fitted
            model on artists that the search has not seen.
        draws: all draws, the best first.
    """

    parameters: Mapping[str, Any]
    kappa: float
    draws: tuple[Draw, ...]


def search(
    name: str,
    features: npt.NDArray[np.float32],
    targets: npt.NDArray[np.intp],
    groups: npt.NDArray[np.str_],
    seed: int,
    *,
    k: int = 3,
    draws: int = 10,
    jobs: int = 1,
    imbalance: Imbalance = "none",
) -> Found:
    """Draw parameters at random and keep those of the greatest kappa.

    Args:
        name: a classifier's.
        features: shape (n, n_features).
        targets: label index of each row.
        groups: what must stay on one side of a split.
        seed: of folds, draws and classifier.
        k: folds, stratified by label and grouped.
        draws: how many sets of parameters to try.
        jobs: processes.
        imbalance: what is done for rare labels.

    Raises:
        UsageError: the classifier cannot be made, the rows cannot be split, or no draw could
            be fitted.
    """
    check_classifier(name, imbalance)
    numbers = folds(groups, targets.astype(np.str_), k, seed)
    if not (numbers >= 0).any():
        raise UsageError("a search needs a genre of two artists or more, to be judged on one")

    from sklearn.metrics import cohen_kappa_score, make_scorer
    from sklearn.model_selection import PredefinedSplit, RandomizedSearchCV

    n_features, n_labels = features.shape[1], int(targets.max()) + 1
    prefix = parameter_prefix(imbalance)
    space = CLASSIFIERS[name].space(n_features)
    searched = RandomizedSearchCV(
        make_classifier(name, seed, n_features, n_labels, imbalance=imbalance),
        {prefix + key: values for key, values in space.items()},
        n_iter=draws,
        scoring=make_scorer(cohen_kappa_score),
        cv=PredefinedSplit(numbers),
        n_jobs=jobs,
        refit=False,
        random_state=seed,
    )
    try:
        results = searched.fit(features, targets).cv_results_
    except ValueError as error:  # that is how it says that all fits failed
        raise UsageError(f"{name} cannot be fitted on these tracks: {_cause(error)}") from error
    tried = [
        Draw(
            {key.removeprefix(prefix): _plain(value) for key, value in parameters.items()},
            float(kappa),
            float(spread),
            float(seconds),
        )
        for parameters, kappa, spread, seconds in zip(
            results["params"],
            results["mean_test_score"],
            results["std_test_score"],
            results["mean_fit_time"],
            strict=True,
        )
    ]
    tried.sort(key=lambda draw: -np.inf if math.isnan(draw.kappa) else draw.kappa, reverse=True)
    return Found(tried[0].parameters, tried[0].kappa, tuple(tried))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _cause(error: Exception) -> str:
    """The first error in what scikit-learn tells of all fits, tracebacks and all."""
    found = re.search(r"^\w+(?:Error|Exception): (.+)$", str(error), re.MULTILINE)
    return found[1] if found else str(error)
