from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from report.reports import HOSTILE, MARKUP

from tagger.report.similar import print_similar, similar_as_json


@dataclass(frozen=True)
class Tags:
    genre: tuple[str, ...] = ()
    artist: str = ""
    album: str = ""
    title: str = ""


@dataclass(frozen=True)
class Track:
    path: Path
    similarity: float = 0.5
    why: tuple[str, ...] = ("both Rock", "as rhythmic", "brighter")
    duration_s: float = 200.0
    genres: tuple[tuple[str, float], ...] = (("Rock", 0.6), ("Pop", 0.4))
    tags: Tags = field(default_factory=Tags)


@dataclass(frozen=True)
class Found:
    path: Path = Path("/m/seed.mp3")
    model: str = "default 1.0.0"
    genres: tuple[tuple[str, float], ...] = (("Rock", 0.96), ("Pop", 0.04))
    objection: str = ""
    compared: int = 1234
    not_heard: int = 0
    neighbours: tuple[Track, ...] = ()
    tags: Tags = field(default_factory=Tags)
    duration_s: float = 61.0


TWO = (
    Track(Path("/m/Ann/First/01 Song.mp3"), 0.913, tags=Tags(artist="Ann", title="Song")),
    Track(Path("/m/Bob/x.mp3"), -0.204),
)


def test_what_is_said_of_neighbours(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    print_similar(Found(neighbours=TWO))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "/m/seed.mp3",
        "1:01 · Rock 96 %; model default 1.0.0",
        "",
        "Nearest of 1,234 tracks; paths below /m",
        "like track length why",
        "0.91 Ann/First/01 Song.mp3 3:20 both Rock, as rhythmic, brighter",
        "Ann – Song",
        "-0.20 Bob/x.mp3 3:20 both Rock, as rhythmic, brighter",
    ]


def test_no_neighbours_and_what_else_is_to_be_said(capsys):
    print_similar(Found(compared=0, not_heard=2, objection="sounds like speech, not music (0.9)"))
    out = capsys.readouterr().out
    for words in ("Nearest of 0 tracks", "none", "2 files could not be heard", "like speech"):
        assert words in out


def test_a_long_path_is_not_broken_off_a_terminal(capsys):
    long = Path("/m") / ("x" * 150) / ("y" * 150)
    print_similar(Found(neighbours=(replace(TWO[0], path=long), TWO[1])))
    assert f"{'x' * 150}/{'y' * 150} " in capsys.readouterr().out


@pytest.mark.parametrize(("raw", "safe"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_shown_and_not_obeyed(capsys, raw, safe):
    named = raw.replace("\0", "")
    track = Track(Path(f"/m/{named}.mp3"), tags=Tags(artist=raw, title=raw))
    print_similar(Found(Path(f"/m/{named}"), model=raw, neighbours=(track,), tags=track.tags))
    out = capsys.readouterr().out
    assert out.count(safe) >= 5
    assert all(line.isprintable() for line in out.split("\n"))


def test_markup_is_printed_as_it_stands(capsys):
    tags = Tags(artist=MARKUP, title=MARKUP)
    track = Track(Path("/m") / MARKUP, why=(MARKUP,), tags=tags)
    print_similar(Found(Path(MARKUP), objection=MARKUP, neighbours=(track, TWO[1]), tags=tags))
    assert capsys.readouterr().out.count(MARKUP) == 8


def test_json_holds_everything(capsys):
    named = Path("/m/caf\udce9.mp3")
    similar_as_json(Found(neighbours=(replace(TWO[0], path=named),)))
    out = capsys.readouterr().out
    assert out.isascii()
    found = json.loads(out)
    assert found["compared"] == 1234
    (track,) = found["neighbours"]
    assert track["path"] == str(named)
    assert (track["similarity"], track["distance"]) == (0.913, 0.087)
    assert track["why"] == ["both Rock", "as rhythmic", "brighter"]
    assert track["genres"] == [["Rock", 0.6], ["Pop", 0.4]]
    assert (track["artist"], track["title"], track["album"]) == ("Ann", "Song", "")
