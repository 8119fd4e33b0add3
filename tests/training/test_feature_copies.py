"""Features of copies by other masters: what a picture tells against what the sound itself does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import synth

pytest.importorskip("sklearn")

from tagger.analysis.analyse import analyse
from tagger.analysis.features import FMA_FEATURES
from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.training.datasets import ENSEMBLE_FEATURES, load_gtzan
from tagger.training.feature_copies import can_be_copied, features_of_copies, moved_features

SR = 22_050


def coloured(slope: float, rng: np.random.Generator) -> np.ndarray:
    """A quarter of a second of noise whose magnitude falls with a power of the frequency."""
    n = SR // 4
    hz = np.fft.rfftfreq(n, 1 / SR).clip(60)
    spectrum = rng.normal(size=len(hz)) + 1j * rng.normal(size=len(hz))
    return np.fft.irfft(spectrum * hz**-slope, n) * rng.uniform(0.3, 1) / 60**-slope


def through_a_shelf(y: np.ndarray, db: float) -> np.ndarray:
    """What lies above 1 kHz raised by so many decibels, smoothly."""
    spectrum = np.fft.rfft(y)
    hz = np.fft.rfftfreq(len(y), 1 / SR)
    gain = 10 ** (db / 20 / (1 + np.exp(-(hz - 1000) / 200)))
    return np.fft.irfft(spectrum * gain, len(y)).astype(np.float32)


def heard(path: Path, y: np.ndarray):
    synth.write(path, 0.3 * y / np.abs(y).max())
    analysis = analyse(read_signal(path, ExcerptPlan(1, 30.0)), ENSEMBLE_FEATURES)
    return analysis.features, analysis.picture.parts[0]


@pytest.fixture(scope="module", params=[6.0, -6.0], ids=["bright", "dark"])
def two_masters(request, tmp_path_factory):
    """Features and picture of a song, and of the same through a shelf."""
    folder = tmp_path_factory.mktemp("masters")
    rng = np.random.default_rng(1)
    parts = [coloured(slope, rng) for slope in rng.uniform(0.3, 1.2, 32)]
    y = np.concatenate([*parts, np.zeros(SR // 4)])  # a picture spans 80 dB where there is silence
    return heard(folder / "one.wav", y), heard(
        folder / "other.wav", through_a_shelf(y, request.param)
    )


def test_a_picture_tells_what_another_master_does_to_the_spectrum(two_masters) -> None:
    (features, picture), (wanted, changed) = two_masters
    said = moved_features(ENSEMBLE_FEATURES, features, picture, changed)
    means = [i for i, name in enumerate(ENSEMBLE_FEATURES) if name.startswith("mfcc.mean")]
    assert len(means) == 19
    left, moved = np.abs(said - wanted), np.abs(wanted - features)
    assert left[means].sum() < 0.05 * moved[means].sum()
    for method in ("spectral_centroid", "spectral_rolloff", "zero_crossing_rate"):
        i = ENSEMBLE_FEATURES.index(f"{method}.mean.01")
        assert left[i] < 0.3 * moved[i], method


def test_what_is_computed_from_the_picture_is_computed_anew(two_masters) -> None:
    (features, picture), (wanted, changed) = two_masters
    said = moved_features(ENSEMBLE_FEATURES, features, picture, changed)
    of_picture = [i for i, name in enumerate(ENSEMBLE_FEATURES) if name.startswith("log_mel")]
    assert len(of_picture) > 300
    assert np.array_equal(said[of_picture], wanted[of_picture])
    chroma = [i for i, name in enumerate(ENSEMBLE_FEATURES) if name.startswith("chroma")]
    assert np.array_equal(said[chroma], features[chroma])


def test_the_same_picture_leaves_all_as_it_is(two_masters) -> None:
    (features, picture), _ = two_masters
    said = moved_features(ENSEMBLE_FEATURES, features, picture, picture)
    assert said == pytest.approx(features, rel=1e-5, abs=1e-6)


def test_copies_differ_and_are_the_same_of_the_same_seed(two_masters) -> None:
    (features, picture), (others, changed) = two_masters
    width = min(picture.shape[1], changed.shape[1])
    clips = np.stack([features, others]), np.stack([picture[:, :width], changed[:, :width]])
    copies = features_of_copies(ENSEMBLE_FEATURES, *clips, 3, seed=5)
    assert copies.shape == (3, 2, len(ENSEMBLE_FEATURES))
    assert copies.dtype == np.float32
    assert np.array_equal(copies, features_of_copies(ENSEMBLE_FEATURES, *clips, 3, seed=5, jobs=2))
    assert not np.array_equal(copies[0], copies[1])
    assert not np.array_equal(copies, features_of_copies(ENSEMBLE_FEATURES, *clips, 3, seed=6))


def test_of_silence_and_of_one_tone_copies_are_finite() -> None:
    nothing = np.zeros((2, 128, 50), dtype=np.uint8)
    nothing[1, 40] = 255
    copies = features_of_copies(
        ENSEMBLE_FEATURES, np.zeros((2, len(ENSEMBLE_FEATURES)), np.float32), nothing, 2, seed=0
    )
    assert np.isfinite(copies).all()


@pytest.mark.parametrize("name", ["tempo", "rms.mean.01", "mfcc.skew.01", "tonnetz.mean.01"])
def test_what_no_picture_tells_is_not_copied(name: str) -> None:
    assert can_be_copied(ENSEMBLE_FEATURES)
    assert not can_be_copied((*ENSEMBLE_FEATURES, name))
    assert not can_be_copied(FMA_FEATURES)


def test_of_real_clips_it_tells_what_was_measured(data: Path) -> None:
    """What a clip's features differ by from another's, told from the two pictures."""
    tracks = load_gtzan(data / "gtzan").take(np.arange(0, 639, 8))
    first, picture = tracks.features[0], tracks.pictures[0]
    said = np.stack(
        [moved_features(ENSEMBLE_FEATURES, first, picture, other) for other in tracks.pictures]
    )
    for i, name in enumerate(ENSEMBLE_FEATURES):
        if not name.startswith(("chroma", "log_mel")):
            assert np.corrcoef(said[:, i], tracks.features[:, i])[0, 1] > 0.9, name
