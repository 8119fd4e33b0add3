"""Music or not, by hand: the small bundle's judge hears speech in feature 1, tones in 2."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from models.bundles import small_bundle

from tagger.models.bundle import MusicSpec, load_bundle
from tagger.models.music import kind_probabilities, sounds


@pytest.fixture
def spec(tmp_path) -> MusicSpec:
    music = load_bundle(small_bundle(tmp_path / "m")).music
    assert music is not None
    return music


def rows(*values: tuple[float, float, float]) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def test_a_softmax_with_music_at_zero(spec):
    # Standardised to (1, -2): speech scores 2 - 4, a tone -4 - 4.
    (row,) = kind_probabilities(rows((9.0, 7.0, -1.0)), spec)
    total = 1 + np.exp(-2) + np.exp(-8)
    assert row == pytest.approx([np.exp(-2) / total, np.exp(-8) / total])


def test_what_is_far_from_all_that_was_heard_says_no_more_than_the_limit(spec):
    at_limit = kind_probabilities(rows((0.0, 11.0, 0.0)), spec)
    assert kind_probabilities(rows((0.0, 1e30, 0.0)), spec) == pytest.approx(at_limit)
    assert kind_probabilities(rows((0.0, 10.0, 0.0)), spec)[0, 0] < at_limit[0, 0]


def test_large_scores_do_not_overflow(spec):
    steep = dataclasses.replace(spec, coefficients=((2000.0, 0.0), (0.0, 2000.0)))
    assert kind_probabilities(rows((0.0, 11.0, 0.0)), steep) == pytest.approx(np.array([[1, 0]]))
    assert np.isfinite(kind_probabilities(rows((0.0, 0.0, 0.0)), steep)).all()


def test_each_track_is_judged(spec):
    music, speech, tone, either = sounds(
        rows((0.0, 5.0, 0.0), (0.0, 11.0, 0.0), (0.0, 5.0, 1.5), (0.0, 11.0, 1.5)), spec
    )
    assert music.objection == ""
    assert music.music == pytest.approx(1 / (1 + 2 * np.exp(-4)))
    assert speech.objection == "sounds like speech, not music (0.88)"
    assert speech.music == pytest.approx(1 / (1 + np.exp(2) + np.exp(-4)))
    assert tone.objection == "sounds like a tone, not music (0.88)"
    # As likely one as the other: neither is named.
    assert either.objection == "does not sound like music (0.94)"


def test_the_threshold_decides(spec):
    (speech,) = sounds(rows((0.0, 11.0, 0.0)), dataclasses.replace(spec, threshold=0.9))
    assert speech.objection == ""
    assert speech.music is not None
    assert speech.music < 0.13
