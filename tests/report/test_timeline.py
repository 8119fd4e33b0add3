from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from report.reports import HOSTILE
from report.test_track import view

from tagger.domain import Prediction
from tagger.report.timeline import print_timeline, print_track_json
from tagger.timeline import Stretch, Timeline


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def timeline(window_s: float = 15.0, genre: str = "Rock") -> Timeline:
    nothing = np.zeros((2, 2), dtype=np.float32)
    answer = Prediction(((genre, 0.75), ("Jazz", 0.25)), None)
    return Timeline(
        Path("a.mp3"), "default 1.0.0", (genre, "Jazz"), 150.0,
        (Stretch(0, 75, 0, window_s, answer), Stretch(75, 150, 75, 75 + window_s, None, "silent")),
        nothing, nothing, np.array([1.0, 2.0]),
    )  # fmt: skip


def test_a_row_for_each_stretch(capsys):
    print_timeline(timeline())
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "", "Along the track", "sampled: 15 s in the middle of every 1:15",
        f"0:00 Rock 75 % {'━' * 18} Jazz 25 %", "1:15 — silent",
    ]  # fmt: skip
    print_timeline(replace(timeline(75.0), damage="damaged: it ends"))
    out = capsys.readouterr().out
    assert "sampled" not in out
    assert "damaged: it ends" in out


@pytest.mark.parametrize(("raw", "safe"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_genres_are_shown_and_not_obeyed(capsys, raw, safe):
    print_timeline(timeline(genre=raw))
    out = capsys.readouterr().out
    assert safe in out
    assert all(line.isprintable() for line in out.split("\n"))


def test_a_track_for_programs(capsys):
    name = os.fsdecode(b"caf\xe9\n.mp3")
    print_track_json(view(path=Path(name)), timeline())
    value = json.loads(capsys.readouterr().out)
    assert value["path"] == name
    assert value["genres"] == [["Rock", 0.8], ["Pop", 0.2]]
    assert value["excerpts"][1] == {"start_s": 50.0, "genres": [["Pop", 0.2], ["Rock", 0.8]]}
    assert value["sure"] == ["Rock"]
    assert value["current"] == {"GENRE": ["Jazz", "Soul"]}
    first, second = value["timeline"]
    assert first["genres"] == [["Rock", 0.75], ["Jazz", 0.25]]
    assert (second["start_s"], second["heard_s"]) == (75, [75, 90])
    assert (second["genres"], second["problem"]) == ([], "silent")
    print_track_json(view(tags="unreadable"), None)
    value = json.loads(capsys.readouterr().out)
    assert "timeline" not in value
    assert value["tags_problem"] == "unreadable"
