"""Runs that nobody watches: nothing is heard twice, one run at a time, in the time there is."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import mutagen
from cli.running import (
    GENRETAG,
    REPOSITORY,
    genretag,
    genretag_here,
    report_of,
    snapshot,
    surroundings,
)

SONGS = ("a.mp3", "b.flac", "c.ogg", "d.opus", "e.wav", "f.aiff")
MANY: Final = 90
"""Tracks that are not heard in the moment that a test needs to stop a run amid them."""


def summary(report: Path, *arguments: str | Path, code: int = 0, **variables: str) -> dict:
    genretag_here("scan", "--report", report, *arguments, code=code, **variables)
    return report_of(report)[1]


def many_tracks(folder: Path, track: Path) -> None:
    """A folder of tracks with another payload each, or one hearing would do for all."""
    folder.mkdir()
    original = track.read_bytes()
    for i in range(MANY):
        (folder / f"{i:03}.opus").write_bytes(original + bytes([i]) * 3)


def test_nothing_is_heard_twice(library, tmp_path):
    folder, report = library(*SONGS), tmp_path / "r.jsonl"
    first = summary(report, folder)
    assert (first["heard"], first["changed"]) == (6, 6)
    before = snapshot(folder)

    second = summary(report, folder)
    assert (second["heard"], second["changed"], second["unchanged"]) == (0, 0, 6)
    assert second["outcomes"] == {"as before": 6}
    assert (second["genres"], second["clusters"]) == (first["genres"], first["clusters"])
    assert second["audio_s"] == first["audio_s"]
    assert snapshot(folder) == before
    quiet = genretag_here("scan", folder).stdout
    assert "as before  6  nothing has changed since an earlier run" in quiet
    assert "files changed" not in quiet

    (folder / "sub").mkdir()
    for name in SONGS[:3]:
        (folder / name).rename(folder / "sub" / f"moved {name}")
    os.utime(folder / "d.opus")
    file = mutagen.File(folder / "e.wav")
    file.tags.pop("TXXX:GENRETAG_CLUSTER")
    file.save()
    third = summary(report, folder)
    assert (third["heard"], third["changed"]) == (0, 1)
    tracks, _ = report_of(report)
    assert [c["field"] for c in tracks["e.wav"]["changes"]] == ["GENRETAG_CLUSTER"]
    assert tracks["f.aiff"]["reason"].startswith("as before: ")

    fourth = summary(report, "--policy", "overwrite", "--min-confidence", "0", folder)
    assert fourth["heard"] == 0
    assert fourth["changed"] >= 1  # whatever genre was too unsure before is written now
    assert summary(report, "--rescan", folder)["heard"] == 6


def test_what_cannot_be_heard_is_not_tried_again(library, tmp_path):
    folder, report = (
        library("a.mp3", "silent.wav", "truncated.flac", "text.mp3"),
        tmp_path / "r.jsonl",
    )
    summary(report, folder, code=1)
    first, _ = report_of(report)
    summary(report, folder, code=1)
    second, _ = report_of(report)
    for name in ("silent.wav", "truncated.flac", "text.mp3"):
        # Without ffmpeg nobody knows whether that could not read it.
        known = name != "text.mp3" or shutil.which("ffmpeg") is not None
        assert (first[name]["cached"], second[name]["cached"]) == (False, known)
        assert (first[name]["status"], first[name]["reason"]) == (
            second[name]["status"], second[name]["reason"],
        )  # fmt: skip
    shutil.copy(folder / "a.mp3", folder / "text.mp3")
    assert summary(report, folder, code=1)["failed"] == 1


def test_a_dry_run_leaves_the_next_run_its_work(library, tmp_path):
    folder = library("a.mp3", "b.flac")
    assert summary(tmp_path / "r.jsonl", "-n", folder)["heard"] == 2
    real = summary(tmp_path / "r.jsonl", folder)
    assert (real["heard"], real["changed"]) == (0, 2)


def test_one_run_at_a_time(library, tmp_path):
    folder = library("a.mp3")
    before = snapshot(folder)
    code = "from tagger.workflows.manners import only_run\nwith only_run('genretag scan'):\n"
    code += "    print('held', flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=surroundings(),
        cwd=REPOSITORY,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        log = tmp_path / "l.log"
        for command in (("scan", "--log", log, folder), ("undo",)):
            refused = genretag_here(*command, code=3)
            assert "another run is under way" in refused.stderr
            assert f"process {holder.pid}" in refused.stderr
        assert "another run is under way" in log.read_text()
        assert snapshot(folder) == before
        genretag_here("scan", "-n", folder)
    finally:
        holder.kill()
        holder.communicate()
    genretag_here("scan", folder)


def test_a_time_limit_leaves_the_rest_to_the_next_run(pristine, tmp_path):
    folder, report = tmp_path / "library", tmp_path / "r.jsonl"
    many_tracks(folder, pristine / "d.opus")
    heard = limit_s = 0
    while not heard:  # until there was the time to hear something, however slow the machine is
        limit_s += 1
        genretag("scan", "--report", report, "--time-limit", f"{limit_s}s", "-j", "1", folder)
        found = report_of(report)[1]
        assert found["tracks"] + found["left"] == MANY
        heard = found["heard"]
    assert heard < MANY
    rest = summary(report, folder)
    assert (rest["heard"], rest["left"]) == (MANY - heard, 0)
    done = genretag_here("scan", "--time-limit", "soon", folder, code=2)
    assert "soon" in done.stderr


def test_a_library_that_vanishes_ends_the_run(pristine, tmp_path):
    folder = tmp_path / "library"
    many_tracks(folder, pristine / "d.opus")
    report = tmp_path / "r.jsonl"
    process = subprocess.Popen(
        [*GENRETAG, "scan", "-v", "-j", "1", "--report", report, folder],
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    folder.rename(tmp_path / "elsewhere")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert err.splitlines()[-1].startswith(f"genretag: the library {folder} is gone")
    assert len([line for line in err.splitlines() if line.startswith("failed")]) < 5
    assert "Traceback" not in out + err
    (tmp_path / "elsewhere").rename(folder)
    again = summary(report, folder)
    assert again["failed"] == 0
    assert again["tracks"] == MANY


def test_a_log(library, tmp_path):
    folder, log = library("a.mp3", "text.mp3"), tmp_path / "genretag.log"
    done = genretag("scan", "-q", "--nice", "5", "--log", log, folder, code=1)
    assert done.stdout == ""
    lines = log.read_text().splitlines()
    assert any(" wrote: " in line and "a.mp3: " in line for line in lines)
    assert any(" failed: " in line and "text.mp3: " in line for line in lines)
    assert " end: 2 tracks" in lines[-1]
    song = folder / "a.mp3"
    before = song.read_bytes()
    assert "log" in genretag_here("scan", "--log", song, folder, code=2).stderr
    assert song.read_bytes() == before


def test_a_damaged_cache_is_set_aside(library, tmp_path):
    folder = library("a.mp3")
    cache = tmp_path / "cache"
    genretag_here("scan", folder, GENRETAG_CACHE_DIR=str(cache))
    (cache / "cache.sqlite3").write_bytes(b"no database at all" * 1000)
    done = genretag_here("scan", folder, GENRETAG_CACHE_DIR=str(cache))
    assert len([line for line in done.stderr.splitlines() if "cache" in line]) == 1
    assert "as before" in genretag_here("scan", folder, GENRETAG_CACHE_DIR=str(cache)).stdout
    assert "tracks      1" in genretag_here("cache", "info", GENRETAG_CACHE_DIR=str(cache)).stdout
    genretag_here("cache", "prune", GENRETAG_CACHE_DIR=str(cache))
    genretag_here("cache", "clear", GENRETAG_CACHE_DIR=str(cache))
    assert "as before" not in genretag_here("scan", folder, GENRETAG_CACHE_DIR=str(cache)).stdout


def kept_hearings(cache: Path) -> int:
    """How many tracks the cache on disk has heard; 0 before there is one."""
    try:
        with closing(sqlite3.connect(f"file:{cache}?mode=ro", uri=True)) as database:
            return database.execute("SELECT count(*) FROM hearing").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def test_a_killed_run_is_gone_on_with(pristine, tmp_path):
    folder, cache = tmp_path / "library", tmp_path / "cache"
    many_tracks(folder, pristine / "d.opus")
    kept = 0
    for _ in range(2):
        with subprocess.Popen(
            [*GENRETAG, "scan", "-q", "-j", "1", folder],
            env=surroundings(GENRETAG_CACHE_DIR=str(cache)),
        ) as process:
            before = kept
            while kept == before:  # it keeps what came in within a second
                assert process.poll() is None, "the run ended before it was killed"
                time.sleep(0.02)
                kept = kept_hearings(cache / "cache.sqlite3")
            process.kill()
    done = summary(tmp_path / "r.jsonl", folder, GENRETAG_CACHE_DIR=str(cache))
    assert done["tracks"] == MANY
    assert done["failed"] == 0
    assert 0 < done["heard"] <= MANY - kept
    again = summary(tmp_path / "r.jsonl", folder, GENRETAG_CACHE_DIR=str(cache))
    assert again["outcomes"] == {"as before": MANY}
    assert all(not path.name.startswith(".") for path in folder.iterdir())
