"""``genretag compare``: labelled music through every feature set and every classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tagger.analysis.features import FMA_FEATURES
from tagger.errors import UsageError
from tagger.models.vocabulary import Vocabulary
from tagger.training.classifiers import Imbalance, check_classifier
from tagger.training.comparison import Cell
from tagger.training.comparison import compare as compare_cells
from tagger.training.comparison_tables import mean_accuracies, write_csv, write_heat_map
from tagger.training.data import Data, LabelSource, load_data
from tagger.training.datasets import ENSEMBLE_FEATURES
from tagger.training.searched import Searched, search_classifiers, write_searched

__all__ = ["CompareOptions", "Compared", "compare", "search_data", "write_compared", "write_search"]

_LEAST: Final = 2

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """What to compare.

    Attributes:
        data: labelled music, as for a training.
        labels: where its genres stand.
        table: feature table, if ``data`` is a spectrogram archive.
        classifiers: names; None: all that are installed.
        folds: of the cross-validation.
        draws: of each search for parameters.
        balance: what is done about genres of few tracks.
        vocabulary: the user's words for genres that stand in tags.
        seed: of folds and fits.
        jobs: processes.
    """

    data: Path
    labels: LabelSource = "auto"
    table: Path | None = None
    classifiers: tuple[str, ...] | None = None
    folds: int = 5
    draws: int = 10
    balance: Imbalance = "none"
    vocabulary: Vocabulary | None = None
    seed: int = 0
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Compared:
    """Every cell, and the feature sets by their mean accuracy, the best first."""

    cells: tuple[Cell, ...]
    means: tuple[tuple[str, float], ...]


def compare(
    options: CompareOptions,
    *,
    say: Callable[[str], None] = lambda line: None,
    hearing: Progress = lambda done, total: None,
    fitting: Progress = lambda done, total: None,
) -> Compared:
    """Hear, fit and judge.

    Args:
        options: data and classifiers.
        say: told what was left out, a line at a time.
        hearing, fitting: told how many tracks and cells of how many are done.

    Raises:
        UsageError: the data or a classifier cannot be used.
    """
    data, names = _heard(options, say, hearing)
    say(f"{len(data.tracks)} tracks of {len(data.labels)} genres, folds by {data.unit}")
    cells = compare_cells(
        data.tracks.features,
        names,
        data.targets,
        data.tracks.groups,
        data.labels,
        options.seed,
        classifiers=options.classifiers,
        k=options.folds,
        jobs=options.jobs,
        imbalance=options.balance,
        progress=fitting,
    )
    return Compared(cells, mean_accuracies(cells))


def search_data(
    options: CompareOptions,
    *,
    say: Callable[[str], None] = lambda line: None,
    hearing: Progress = lambda done, total: None,
    fitting: Progress = lambda done, total: None,
) -> tuple[Searched, ...]:
    """Search for the parameters of each classifier on all features.

    Args:
        options: data and classifiers.
        say: told what was left out, a line at a time.
        hearing, fitting: told how many tracks and classifiers of how many are done.

    Raises:
        UsageError: the data or a classifier cannot be used.
    """
    data, _ = _heard(options, say, hearing)
    say(f"{len(data.tracks)} tracks of {len(data.labels)} genres, split by {data.unit}")
    return search_classifiers(
        data.tracks.features,
        data.targets,
        data.tracks.groups,
        options.seed,
        classifiers=options.classifiers,
        draws=options.draws,
        jobs=options.jobs,
        imbalance=options.balance,
        progress=fitting,
    )


def _heard(
    options: CompareOptions, say: Callable[[str], None], hearing: Progress
) -> tuple[Data, tuple[str, ...]]:
    """The data, and the names of their features."""
    for name in options.classifiers or ():
        check_classifier(name, options.balance)
    is_archive = options.data.suffix.lower() == ".npz"
    names = ENSEMBLE_FEATURES if is_archive else FMA_FEATURES
    data = load_data(
        options.data,
        labels=options.labels,
        table=options.table,
        features=names,
        min_per_genre=_LEAST,
        vocabulary=options.vocabulary,
        seed=options.seed,
        jobs=options.jobs,
        progress=hearing,
    )
    for note in data.notes:
        say(note)
    return data, names


def write_search(found: Sequence[Searched], csv: Path | None) -> None:
    """Write the table that was asked for.

    Raises:
        UsageError: it cannot be written.
    """
    if csv:
        try:
            write_searched(found, csv)
        except OSError as error:
            raise UsageError(f"{csv}: cannot be written: {error}") from error


def write_compared(cells: Sequence[Cell], csv: Path | None, plot: Path | None) -> None:
    """Write the files that were asked for.

    Raises:
        UsageError: one cannot be written.
    """
    for path, write in ((csv, write_csv), (plot, write_heat_map)):
        if path:
            try:
                write(cells, path)
            except (OSError, ValueError) as error:  # matplotlib: a suffix that it does not know
                raise UsageError(f"{path}: cannot be written: {error}") from error
