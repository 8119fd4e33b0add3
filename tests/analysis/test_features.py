"""Names, statistics, and that nothing is computed in vain."""

from __future__ import annotations

from collections import Counter
from functools import partial
from types import MappingProxyType

import librosa
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tagger.analysis import methods
from tagger.analysis.features import (
    FMA_FEATURES,
    GTZAN_FEATURES,
    PICTURE_FEATURES,
    STATISTICS,
    compute_features,
    compute_picture_features,
)
from tagger.analysis.logmel import log_mel_picture
from tagger.analysis.picture import N_MELS, Picture
from tagger.analysis.spectrum import Spectrum

SR = 22_050


@pytest.fixture(scope="module")
def spectrum(song_10s: np.ndarray) -> Spectrum:
    return Spectrum([song_10s], SR)


@pytest.fixture(scope="module")
def picture(spectrum: Spectrum) -> Picture:
    return log_mel_picture(spectrum)


# --- names -------------------------------------------------------------------------------------


def test_the_fma_set_has_its_518_names() -> None:
    assert len(FMA_FEATURES) == 518
    assert len(set(FMA_FEATURES)) == 518
    # The rows of FMA's features.csv, from the paper's columns: each seven times.
    rows = {
        "chroma_stft": 12,
        "chroma_cqt": 12,
        "chroma_cens": 12,
        "tonnetz": 6,
        "mfcc": 20,
        "rms": 1,
        "zero_crossing_rate": 1,
        "spectral_centroid": 1,
        "spectral_bandwidth": 1,
        "spectral_contrast": 7,
        "spectral_rolloff": 1,
    }
    assert Counter(name.split(".")[0] for name in FMA_FEATURES) == {
        method: 7 * n for method, n in rows.items()
    }
    statistics = Counter(name.split(".")[1] for name in FMA_FEATURES)
    assert statistics == dict.fromkeys(
        ("mean", "std", "skew", "kurtosis", "median", "min", "max"), 74
    )
    for method, n in rows.items():
        found = [name for name in FMA_FEATURES if name.startswith(f"{method}.mean.")]
        assert found == [f"{method}.mean.{row:02d}" for row in range(1, n + 1)]


def test_the_gtzan_columns_are_those_of_the_table() -> None:
    plain = (
        "chroma_stft",
        "rms",
        "spectral_centroid",
        "spectral_bandwidth",
        "rolloff",
        "zero_crossing_rate",
    )
    mfcc = [f"mfcc{i}" for i in range(1, 21)]
    expected = {f"{c}_{s}" for c in (*plain, *mfcc) for s in ("mean", "var")} | {"tempo"}
    assert set(GTZAN_FEATURES) == expected
    assert len(set(GTZAN_FEATURES.values())) == len(GTZAN_FEATURES)
    assert GTZAN_FEATURES["chroma_stft_mean"] == "chroma_stft.mean.all"
    assert GTZAN_FEATURES["rolloff_var"] == "spectral_rolloff.var.01"
    assert GTZAN_FEATURES["mfcc9_mean"] == "mfcc.mean.09"
    assert GTZAN_FEATURES["tempo"] == "tempo"


def test_all_sets_can_be_computed_and_are_finite(spectrum: Spectrum, picture: Picture) -> None:
    names = [*FMA_FEATURES, *GTZAN_FEATURES.values(), *PICTURE_FEATURES]
    values = compute_features(names, spectrum, picture)
    assert values.shape == (len(names),)
    assert values.dtype == np.float32
    assert np.isfinite(values).all()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "mfcc",
        "mfcc.mean",
        "mfcc.mean.21",
        "mfcc.mean.00",
        "mfcc.mean.-1",
        "mfcc.mode.01",
        "mfcc.mean.x",
        "loudness.mean.01",
        "mfcc.mean.01.02",
        "tempo.mean.01.x",
    ],
)
def test_an_unknown_name_is_refused(spectrum: Spectrum, name: str) -> None:
    with pytest.raises(ValueError, match="unknown feature"):
        compute_features([name], spectrum)


def test_values_stand_in_the_order_asked(spectrum: Spectrum) -> None:
    names = ["rms.max.01", "tempo", "mfcc.mean.02", "rms.min.01", "mfcc.mean.01"]
    values = compute_features(names, spectrum)
    for name, value in zip(names, values, strict=True):
        assert compute_features([name], spectrum)[0] == value
    assert compute_features([], spectrum).shape == (0,)


def test_statistics_are_taken_of_the_right_row(spectrum: Spectrum, song_10s: np.ndarray) -> None:
    mfcc = librosa.feature.mfcc(y=song_10s, sr=SR, n_mfcc=20)
    chroma = librosa.feature.chroma_stft(y=song_10s, sr=SR, tuning=0.0)
    names = ["mfcc.mean.01", "mfcc.std.07", "mfcc.max.20", "chroma_stft.var.all"]
    expected = [mfcc[0].mean(), mfcc[6].std(), mfcc[19].max(), chroma.var()]
    np.testing.assert_allclose(compute_features(names, spectrum), expected, rtol=1e-3)


# --- statistics --------------------------------------------------------------------------------

