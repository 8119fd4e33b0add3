from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training.training_samples import N_FEATURES, blobs, bundle

from tagger.errors import ModelError
from tagger.training.genre_statistics import LIMIT, STATISTICS, GenreStatistics, statistics_of

MADE = blobs(60, seed=4)
NAMES = np.array(["a", "b", "c"])[MADE.targets]
SOURCE = np.full(len(NAMES), "one")


@pytest.fixture
def measured() -> GenreStatistics:
    return GenreStatistics.measured(MADE.features, NAMES, SOURCE)


def test_centres_and_what_the_genres_share_are_found_again(measured: GenreStatistics) -> None:
    centres = measured.centres * measured.scale + measured.mean
    spread = 10.0 ** np.linspace(-2, 3, N_FEATURES)  # of a blob is 1 in these units
    assert np.abs((centres - MADE.centres) / spread).max() < 0.6
    assert np.sqrt(np.diag(measured.covariance)) * measured.scale == pytest.approx(spread, rel=0.25)


def test_drawn_tracks_are_like_those_that_were_measured(measured: GenreStatistics) -> None:
    drawn = measured.drawn(2000, np.random.default_rng(1)).reshape(3, 2000, N_FEATURES)
    assert np.abs(drawn.mean(axis=1) - measured.centres).max() < 0.05
    about = (drawn - drawn.mean(axis=1, keepdims=True)).reshape(-1, N_FEATURES)
    assert np.cov(about.T) == pytest.approx(measured.covariance, abs=0.06)
    again = measured.drawn(2000, np.random.default_rng(1)).reshape(drawn.shape)
    assert np.array_equal(drawn, again)


def test_what_features_have_in_common_is_drawn_too() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3)).astype(np.float32)
    x[:, 1] = x[:, 0] + 0.1 * x[:, 1]
    names = np.array(["a", "b"] * 200)
    drawn = GenreStatistics.measured(x, names, names).drawn(2000, rng)
    assert np.corrcoef(drawn.T)[0, 1] > 0.85
    assert abs(np.corrcoef(drawn.T)[0, 2]) < 0.15


def test_a_genre_of_two_sources_has_two_centres_and_one_of_few_tracks_none() -> None:
    source = np.where(np.arange(len(NAMES)) % 2, "one", "two")
    assert len(GenreStatistics.measured(MADE.features, NAMES, source).centres) == 6
    few = np.concatenate([np.flatnonzero(NAMES == "a")[:4], np.flatnonzero(NAMES == "b")])
    some = GenreStatistics.measured(MADE.features[few], NAMES[few], SOURCE[few])
    assert len(some.centres) == 1
    three = GenreStatistics.measured(MADE.features[:3], NAMES[:3], SOURCE[:3])
    assert len(three.centres) == 1
    assert np.isfinite(three.drawn(5, np.random.default_rng(0))).all()


def test_far_features_are_kept_within_the_limit(measured: GenreStatistics) -> None:
    far = np.full((1, N_FEATURES), 1e30, dtype=np.float32)
    assert measured.standardised(far).tolist() == [[LIMIT] * N_FEATURES]


def test_a_bundle_keeps_them(measured: GenreStatistics, tmp_path: Path) -> None:
    packed = measured.packed()
    assert packed == measured.packed()
    made = bundle(tmp_path, {"cnn.tflite": b"", STATISTICS: packed})
    read = statistics_of(made)
    assert read is not None
    assert np.array_equal(read.mean, measured.mean)
    assert np.array_equal(read.scale, measured.scale)
    assert read.centres == pytest.approx(measured.centres, abs=2e-3)
    assert read.covariance == pytest.approx(measured.covariance, abs=2e-3)
    assert statistics_of(bundle(tmp_path, {"cnn.tflite": b""})) is None
    more = read.with_centre(MADE.features[:10])
    assert len(more.centres) == 4


def test_damaged_ones_are_refused(measured: GenreStatistics, tmp_path: Path) -> None:
    packed = measured.packed()
    narrow = replace(measured, mean=measured.mean[:-1])
    endless = replace(measured, centres=measured.centres * np.inf)
    none = replace(measured, centres=measured.centres[:0])
    for wrong in (b"no archive", packed[:-30], narrow.packed(), endless.packed(), none.packed()):
        made = bundle(tmp_path, {"cnn.tflite": b"", STATISTICS: wrong})
        with pytest.raises(ModelError, match=r"genres\.npz does not fit the model"):
            statistics_of(made)
