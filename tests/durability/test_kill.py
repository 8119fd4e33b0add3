"""SIGKILL at any instant leaves each file as it was or as it should be, and a journal that knows.

A child writes and undoes without end; it is killed again and again. All files of one format are
the same bytes, so each may ever hold one of two contents only, known beforehand.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
import traceback
from contextlib import closing
from pathlib import Path

import pytest
from tags.tagging_samples import make

from tagger.domain import TagChange
from tagger.library.folders import state_folder
from tagger.library.identity import payload_digest_of
from tagger.library.journal import Journal
from tagger.tags.leftovers import is_leftover
from tagger.tags.read import read_tags
from tagger.tags.writer import write_changes
from tagger.workflows.recording import RunRecorder, Sweeper
from tagger.workflows.undo import Undo

KILLS = 200
FILES = 240
FORMATS = ("mp3", "flac", "opus", "m4a")
CHANGES = (
    TagChange("GENRE", (), ("Rock", "Pop")),
    TagChange("GENRETAG_GENRES", (), ("Rock=0.83", "Pop=0.10")),
    TagChange("GENRETAG_MODEL", (), ("default 1.0.0",)),
)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def tag_all(files: list[Path]) -> None:
    sweeper = Sweeper()
    with closing(RunRecorder("scan", "default 1.0.0")) as recorder:
        for path in files:
            sweeper.sweep(path)
            if not read_tags(path).values:
                write_changes(path, CHANGES, payload_digest=payload_digest_of, recorded=recorder)


def undo_all() -> list[str]:
    with closing(Journal.open(state_folder())) as journal:
        numbers = [run.number for run in journal.runs()]
    statuses = []
    for number in numbers:
        undo = Undo(number, dry_run=False, in_place=False)
        statuses += [str(report.status) for report in undo.reports()]
    return statuses


def work_without_end(files: list[Path], seed: int) -> None:
    random.Random(seed).shuffle(files)
    while True:
        tag_all(files)
        undo_all()


def killed_child(files: list[Path], seed: int, after_s: float) -> None:
    """Let a child work, and kill it."""
    child = os.fork()
    if not child:
        try:
            work_without_end(files, seed)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the child failed before it was killed; see its traceback"


def test_two_hundred_kills(tmp_path, monkeypatch):
    monkeypatch.setenv("GENRETAG_STATE_DIR", str(tmp_path / "state"))
    samples = tmp_path / "samples"
    samples.mkdir()
    allowed: dict[str, tuple[bytes, bytes]] = {}
    for name in FORMATS:
        sample = make(samples, name)
        before = sample.read_bytes()[:20_000] if name in ("mp3",) else sample.read_bytes()
        sample.write_bytes(before)
        write_changes(sample, CHANGES, payload_digest=payload_digest_of)
        allowed[sample.suffix] = (before, sample.read_bytes())
    files = []
    for i in range(FILES):
        suffix = list(allowed)[i % len(allowed)]
        path = tmp_path / "music" / f"album {i % 20}" / f"{i}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(allowed[suffix][0])
        files.append(path)

    chance = random.Random(20)
    leftovers, mixed = 0, 0
    for kill in range(KILLS):
        killed_child(list(files), seed=kill // 40, after_s=chance.uniform(0.01, 0.12))
        if kill % 10 == 9:
            now = {path: path.read_bytes() for path in files}
            for path, data in now.items():
                assert data in allowed[path.suffix], f"{path} is half written"
            mixed += len({data == allowed[p.suffix][0] for p, data in now.items()}) - 1
            left = [p for p in (tmp_path / "music").rglob(".*") if is_leftover(p.name)]
            leftovers += len(left)
            check_journal({path for path in now if now[path] == allowed[path.suffix][1]})
    assert mixed, "no kill came between the first file and the last"
    assert leftovers, "no kill came while a copy was made"

    tag_all(files)
    for path in files:
        assert path.read_bytes() == allowed[path.suffix][1]
        assert len(read_tags(path).values) == len(CHANGES)
    everything = {p for p in (tmp_path / "music").rglob("*") if p.is_file()}
    assert everything == set(files), "temporary files are left"

    assert set(undo_all()) <= {"restored", "untouched"}
    for path in files:
        assert path.read_bytes() == allowed[path.suffix][0]
    assert undo_all() == []


def check_journal(tagged: set[Path]) -> None:
    """The journal is whole, and knows how to undo every file that is tagged."""
    with closing(sqlite3.connect(state_folder() / "journal.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with closing(Journal.open(state_folder())) as journal:
        known = {
            entry.replacement.path
            for run in journal.runs()
            for entry in journal.entries(run.number)
            if entry.state != "undone"
        }
    assert tagged <= known
