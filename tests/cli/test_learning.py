"""``compare`` and ``explore`` as a user has them: on audio files, with every file written."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import synth
from cli.running import attempt_here as attempt

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

from tagger.report.learning import LearningConsole

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def _heard_once(tmp_path_factory, monkeypatch) -> None:
    """What one of these tests hears, the others find in the cache."""
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "heard"))


@pytest.fixture(scope="module")
def music(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    rows = ["path,genre,artist"]
    for genre in ("beat", "wind"):
        for i in range(4):
            name = f"{genre}{i}.flac"
            y = synth.song(6.0, seed=i) if genre == "beat" else synth.noise(6.0, seed=i)
            synth.write(folder / name, y)
            rows.append(f"{name},{genre},{genre} band {i}")
    rows.append(f"{name},,nobody")
    (folder / "labels.csv").write_text("\n".join(rows))
    return folder / "labels.csv"


def test_compare(music, tmp_path):
    table, plot = tmp_path / "cells.csv", tmp_path / "map.png"
    done = attempt(
        *("compare", music, "--classifiers", "logistic-regression,naive-bayes", "--folds", "2"),
        *("--csv", table, "--plot", plot, "-j1"),
    )
    assert done.returncode == 0, done.stderr
    assert plot.read_bytes().startswith(PNG)
    with table.open(newline="") as stream:
        cells = list(csv.DictReader(stream))
    assert {cell["classifier"] for cell in cells} == {"logistic-regression", "naive-bayes"}
    whole = [cell for cell in cells if cell["features"] == "all"]
    assert [float(cell["accuracy"]) for cell in whole] == [1.0, 1.0]  # beats and wind
    assert {float(cell["n_features"]) for cell in whole} == {518.0}
    assert "8 tracks of 2 genres, folds by artist" in done.stderr
    assert "mfcc/contrast/chroma" in done.stdout
    assert "…" not in done.stdout  # names differ in their ends
    assert "s a fit" in done.stdout


def test_search(music, tmp_path):
    table = tmp_path / "found.csv"
    done = attempt(
        *("compare", music, "--search", "--draws", "2", "--csv", table, "-j1"),
        *("--classifiers", "naive-bayes,logistic-regression"),
    )
    assert done.returncode == 0, done.stderr
    with table.open(newline="") as stream:
        rows = {row["classifier"]: row for row in csv.DictReader(stream)}
    assert list(json.loads(rows["naive-bayes"]["parameters"])) == ["var_smoothing"]
    assert [float(row["kappa"]) for row in rows.values()] == [1.0, 1.0]  # beats and wind
    assert "8 tracks of 2 genres, split by artist" in done.stderr
    assert "var_smoothing" in done.stdout
    assert "artists that the search did not see" in done.stdout
    refused = attempt("compare", music, "--search", "--plot", tmp_path / "map.png")
    assert refused.returncode == 2
    assert "has no heat map" in refused.stderr


def test_compare_refuses_what_it_does_not_know_before_it_hears_anything(music):
    done = attempt("compare", music, "--classifiers", "oracle")
    assert done.returncode == 2
    assert "'oracle'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_plot_that_cannot_be_written_is_one_line(music, tmp_path):
    done = attempt(
        *("compare", music, "--classifiers", "naive-bayes", "--folds", "2", "-j1"),
        *("--plot", tmp_path / "none" / "map.png"),
    )
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert "mfcc/contrast" in done.stdout  # what was computed is not lost


def test_explore(music, tmp_path):
    done = attempt("explore", music, "--plots", tmp_path / "plots")
    assert done.returncode == 0, done.stderr
    named = {Path(line) for line in done.stdout.splitlines() if line.startswith(str(tmp_path))}
    assert named == set((tmp_path / "plots").iterdir())
    pictures = [path for path in named if path.suffix == ".png"]
    assert len(pictures) >= 6
    assert all(path.read_bytes().startswith(PNG) for path in pictures)
    assert "1 track without a genre" in done.stderr


def test_names_are_no_markup(capsys):
    LearningConsole().explored(
        {"[/red]": 1, ":smile:": 2}, [("[bold]", 0.5)], 0, [Path("[/x].png")]
    )
    shown = capsys.readouterr().out
    for name in ("[/red]", ":smile:", "[bold]", "[/x].png"):
        assert name in shown


def test_explore_refuses_a_file_as_its_folder(music):
    done = attempt("explore", music, "--plots", music)
    assert done.returncode == 2
    assert "is a file" in done.stderr


@pytest.mark.parametrize("command", ["train", "compare"])
def test_lists_need_no_tracks(command):
    option = "--network" if command == "train" else "--classifiers"
    done = attempt(
        command, "nowhere", option, "list", *(["--out", "x"] if command == "train" else [])
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 8
