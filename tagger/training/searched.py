"""Classifiers with parameters that were searched for, beside those with the usual ones.

The search sees four fifths of the artists and judges its draws among them; what came of it is
judged on the rest, as the best of several draws is a little lucky.
"""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.errors import UsageError
from tagger.training.classifiers import (
    Imbalance,
    available_classifiers,
    check_classifier,
    make_classifier,
)
from tagger.training.search import search
from tagger.training.splits import hold_out
from tagger.trust import opener

__all__ = ["Searched", "search_classifiers", "write_searched"]

_HELD_SHARE: Final = 0.2

Features = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Searched:
    """A classifier whose parameters were searched for.

    Attributes:
        classifier: its name.
        parameters: the best draw.
        searched_kappa: its kappa within the search, mean over the folds.
        accuracy, kappa: on tracks of artists that the search did not see.
        usual_accuracy, usual_kappa: of the usual parameters on the same.
        seconds: of the search.
        reason: why there is none of this, in a line; empty where there is.
    """

    classifier: str
    parameters: Mapping[str, Any]
    searched_kappa: float
    accuracy: float
    kappa: float
    usual_accuracy: float
    usual_kappa: float
    seconds: float
    reason: str = ""


def search_classifiers(
    features: Features,
    targets: npt.NDArray[np.intp],
    groups: npt.NDArray[np.str_],
    seed: int,
    *,
    classifiers: Sequence[str] | None = None,
    draws: int = 10,
    jobs: int = 1,
    imbalance: Imbalance = "none",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Searched, ...]:
    """Search for the parameters of each classifier; see :func:`~tagger.training.search.search`.

    Args:
        features: shape (n, n_features).
        targets: label index of each row.
        groups: what must stay on one side of a split.
        seed: of splits, draws and fits.
        classifiers: all that are installed if not given.
        draws: how many sets of parameters to try.
        jobs: processes.
        imbalance: what is done for rare labels.
        progress: called with classifiers done and in all.

    Raises:
        UsageError: a classifier cannot be made, or no rows can be kept apart.
    """
    names = available_classifiers() if classifiers is None else tuple(classifiers)
    for name in names:
        check_classifier(name, imbalance)
    held = hold_out(groups, targets.astype(np.str_), _HELD_SHARE, seed)
    if not held.any():
        raise UsageError("a search needs a genre of two artists or more, to be judged on one")
    found = []
    for name in names:
        found.append(_one(name, features, targets, groups, held, seed, draws, jobs, imbalance))
        progress(len(found), len(names))
    return tuple(found)


def _one(
    name: str,
    features: Features,
    targets: npt.NDArray[np.intp],
    groups: npt.NDArray[np.str_],
    held: npt.NDArray[np.bool_],
    seed: int,
    draws: int,
    jobs: int,
    imbalance: Imbalance,
) -> Searched:
    from sklearn.metrics import cohen_kappa_score

    x, y = features[~held], targets[~held]

    def judged(parameters: Mapping[str, Any]) -> tuple[float, float]:
        model = make_classifier(
            *(name, seed, x.shape[1], int(targets.max()) + 1),
            imbalance=imbalance,
            parameters=parameters,
        )
        said = model.fit(x, y).predict(features[held])
        kappa = float(cohen_kappa_score(targets[held], said))
        return float(np.mean(said == targets[held])), 0.0 if math.isnan(kappa) else kappa

    begun = time.perf_counter()
    try:
        best = search(
            *(name, x, y, groups[~held], seed), draws=draws, jobs=jobs, imbalance=imbalance
        )
        seconds = time.perf_counter() - begun
        return Searched(
            *(name, best.parameters, best.kappa, *judged(best.parameters), *judged({}), seconds)
        )
    except Exception as error:  # whatever a classifier finds wrong with some features
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        return Searched(name, {}, *(math.nan,) * 6, reason)


def write_searched(found: Sequence[Searched], path: Path) -> None:
    """A line for each classifier, under the names of its fields; parameters as JSON."""
    with open(path, "w", newline="", encoding="utf-8", opener=opener) as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Searched)])
        writer.writeheader()
        for each in found:
            row = asdict(each) | {"parameters": json.dumps(dict(each.parameters))}
            writer.writerow({k: _text(v) for k, v in row.items()})


def _text(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else round(value, 4)
