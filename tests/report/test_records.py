from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest
from report.reports import HOSTILE, failed, summary, tagged

from tagger.domain import TrackReport
from tagger.errors import UsageError
from tagger.report.records import open_records

TRACK_KEYS = {
    "path", "status", "reason", "genres", "cluster", "current", "changes", "duration_s",
    "heard_s", "cached",
}  # fmt: skip


def record(path: Path, *tracks: TrackReport) -> Path:
    records = open_records(path)
    for track in tracks:
        records.track(track)
    records.finish(summary())
    return path


def lines(path: Path) -> list[dict]:
    text = path.read_bytes()
    assert text.endswith(b"\n")
    return [json.loads(line) for line in text[:-1].split(b"\n")]


def test_a_tracks_object_is_the_contracts(tmp_path):
    track, *_ = lines(record(tmp_path / "r.jsonl", tagged()))
    assert track == {
        "path": "/music/a.mp3",
        "status": "tagged",
        "reason": "genre Rock 0.83",
        "genres": [["Rock", 0.8346], ["Pop", 0.1654]],
        "cluster": "loud and fast",
        "current": {"GENRE": ["Other", "Misc"]},
        "changes": [
            {"field": "GENRE", "before": ["Other", "Misc"], "after": ["Rock"]},
            {"field": "GENRETAG_GENRES", "before": [], "after": ["Rock=0.83", "Pop=0.17"]},
        ],
        "duration_s": 241.235,
        "heard_s": 30.0,
        "cached": False,
    }


def test_a_failure_has_the_same_keys(tmp_path):
    good, bad, _ = lines(record(tmp_path / "r.jsonl", tagged(), failed()))
    assert set(good) == set(bad) == TRACK_KEYS
    assert (bad["status"], bad["genres"], bad["cluster"]) == ("failed", [], None)


def test_the_last_line_is_the_summary(tmp_path):
    *tracks, last = lines(record(tmp_path / "r.jsonl", tagged(), failed()))
    assert all("summary" not in track for track in tracks)
    assert set(last) == {"summary"}
    run = last["summary"]
    assert run["tracks"] == 2
    assert run["tagged"] == run["failed"] == 1
    assert run["proposed"] == run["unchanged"] == run["abstained"] == run["skipped"] == 0
    assert (run["seconds"], run["tracks_per_second"]) == (4.0, 0.5)
    assert (run["model"], run["version"]) == ("default 1.0.0", "0.1.0")
    assert (run["dry_run"], run["interrupted"]) == (False, False)
    assert run["genres"] == {"Rock": 1}
    assert run["reasons"] == {"failed: the file is empty": 1}


def test_a_run_of_no_time_has_no_rate(tmp_path):
    records = open_records(tmp_path / "r.jsonl")
    records.finish(summary(tracks=0, seconds=0.0))
    (last,) = lines(tmp_path / "r.jsonl")
    assert last["summary"]["tracks_per_second"] == 0


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_a_track_is_on_disk_before_the_next_one(tmp_path, suffix):
    path = tmp_path / f"r{suffix}"
    records = open_records(path)
    records.track(tagged())
    assert "/music/a.mp3" in path.read_text()
    assert path.read_bytes().endswith(b"\n")
    records.finish(summary())


@pytest.mark.parametrize(("raw", "_"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_make_one_line_and_come_back(tmp_path, raw, _):
    report = tagged(f"/m/{raw}.mp3", reason=raw, current={"GENRE": (raw,)})
    track, _ = lines(record(tmp_path / "r.jsonl", report))
    assert (track["path"], track["reason"]) == (f"/m/{raw}.mp3", raw)
    assert track["current"] == {"GENRE": [raw]}


def test_names_that_are_not_utf8_come_back(tmp_path):
    raw = b"/m/caf\xe9/\xff.mp3"
    report = tagged(os.fsdecode(raw))
    track, _ = lines(record(tmp_path / "r.jsonl", report))
    assert os.fsencode(track["path"]) == raw
    record(tmp_path / "r.csv", report)
    assert raw in (tmp_path / "r.csv").read_bytes()


def test_csv(tmp_path):
    kept = tagged('/music/"q", x\n.mp3', changes=(), reason="kept")
    path = record(tmp_path / "r.csv", tagged(), kept, failed())
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == [
        "path", "status", "reason", "genre", "probability", "cluster",
        "genre_before", "genre_after", "duration_s", "heard_s", "cached",
    ]  # fmt: skip
    assert rows == [
        ["/music/a.mp3", "tagged", "genre Rock 0.83", "Rock", "0.8346", "loud and fast",
         "Other; Misc", "Rock", "241.23", "30.00", "false"],
        ['/music/"q", x\n.mp3', "tagged", "kept", "Rock", "0.8346", "loud and fast",
         "Other; Misc", "Other; Misc", "241.23", "30.00", "false"],
        ["/music/b.mp3", "failed", "the file is empty", "", "", "", "", "", "0.00", "0.00",
         "false"],
    ]  # fmt: skip


def test_the_ending_is_taken_in_any_case(tmp_path):
    assert lines(record(tmp_path / "R.JSONL", tagged()))
    assert record(tmp_path / "R.Csv").read_text().startswith("path,")


@pytest.mark.parametrize("name", ["r.txt", "r", "r.jsonl.bak", ".jsonl"])
def test_another_ending_is_refused_and_nothing_made(tmp_path, name):
    with pytest.raises(UsageError, match=r"must end in \.jsonl or \.csv or \.html"):
        open_records(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_created_is_refused(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    for path in (tmp_path / "no/such/r.jsonl", tmp_path / "folder.csv"):
        with pytest.raises(UsageError, match=f"--report {path}: cannot be created"):
            open_records(path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_named(tmp_path):
    full = tmp_path / "r.jsonl"
    full.symlink_to("/dev/full")
    records = open_records(full)
    with pytest.raises(UsageError, match=f"--report {full}: cannot be written: No space"):
        records.track(tagged())
    full = tmp_path / "r.csv"
    full.symlink_to("/dev/full")
    with pytest.raises(UsageError, match=f"--report {full}: cannot be created: No space"):
        open_records(full)
