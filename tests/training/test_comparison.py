from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("joblib")

from training.training_samples import LABELS

from tagger.analysis.features import FMA_FEATURES
from tagger.errors import UsageError
from tagger.training.comparison import Cell, FeatureSet, compare, study_sets
from tagger.training.comparison_tables import mean_accuracies, pivot, write_csv, write_heat_map

NAMES = ("mfcc.mean.01", "mfcc.mean.02", "rms.mean.01", "rms.mean.02")
CLASSIFIERS = ("logistic-regression", "naive-bayes")


@pytest.fixture(scope="module")
def music() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The MFCCs tell the genre, the levels the artist."""
    rng = np.random.default_rng(0)
    artists = np.repeat(np.arange(30), 4)
    targets = artists % len(LABELS)
    timbre = np.stack([targets == 0, targets == 1], axis=1) * 4.0
    levels = rng.normal(0, 1, (30, 2))[artists]
    features = np.concatenate([timbre, levels], axis=1) + rng.normal(0, 0.5, (120, 4))
    return features.astype(np.float32), targets, artists.astype(str)


@pytest.fixture(scope="module")
def cells(music: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[Cell, ...]:
    features, targets, groups = music
    return compare(features, NAMES, targets, groups, LABELS, 0, classifiers=CLASSIFIERS)


def test_the_study() -> None:
    sets = {chosen.name: chosen for chosen in study_sets(FMA_FEATURES)}
    assert len(sets) == 11 + 6 + 3
    # As Defferrard et al. count them.
    sizes = {name: len(sets[name].columns) for name in ("chroma_cens", "mfcc", "tonnetz", "all")}
    assert sizes == {"chroma_cens": 84, "mfcc": 140, "tonnetz": 42, "all": 518}
    assert len(sets["mfcc/contrast"].columns) == 189
    assert len(sets["mfcc/contrast/chroma/centroid/zcr"].columns) == 287
    assert len(sets["mfcc/contrast/chroma/centroid/tonnetz"].columns) == 322
    names = {FMA_FEATURES[column].split(".")[0] for column in sets["mfcc/contrast"].columns}
    assert names == {"mfcc", "spectral_contrast"}


def test_combinations_of_what_is_there() -> None:
    names = [chosen.name for chosen in study_sets(NAMES)]
    assert names == ["mfcc", "rms", "all", "all, principal components", "all, important methods"]


def test_every_pair_is_judged_on_unknown_artists(cells: tuple[Cell, ...]) -> None:
    by_pair = {(cell.features, cell.classifier): cell for cell in cells}
    assert len(by_pair) == len(cells) == 5 * 2
    for classifier in CLASSIFIERS:
        timbre, level = by_pair["mfcc", classifier], by_pair["rms", classifier]
        assert timbre.accuracy > 0.95 > 0.6 > level.accuracy
        assert timbre.kappa > 0.9
        assert timbre.macro_f1 > 0.9
        assert timbre.fit_s > 0
        assert (timbre.n_features, by_pair["all", classifier].n_features) == (2, 4)
        assert by_pair["all, important methods", classifier].n_features == 2
        assert by_pair["all, principal components", classifier].n_features < 4


def test_processes_change_nothing(
    music: tuple[np.ndarray, np.ndarray, np.ndarray], cells: tuple[Cell, ...]
) -> None:
    features, targets, groups = music
    done: list[tuple[int, int]] = []
    again = compare(
        *(features, NAMES, targets, groups, LABELS, 0),
        classifiers=CLASSIFIERS,
        jobs=2,
        progress=lambda *at: done.append(at),
    )
    assert [(c.features, c.classifier, c.accuracy, c.kappa) for c in again] == [
        (c.features, c.classifier, c.accuracy, c.kappa) for c in cells
    ]
    assert done == [(2 * i, 10) for i in range(6)]


def test_what_fails_is_a_cell_with_its_reason(
    music: tuple[np.ndarray, np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    features, targets, groups = music
    broken = features.copy()
    broken[3, 2] = np.nan  # trees can do without a number
    sets = study_sets(NAMES)[:2]
    cells = compare(
        *(broken, NAMES, targets, groups, LABELS, 0),
        sets=sets,
        classifiers=("naive-bayes", "extra-trees"),
        k=2,
    )
    failed = [cell for cell in cells if cell.reason]
    assert [(cell.features, cell.classifier) for cell in failed] == [("rms", "naive-bayes")]
    assert "NaN" in failed[0].reason
    assert "\n" not in failed[0].reason
    assert math.isnan(failed[0].accuracy)
    assert math.isnan(failed[0].fit_s)
    # The mean is over those alone that could do both.
    assert dict(mean_accuracies(cells)).keys() == {"mfcc", "rms"}
    means = dict(mean_accuracies(cells))
    assert means["rms"] == cells[3].accuracy
    write_heat_map(cells, tmp_path / "map.png")
    write_csv(cells, tmp_path / "cells.csv")
    lines = list(csv.DictReader((tmp_path / "cells.csv").open(encoding="utf-8", newline="")))
    assert [line["accuracy"] == "" for line in lines] == [False, False, True, False]
    assert lines[2]["reason"] == failed[0].reason
    assert float(lines[0]["accuracy"]) == pytest.approx(cells[0].accuracy, abs=1e-4)


def test_selections_do_not_see_what_they_are_judged_by() -> None:
    """Many methods of noise: those that seem to matter on all rows matter on no others."""
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1, (60, 60)).astype(np.float32)
    targets = np.arange(60) % 2
    cells = compare(
        *(features, [f"noise{i}.mean.01" for i in range(60)], targets),
        *(np.arange(60).astype(str), ("A", "B"), 0),
        sets=[FeatureSet("important", tuple(range(60)), "importance")],
        classifiers=["logistic-regression"],
        k=3,
    )
    assert cells[0].n_features < 30
    assert cells[0].accuracy < 0.7


def test_tables_and_picture(tmp_path: Path) -> None:
    cells = [
        Cell(features, 3, classifier, accuracy, 0.1, 0.2, 0.3)
        for features, row in {"a": (0.5, 0.6), "b": (0.7, 0.8)}.items()
        for classifier, accuracy in zip(("x", "y"), row, strict=True)
    ]
    sets, classifiers, table = pivot(cells)
    assert (sets, classifiers) == (("a", "b"), ("x", "y"))
    assert table.tolist() == [[0.5, 0.6], [0.7, 0.8]]
    assert pivot(cells, "fit_s")[2].tolist() == [[0.3, 0.3], [0.3, 0.3]]
    assert mean_accuracies(cells) == (("b", pytest.approx(0.75)), ("a", pytest.approx(0.55)))
    for name in ("one.png", "two.png"):
        write_heat_map(cells, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_all_failed(tmp_path: Path) -> None:
    cells = [Cell("a", 3, "x", math.nan, math.nan, math.nan, math.nan, "no")]
    assert mean_accuracies(cells) == ()
    write_heat_map(cells, tmp_path / "map.png")


def test_what_cannot_be_compared(music: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    features, targets, groups = music
    with pytest.raises(UsageError, match="no classifier is called"):
        compare(features, NAMES, targets, groups, LABELS, 0, classifiers=["oracle"])
    with pytest.raises(UsageError, match="two artists"):
        compare(features, NAMES, targets, targets.astype(str), LABELS, 0)