REFERENCES = {
    "mean": np.mean,
    "std": np.std,
    "skew": scipy.stats.skew,
    "kurtosis": scipy.stats.kurtosis,
    "median": np.median,
    "min": np.min,
    "max": np.max,
    "var": np.var,
    "p10": partial(np.quantile, q=0.1),
    "p90": partial(np.quantile, q=0.9),
}


def test_every_statistic_has_a_reference() -> None:
    assert set(REFERENCES) == set(STATISTICS)


@pytest.mark.parametrize("name", REFERENCES)
def test_statistics_are_those_of_numpy_and_scipy(name: str) -> None:
    random = np.random.RandomState(0)
    x = np.stack([random.normal(5, 2, 999), random.exponential(1e-4, 999), random.rand(999) * 1e4])
    np.testing.assert_allclose(STATISTICS[name](x), REFERENCES[name](x, axis=-1), rtol=1e-9)


@given(
    hnp.arrays(
        np.float32, st.integers(2, 50), elements=st.floats(-1e4, 1e4, width=32, allow_nan=False)
    )
)
def test_statistics_are_always_finite(row: np.ndarray) -> None:
    x = row.astype(np.float64)[None]
    for name, statistic in STATISTICS.items():
        assert np.isfinite(statistic(x)).all(), name


@pytest.mark.parametrize("value", [0.0, 0.1, -80.0, 1e-30, 12_345.678])
def test_a_constant_row_has_no_shape(value: float) -> None:
    x = np.full((1, 1293), value)
    assert STATISTICS["skew"](x) == 0
    assert STATISTICS["kurtosis"](x) == -3.0
    assert STATISTICS["std"](x) == pytest.approx(0, abs=1e-10)
    assert STATISTICS["median"](x) == value


# --- nothing in vain -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "needed"),
    [
        (["rms.mean.01"], set()),
        (["zero_crossing_rate.mean.01"], set()),
        (["spectral_centroid.mean.01"], {"magnitude", "moments"}),
        (["spectral_rolloff.mean.01"], {"magnitude"}),
        (["mfcc.mean.01"], {"magnitude", "power", "mel", "mel_db"}),
        (["chroma_stft.mean.all"], {"magnitude", "power", "chroma_stft"}),
        (["chroma_cqt.mean.01"], {"cqt"}),
        (["tonnetz.mean.01", "rms.mean.01"], {"cqt", "chroma_cens"}),
        (
            list(GTZAN_FEATURES.values()),
            {"magnitude", "moments", "power", "mel", "mel_db", "chroma_stft"},
        ),
    ],
)
def test_only_what_is_asked_for_is_computed(
    song_10s: np.ndarray, names: list[str], needed: set[str]
) -> None:
    spectrum = Spectrum([song_10s[: 3 * SR]], SR)
    compute_features(names, spectrum)
    computed = set(vars(spectrum)) - {"ys", "sr", "frame_counts"}
    assert computed == needed


def test_each_method_is_computed_once(
    song_10s: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Counter[str] = Counter()

    def counted(method: methods.Method) -> methods.Method:
        def compute(spectrum, picture):
            calls[method.name] += 1
            return method.compute(spectrum, picture)

        return methods.Method(method.name, method.rows, compute)

    table = {name: counted(method) for name, method in methods.METHODS.items()}
    monkeypatch.setattr(methods, "METHODS", MappingProxyType(table))
    spectrum = Spectrum([song_10s[: 3 * SR]], SR)
    compute_features([*FMA_FEATURES, "mfcc.mean.all", "mfcc.var.all"], spectrum)
    assert calls == dict.fromkeys((method.name for method in methods.FMA_METHODS), 1)


# --- features of the picture ---------------------------------------------------------------------


def test_features_of_a_picture_need_no_spectrum(spectrum: Spectrum, picture: Picture) -> None:
    alone = compute_picture_features(PICTURE_FEATURES, picture)
    np.testing.assert_array_equal(alone, compute_features(PICTURE_FEATURES, spectrum, picture))
    with pytest.raises(ValueError, match="cannot be computed from a picture"):
        compute_picture_features(["mfcc.mean.01"], picture)
    with pytest.raises(ValueError, match="needs a log-mel picture"):
        compute_features(["log_mel.mean.01"], spectrum)


def test_bands_are_means_of_four_rows_and_differences_stay_in_their_part() -> None:
    random = np.random.RandomState(0)
    dark = random.randint(0, 50, (N_MELS, 40), dtype=np.uint8)
    bright = random.randint(200, 256, (N_MELS, 30), dtype=np.uint8)
    bands = [part.reshape(32, 4, -1).mean(axis=1) / 255 for part in (dark, bright)]
    differences = np.concatenate([np.diff(b, axis=1) for b in bands], axis=1)

    names = ["log_mel.mean.01", "log_mel.std.32", "log_mel_delta.max.05", "log_mel_delta.mean.05"]
    values = compute_picture_features(names, Picture((dark, bright)))

    both = np.concatenate(bands, axis=1)
    expected = [both[0].mean(), both[31].std(), differences[4].max(), differences[4].mean()]
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-6)
