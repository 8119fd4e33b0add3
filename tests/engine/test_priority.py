from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from engine.priority_tasks import priorities

from tagger.engine import priority
from tagger.engine.priority import lower_priority
from tagger.errors import UsageError

REPOSITORY = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not shutil.which("ionice"), reason="needs ionice"
)


def after(*nice: int, command: tuple[str, ...] = ()) -> tuple[list[str], list[object]]:
    """What is said, and the niceness and class that a process has and its workers inherit."""
    done = subprocess.run(
        [*command, sys.executable, "-m", "engine.priority_tasks", *map(str, nice)],
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}", "LANG": "de_DE"},
        capture_output=True,
        text=True,
        check=True,
    )
    said, own, worker = json.loads(done.stdout)
    assert own == worker
    return said, own


@pytest.mark.parametrize(
    ("nice", "io"),
    [(1, "best-effort: prio 7"), (9, "best-effort: prio 7"), (10, "idle"), (19, "idle")],
)
def test_niceness_and_class(nice, io):
    said, own = after(nice)
    assert said == [""]
    assert own == [max(nice, os.getpriority(os.PRIO_PROCESS, 0)), io]


def test_zero_leaves_all_as_it_is():
    assert after(0) == ([""], list(priorities()))


def test_it_only_ever_goes_down():
    assert after(15, 3) == (["", ""], [15, "idle"])
    assert after(5, command=("nice", "-n", "19", "ionice", "-c", "3")) == ([""], [19, "idle"])


@pytest.mark.parametrize("nice", [-1, -20, 20, 1000])
def test_out_of_range(nice):
    with pytest.raises(UsageError, match=f"^--nice {nice}: must be 0 to 19$"):
        lower_priority(nice)


@pytest.fixture
def calls(monkeypatch) -> list[tuple[object, ...]]:
    """Calls that would have set this process's niceness."""
    made: list[tuple[object, ...]] = []
    monkeypatch.setattr(priority.os, "setpriority", lambda *call: made.append(call))
    monkeypatch.setattr(priority.os, "getpriority", lambda *_: 0)
    return made


def fake_ionice(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "ionice"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_without_the_program(tmp_path, monkeypatch, calls):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lower_priority(10) == "the priority at the disk stays: there is no program ionice"
    assert calls == [(os.PRIO_PROCESS, 0, 10)]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'ionice: ioprio_set failed: Operation not permitted' >&2; exit 1",
         "ioprio_set failed: Operation not permitted"),
        ("printf 'a\\nb\\n' >&2; exit 1", "b"),
        ("exit 3", "exit code 3"),
        ("kill -9 $$", "exit code -9"),
        ("exec sleep 60", "no answer"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("nice", [5, 15])
def test_a_program_that_fails(tmp_path, monkeypatch, calls, script, why, nice):
    monkeypatch.setattr(priority, "_LIMIT_S", 0.3 if "sleep" in script else 10.0)
    fake_ionice(tmp_path, monkeypatch, script)
    assert lower_priority(nice) == f"the priority at the disk stays: ionice: {why}"
    assert calls == [(os.PRIO_PROCESS, 0, nice)]


def test_a_program_that_cannot_be_run(tmp_path, monkeypatch, calls):
    fake_ionice(tmp_path, monkeypatch, "")
    (tmp_path / "ionice").write_bytes(b"\x7fELF nonsense")
    assert lower_priority(5) == "the priority at the disk stays: ionice: exec format error"


def test_a_system_that_refuses(tmp_path, monkeypatch, calls):
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    fake_ionice(tmp_path, monkeypatch, "exit 0")
    monkeypatch.setattr(priority.os, "setpriority", refuse)
    assert lower_priority(5) == "the priority at the processor stays: operation not permitted"
    monkeypatch.delattr(priority.os, "setpriority")
    monkeypatch.setenv("PATH", "/nowhere")
    assert lower_priority(5) == (
        "the priority at the processor stays: this system has no niceness; "
        "the priority at the disk stays: there is no program ionice"
    )
