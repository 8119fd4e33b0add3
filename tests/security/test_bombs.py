"""Files, models and plans from strangers that want memory, time or more than their due."""

from __future__ import annotations

import json
import os
import struct
import zlib

import numpy as np
import pytest
import synth
from models.bundles import put, small_bundle
from report.reports import tagged

from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.errors import AudioError, ModelError, TagsRefusedError, UsageError
from tagger.models.bundle import load_bundle
from tagger.report.logfile import LogFile
from tagger.report.m3u import check_playlist_name
from tagger.report.plan import PlanWriter, read_plan
from tagger.report.records import open_records
from tagger.tags.leftovers import remove_leftover
from tagger.tags.read import read_tags


def _syncsafe(n: int) -> bytes:
    return bytes((n >> 21 & 127, n >> 14 & 127, n >> 7 & 127, n & 127))


@pytest.fixture(scope="module")
def mp3(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return synth.write(tmp_path_factory.mktemp("s") / "a.mp3", synth.song(3.5)).read_bytes()


def test_a_giant_id3_tag_is_not_read(tmp_path, mp3):
    path, size = tmp_path / "a.mp3", 250 << 20
    with path.open("wb") as file:
        file.write(b"ID3\x04\0\0" + _syncsafe(size))
        file.seek(size, os.SEEK_CUR)
        file.write(mp3)
    with pytest.raises(TagsRefusedError, match="the ID3 tag takes 250 MB"):
        read_tags(path)


def test_a_giant_ape_tag_is_not_read(tmp_path, mp3):
    path, size = tmp_path / "a.mp3", 1 << 30
    with path.open("wb") as file:
        file.write(mp3)
        file.seek(size - 32, os.SEEK_CUR)
        file.write(b"APETAGEX" + struct.pack("<IIIIQ", 2000, size, 1, 0, 0))
    with pytest.raises(TagsRefusedError, match="the APEv2 tag takes 1024 MB"):
        read_tags(path)


def test_compressed_frames_are_not_inflated_without_end(tmp_path, mp3):
    packed = zlib.compress(b"\0" + b"A" * ((1 << 20) - 1))
    frame = b"TCON" + _syncsafe(len(packed) + 4) + b"\0\x09" + _syncsafe(1 << 20) + packed
    frames = frame * 500  # half a gigabyte out of half a megabyte
    path = tmp_path / "a.mp3"
    path.write_bytes(b"ID3\x04\0\0" + _syncsafe(len(frames)) + frames + mp3)
    with pytest.raises(TagsRefusedError, match="the genre takes more than"):
        read_tags(path)


@pytest.mark.parametrize("rate", [0, 1, 140_000_000])
def test_a_sample_rate_that_no_music_has(tmp_path, rate):
    path = tmp_path / "a.wav"
    head = struct.pack("<HHIIHH", 1, 1, rate, rate, 1, 8)
    sound = bytes(range(256)) * 400
    path.write_bytes(
        b"RIFF" + struct.pack("<I", 36 + len(sound)) + b"WAVEfmt " + struct.pack("<I", 16) + head
        + b"data" + struct.pack("<I", len(sound)) + sound
    )  # fmt: skip
    with pytest.raises(AudioError, match="no music has a sample rate"):
        read_signal(path, ExcerptPlan())


@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("name", ["model.json", "a.onnx"])
def test_a_model_with_a_pipe_or_a_device_in_it(tmp_path, name, kind):
    folder = small_bundle(tmp_path / "m")
    (folder / name).unlink()
    if kind == "pipe":
        os.mkfifo(folder / name)
    else:
        (folder / name).symlink_to("/dev/zero")
    with pytest.raises(ModelError, match="is not a regular file"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("analysis.excerpts", {"count": 100, "seconds": 600.0}, "more than 600 s in sum"),
        ("name", "x" * 200, "too long for a tag"),
        ("clusters.names.0", "x" * 200, "too long for a tag"),
    ],
)
def test_a_model_that_asks_for_too_much(tmp_path, place, value, said):
    with pytest.raises(ModelError, match=said):
        load_bundle(small_bundle(tmp_path / "m", put(place, value)))


