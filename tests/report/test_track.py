from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report.reports import HOSTILE, MARKUP

from tagger.domain import Candidate, CurrentTags, Hearing, Prediction, Route, TrackView
from tagger.report.track import print_track


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def view(**more: Any) -> TrackView:
    nothing = np.zeros((2, 2), dtype=np.float32)
    genres = (("Rock", 0.8), ("Pop", 0.2))
    values: dict[str, Any] = {
        "path": Path("/m/a.mp3"),
        "model": "default 1.0.0",
        "hearing": Hearing(62.0, 30.0, nothing[0], nothing, (0.0, 50.0)),
        "whole": Prediction(genres, "loud"),
        "patches": (Prediction(genres, None), Prediction(genres[::-1], None)),
        "patch_s": 15.0,
        "routes": (Route("Rock", (), "Rock"), Route("Pop", (), "Pop")),
        "candidates": (
            Candidate("Rock", 0.8, 0.75, ("Rock",)),
            Candidate("Pop", 0.2, 0.5, ("Pop",)),
        ),
        "written": ("Rock",),
        "tags": CurrentTags("FLAC", {"GENRE": ("Jazz", "Soul")}),
        "plan": "kept genre Jazz, Soul (policy fill)",
    }
    return TrackView(**{**values, **more})


def test_one_track_is_shown_whole(capsys):
    print_track(view())
    out = capsys.readouterr().out
    for words in ("/m/a.mp3", "1:02 long, 30 s heard", "default 1.0.0", "0:00 to 0:15",
                  "0:50 to 1:02", "sure enough to be written: Rock 80 %, needs 75 %", "loud",
                  "FLAC", "Jazz; Soul"):  # fmt: skip
        assert words in out
    assert "labels" not in out
    assert "a scan" not in out


def test_one_track_below_its_threshold(capsys):
    whole = Prediction((("Disco", 0.5), ("House", 0.3), ("Rock", 0.195), ("Funk", 0.005)), None)
    unsure = (Candidate("Dance", 0.805, 0.81, ("Disco", "House", "Funk")),)
    routes = tuple(Route(label, (), label) for label, _ in whole.genres)
    print_track(view(whole=whole, routes=routes, candidates=unsure, written=()))
    verdict = "too unsure to be written: Dance (Disco, House) 80 %, needs 81 %"
    assert verdict in capsys.readouterr().out


def test_what_is_no_music_is_said_with_its_probability(capsys):
    said = "sounds like speech, not music (0.97)"
    whole = Prediction((("Rock", 0.8), ("Pop", 0.2)), None, music=0.03, objection=said)
    print_track(view(whole=whole))
    out = capsys.readouterr().out
    assert f"nothing to be written: {said}" in out
    assert "sure enough" not in out
    assert "music at all: 3 %" in out
    print_track(view())
    assert "music at all" not in capsys.readouterr().out  # of a model that does not judge


def test_one_track_without_a_word(capsys):
    routes = (Route("Rock", (), None, "ignored"), Route("Pop", (), None, "ignored"))
    print_track(view(routes=routes, candidates=(), written=()), verbose=True)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["Rock:", "ignored", "80", "%"] in lines
    assert ["none"] in lines
    assert ["nothing", "to", "be", "written:"] in [line[:4] for line in lines]


def test_one_tracks_way_from_labels_to_words(capsys):
    genres = (("Disco", 0.4), ("Rock", 0.3), ("Pop", 0.2), ("Jazz", 0.091), ("Ska", 0.009))
    steps = (("alias", "Dance"), ("parent", "Electronic"))
    print_track(
        view(
            whole=Prediction(genres, None),
            routes=(
                Route("Disco", steps, "Electronic"),
                Route("Rock", (), "Rock"),
                Route("Pop", (("spelling", "pop"),), None, "not on the whitelist"),
                Route("Jazz", (), "Jazz"),
                Route("Ska", (), "Ska"),
            ),
            candidates=(
                Candidate("Electronic", 0.4, 0.35, ("Disco",)),
                Candidate("Rock", 0.3, 0.5, ("Rock",)),
                Candidate("Jazz", 0.091, 0.5, ("Jazz",)),
                Candidate("Ska", 0.009, 0.5, ("Ska",)),
            ),
            written=("Electronic", "Rock"),
        ),
        verbose=True,
    )
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    first = lines.index("From labels to words") + 1
    assert lines[first : first + 11] == [
        "Disco → (alias) Dance → (parent) Electronic 40 %",
        "Rock 30 %",
        "Pop → (spelling) pop: not on the whitelist 20 %",
        "Jazz 9 %",
        "",
        "Words for the genre field",
        "Electronic 40 % needs 35 % sure enough",
        "Rock 30 % needs 50 % sure enough with --max-genres 2",
        "Jazz 9 % needs 50 % too far behind",
        "a scan would report: kept genre Jazz, Soul (policy fill)",
        "",
    ]


def test_one_track_too_unsure_in_full(capsys):
    unsure = tuple(Candidate(word, 0.3, 0.5, (word,)) for word in ("Rock", "Pop"))
    print_track(view(candidates=unsure, written=(), plan=""), verbose=True)
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert ["Rock", "30", "%", "needs", "50", "%", "too", "unsure"] in lines
    assert ["Pop", "30", "%", "needs", "50", "%"] in lines
    assert "a scan would report" not in out


def test_one_tracks_markup_is_printed_as_it_stands(capsys):
    genres = ((MARKUP, 1.0), ("b", 0.0))
    print_track(
        view(
            path=Path(MARKUP),
            model=MARKUP,
            whole=Prediction(genres, MARKUP),
            patches=(Prediction(genres[:1], None),) * 2,
            routes=(Route(MARKUP, (("alias", MARKUP),), MARKUP), Route("b", (), None, "ignored")),
            candidates=(Candidate(MARKUP, 1.0, 0.5, (MARKUP,)),),
            written=(MARKUP,),
            tags=CurrentTags(MARKUP, {MARKUP: (MARKUP,)}),
            plan=MARKUP,
        ),
        verbose=True,
    )
    assert capsys.readouterr().out.count(MARKUP) == 14
    print_track(view(tags=f"unreadable: {MARKUP}"))
    assert f"unreadable: {MARKUP}" in capsys.readouterr().out


@pytest.mark.parametrize(("raw", "safe"), HOSTILE.values(), ids=HOSTILE)
def test_one_tracks_hostile_text_is_shown_and_not_obeyed(capsys, raw, safe):
    print_track(view(path=Path(raw.replace("\0", "")), tags=CurrentTags("ID3", {"GENRE": (raw,)})))
    out = capsys.readouterr().out
    assert safe in out
    assert all(line.isprintable() for line in out.split("\n"))
    print_track(view(tags=f"bad frame {raw}"))
    assert f"bad frame {safe}" in capsys.readouterr().out
