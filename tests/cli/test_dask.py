"""A scan whose tracks are heard by the workers of a real scheduler."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from cli.running import GENRETAG, genretag, report_of, snapshot, surroundings

pytest.importorskip("distributed")

from engine.dask_cluster import Cluster

TRACKS = 40


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        for name in ("one", "two"):
            cluster.start_worker(folder=tmp_path_factory.mktemp(name))
        yield cluster


def heard(report: Path) -> dict[str, list]:
    tracks, _ = report_of(report)
    keys = ("status", "reason", "genres", "cluster", "changes", "duration_s")
    return {name: [track[key] for key in keys] for name, track in tracks.items()}


def test_as_on_this_machine(cluster, library, tmp_path, monkeypatch):
    library()
    monkeypatch.chdir(tmp_path)  # the workers run elsewhere, and paths may be relative
    genretag("scan", "-n", "--report", "here.jsonl", "library", code=1)
    genretag(
        "scan", "-n", "--rescan", "--dask", cluster.address, "--report", "there.jsonl", "library",
        code=1,
    )  # fmt: skip
    assert heard(tmp_path / "there.jsonl") == heard(tmp_path / "here.jsonl")


def test_a_worker_that_is_killed_amid_a_run(pristine, tmp_path, tmp_path_factory):
    folder = tmp_path / "library"
    folder.mkdir()
    for i in range(TRACKS):
        (folder / f"{i:02}.opus").write_bytes((pristine / "d.opus").read_bytes() + bytes([i]))
    before = snapshot(folder)
    report = tmp_path / "r.jsonl"
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        workers = [
            cluster.start_worker(folder=tmp_path_factory.mktemp(name)) for name in ("one", "two")
        ]
        process = subprocess.Popen(
            [*GENRETAG, "scan", "-v", "--dask", cluster.address, "--report", report, folder],
            env=surroundings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(workers[0].pid, signal.SIGKILL)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "Traceback" not in out + err
    _, summary = report_of(report)
    assert (summary["tracks"], summary["failed"], summary["changed"]) == (TRACKS, 0, TRACKS)
    after = snapshot(folder)
    assert after.keys() == before.keys()
    assert all(after[name] != before[name] for name in after)


def test_no_scheduler(library):
    # Nobody waits for an address that cannot be one.
    done = genretag("scan", "--dask", "nonsense://nas", library("a.mp3"), code=2)
    assert "no scheduler answers there" in done.stderr.splitlines()[-1]
