from __future__ import annotations

import os
from pathlib import Path

import pytest
from report.reports import HOSTILE, MARKUP, failed, summary, tagged

from tagger.domain import Status, TrackReport
from tagger.report.console import ScanConsole


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def printed(capsys, *tracks: TrackReport, **options: bool) -> tuple[list[str], list[str]]:
    """Lines of stdout and stderr of tracks shown one after another."""
    console = ScanConsole(**{"dry_run": False, "quiet": False, "verbose": True, **options})
    for track in tracks:
        console.track(track)
    out, err = capsys.readouterr()
    return out.splitlines(), err.splitlines()


def test_a_track_is_one_line_and_each_field_another(capsys):
    out, err = printed(capsys, tagged())
    assert len(out) == 3
    assert err == []
    for word in ("wrote", "Rock", "83 %", "Other; Misc → Rock", "loud and fast", "/music/a.mp3"):
        assert word in out[0]
    assert "GENRE" in out[1]
    assert "— → Rock=0.83; Pop=0.17" in out[2]


def test_problems_go_to_stderr(capsys):
    skipped = TrackReport(Path("/m/s.wav"), Status.SKIPPED, "silent")
    out, err = printed(capsys, failed(), skipped)
    assert out == []
    assert err == ["failed      /music/b.mp3: the file is empty", "skipped     /m/s.wav: silent"]


def test_without_verbose_a_dry_run_shows_tracks_and_a_real_one_does_not(capsys):
    assert len(printed(capsys, tagged(), verbose=False, dry_run=True)[0]) == 1
    assert printed(capsys, tagged(), verbose=False) == ([], [])


def test_quiet_shows_problems_alone(capsys):
    out, err = printed(capsys, tagged(), failed(), verbose=True, quiet=True, dry_run=True)
    assert out == []
    assert len(err) == 1
    console = ScanConsole(dry_run=True, quiet=True, verbose=True)
    console.start(2, "model default 1.0.0, 2 processes")
    console.finish(summary(), report=Path("r.jsonl"))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("raw", "safe"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_shown_and_not_obeyed(capsys, raw, safe):
    name, safe_name = raw.replace("\0", ""), safe.replace("\\x00", "")  # no name has a NUL
    track = tagged(f"/m/{name}.mp3", current={"GENRE": (raw,)}, changes=())
    out, err = printed(capsys, track, failed(f"/m/{name}.mp3", f"because {raw}"))
    assert (len(out), len(err)) == (1, 1)
    assert f"/m/{safe_name}.mp3" in out[0]
    assert safe in out[0]
    assert f"because {safe}" in err[0]
    assert (out[0] + err[0]).isprintable()


def test_names_that_are_not_utf8(capsys):
    out, _ = printed(capsys, tagged(os.fsdecode(b"/m/\xe9.mp3")), verbose=True)
    assert "/m/\\xe9.mp3" in out[0]


def test_markup_is_printed_as_it_stands(capsys):
    path = f"/m/{MARKUP}.mp3"
    track = tagged(path, current={"GENRE": (MARKUP,)}, changes=(), genres=((MARKUP, 1.0),))
    out, err = printed(capsys, track, failed(path, MARKUP))
    assert out[0].count(MARKUP) == 3
    assert err[0].count(MARKUP) == 2


def test_a_long_line_is_not_broken(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    out, err = printed(capsys, tagged("/m/" + "word " * 60 + ".mp3", changes=()), failed())
    assert (len(out), len(err)) == (1, 1)


def test_the_summary_counts(capsys):
    console = ScanConsole(dry_run=False, quiet=False, verbose=False)
    console.finish(summary(interrupted=True), report=Path("/m/r\n.jsonl"))
    out, err = capsys.readouterr()
    assert err == ""
    for words in ("Rock", "the file is empty (1)", "2 tracks in 0:04", "4:01 of music",
                  "model default 1.0.0", "/m/r\\n.jsonl", "Interrupted"):  # fmt: skip
        assert words in out


def test_a_run_that_found_nothing_says_so(capsys):
    none = {"statuses": {str(s): 0 for s in Status}, "outcomes": {}, "reasons": {}, "changed": 0}
    console = ScanConsole(dry_run=False, quiet=False, verbose=False)
    console.start(0, "model m 1, 1 process")
    console.finish(summary(tracks=0, audio_s=0.0, genres={}, clusters={}, **none))
    assert "no audio files were found" in capsys.readouterr().out


def test_markup_in_the_summary_is_printed_as_it_stands(capsys):
    console = ScanConsole(dry_run=False, quiet=False, verbose=False)
    run = summary(genres={MARKUP: 1}, clusters={MARKUP: 1}, reasons={f"failed: {MARKUP}": 1})
    console.finish(run, report=Path(MARKUP))
    assert capsys.readouterr().out.count(MARKUP) == 4
