from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tagger.errors import LockedError, UsageError
from tagger.library import lock as lock_module
from tagger.library.lock import LOCK, RunLock, hold, is_held

fcntl = pytest.importorskip("fcntl")

REPOSITORY = Path(__file__).parents[2]


@contextmanager
def holder(job: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of :mod:`library.lock_holders`."""
    with subprocess.Popen(
        [sys.executable, "-m", "library.lock_holders", job, str(folder)],
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().rstrip("\n")


def is_free(folder: Path) -> bool:
    try:
        with RunLock(folder, "genretag scan"):
            return True
    except LockedError:
        return False


@pytest.fixture
def no_patience(monkeypatch) -> None:
    monkeypatch.setattr(lock_module, "_PAUSE_S", 0.0)


def test_one_run_at_a_time(tmp_path):
    with holder("stay", tmp_path) as other:
        assert said(other) == "held"
        since = rf"{datetime.now():%H}:\d\d|{datetime.now() - timedelta(minutes=1):%H}:\d\d"
        expected = (
            rf"another run is under way since ({since}) \(process {other.pid}: genretag scan\); "
            "it ends by itself"
        )
        with pytest.raises(LockedError) as caught:
            RunLock(tmp_path, "genretag undo").__enter__()
        assert re.fullmatch(expected, str(caught.value))
        other.communicate()
    assert is_free(tmp_path)


def test_it_holds_within_a_process_and_ends_with_the_block(tmp_path):
    with RunLock(tmp_path, "genretag scan"):
        assert not is_free(tmp_path)
        assert not is_free(tmp_path)  # asking has not released it
    assert is_free(tmp_path)
    with pytest.raises(RuntimeError, match="in the run"), RunLock(tmp_path, "genretag scan"):
        raise RuntimeError("in the run")
    assert is_free(tmp_path)


def test_another_state_folder_is_another_matter(tmp_path):
    (tmp_path / "other").mkdir()
    with RunLock(tmp_path, "genretag scan"):
        assert is_free(tmp_path / "other")


def test_a_killed_run_is_no_obstacle(tmp_path):
    with holder("stay", tmp_path) as other:
        assert said(other) == "held"
        other.kill()
        other.wait()
        assert str(other.pid) in (tmp_path / LOCK).read_text()
        assert is_free(tmp_path)


def test_its_processes_outlive_a_killed_run_without_the_lock(tmp_path):
    with holder("work", tmp_path) as other:
        workers = [int(pid) for pid in said(other).split()]
        assert not is_free(tmp_path)
        try:
            other.kill()
            other.wait()
            assert is_free(tmp_path)
            for worker in workers:
                os.kill(worker, 0)
        finally:
            for worker in workers:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)


def test_a_forked_child_does_not_hold_it(tmp_path):
    with holder("fork", tmp_path) as other:
        child = int(said(other))
        other.wait()
        os.kill(child, 0)
        until = time.monotonic() + 10  # the child may not have come to let go of it yet
        while not is_free(tmp_path) and time.monotonic() < until:
            time.sleep(0.01)
        assert is_free(tmp_path)
        os.kill(child, 0)


def test_of_many_at_once_one_gets_it(tmp_path):
    with ExitStack() as stack:
        others = [stack.enter_context(holder("contend", tmp_path)) for _ in range(5)]
        assert [said(other) for other in others] == ["ready"] * 5
        for other in others:
            assert other.stdin
            other.stdin.write("\n")
            other.stdin.flush()
        answers = [said(other) for other in others]
    winner = others[answers.index("held")]
    answers.remove("held")
    assert len(answers) == 4
    assert all(f"(process {winner.pid}: genretag scan)" in answer for answer in answers)


@pytest.mark.parametrize(
    "note", [b"", b"{", b"[1]", b'{"pid": 1}', b"\xff\0", b"null", b"9" * 5000]
)
@pytest.mark.usefixtures("no_patience")
def test_a_holder_that_does_not_say_who_it_is(tmp_path, note):
    (tmp_path / LOCK).write_bytes(note)
    assert is_free(tmp_path)
    with (tmp_path / LOCK).open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(note)
        file.flush()
        with pytest.raises(LockedError, match=r"^another run is under way; it ends by itself$"):
            RunLock(tmp_path, "genretag scan").__enter__()


def test_a_run_that_ends_meanwhile(tmp_path, monkeypatch):
    path = tmp_path / LOCK
    handle = hold(path)
    monkeypatch.setattr(lock_module.time, "sleep", lambda _: os.close(handle))
    assert is_free(tmp_path)


def test_since_another_day_on_another_machine(tmp_path):
    with RunLock(tmp_path, "genretag scan"):
        note = json.loads((tmp_path / LOCK).read_text())
        note |= {"started": "2025-06-03T02:10:00+00:00", "host": "c0ffee", "pid": 7}
        (tmp_path / LOCK).write_text(json.dumps(note))
        local = datetime.fromisoformat(note["started"]).astimezone()
        with pytest.raises(LockedError) as caught:
            RunLock(tmp_path, "genretag scan").__enter__()
    assert f"since {local:%Y-%m-%d %H:%M} (process 7 on c0ffee: genretag scan)" in str(caught.value)


def test_a_lock_that_was_removed_is_made_anew(tmp_path, monkeypatch):
    flock = fcntl.flock

    def removed_meanwhile(handle: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        (tmp_path / LOCK).unlink()
        flock(handle, how)

    monkeypatch.setattr(fcntl, "flock", removed_meanwhile)
    with RunLock(tmp_path, "genretag scan"):
        assert (tmp_path / LOCK).exists()
        assert not is_free(tmp_path)


def test_the_file_is_for_its_owner_alone(tmp_path):
    with RunLock(tmp_path, "genretag scan"):
        assert (tmp_path / LOCK).stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_no_handle_stays_open(tmp_path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    with RunLock(tmp_path, "genretag scan"):
        assert not is_free(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_refused(tmp_path, monkeypatch, code):
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(UsageError, match=r"cannot be locked: .*; check owner and mode") as caught:
        RunLock(tmp_path, "genretag scan").__enter__()
    assert str(caught.value).startswith(f"{tmp_path / LOCK}: ")


def test_what_cannot_be_a_lock_is_refused(tmp_path):
    (tmp_path / LOCK).mkdir()
    with pytest.raises(UsageError, match="cannot be locked: is a directory"):
        RunLock(tmp_path, "genretag scan").__enter__()
    with pytest.raises(UsageError, match="cannot be locked: no such file"):
        RunLock(tmp_path / "none", "genretag scan").__enter__()


def test_a_full_disk_only_costs_the_message(tmp_path, monkeypatch):
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(lock_module, "_PAUSE_S", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(lock_module.os, "write", full)
        run = RunLock(tmp_path, "genretag scan").__enter__()
    with pytest.raises(LockedError, match=r"^another run is under way; it ends by itself$"):
        RunLock(tmp_path, "genretag scan").__enter__()
    run.__exit__(None, None, None)
    assert is_free(tmp_path)


def test_a_file_is_held_as_long_as_its_handle_is_open(tmp_path):
    path = tmp_path / "run-1.lock"
    assert not is_held(path)
    handle = hold(path)
    assert is_held(path)
    assert is_held(path)
    os.close(handle)
    assert not is_held(path)
    assert not path.exists()
