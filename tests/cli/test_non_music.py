"""What is no music goes all the way through a scan, and nothing is written to it."""

from __future__ import annotations

from pathlib import Path

import pytest
import synth
from cli.running import genretag_here as genretag
from cli.running import report_of, snapshot

from tagger.models.bundle import find_bundle, load_bundle

SR = 22_050


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed")
    synth.write(folder / "hiss.flac", synth.noise(12.0, SR))
    synth.write(folder / "song one.flac", synth.song(8.0, SR))
    synth.write(folder / "song two.ogg", synth.song(30.0, SR, seed=1))
    synth.write(folder / "tone.mp3", synth.sine(1000.0, 10.0, SR))
    return folder


def test_a_scan_leaves_it_alone_and_says_why(mixed, tmp_path):
    before = snapshot(mixed)
    home = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = genretag("scan", mixed, "--report", tmp_path / "a.jsonl", **home)
    tracks, summary = report_of(tmp_path / "a.jsonl")
    assert summary["skipped"] == 2
    for name, kind in (("hiss.flac", "noise"), ("tone.mp3", "a tone")):
        assert tracks[name]["status"] == "skipped"
        assert tracks[name]["reason"].startswith(f"sounds like {kind}, not music (")
        assert tracks[name]["genres"] == []
        assert tracks[name]["cluster"] is None
        assert tracks[name]["heard_s"] > 9
        assert f"{name}: sounds like {kind}, not music (" in done.stderr
        assert f"sounds like {kind}, not music (1)" in done.stdout
        assert snapshot(mixed)[name] == before[name]
    for name in ("song one.flac", "song two.ogg"):
        assert tracks[name]["status"] != "skipped"
        assert tracks[name]["genres"]
        assert snapshot(mixed)[name] != before[name]
    assert sum(summary["genres"].values()) == 2

    genretag("scan", mixed, "--report", tmp_path / "b.jsonl", **home)
    again, summary = report_of(tmp_path / "b.jsonl")
    assert summary["heard"] == 0
    for name in ("hiss.flac", "tone.mp3"):
        assert again[name] == {**tracks[name], "cached": True}


def test_show_says_it_with_its_probability(mixed):
    said = genretag("show", "--verbose", mixed / "tone.mp3").stdout
    assert "nothing to be written: sounds like a tone, not music (" in said
    assert "a scan would report: sounds like a tone, not music (" in said
    assert "music at all: " in said
    assert "sure enough to be written" not in said


def test_the_default_model_can_judge():
    music = load_bundle(find_bundle("default")).music
    assert music is not None
    assert music.kinds == ("speech", "noise", "a tone")
    assert 0.5 <= music.threshold < 1
