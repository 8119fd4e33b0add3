from __future__ import annotations

import os
import shutil
from pathlib import Path

import mutagen
import pytest
import synth

pytest.importorskip("matplotlib")

from tagger.app import answer as answers
from tagger.app.answer import Answerer, problem_html
from tagger.errors import UsageError


@pytest.fixture(scope="module")
def answerer() -> Answerer:
    return Answerer("default")


@pytest.fixture
def song(tmp_path: Path) -> Path:
    folder = tmp_path / "upload"
    folder.mkdir()
    path = synth.write(folder / "<b>song.flac", synth.song(16.0))
    file = mutagen.File(path)
    file["genre"] = ["<script>alert(1)</script>"]
    file.save()
    return path


def test_the_answer_is_that_of_show(answerer: Answerer, song: Path) -> None:
    told: list[tuple[int, int]] = []
    answer = answerer.answer(song, progress=lambda *done: told.append(done))
    whole = answerer._viewer.view(song).whole
    assert list(answer.genres.items()) == [(g, p) for g, p in whole.genres[:5] if p >= 0.01]
    assert told[-1][0] == told[-1][1] > 0
    assert f"Music type: {whole.cluster}" in answer.facts
    assert answer.figure.get_suptitle().startswith("<b>song.flac\n")
    assert "0:16 long" in answer.facts


def test_tags_are_no_markup(answerer: Answerer, song: Path) -> None:
    facts = answerer.answer(song).facts
    assert "<script" not in facts
    assert "GENRE: &lt;script&gt;alert(1)&lt;/script&gt;" in facts


def test_similar_tracks_are_named_and_escaped(song: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    for i in range(2):
        path = synth.write(library / f"{i}.flac", synth.song(6.0, seed=i + 1))
        file = mutagen.File(path)
        file["artist"], file["title"] = [f"Artist <i>{i}"], [f"Title {i}"]
        file.save()
    answerer = Answerer("default", (library,))
    answerer.answer(song)  # what is new is heard now
    html = answerer.answer(song).neighbours
    for i in range(2):
        assert f"Artist &lt;i&gt;{i} – Title {i}" in html
    assert "<i>" not in html
    assert "Compared with 2 tracks" in html


def test_silence_is_drawn_and_explained(answerer: Answerer, tmp_path: Path) -> None:
    answer = answerer.answer(synth.write(tmp_path / "silent.wav", synth.silence(5.0)))
    assert (answer.genres, answer.neighbours) == ({}, "")
    assert "Nothing to classify" in answer.facts
    assert "nothing above -70 dBFS" in answer.facts
    assert "Hatched: silent" in answer.figure.axes[4].get_xlabel()


def test_what_is_no_music_gets_no_genres(answerer: Answerer, tmp_path: Path) -> None:
    answer = answerer.answer(synth.write(tmp_path / "noise.wav", synth.noise(8.0)))
    assert answer.genres == {}
    assert "No genre would be written: sounds like noise" in answer.facts


def test_problems_name_the_file_alone(answerer: Answerer, tmp_path: Path) -> None:
    path = tmp_path / "text <b>.mp3"
    path.write_text("no music" * 1000)
    with pytest.raises(UsageError) as caught:
        answerer.answer(path)
    assert str(caught.value).startswith("text <b>.mp3: ")
    assert str(tmp_path) not in str(caught.value)
    html = problem_html(caught.value)
    assert "text &lt;b&gt;.mp3" in html
    with pytest.raises(UsageError, match=r"^gone\.mp3: cannot be read: No such file"):
        answerer.answer(tmp_path / "gone.mp3")


def test_limits(
    answerer: Answerer, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "MAX_SECONDS", 10.0)
    with pytest.raises(UsageError, match="longer than"):
        answerer.answer(song)
    big = shutil.copy(song, tmp_path / "big.flac")
    os.truncate(big, answers.MAX_BYTES + 1)
    with pytest.raises(UsageError, match=r"^big\.flac: larger than 1024 MB"):
        answerer.answer(Path(big))
