"""A genre more for a model, without the tracks that it was fitted on."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import synth
from cli.running import attempt_here as attempt
from cli.running import genretag_here as genretag

pytest.importorskip("sklearn")

from tagger.domain import Hearing
from tagger.models.bundle import find_bundle, load_bundle
from tagger.models.classifier import Classifier
from tagger.training.export import write_bundle
from tagger.training.genre_statistics import STATISTICS, statistics_of


def beat(i: int) -> np.ndarray:
    return synth.song(6.0, seed=i)


@pytest.fixture(scope="module")
def music(tmp_path_factory) -> Path:
    """Six tracks of something new, and five of a genre that the model knows."""
    folder = tmp_path_factory.mktemp("music")
    for genre, n in {"beat": 6, "rock": 5}.items():
        for i in range(n):
            path = folder / genre / f"artist {i}" / "album" / "1.flac"
            path.parent.mkdir(parents=True)
            synth.write(path, beat(i))
    return folder


@pytest.fixture(scope="module")
def added(music, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "mine"
    return out, attempt("train", music, "--add-to", "default", "--out", out, "-j1")


def test_the_genre_is_one_of_the_models(added):
    out, done = added
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    default = load_bundle(find_bundle("default")).identity
    assert f"Rock: 5 tracks left out, as {default} knows it already" in done.stderr
    bundle, base = load_bundle(out), load_bundle(find_bundle("default"))
    assert bundle.labels == (*base.labels, "Beat")
    assert bundle.identity == "mine 1"
    card = (out / "MODEL_CARD.md").read_text()
    assert f"{default} with 1 genre more" in card
    assert "| Beat | 6 |" in card
    (genre,) = json.loads((out / "figures.json").read_text())["genres"]
    assert genre["recall"] == 1.0  # they are all alike, and like no other music
    assert genre["mistaken"] < 0.05
    assert genre["unit"] == "artist"


def test_a_scan_says_it(added, tmp_path):
    synth.write(tmp_path / "new.flac", beat(20))
    report = tmp_path / "report.jsonl"
    genretag("scan", "-n", "--model", added[0], "--report", report, tmp_path)
    track = json.loads(report.read_text().splitlines()[0])
    ranked = dict(track["genres"])
    assert len(ranked) == 12
    assert ranked["Beat"] > 0.5
    assert sum(ranked.values()) == pytest.approx(1, abs=1e-3)


def test_nothing_changes_between_the_others(added):
    base, bundle = load_bundle(find_bundle("default")), load_bundle(added[0])
    statistics = statistics_of(base)
    assert statistics is not None
    drawn = statistics.drawn(2, np.random.default_rng(0)) * statistics.scale + statistics.mean
    answers = np.log(np.random.default_rng(1).dirichlet(np.ones(11), (len(drawn), 3)))
    hearings = [
        Hearing(30.0, 30.0, row, log.astype(np.float32), (0.0, 7.0, 15.0))
        for row, log in zip(drawn.astype(np.float32), answers, strict=True)
    ]
    pairs = zip(
        Classifier(base).predict(hearings), Classifier(bundle).predict(hearings), strict=True
    )
    for before, after in pairs:
        old, new = dict(before.genres), dict(after.genres)
        left = 1 - new.pop("Beat")
        assert left > 0.5
        assert new == pytest.approx({label: left * p for label, p in old.items()})
        assert before.music == after.music


def test_another_can_be_added_to_the_result(added, music, tmp_path):
    more = tmp_path / "more" / "wind"
    more.mkdir(parents=True)
    for i in range(5):
        synth.write(more / f"{i}.flac", synth.noise(6.0, amplitude=0.05 + i / 100, seed=i))
    shutil.copytree(added[0], tmp_path / "m")
    (tmp_path / "m" / "confusion.png").touch()  # of a model that `train` put there before
    done = genretag(
        "train", tmp_path / "more", "--add-to", added[0], "--out", tmp_path / "m", "-j1"
    )
    assert load_bundle(tmp_path / "m").labels[-2:] == ("Beat", "Wind")
    assert "Wind" in done.stdout
    assert not (tmp_path / "m" / "confusion.png").exists()
    first, second = (statistics_of(load_bundle(f)) for f in (added[0], tmp_path / "m"))
    assert len(second.centres) == len(first.centres) + 1


def test_what_cannot_be_added_is_one_line(music, tmp_path):
    shutil.copytree(music / "rock", tmp_path / "rock" / "rock")
    base = load_bundle(find_bundle("default"))
    weights = {name: data for name, data in base.weights.items() if name != STATISTICS}
    old = write_bundle(replace(base, weights=weights), tmp_path / "old").folder
    for folder, arguments, said in (
        (music, ["--add-to", "default", "--min-per-genre", "9"], "no genre is left"),
        (tmp_path / "rock", ["--add-to", "default"], "knows all of its genres already"),
        (music, ["--add-to", old], "does not hold what its genres sound like"),
        (music, ["--add-to", "nowhere"], "no model 'nowhere'"),
        (music, ["--add-to", "default", "--network", "lstm"], "leave out --network"),
    ):
        done = attempt("train", folder, "--out", tmp_path / "m", *arguments, "-j1")
        assert done.returncode == 2
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert not (tmp_path / "m").exists()
