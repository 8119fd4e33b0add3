"""The shipped model on synthetic clips that are stored again in other ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import synth

pytest.importorskip("sklearn")
pytest.importorskip("joblib")

from tagger.errors import AudioError
from tagger.training import robustness
from tagger.training.robustness import judge_robustness, main

CODED, SAME = "Vorbis q4", "stereo"


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for i, genre in enumerate(("Rock", "Rock", "Jazz", "Zouk")):
        (folder / genre).mkdir(exist_ok=True)
        y = synth.song(3.5, seed=i) + synth.noise(3.5, amplitude=0.02 * i, seed=i)
        synth.write(folder / genre / f"{i}.wav", y[:, None].repeat(2, axis=1))
    return folder


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, music: Path) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("judged")
    places = ["--out", str(folder / "r.json"), "--table", str(folder / "r.md")]
    seeds = ["--seed-models", "default", "--work", str(folder / "work")]
    variants = ["--variants", SAME, CODED, "start 15 s", "middle 15 s", "end 15 s"]
    main([str(music), *places, *seeds, *variants])
    return folder, json.loads((folder / "r.json").read_text(encoding="utf-8"))


def test_the_same_samples_change_nothing(judged: tuple[Path, dict[str, Any]]) -> None:
    _, figures = judged
    assert figures["n"] == figures["original"]["n"] == 3
    assert figures["labels"] == ["Jazz", "Rock"]
    assert "1 tracks left out, as default" in " ".join(figures["notes"])
    same = figures["variants"][SAME]
    assert (same["flips"], same["top_change"], same["drop"]) == (0, 0, 0)
    assert figures["variants"][CODED]["top_change"] > 0
    assert figures["variants"][CODED]["n"] == 3


def test_excerpts_of_what_is_no_longer_agree(judged: tuple[Path, dict[str, Any]]) -> None:
    _, figures = judged
    assert list(figures["positions"]) == ["15 s"]
    assert figures["positions"]["15 s"]["flips"] == 0
    assert figures["positions"]["15 s"]["n"] == 3


def test_a_model_agrees_with_itself(judged: tuple[Path, dict[str, Any]]) -> None:
    _, figures = judged
    assert len(figures["seeds"]["accuracy"]) == 2
    assert (figures["seeds"]["sd"], figures["seeds"]["flips"]) == (0, 0)


def test_the_table_is_that_of_the_figures(
    judged: tuple[Path, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, figures = judged
    table = (folder / "r.md").read_text(encoding="utf-8")
    assert table == robustness.robustness_table(figures)
    assert f"| {CODED} | " in table


def test_only_what_is_dear_is_kept_and_used_again(
    judged: tuple[Path, dict[str, Any]], music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, figures = judged
    assert {path.suffix for path in (folder / "work").iterdir()} == {".ogg"}
    assert len(list((folder / "work").iterdir())) == 3

    def never(*arguments: object) -> None:
        raise AssertionError("encoded again")

    monkeypatch.setattr(robustness, "write_variant", never)
    again = judge_robustness(music, "default", variants=[CODED], work=folder / "work")
    assert again["variants"][CODED] == figures["variants"][CODED]


def test_a_sample_keeps_the_genres_shares(music: Path, tmp_path: Path) -> None:
    two = judge_robustness(music, "default", variants=[], clips=2, work=tmp_path)
    assert (two["n"], two["labels"]) == (2, ["Jazz", "Rock"])


def test_a_short_clip_is_refused_and_a_broken_one_named(music: Path, tmp_path: Path) -> None:
    for name in ("Rock", "Jazz"):
        (tmp_path / "m" / name).mkdir(parents=True)
        synth.write(tmp_path / "m" / name / "a.wav", synth.song(4.0))
    synth.write(tmp_path / "m" / "Rock" / "short.wav", synth.song(1.0))
    figures = judge_robustness(tmp_path / "m", "default", variants=[SAME], work=tmp_path / "w")
    assert (figures["n"], figures["original"]["n"]) == (3, 2)
    assert figures["original"]["refused"] >= 1 / 3
    assert "1 clips cannot be heard" in " ".join(figures["notes"])
    (tmp_path / "m" / "Rock" / "broken.wav").write_bytes(b"RIFF")
    with pytest.raises(AudioError, match=r"broken\.wav"):
        judge_robustness(tmp_path / "m", "default", variants=[SAME], work=tmp_path / "w")


def test_what_cannot_be_judged_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Zouk").mkdir()
    synth.write(tmp_path / "Zouk" / "a.wav", synth.song(3.5))
    with pytest.raises(SystemExit) as stop:
        main([str(tmp_path), "--work", str(tmp_path / "work")])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("robustness: ")
    assert error.count("\n") == 1
