from __future__ import annotations

import numpy as np
import pytest
import synth

from tagger.analysis.analyse import analyse
from tagger.analysis.picture import N_MELS
from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.training.examples import Example
from tagger.training.hearing import Recipe, as_wide, hear_examples

FEATURES = ("mfcc.mean.02", "spectral_centroid.mean.01", "log_mel.mean.005")


@pytest.fixture
def examples(tmp_path) -> list[Example]:
    paths = [
        synth.write(tmp_path / "one.mp3", synth.song(8.0, seed=1)),
        synth.write(tmp_path / "two.flac", synth.song(40.0, seed=2)),
        synth.write(tmp_path / "silent.wav", synth.silence(8.0)),
        tmp_path / "gone.mp3",
    ]
    return [Example(path, "Rock") for path in paths]


def test_what_is_heard_is_what_the_analysis_gives(examples):
    heard = hear_examples(examples, Recipe(FEATURES), jobs=1)
    assert [e.path.name for e in heard.examples] == ["one.mp3", "two.flac"]
    for example, sound in zip(heard.examples, heard.sounds, strict=True):
        signal = read_signal(example.path, ExcerptPlan(1, 30.0))
        expected = analyse(signal, FEATURES)
        assert np.array_equal(sound.features, expected.features)
        assert np.array_equal(sound.picture, expected.picture.parts[0])
        assert sound.duration_s == signal.duration_s
    assert heard.sounds[1].picture.shape == (N_MELS, 387)


def test_what_cannot_be_heard_is_said(examples):
    problems = dict(hear_examples(examples, Recipe(FEATURES), jobs=2).problems)
    assert {path.name for path in problems} == {"silent.wav", "gone.mp3"}
    assert all(problems.values())


def test_nothing_is_heard_twice(examples, tmp_path):
    done: list[int] = []
    first = hear_examples(examples, Recipe(FEATURES), jobs=1, progress=done.append)
    assert first.recalled == 0
    assert done[-1] == len(examples)
    moved = examples[0].path.rename(tmp_path / "elsewhere.mp3")
    again = hear_examples([Example(moved, "Jazz"), examples[1]], Recipe(FEATURES), jobs=1)
    assert again.recalled == 2
    for before, after in zip(first.sounds, again.sounds, strict=True):
        assert np.array_equal(before.features, after.features)
        assert np.array_equal(before.picture, after.picture)


def test_another_recipe_is_heard_anew(examples):
    hear_examples(examples[:1], Recipe(FEATURES), jobs=1)
    other = hear_examples(examples[:1], Recipe(FEATURES[:2]), jobs=1)
    assert other.recalled == 0
    assert other.sounds[0].features.shape == (2,)
    frames = hear_examples(examples[:1], Recipe(FEATURES, every_frame=True), jobs=1)
    assert frames.recalled == 0
    assert frames.sounds[0].picture.shape[1] > 3 * other.sounds[0].picture.shape[1]


def test_one_width():
    narrow = np.arange(N_MELS * 3, dtype=np.uint8).reshape(N_MELS, 3)
    wide = np.tile(narrow, 4)
    both = as_wide([narrow, wide], 7)
    assert both.shape == (2, N_MELS, 7)
    assert np.array_equal(both[0], wide[:, :7])
    assert np.array_equal(both[1], wide[:, :7])
