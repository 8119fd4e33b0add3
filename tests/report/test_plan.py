"""A plan comes back as it was saved, or is refused in one line."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report.reports import summary

from tagger.domain import FileState, Status, TagChange, TrackReport
from tagger.errors import UsageError
from tagger.report.plan import PlanWriter, read_plan

REPORT = TrackReport(
    Path(os.fsdecode(b"/m/caf\xe9\n.mp3")),
    Status.PROPOSED,
    reason="genre Rock 0.83",
    genres=(("Rock", 0.83), ("Pop", 0.17)),
    cluster="bright",
    current={"GENRE": ("Other",)},
    changes=(TagChange("GENRE", ("Other",), ("Rock", "摇滚")),),
    outcome="genre written",
    duration_s=180.5,
    heard_s=30.0,
    file=FileState(123, 456, b"\x01\xff"),
)


def save(path: Path, *reports: TrackReport, interrupted: bool = False) -> Path:
    writer = PlanWriter(path, "default 1.0.0", 3)
    for report in reports:
        writer.track(report)
    writer.finish(summary(interrupted=interrupted))
    return path


def test_there_and_back(tmp_path):
    idle = TrackReport(Path("/m/b.mp3"), Status.UNCHANGED, file=FileState(1, 1, b""))
    plan = read_plan(save(tmp_path / "p.jsonl", REPORT, idle, REPORT))
    assert (plan.model, plan.new_id3, plan.tracks) == ("default 1.0.0", 3, 2)
    assert list(plan.reports()) == [REPORT, REPORT]


def test_paths_are_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report = TrackReport(Path("a.mp3"), Status.PROPOSED, changes=REPORT.changes, file=REPORT.file)
    (back,) = read_plan(save(tmp_path / "p.jsonl", report)).reports()
    assert back.path == tmp_path / "a.mp3"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda lines: lines[:-1], "cut short"),
        (lambda lines: lines[1:], "not a plan"),
        (lambda lines: [], "not a plan"),
        (lambda lines: ['{"genretag_plan": 2}', *lines[1:]], "another genretag"),
        (lambda lines: ["Dear diary"], "line 1 is damaged"),
        (lambda lines: [lines[0], "[]", lines[2]], "line 2 is damaged"),
        (lambda lines: [lines[0], "{}", lines[2]], "line 2 is damaged"),
        (lambda lines: [lines[0], "[" * 100_000, lines[2]], "line 2 is damaged"),
        (lambda lines: [*lines[:2], lines[1].replace("123", "Infinity"), lines[2]], "line 3 is"),
        (
            lambda lines: [
                *lines[:2],
                re.sub('"changes": .*?}]', '"changes": []', lines[1]),
                lines[2],
            ],
            "line 3 is",
        ),
    ],
)
def test_damaged_plans(tmp_path, damage, reason):
    path = save(tmp_path / "p.jsonl", REPORT)
    path.write_text("".join(f"{line}\n" for line in damage(path.read_text().splitlines())))
    with pytest.raises(UsageError, match=reason) as caught:
        read_plan(path)  # before a single track is written
    assert "\n" not in str(caught.value)


def test_an_interrupted_run_leaves_the_plan_that_was_there(tmp_path):
    path = tmp_path / "p.jsonl"
    save(path, REPORT, interrupted=True)
    assert list(tmp_path.iterdir()) == []
    before = save(path, REPORT).read_bytes()
    save(path, interrupted=True)
    assert path.read_bytes() == before
    save(path)
    assert read_plan(path).tracks == 0
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["song.mp3", "plan", "plan.json"])
def test_a_song_is_no_place_for_a_plan(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"ID3 and so on")
    with pytest.raises(UsageError, match=r"must end in .jsonl"):
        PlanWriter(path, "m", 4)
    assert path.read_bytes() == b"ID3 and so on"


def test_another_file_is_left_alone(tmp_path):
    path = tmp_path / "report.jsonl"
    path.write_text('{"path": "a.mp3"}\n')
    with pytest.raises(UsageError, match="no plan; it was left alone"):
        PlanWriter(path, "m", 4)
    assert path.read_text() == '{"path": "a.mp3"}\n'


def test_lines_may_be_taken_out(tmp_path):
    path = save(tmp_path / "p.jsonl", REPORT, REPORT, REPORT)
    head, first, _, third, last = path.read_text().splitlines()
    path.write_text(f"{head}\n\n{first}\n   \n{third}\n{last}\n\n")
    plan = read_plan(path)
    assert plan.tracks == 2
    assert list(plan.reports()) == [REPORT, REPORT]


def test_files_that_cannot_be_used(tmp_path):
    with pytest.raises(UsageError, match=r"--plan .*No such file"):
        PlanWriter(tmp_path / "no" / "p.jsonl", "m", 4)
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_plan(tmp_path / "p.jsonl")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.data())
def test_a_line_with_one_wrong_value_is_refused_or_harmless(tmp_path_factory, data):
    path = save(tmp_path_factory.mktemp("plan") / "p.jsonl", REPORT)
    head, line, last = path.read_text().splitlines()
    value = json.loads(line)
    where = data.draw(st.sampled_from([value, value["file"], value["changes"][0]]))
    where[data.draw(st.sampled_from(sorted(where)))] = data.draw(json_values)
    path.write_text(f"{head}\n{json.dumps(value)}\n{last}\n")
    try:
        (back,) = list(read_plan(path).reports())
    except UsageError:
        return
    assert all(isinstance(v, str) for c in back.changes for v in (c.field, *c.before, *c.after))
    assert isinstance(back.file, FileState)
