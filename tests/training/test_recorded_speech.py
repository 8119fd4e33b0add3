"""Recorded speech: packages unpacked, and clips put together."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import synth

pytest.importorskip("sklearn")

from training.test_free_music import package_of

from tagger.audio.excerpts import ExcerptPlan
from tagger.audio.samples import SAMPLE_RATE
from tagger.errors import UsageError
from tagger.training import recorded_speech
from tagger.training.datasets import ENSEMBLE_FEATURES
from tagger.training.free_music import unpack
from tagger.training.recorded_speech import Speaker, said_by, speakers, speech_features

needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not here")


def word(path: Path, seconds: float, seed: int, amplitude: float = 0.3) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    synth.write(path, synth.noise(seconds, amplitude=amplitude, seed=seed))
    return path.read_bytes()


@needs_dpkg
def test_recordings_are_kept_by_language(tmp_path: Path) -> None:
    one = word(tmp_path / "one.wav", 0.5, 1)
    package = package_of(
        tmp_path,
        {
            "usr/share/klettres/de/alpha/a.wav": one,
            "usr/share/klettres/de/syllab/a.wav": one,
            "usr/share/klettres/sounds.txt": b"no recording",
            "usr/share/icons/click.wav": one,
            "usr/share/asterisk/sounds/fr_CA_f_June/digits/1.wav": one,
            "usr/share/asterisk/sounds/fr_CA_f_June/silence/1.wav": one,
            "usr/share/doc/game/copyright": b"free as in speech",
        },
    )
    assert unpack(package, tmp_path / "speech" / "klettres-data", recorded_speech._recordings) == 3
    found = {s.language: [p.name for p in s.recordings] for s in speakers(tmp_path / "speech")}
    assert found == {"de": ["alpha-a.wav", "syllab-a.wav"], "fr_CA_f_June": ["digits-1.wav"]}
    assert (tmp_path / "speech" / "klettres-data" / "copyright").is_file()


def test_a_language_is_on_one_side_whatever_the_package() -> None:
    groups = {
        Speaker(package, language, ()).group
        for package, language in [
            ("klettres-data", "en"),
            ("ktuberling-data", "en_GB"),
            ("asterisk-core-sounds-en-wav", "en_US_f_Allison"),
            ("asterisk-core-sounds-es-wav", "es_MX_f_Allison"),  # the same person
        ]
    }
    assert groups == {"speech/en"}
    assert Speaker("ktuberling-data", "sr@latin", ()).group == "speech/sr"


def test_words_are_said_one_after_another_with_pauses(tmp_path: Path) -> None:
    for i in range(12):
        # Some whisper, some shout; one word is too short to be one, and one says nothing.
        word(tmp_path / "a" / "xx" / f"{i}.wav", 0.8, i, amplitude=0.05 + 0.02 * i)
    word(tmp_path / "a" / "xx" / "click.wav", 0.05, 1)
    word(tmp_path / "a" / "xx" / "nothing.wav", 0.8, 1, amplitude=0.0005)
    (speaker,) = speakers(tmp_path)
    clips = said_by(speaker, np.random.default_rng(0))
    assert len(clips) == 2
    for y in clips:
        assert 12 * 0.9 < len(y) / SAMPLE_RATE < 12 * 1.3
        assert np.abs(y).max() == pytest.approx(0.6, abs=0.05)
        quiet = np.sort(np.abs(y))[: len(y) // 10]  # a room, not nothing, and no word
        assert 0 < quiet.max() < 0.05
    assert not np.array_equal(*(y[:SAMPLE_RATE] for y in clips))
    plan = ExcerptPlan(2, 15.0)
    rows = speech_features(speaker, plan, np.random.default_rng(0))
    assert rows.shape == (2, len(ENSEMBLE_FEATURES))
    assert np.array_equal(rows, speech_features(speaker, plan, np.random.default_rng(0)))


def test_who_says_next_to_nothing_is_left_out(tmp_path: Path) -> None:
    word(tmp_path / "a" / "xx" / "1.wav", 0.8, 1)
    (speaker,) = speakers(tmp_path)
    assert said_by(speaker, np.random.default_rng(0)) == []
    rows = speech_features(speaker, ExcerptPlan(2, 15.0), np.random.default_rng(0))
    assert rows.shape == (0, len(ENSEMBLE_FEATURES))


@pytest.mark.parametrize("made", [True, False])
def test_where_nobody_speaks_it_says_how_to_fetch_it(tmp_path: Path, made: bool) -> None:
    folder = tmp_path / "speech"
    if made:
        folder.mkdir()
    with pytest.raises(UsageError, match="no recorded speech; `python -m"):
        speakers(folder)


def test_what_cannot_be_fetched_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recorded_speech, "PACKAGES", ("here", "no-such-package-as-this"))
    (tmp_path / "here").mkdir()
    if shutil.which("apt-get") is None:
        pytest.skip("apt-get is not here")
    with pytest.raises(SystemExit, match="not there: no-such-package-as-this; `apt-get update`"):
        recorded_speech.main([str(tmp_path)])
    assert "no-such-package-as-this: not fetched: " in capsys.readouterr().out
