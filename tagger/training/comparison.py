"""Feature sets against classifiers: the study of the FMA data set, on any labelled music.

Defferrard et al., "FMA: A Dataset For Music Analysis" (ISMIR 2017), judge each method of music
information retrieval alone and in some combinations by each classifier. Here the split is by
artist, in folds, and a selection among the features is made anew in each fold.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from tagger.errors import UsageError
from tagger.training.classifiers import (
    Imbalance,
    available_classifiers,
    check_classifier,
    make_classifier,
)
from tagger.training.selection import (
    by_method,
    important,
    permutation_importance,
    principal_components,
)
from tagger.training.splits import folds

__all__ = ["Cell", "FeatureSet", "compare", "study_sets"]

Features = npt.NDArray[np.float32]
Targets = npt.NDArray[np.intp]
Groups = npt.NDArray[np.str_]

_COMBINATIONS: Final[dict[str, tuple[str, ...]]] = {
    "mfcc/contrast": ("mfcc", "spectral_contrast"),
    "mfcc/contrast/chroma": ("mfcc", "spectral_contrast", "chroma_cens"),
    "mfcc/contrast/centroid": ("mfcc", "spectral_contrast", "spectral_centroid"),
    "mfcc/contrast/chroma/centroid": (
        *("mfcc", "spectral_contrast", "chroma_cens", "spectral_centroid"),
    ),
    "mfcc/contrast/chroma/centroid/tonnetz": (
        *("mfcc", "spectral_contrast", "chroma_cens", "spectral_centroid", "tonnetz"),
    ),
    "mfcc/contrast/chroma/centroid/zcr": (
        *("mfcc", "spectral_contrast", "chroma_cens", "spectral_centroid", "zero_crossing_rate"),
    ),
}
"""The study's. Its chroma is the one of chroma energy normalised statistics."""


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Some columns of a feature table.

    Attributes:
        name: for tables and plots.
        columns: their indices.
        selection: what is done to them in each fold: nothing; principal components up to the
            elbow; or the methods whose permutation costs accuracy.
    """

    name: str
    columns: tuple[int, ...]
    selection: Literal["none", "pca", "importance"] = "none"


@dataclass(frozen=True, slots=True)
class Cell:
    """A feature set and a classifier, judged.

    Attributes:
        features: name of the set.
        n_features: how many a classifier is given, mean over the folds.
        classifier: its name.
        accuracy, kappa, macro_f1: over all tracks, each predicted by the fold whose fit knows
            nothing of its group; NaN where that failed.
        fit_s: mean seconds of a fit, selection not counted.
        reason: why it failed, in a line; empty where it did not.
    """

    features: str
    n_features: float
    classifier: str
    accuracy: float
    kappa: float
    macro_f1: float
    fit_s: float
    reason: str = ""


def study_sets(names: Sequence[str]) -> tuple[FeatureSet, ...]:
    """Each method alone, the study's combinations, all, and selections of all.

    Args:
        names: of the features. A combination of which a method is missing is left out.
    """
    methods = by_method(names)
    everything = tuple(range(len(names)))
    return (
        *(FeatureSet(method, columns) for method, columns in methods.items()),
        *(
            FeatureSet(name, tuple(column for m in parts for column in methods[m]))
            for name, parts in _COMBINATIONS.items()
            if methods.keys() >= set(parts)
        ),
        FeatureSet("all", everything),
        FeatureSet("all, principal components", everything, "pca"),
        FeatureSet("all, important methods", everything, "importance"),
    )


def compare(
    features: Features,
    names: Sequence[str],
    targets: Targets,
    groups: Groups,
    labels: tuple[str, ...],
    seed: int,
    *,
    sets: Sequence[FeatureSet] | None = None,
    classifiers: Sequence[str] | None = None,
    k: int = 5,
    jobs: int = 1,
    imbalance: Imbalance = "none",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Cell, ...]:
    """Judge every feature set by every classifier, in k folds that no group is on both sides of.

    Args:
        features: shape (n, n_features).
        names: of the features.
        targets: label index of each row.
        groups: what must stay on one side of a split.
        labels: the genres.
        seed: of the folds and all that is fitted.
        sets: :func:`study_sets` of the names if not given.
        classifiers: all that are installed if not given.
        k: folds.
        jobs: processes, each with a feature set of its own.
        imbalance: what is done for rare labels.
        progress: called with cells done and cells in all.

    Returns:
        a cell for each pair, sets in their order, classifiers within. A pair that cannot be
        fitted is a cell with the reason.

    Raises:
        UsageError: a classifier cannot be made, or the rows cannot be split.
    """
    sets = study_sets(names) if sets is None else sets
    classifiers = available_classifiers() if classifiers is None else classifiers
    for name in classifiers:
        check_classifier(name, imbalance)
    numbers = folds(groups, targets.astype(np.str_), k, seed)
    if not (numbers >= 0).any():
        raise UsageError("a comparison needs a genre of two artists or more, to be judged on one")

    from joblib import Parallel, delayed

    work = [
        delayed(_row)(
            *(features, names, targets, groups, labels),
            *(numbers, chosen, classifiers, seed, imbalance),
        )
        for chosen in sets
    ]
    cells: list[Cell] = []
    progress(0, len(sets) * len(classifiers))
    for row in Parallel(n_jobs=jobs, return_as="generator")(work):
        cells += row
        progress(len(cells), len(sets) * len(classifiers))
    return tuple(cells)


def _row(
    features: Features,
    names: Sequence[str],
    targets: Targets,
    groups: Groups,
    labels: tuple[str, ...],
    numbers: npt.NDArray[np.intp],
    chosen: FeatureSet,
    classifiers: Sequence[str],
    seed: int,
    imbalance: Imbalance,
) -> list[Cell]:
    """One feature set by all classifiers, which share what is selected in a fold."""
    parts = []
    for fold in range(int(numbers.max()) + 1):
        fitted, judged = numbers != fold, numbers == fold
        x = features[:, chosen.columns]
        within = [names[column] for column in chosen.columns]
        pick = _selected(x[fitted], targets[fitted], groups[fitted], within, chosen, seed)
        parts.append((pick(x[fitted]), pick(x[judged]), fitted, judged))
    width = float(np.mean([train.shape[1] for train, *_ in parts]))
    cells = []
    for name in classifiers:
        said = np.zeros_like(targets)
        seconds = []
        reason = ""
        for train, test, fitted, judged in parts:
            try:
                model = make_classifier(
                    name, seed, train.shape[1], len(labels), imbalance=imbalance
                )
                start = time.perf_counter()
                model.fit(train, targets[fitted])
                seconds.append(time.perf_counter() - start)
                said[judged] = model.predict(test)
            except Exception as error:  # whatever a classifier finds wrong with some features
                reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
                break
        figures = _judged(said, targets, numbers >= 0, labels) if not reason else (math.nan,) * 3
        fit_s = float(np.mean(seconds)) if not reason else math.nan
        cells.append(Cell(chosen.name, width, name, *figures, fit_s, reason))
    return cells


def _selected(
    x: Features,
    targets: Targets,
    groups: Groups,
    names: Sequence[str],
    chosen: FeatureSet,
    seed: int,
) -> Callable[[Features], Features]:
    """What takes any rows to the features selected on these."""
    if chosen.selection == "pca":
        transform, _ = principal_components(x)
        return lambda rows: np.asarray(transform.transform(rows), dtype=np.float32)
    if chosen.selection == "importance":
        methods = by_method(names)
        kept = important(permutation_importance(x, targets, groups, methods, seed))
        columns = sorted(column for method in kept for column in methods[method])
        return lambda rows: rows[:, columns]
    return lambda rows: rows


def _judged(
    said: Targets, targets: Targets, tested: npt.NDArray[np.bool_], labels: tuple[str, ...]
) -> tuple[float, float, float]:
    from tagger.training.metrics import judge

    figures = judge(np.eye(len(labels))[said[tested]], targets[tested], labels)
    return figures["accuracy"], figures["kappa"], figures["macro_f1"]
