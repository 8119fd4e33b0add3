"""Codes of tracks, as a user has them: from audio files, without a genre."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import synth
from cli.running import attempt, attempt_here

pytest.importorskip("tensorflow")

from ai_edge_litert.interpreter import Interpreter

from tagger.training.encode import nearest


@pytest.fixture(scope="module")
def music(tmp_path_factory) -> Path:
    """Five hums and five winds of an artist each, and what is too short."""
    folder = tmp_path_factory.mktemp("music")
    for i in range(5):
        synth.write(folder / f"hum {i}.flac", synth.sine(200.0 + i, 7.0))
        synth.write(folder / f"wind {i}.flac", synth.noise(7.0, amplitude=0.1, seed=i))
    synth.write(folder / "short.flac", synth.sine(300.0, 2.0))
    return folder


@pytest.fixture(scope="module")
def trained(music, tmp_path_factory):
    out = tmp_path_factory.mktemp("codes") / "codes"
    arguments = ("--network", "autoencoder", "--epochs", "3", "--sonify", out.parent / "kept.wav")
    return out, attempt("train", music, "--out", out, *arguments, "-j1")


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))[1:]


def test_tracks_that_sound_alike_are_near(trained):
    out, done = trained
    assert done.returncode == 0, done.stderr
    assert "short.flac" in done.stderr
    assert "absl" not in done.stderr
    assert "CUDA" not in done.stderr
    neighbours = rows_of(out / "neighbours.csv")
    assert len(neighbours) == 10
    for track, *near in neighbours:
        kind = Path(track).name[:3]
        assert [Path(other).name[:3] for other in near[:4]] == [kind] * 4
        assert track not in near
    codes = rows_of(out / "codes.csv")
    assert len(codes) == 10
    assert {len(row) for row in codes} == {33}
    figures = json.loads((out / "figures.json").read_text())
    assert figures["tracks"] == 10
    assert 0 < figures["held"] < 5
    assert "codes.csv" in done.stdout


def test_a_track_can_be_heard(trained):
    out, done = trained
    y, sr = soundfile.read(out.parent / "kept.wav")
    assert sr == 22_050
    assert 5.5 < len(y) / sr < 7.0
    assert np.abs(y).max() == pytest.approx(1, abs=1e-3)
    assert "as its codes keep it" in done.stdout


def test_litert_runs_the_encoder(trained):
    interpreter = Interpreter(model_path=str(trained[0] / "encoder.tflite"))
    (put,), (got,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert put["shape_signature"].tolist() == [-1, 128, 130, 1]
    assert got["shape_signature"].tolist() == [-1, 32]


def test_nearest_by_hand() -> None:
    codes = np.array([[0, 0], [1, 0], [10, 1000], [11, 1000]], dtype=np.float32)
    assert nearest(codes, 2).tolist() == [[1, 2], [0, 2], [3, 1], [2, 1]]
    assert nearest(codes, 9).shape == (4, 3)
    # A number that varies in thousands counts no more than one that varies in tens.
    assert nearest(np.array([[0, 0], [9, 0], [0, 900], [1, 0]], np.float32), 1)[0, 0] == 3


def test_what_cannot_be_done_is_one_line(music, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    few = tmp_path / "few"
    few.mkdir()
    synth.write(few / "1.flac", synth.sine(300.0, 7.0))
    codes = ("--network", "autoencoder")
    for data, out, arguments, said in (
        (music, "mine", codes, "holds other files (letter.txt)"),
        (music, "m", (*codes, "--sonify", tmp_path / "none" / "a.wav"), "there is no such folder"),
        (music, "m", (*codes, "--labels", "tags"), "learns without labels"),
        (music, "m", ("--sonify", "a.wav"), "goes with --network autoencoder"),
        (tmp_path / "few", "m", codes, "4 tracks are needed"),
    ):
        done = attempt_here("train", data, "--out", tmp_path / out, *arguments, "-j1")
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "m").exists()
