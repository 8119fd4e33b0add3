"""The picture against its recipe, written out with librosa."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import synth
from hypothesis import given
from hypothesis import strategies as st

from tagger.analysis.analyse import analyse
from tagger.analysis.logmel import column_frames, log_mel_picture
from tagger.analysis.picture import COLUMN_S, FRAME_S, N_MELS
from tagger.analysis.spectrum import HOP_LENGTH, Spectrum
from tagger.audio.decode import Excerpt, Signal

SR = 22_050
Y = np.ndarray


def frames_of(seconds: float) -> int:
    return 1 + int(seconds * SR) // HOP_LENGTH


def recipe(y: Y, n_columns: int) -> Y:
    """The data set's README: power_to_db(ref=max), min-max to 0..255, a plain pick."""
    mel = librosa.feature.melspectrogram(y=y, sr=SR, n_mels=N_MELS)
    db = librosa.power_to_db(mel, ref=np.max)
    grey = (db - db.min()) / (db.max() - db.min()) * 255
    n = mel.shape[1]
    return grey[:, [int((k + 0.5) * n / (n_columns + 0.5)) for k in range(n_columns)]]


def assert_grey(picture: Y, expected: Y, levels: float = 1.0) -> None:
    assert picture.dtype == np.uint8
    assert picture.shape == expected.shape
    assert np.abs(picture.astype(float) - expected).max() <= levels


@pytest.mark.parametrize("y", [synth.song(30.0), synth.noise(30.0)], ids=["song", "noise"])
def test_the_picture_follows_the_recipe(y: Y) -> None:
    (picture,) = log_mel_picture(Spectrum([y], SR)).parts
    assert_grey(picture, recipe(y, 387))
    assert np.ptp(picture.astype(int)) > 200


def test_two_excerpts_share_one_scale() -> None:
    loud, soft = synth.song(5.0), 0.1 * synth.song(5.0, seed=7)
    parts = log_mel_picture(Spectrum([loud, soft], SR)).parts
    assert [part.shape for part in parts] == [(N_MELS, 64), (N_MELS, 64)]
    mels = [librosa.feature.melspectrogram(y=y, sr=SR, n_mels=N_MELS) for y in (loud, soft)]
    db = librosa.power_to_db(np.concatenate(mels, axis=1), ref=np.max)
    grey = (db - db.min()) / (db.max() - db.min()) * 255
    n = mels[0].shape[1]
    pick = [int((k + 0.5) * n / 64.5) for k in range(64)]
    assert_grey(parts[0], grey[:, :n][:, pick])
    assert_grey(parts[1], grey[:, n:][:, pick])


def test_every_frame_is_shown_where_it_is_asked_for() -> None:
    ys = [synth.song(5.0), 0.1 * synth.song(4.0, seed=7)]
    spectrum = Spectrum(ys, SR)
    whole = log_mel_picture(spectrum, every_frame=True).parts
    assert [part.shape for part in whole] == [(N_MELS, frames_of(s)) for s in (5.0, 4.0)]
    for part, picked in zip(whole, log_mel_picture(spectrum).parts, strict=True):
        assert np.array_equal(part[:, column_frames(part.shape[1], SR)], picked)


def test_frames_are_as_far_apart_as_they_are_said_to_be() -> None:
    assert FRAME_S == HOP_LENGTH / SR
    assert FRAME_S < COLUMN_S


@pytest.mark.parametrize("db", [-12.0, -30.0, 6.0])
def test_gain_does_not_show(db: float) -> None:
    # A noise floor keeps all of it inside 80 dB, above power_to_db's absolute floor.
    y = synth.song(5.0) + synth.noise(5.0, amplitude=0.01)
    (plain,) = log_mel_picture(Spectrum([y], SR)).parts
    (gained,) = log_mel_picture(Spectrum([(y * 10 ** (db / 20)).astype(np.float32)], SR)).parts
    assert np.abs(plain.astype(int) - gained.astype(int)).max() <= 1


@pytest.mark.parametrize(
    ("seconds", "columns"),
    [(30.0, 387), (30.08, 387), (29.6, 387), (30.2, 387), (15.0, 193), (5.0, 64), (60.0, 774)],
)
def test_widths(seconds: float, columns: int) -> None:
    assert len(column_frames(frames_of(seconds), SR)) == columns


def test_the_columns_of_a_30_s_clip_are_those_of_the_recipe() -> None:
    picked = column_frames(1293, SR)
    assert picked.tolist() == [int((k + 0.5) * 1293 / 387.5) for k in range(387)]


@given(st.integers(min_value=5, max_value=200_000))
def test_columns_are_frames_in_order_77_ms_apart(n_frames: int) -> None:
    picked = column_frames(n_frames, SR)
    assert picked[0] >= 0
    assert picked[-1] < n_frames
    assert (np.diff(picked) >= 1).all()
    if n_frames > 500:
        step_s = (picked[-1] - picked[0]) / (len(picked) - 1) * HOP_LENGTH / SR
        assert step_s == pytest.approx(0.0775, rel=0.025)


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_a_flat_signal_gives_a_picture_all_the_same(value: float) -> None:
    y = np.full(5 * SR, value, dtype=np.float32)
    (picture,) = log_mel_picture(Spectrum([y], SR)).parts
    assert picture.shape == (N_MELS, 64)


def test_analyse_gives_features_and_picture_of_all_excerpts() -> None:
    ys = [synth.song(4.0), synth.song(4.0, seed=3)]
    signal = Signal((Excerpt(10.0, ys[0]), Excerpt(30.0, ys[1])), duration_s=50.0)
    analysis = analyse(signal, ["rms.mean.01", "log_mel.mean.01"])
    assert analysis.part_starts_s == (10.0, 30.0)
    assert [part.shape for part in analysis.picture.parts] == [(N_MELS, 51), (N_MELS, 51)]
    rms = np.concatenate([librosa.feature.rms(y=y)[0] for y in ys]).mean()
    band = np.concatenate([part[:4] for part in analysis.picture.parts], axis=1).mean() / 255
    np.testing.assert_allclose(analysis.features, [rms, band], rtol=1e-4)


def test_features_do_not_depend_on_how_closely_the_network_looks() -> None:
    names = ["log_mel.mean.01", "log_mel_delta.std.01", "rms.mean.01"]
    signal = Signal((Excerpt(10.0, synth.song(4.0)),), duration_s=50.0)
    usual, close = (analyse(signal, names, every_frame=every) for every in (False, True))
    assert np.array_equal(usual.features, close.features)
    assert usual.picture.parts[0].shape == (N_MELS, 51)
    assert close.picture.parts[0].shape == (N_MELS, frames_of(4.0))
    assert usual.part_starts_s == close.part_starts_s
