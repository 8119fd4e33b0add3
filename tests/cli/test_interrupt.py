"""A run that is told to stop: what was done is whole, the rest untouched, nothing left running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import mutagen
import pytest
from cli.running import GENRETAG, genretag, report_of, surroundings

TRACKS = 150


def alive_in(session: int) -> list[str]:
    """Processes of a session that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session = path.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(its_session) == session and state != "Z":
            found.append(path.parent.name)
    return found


@pytest.mark.parametrize(
    ("number", "to_the_group"),
    [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGTERM, True)],
    ids=["ctrl-c", "kill", "service manager"],
)
def test_stopped_amid_a_run(pristine, tmp_path, number, to_the_group):
    folder = tmp_path / "library"
    folder.mkdir()
    original = (pristine / "d.opus").read_bytes()
    for i in range(TRACKS):
        (folder / f"{i:03}.opus").write_bytes(original)
    report = tmp_path / "r.jsonl"
    process = subprocess.Popen(
        [*GENRETAG, "scan", "-v", "-j", "2", "--report", report, folder],
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()  # the first track is done, and most others are not
        (os.killpg if to_the_group else os.kill)(process.pid, number)
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "Interrupted" in out
    assert "failed" not in err

    tracks, summary = report_of(report)
    assert summary["interrupted"] is True
    assert summary["tracks"] == len(tracks) < TRACKS
    assert summary["failed"] == 0
    assert {path.name for path in folder.iterdir()} == {f"{i:03}.opus" for i in range(TRACKS)}
    for name, track in tracks.items():
        model = mutagen.File(folder / name).get("GENRETAG_MODEL")
        assert (model == [summary["model"]]) == bool(track["changes"])
    # The track under way when the signal came may be written and not yet reported.
    changed = {path.name for path in folder.iterdir() if path.read_bytes() != original}
    assert changed >= set(tracks)
    assert len(changed - set(tracks)) <= 1

    if Path("/proc/self/stat").exists():
        for _ in range(3000):
            if not alive_in(process.pid):
                break
            time.sleep(0.01)
        assert alive_in(process.pid) == []


def test_the_next_run_goes_on(pristine, tmp_path):
    folder = tmp_path / "library"
    folder.mkdir()
    for name in ("1.opus", "2.opus"):
        shutil.copy(pristine / "d.opus", folder / name)
    left_behind = folder / ".genretag-0123456789abcdef.tmp"  # by a kill that nothing survives
    left_behind.write_bytes(b"half a file")
    genretag("scan", folder / "1.opus")
    genretag("scan", folder, "--report", tmp_path / "r.jsonl")
    tracks, summary = report_of(tmp_path / "r.jsonl")
    assert tracks["1.opus"]["changes"] == []
    assert tracks["2.opus"]["changes"] != []
    assert summary["interrupted"] is False
