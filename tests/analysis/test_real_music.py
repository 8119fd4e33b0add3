"""Recordings beside the repository: the same numbers as the tables we train on."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from tagger.analysis.analyse import Analysis, analyse
from tagger.analysis.features import FMA_FEATURES, GTZAN_FEATURES
from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan

PLAN = ExcerptPlan(2, 15.0)
Pair = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def analyses(data: Path) -> dict[str, Analysis]:
    paths = sorted((data / "gtzan" / "audio").glob("*.00000.flac"))
    assert len(paths) == 8
    names = list(GTZAN_FEATURES.values())
    return {path.stem: analyse(read_signal(path, PLAN), names) for path in paths}


def test_our_pictures_are_those_of_the_archive(data: Path, analyses: dict[str, Analysis]) -> None:
    with np.load(data / "gtzan" / "spectrograms.npz") as archive:
        tracks = archive["track"].tolist()
        theirs = archive["spectrogram"][[tracks.index(track) for track in analyses]]
    for (track, analysis), their in zip(analyses.items(), theirs, strict=True):
        (ours,) = analysis.picture.parts
        assert ours.shape == (128, 387)
        error_db = np.abs(ours.astype(float) - their) * 80 / 255
        assert np.median(error_db) <= 0.2, track
        assert error_db.max() <= 0.65, track  # two grey levels
        assert np.corrcoef(ours.ravel(), their.ravel())[0, 1] > 0.999, track


@pytest.fixture(scope="module")
def table(data: Path, analyses: dict[str, Analysis]) -> dict[str, Pair]:
    """Each column of the GTZAN table: our eight values, and theirs."""
    with (data / "gtzan" / "features_30s.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["filename"].removesuffix(".wav"): row for row in csv.DictReader(file)}
    ours = np.stack([a.features for a in analyses.values()]).astype(float)
    return {
        column: (ours[:, i], np.array([float(rows[track][column]) for track in analyses]))
        for i, column in enumerate(GTZAN_FEATURES)
    }


def relative_error(pair: Pair) -> np.ndarray:
    ours, theirs = pair
    return np.abs(ours - theirs) / np.abs(theirs)


@pytest.mark.parametrize("column", [c for c in GTZAN_FEATURES if c != "tempo"])
def test_our_features_are_those_of_the_table(table: dict[str, Pair], column: str) -> None:
    error = relative_error(table[column])
    assert np.median(error) <= 0.005
    if column.startswith("chroma"):
        assert error.max() <= 0.07  # the table's tuning is estimated, ours is 0
    elif not (column.startswith("mfcc") and column.endswith("_mean")):
        assert error.max() <= 0.015


@pytest.mark.parametrize("i", range(1, 21))
def test_mfcc_means_are_right_on_the_scale_on_which_they_vary(
    table: dict[str, Pair], i: int
) -> None:
    ours, theirs = table[f"mfcc{i}_mean"]  # often near 0: a ratio would say little
    deviation = np.sqrt(table[f"mfcc{i}_var"][1])
    assert (np.abs(ours - theirs) / deviation).max() <= 0.02


def test_tempo_is_that_of_the_table(table: dict[str, Pair]) -> None:
    # One track in eight may sit between two peaks.
    assert (relative_error(table["tempo"]) < 1e-3).sum() >= 7


@pytest.mark.parametrize("genre", ["classical", "rock"])
def test_an_mp3_of_the_wild_is_read_end_to_end(data: Path, genre: str) -> None:
    path = min((data / "emotify" / genre).glob("*.mp3"))
    signal = read_signal(path, PLAN)
    assert signal.duration_s == pytest.approx(30, abs=2)
    assert signal.heard_s == pytest.approx(min(signal.duration_s, 31), abs=1.1)
    analysis = analyse(signal, FMA_FEATURES)
    assert analysis.features.shape == (518,)
    assert np.isfinite(analysis.features).all()
    assert [part.shape[1] for part in analysis.picture.parts] == [387] * len(signal.excerpts)
    assert np.ptp(analysis.picture.parts[0].astype(int)) > 200