def test_a_model_that_answers_with_nan(monkeypatch):
    from tagger.models.bundle import find_bundle
    from tagger.models.classifier import Classifier

    classifier = Classifier(load_bundle(find_bundle("default")))
    with pytest.raises(ModelError, match="no number"):
        classifier._ranked(np.full(11, np.nan))


def _plan(folder, **changed):
    path = folder / "plan.jsonl"
    value = json.loads(json.dumps({**_TRACK, **changed}))
    lines = [{"genretag_plan": 1, "model": "m", "new_id3": 4}, value, {"summary": {}}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


_TRACK = {
    "path": "/music/a.mp3", "status": "proposed", "reason": "", "genres": [["Rock", 0.8]],
    "cluster": None, "current": {}, "duration_s": 1.0, "heard_s": 1.0, "cached": False,
    "changes": [{"field": "GENRE", "before": [], "after": ["Rock"]}], "outcome": "genre written",
    "file": {"size": 1, "mtime_ns": 1, "tags": "00"},
}  # fmt: skip


def test_a_plan_as_it_should_be(tmp_path):
    assert read_plan(_plan(tmp_path)).tracks == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"path": "music/a.mp3"},
        {"path": "/music/../etc/a.mp3"},
        *(
            {"changes": [{"field": "GENRE", "before": [], "after": [word]}]}
            for word in ("\x1b[31mRock", "Rock\nPop", "a\0b", "\u202eRock", "x" * 2000, "")
        ),
    ],
)
def test_a_plan_from_a_stranger(tmp_path, changed):
    with pytest.raises(UsageError, match="line 2 is damaged"):
        read_plan(_plan(tmp_path, **changed))


def test_a_line_without_end_is_not_read_whole(tmp_path):
    path = _plan(tmp_path)
    with path.open("r+b") as file:
        file.truncate(1 << 30)  # the last line goes on with NULs
    with pytest.raises(UsageError, match="is damaged"):
        read_plan(path)


def test_a_plan_is_not_written_through_a_planted_link(tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    monkeypatch.setattr("secrets.token_hex", lambda n: "00" * n)
    (tmp_path / f".plan.jsonl.{'00' * 8}.part").symlink_to(victim)
    with pytest.raises(UsageError, match="File exists"):
        PlanWriter(tmp_path / "plan.jsonl", "m", 4)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("first", "=+-@\t")
def test_no_cell_is_a_formula(tmp_path, first):
    report = tmp_path / "r.csv"
    writer = open_records(report)
    evil = f"{first}cmd|' /C calc'!A0"
    writer.track(tagged(evil, current={"GENRE": (evil,)}, changes=(), cluster=evil, reason=evil))
    (row,) = report.read_text().splitlines()[1:]
    assert row.count("cmd|") == 5
    assert row.count(f"'{first}cmd|") == 4
    assert f"./{first}cmd|" in row


def test_a_pipe_that_poses_as_a_leftover_holds_nobody_up(tmp_path):
    pipe = tmp_path / f".genretag-{'0' * 16}.tmp"
    os.mkfifo(pipe)
    assert not remove_leftover(pipe)


@pytest.mark.parametrize(
    ("name", "deed", "said"),
    [
        ("a.log", LogFile, "a pipe that nobody reads"),
        ("r.jsonl", open_records, "a pipe that nobody reads"),
        ("r.csv", open_records, "a pipe that nobody reads"),
        ("r.html", open_records, "no report of ours"),
        ("p.jsonl", lambda path: PlanWriter(path, "m", 4), "is no plan"),
        ("l.m3u8", check_playlist_name, "was not made by genretag"),
    ],
)
def test_a_pipe_that_nobody_reads_holds_nobody_up(tmp_path, name, deed, said):
    os.mkfifo(tmp_path / name)
    with pytest.raises(UsageError, match=said):
        deed(tmp_path / name)
    assert (tmp_path / name).is_fifo()


@pytest.mark.parametrize("name", ["a.log", "r.jsonl"])
def test_a_pipe_that_somebody_reads_is_written_to(tmp_path, name):
    pipe = tmp_path / name
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    if name == "a.log":
        with LogFile(pipe) as log:
            log.note("words")
    else:
        open_records(pipe).track(tagged("words.mp3"))
    assert b"words" in os.read(reader, 10_000)
    os.close(reader)
