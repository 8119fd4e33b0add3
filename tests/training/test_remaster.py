"""Clips as other masters would have them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import synth

from tagger.analysis.analyse import analyse
from tagger.analysis.picture import N_MELS
from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.training.remaster import AS_PLAYED, AS_STORED, Remaster, remastered

NOTHING = Remaster(equaliser_db=0, tilt_db=0, band_limit=0)


def pictures(n: int = 3, columns: int = 90) -> Any:
    rng = np.random.default_rng(1)
    made = rng.integers(0, 200, (n, N_MELS, columns)).astype(np.uint8)
    made[:, 60, 40] = 255  # the loudest point of a picture is white
    return made


def change(made: Any, how: Remaster, seed: int = 0) -> Any:
    return remastered(made, how, np.random.default_rng(seed))


def test_nothing_is_changed_where_nothing_may_be() -> None:
    assert np.array_equal(change(pictures(), NOTHING), pictures())


@pytest.mark.parametrize("how", [AS_STORED, AS_PLAYED])
def test_a_copy_is_a_picture_too(how: Remaster) -> None:
    made = pictures(20)
    before = made.copy()
    copies = change(made, how)
    assert np.array_equal(made, before)
    assert copies.shape == made.shape
    assert copies.dtype == np.uint8
    assert (copies.max(axis=(1, 2)) == 255).all()
    assert not any(np.array_equal(*pair) for pair in zip(copies, made, strict=True))
    assert np.array_equal(copies, change(made, how))
    assert not np.array_equal(copies, change(made, how, seed=1))


def test_an_equaliser_adds_the_same_to_a_band_at_any_time() -> None:
    grey = np.full((1, N_MELS, 50), 120, dtype=np.uint8)
    (copy,) = change(grey, replace(NOTHING, equaliser_db=3.0, tilt_db=3.0)).astype(int)
    assert (np.ptp(copy, axis=1) == 0).all()
    assert np.ptp(copy[:, 0]) > 5
    assert np.abs(np.diff(copy[:, 0])).max() < 20  # smooth


def test_a_narrower_band_silences_what_lies_above_it() -> None:
    (copy,) = change(pictures(1), replace(NOTHING, band_limit=1.0), seed=3)
    (whole,) = pictures(1)
    dark = copy.max(axis=1) == 0
    limit = int(dark.argmax())
    assert 2 / 3 * N_MELS < limit < N_MELS
    assert dark[limit:].all()
    assert np.array_equal(copy[: limit - 12], whole[: limit - 12])


def test_a_shift_moves_what_is_heard_up_or_down() -> None:
    made = np.zeros((40, N_MELS, 30), dtype=np.uint8)
    made[:, 60] = 255
    tops = change(made, replace(NOTHING, pitch_bins=2)).max(axis=2).argmax(axis=1)
    assert set(tops) == {58, 59, 60, 61, 62}
    made[:, 0] = 255  # the outermost band is repeated, and never comes back at the other end
    copies = change(made, replace(NOTHING, pitch_bins=2)).max(axis=2)
    assert not copies[:, 3:58].any()
    assert not copies[:, 63:].any()


def test_a_faster_clip_has_more_beats() -> None:
    made = np.zeros((30, N_MELS, 400), dtype=np.uint8)
    made[:, :, ::10] = 255
    beats = (change(made, replace(NOTHING, stretch=1.15))[:, 60] > 0).sum(axis=1)
    assert beats.min() >= 40 / 1.15 - 5
    assert beats.max() <= 40 * 1.15 + 5
    assert np.ptp(beats) >= 4


def test_an_equaliser_on_the_picture_is_one_on_the_recording(tmp_path: Any) -> None:
    """What is added to the bands, in decibels, is what a filter adds to the sound."""
    y = synth.song(6.0, seed=3)
    spectrum = np.fft.rfft(y)
    f = np.fft.rfftfreq(len(y), 1 / 22_050)
    gain_db = np.interp(f, [0, 11_025], [6.0, -6.0])
    filtered = np.fft.irfft(spectrum * 10 ** (gain_db / 20), len(y))

    def picture(name: str, of: Any) -> Any:
        path = tmp_path / f"{name}.wav"
        synth.write(path, (0.3 * of / np.abs(of).max()).astype(np.float32))
        (part,) = analyse(read_signal(path, ExcerptPlan(1, 30.0)), ()).picture.parts
        return part.astype(float) * 80 / 255

    plain, other = picture("plain", y), picture("other", filtered)
    # As the curve runs over the bands, which lie evenly on the mel scale.
    import librosa

    centres = librosa.mel_frequencies(N_MELS + 2, fmax=11_025)[1:-1]
    wanted = np.interp(centres, [0, 11_025], [6.0, -6.0])
    heard = (plain > 15) & (other > 15)
    added = (other - plain - wanted[:, None])[heard]
    assert heard.sum() > 2000
    assert np.std(added) < 0.6  # but for a constant: the loudest point is white in both
