"""Labelled files in, a model that a scan takes out; with the command line as a user has it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import synth
from cli.running import attempt_here
from training.tracing import untraced

pytest.importorskip("tensorflow")
pytest.importorskip("sklearn")

from tagger.errors import LockedError, UsageError
from tagger.library.lock import RunLock
from tagger.models.bundle import MANIFEST, load_bundle
from tagger.training import model, own_card
from tagger.training.out_files import BODY, PICTURES, remove_former
from tagger.training.own_fusion import BIAS
from tagger.training.settings import ModelSettings
from tagger.training.train import TrainOptions, train

pytestmark = pytest.mark.usefixtures("small_ensemble")

GENRES = {
    "hum": lambda i: synth.sine(110 * (1 + i / 7), 7.0) + synth.noise(7.0, amplitude=0.002, seed=i),
    "hiphop": lambda i: synth.song(7.0, seed=i),
    "wind, rain": lambda i: synth.noise(7.0, amplitude=0.05 + i / 100, seed=i),
}


@pytest.fixture(scope="module")
def music(tmp_path_factory) -> Path:
    """Seven artists a genre, with a track each, and two files of no use."""
    folder = tmp_path_factory.mktemp("music")
    for genre, made in GENRES.items():
        for i in range(7):
            path = folder / genre / f"artist {i}" / "album" / "1.flac"
            path.parent.mkdir(parents=True)
            synth.write(path, made(i))
    synth.write(folder / "hum" / "artist 0" / "album" / "2.wav", synth.silence(7.0))
    (folder / "hum" / "artist 1" / "album" / "2.mp3").write_bytes(b"no music at all" * 999)
    return folder


@pytest.fixture(scope="module")
def trained(
    music, tmp_path_factory, small_ensemble
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    out = tmp_path_factory.mktemp("models") / "mine"
    # TensorFlow makes ready for this network in a tenth of the time of the default one.
    arguments = ("--network", "dense-mfcc", "--epochs", "3", "-j2")
    with untraced():
        return out, attempt_here("train", music, "--out", out, *arguments)


def test_a_folder_becomes_a_model(trained):
    out, done = trained
    assert done.returncode == 0, done.stderr
    bundle = load_bundle(out)
    assert bundle.labels == ("Hip-Hop", "Hum", "Wind- Rain")
    assert bundle.identity == "mine 1"
    assert bundle.music is not None  # it knows what is no music, as the default model does
    assert "judged on 3 tracks, no artist of which it was fitted on" in done.stdout
    files = {path.name for path in out.iterdir()}
    assert {"MODEL_CARD.md", "figures.json", "confusion.png", "recall.png"} <= files
    assert not any(name.startswith(".") for name in files)  # the checkpoints are gone


def test_what_was_left_out_is_said_where_people_look(trained):
    out, done = trained
    card = (out / "MODEL_CARD.md").read_text()
    for text in (done.stderr, card):
        assert "2.wav" in text
        assert "2.mp3" in text
    assert "Traceback" not in done.stderr


def test_the_figures_are_of_tracks_that_were_kept_apart(trained):
    figures = json.loads((trained[0] / "figures.json").read_text())
    development, held = figures["development"], figures["held_out"]
    assert development["fitted_on"] + development["ended_by"] + held["n"] == figures["tracks"] == 21
    assert np.sum(held["confusion"]) == held["n"]
    assert figures["unit"] == "artist"


def test_a_scan_takes_it(trained, tmp_path):
    synth.write(tmp_path / "new.flac", synth.song(7.0, seed=99))
    report = tmp_path / "report.jsonl"
    done = attempt_here("scan", "-n", "--model", trained[0], "--report", report, tmp_path)
    assert done.returncode == 0, done.stderr
    track, summary = map(json.loads, report.read_text().splitlines())
    assert {label for label, _ in track["genres"]} == {"Hip-Hop", "Hum", "Wind- Rain"}
    assert summary["summary"]["model"] == "mine 1"


def test_evaluate_speaks_json(trained, music):
    done = attempt_here("evaluate", music, "--model", trained[0], "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["n"] == 21
    assert set(figures["parts"]) == {"ensemble", "cnn", "fused"}
    assert figures["parts"]["ensemble"] == 1.0  # it was fitted on them, and they differ widely
    assert figures["labels"] == ["Hip-Hop", "Hum", "Wind- Rain"]
    assert np.trace(figures["confusion"]) == pytest.approx(21 * figures["accuracy"])
    assert 0 <= figures["segments"]["majority_vote"] <= 1


def test_evaluate_speaks_to_people(trained, music):
    done = attempt_here("evaluate", music, "--model", trained[0])
    assert done.returncode == 0, done.stderr
    assert "mine 1 on 21 tracks" in done.stdout
    for genre in ("Hip-Hop", "Hum", "Wind- Rain"):
        assert genre in done.stdout
    lines = done.stdout.splitlines()
    (segments,) = (line for line in lines if line.startswith("Whole tracks from "))
    assert "majority vote" in segments
    assert "summed probability" in segments
    assert lines[lines.index(segments) + 1].endswith("stands in its model card.")


def test_evaluate_leaves_out_what_the_model_does_not_know(music):
    done = attempt_here("evaluate", music, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["n"] == 7
    assert "Hum: 9 tracks left out" in done.stderr


def test_evaluate_says_when_nothing_could_be_heard(tmp_path):
    for i in range(7):
        path = tmp_path / "rock" / f"{i}.mp3"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"no music at all" * 999)
    done = attempt_here("evaluate", tmp_path, "-j1")
    assert done.returncode == 2
    assert "none of 7 tracks could be heard (the first: " in done.stderr
    assert "0.mp3: not audio, " in done.stderr
    assert len(done.stderr.splitlines()) == 1
    synth.write(tmp_path / "rock" / "good.flac", synth.song(7.0))
    done = attempt_here("evaluate", tmp_path, "-j1")
    assert done.returncode == 0, done.stderr
    assert "and 2 more files that could not be heard" in done.stderr


def test_other_files_are_not_mixed_with_a_model(music, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match=r"holds other files \(letter.txt\)"):
        train(TrainOptions(music, tmp_path, ModelSettings("x")))
    with pytest.raises(UsageError, match="is a file"):
        train(TrainOptions(music, tmp_path / "letter.txt", ModelSettings("x")))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--network", "alexnet"], "--network alexnet: must be resnet or"),
        (["--network", "mlp"], "genretag compare DATA --classifiers mlp"),
        (["--balance", "much"], "--balance much: must be none or weights or sampling"),
        (["--weights", "imagenet"], "resnet begins without any"),
        (["--features", "t.csv"], "goes with a spectrogram archive"),
    ],
)
def test_wrong_usage_is_one_line(music, tmp_path, arguments, said):
    done = attempt_here("train", music, "--out", tmp_path / "m", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_full_disk_leaves_the_former_model(trained, music, tmp_path, monkeypatch):
    figures = json.loads((trained[0] / "figures.json").read_text())
    monkeypatch.setattr(model, "fit_model", lambda *_: (load_bundle(trained[0]), figures))

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / MANIFEST).write_text("the former model")
    with monkeypatch.context() as patch:
        patch.setattr(own_card, "write_own_card", full)
        with pytest.raises(UsageError, match="cannot be written: No space left"):
            train(TrainOptions(music, tmp_path, ModelSettings("x")))
    assert [p.name for p in tmp_path.iterdir() if p.name != ".training"] == [MANIFEST]
    assert (tmp_path / MANIFEST).read_text() == "the former model"
    train(TrainOptions(music, tmp_path, ModelSettings("x")))
    assert load_bundle(tmp_path).labels == load_bundle(trained[0]).labels


def test_what_the_default_model_hears_becomes_a_model_of_other_genres(trained, music, tmp_path):
    out = tmp_path / "mine"
    shutil.copytree(trained[0], out)
    assert (out / "learning_curve.png").exists()
    with untraced():
        done = attempt_here("train", music, "--from", "default", "--out", out, "-j2")
    assert done.returncode == 0, done.stderr
    assert "does not know it: Hum, Wind- Rain" in done.stderr
    bundle = load_bundle(out)
    assert bundle.fusion.bias == (0.0, BIAS, BIAS)
    card = (out / "MODEL_CARD.md").read_text()
    assert f"Bias: Hum {BIAS:+.2f}, Wind- Rain {BIAS:+.2f}, since" in card
    figures = json.loads((out / "figures.json").read_text())
    assert figures["held_out"]["accuracy"] == 1.0
    # Nothing of the former model is left, not even its picture that this one has not.
    pictures = {path.name for path in out.glob("*.png")}
    assert pictures == {*PICTURES} - {"learning_curve.png"}
    assert all(name in card for name in pictures)


def test_what_no_training_makes_is_left(tmp_path):
    for name in ("confusion.png", BODY, "mine.png", "codes.csv"):
        (tmp_path / name).touch()
    remove_former(tmp_path, {"confusion.png"})
    assert {path.name for path in tmp_path.iterdir()} == {"confusion.png", "mine.png", "codes.csv"}


def test_odd_names_and_two_artists_a_genre(tmp_path):
    made = (GENRES["hum"], GENRES["hiphop"], GENRES["wind, rain"])
    for genre, sound in zip(
        ("[red]", "R|B music\x1b[31m", os.fsdecode(b"\xff")), made, strict=True
    ):
        for i in range(4):
            path = tmp_path / "music" / genre / f"artist {i // 2}" / "album" / f"{i}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            synth.write(tmp_path / "new.wav", sound(i))  # libsndfile takes no name but UTF-8
            (tmp_path / "new.wav").replace(path)
    out = tmp_path / "out"
    settings = ModelSettings("x", network="dense-mfcc", epochs=1, balance="weights")
    options = TrainOptions(tmp_path / "music", out, settings, min_per_genre=2)
    said: list[str] = []
    with untraced():
        trained = train(options, say=said.append)
    assert trained.bundle.labels == ("R|B music\\x1b[31m", "[Red]", "\\xff")
    # One artist of each genre is judged, the other fitted on; that leaves none to stop by.
    assert "development: fitted on 6 tracks, judged on 6" in said
    card = (out / "MODEL_CARD.md").read_text()
    assert "run to its end (epoch 1), as no artist could be spared" in card
    assert "fitted on these very tracks" in card
    assert r"| R\|B music\x1b[31m |" in card
    assert not (out / ".training").exists()


def test_two_trainings_do_not_share_a_folder(music, tmp_path):
    (tmp_path / ".training").mkdir()
    with (
        RunLock(tmp_path / ".training", "genretag train"),
        pytest.raises(LockedError, match="genretag train"),
    ):
        train(TrainOptions(music, tmp_path, ModelSettings("x")))


def test_genres_of_too_few_tracks_end_it_with_a_reason(music, tmp_path):
    done = attempt_here("train", music, "--out", tmp_path / "m", "--min-per-genre", "50")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "genre" in done.stderr
