from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tagger.analysis.features import GTZAN_FEATURES
from tagger.audio.excerpts import ExcerptPlan
from tagger.training.sounds import speech
from tagger.training.sounds.clips import Clip, clip_features, make_clip, plan_clips
from tagger.training.sounds.music import SPARE_MUSIC
from tagger.training.sounds.noises import NOISES
from tagger.training.sounds.shaping import band, coloured, wandering
from tagger.training.sounds.speech import STYLES, VOICES, Voice, missing_programs
from tagger.training.sounds.tones import TONES

SR = 16_000
FAMILIES = {**NOISES, **TONES, **SPARE_MUSIC}
Family = Callable[..., np.ndarray]


@pytest.mark.parametrize("make", FAMILIES.values(), ids=FAMILIES)
def test_each_family_gives_what_is_asked_and_its_seed_decides(make: Family) -> None:
    n = 4 * SR + 7
    y = make(np.random.default_rng(3), n, SR)
    assert y.shape == (n,)
    assert np.isfinite(y).all()
    assert 1e-3 < np.abs(y).max() < 100
    assert np.array_equal(y, make(np.random.default_rng(3), n, SR))
    assert not np.array_equal(y, make(np.random.default_rng(4), n, SR))


def test_families_have_names_of_their_own() -> None:
    assert len(FAMILIES) == len(NOISES) + len(TONES) + len(SPARE_MUSIC)


@pytest.mark.parametrize("exponent", [0.0, -1.0, -2.0, 1.0])
def test_the_power_of_coloured_noise_falls_as_said(exponent: float) -> None:
    y = coloured(np.random.default_rng(0), 1 << 17, exponent)
    power = np.square(np.abs(np.fft.rfft(y)))
    octave = [power[1 << k : 2 << k].mean() for k in range(9, 15)]
    slopes = np.diff(np.log2(octave))
    assert slopes == pytest.approx(np.full(5, exponent), abs=0.25)


def test_a_band_keeps_what_lies_in_it() -> None:
    t = np.arange(SR) / SR
    inside, outside = np.sin(2 * np.pi * 1000 * t), np.sin(2 * np.pi * 6000 * t)
    assert np.abs(band(inside, SR, 500, 2000)[SR // 2 :]).max() > 0.8
    assert np.abs(band(outside, SR, 500, 2000)[SR // 2 :]).max() < 0.15


def test_a_wandering_curve_stays_within_its_bounds() -> None:
    y = wandering(np.random.default_rng(0), SR, SR, 5.0, 0.2, 0.7)
    assert len(y) == SR
    assert 0.2 <= y.min() < y.max() <= 0.7


def test_the_plan_holds_every_family_and_voice() -> None:
    clips = plan_clips(6)
    assert len(clips) == len(set(clips)) == 6 * len(FAMILIES) + 2 * len(VOICES)
    assert {c.source for c in clips if c.kind == "speech"} == {str(voice) for voice in VOICES}
    assert {c.family for c in clips if c.kind == "speech"} == set(STYLES)


def test_a_clip_is_what_its_name_says_always() -> None:
    first, sr = make_clip(Clip("noise", "rain", -1, 1))
    again, _ = make_clip(Clip("noise", "rain", -1, 1))
    assert np.array_equal(first, again)
    other, other_sr = make_clip(Clip("noise", "rain", -1, 2))
    assert not np.array_equal(first[:100], other[:100])
    for y, rate in ((first, sr), (other, other_sr)):
        assert 4 <= len(y) / rate <= 45
        assert 10 ** (-1.6) <= np.abs(y).max() < 1


def test_a_clip_is_heard_through_a_file() -> None:
    names = [name for name in GTZAN_FEATURES.values() if name.startswith("spectral_centroid.mean")]
    plan = ExcerptPlan(2, 5.0)
    heard = [clip_features(Clip("tone", "constant", -1, i), names, plan)[0] for i in range(6)]
    assert np.isfinite(heard).all()
    assert len(set(heard)) > 3


needs_voices = pytest.mark.skipif(bool(missing_programs()), reason="no speech synthesisers")


@needs_voices
@pytest.mark.parametrize("style", STYLES)
def test_speech_in_every_style(style: str) -> None:
    voices = [VOICES[0], VOICES[1]]
    y = speech.speech(np.random.default_rng(0), style, voices, 3 * SR, SR)
    assert y.shape == (3 * SR,)
    assert np.isfinite(y).all()
    assert np.abs(y).max() > 0.05


@needs_voices
def test_a_voice_that_does_not_exist_is_named() -> None:
    with pytest.raises(RuntimeError, match="espeak nobody cannot speak"):
        speech.say(np.random.default_rng(0), Voice("espeak", "nobody", "en"), "Hello.", SR)


@needs_voices
def test_voices_whose_package_is_missing_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    strangers = (Voice("espeak", "nobody", "en"), Voice("festival", "nobody", "en"))
    monkeypatch.setattr(speech, "VOICES", (VOICES[0], *strangers))
    assert speech.mute_voices() == [str(voice) for voice in strangers]
