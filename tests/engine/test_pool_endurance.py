"""What a night of 100 000 files brings: crashes, hangs, leaks, and systems that refuse."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from engine.pool_tasks import (
    MARK_S,
    crash,
    echo,
    get_stuck,
    grow,
    mark,
    mark_or_hang,
    nap,
)
from engine.processes import alive_in, gone, script, surroundings, wait_until
from engine.test_pool import error_of, outcomes, pool

from tagger.engine import process, supervisor
from tagger.engine.pool import PoolBrokenError

LINUX = sys.platform == "linux"


def test_nothing_is_started_before_the_first_task():
    consumer = """
import sys, threading
from engine.pool_tasks import echo, nothing
from tagger.engine.pool import LocalPool
with LocalPool(echo, initializer=nothing, jobs=2, time_limit_s=99) as pool:
    known = list(pool.results(range(9), most=9, ready=lambda task: task))
    print(len(known[0]), threading.active_count(), pool.window)
    sys.stdin.readline()
"""
    run = subprocess.Popen(
        script(consumer),
        env=surroundings(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert run.stdout is not None
        assert run.stdout.readline() == "9 1 32\n"
        if LINUX:
            assert list(alive_in(run.pid)) == [run.pid]
        run.communicate("\n", timeout=60)
    finally:
        run.kill()
    assert run.returncode == 0


def test_no_more_processes_than_tasks():
    with pool(nap, jobs=8) as p:
        (pid,) = outcomes(p, [0.0])
        assert {pid} == set(outcomes(p, [0.0])) | set(outcomes(p, [0.0]))


@pytest.mark.parametrize(
    "how", ["sleeps", "sleeps with the interpreter", "reads", "is stopped", "is deaf"]
)
def test_the_time_limit_holds_whatever_a_task_does(how, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pool(get_stuck, jobs=1, limit_s=0.5) as p:
        begun = time.monotonic()
        (late,) = outcomes(p, [(how, tmp_path)])
        took_s = time.monotonic() - begun
    assert error_of(late) == ("TaskTimeoutError", "took longer than 0.5 s")
    assert took_s < 20.0
    (pid,) = [int(path.stem) for path in tmp_path.glob("*.pid")]
    wait_until(lambda: gone(pid), "the end of a task past its limit")


def test_a_program_that_a_task_runs_is_killed_with_it(tmp_path):
    with pool(get_stuck, jobs=1, limit_s=0.5) as p:
        outcomes(p, [("runs a program", tmp_path)])
    (program,) = [int(path.stem) for path in tmp_path.glob("*.program")]
    wait_until(lambda: gone(program), "the end of a task's program")


def test_a_process_stopped_amid_its_answer_holds_up_nobody():
    with pool(crash, jobs=2, limit_s=1.0) as p:
        results = outcomes(p, ["fine", "stopped amid its answer", *["fine"] * 6])
    assert error_of(results.pop(1))[0] == "TaskTimeoutError"
    assert results == ["fine"] * 7


@pytest.mark.parametrize(
    ("how", "code"),
    [("segfault", -11), ("kill", -9), ("exit 0", 0), ("exit 3", 3), ("killed amid its answer", -9)],
)
def test_a_crash_is_noticed_at_once(how, code):
    with pool(crash) as p:
        begun = time.monotonic()
        before, crashed, after = outcomes(p, ["fine", how, "fine"])
        took_s = time.monotonic() - begun
    assert (before, after) == ("fine", "fine")
    assert error_of(crashed) == ("WorkerDiedError", f"crashed the decoder (exit code {code})")
    assert took_s < 20.0


def test_a_task_that_died_is_tried_again_with_nothing_else_under_way(tmp_path):
    tasks = [(tmp_path, i, i == 2) for i in range(12)]
    with pool(mark, jobs=3) as p:
        results = outcomes(p, tasks)
    assert error_of(results.pop(2))[0] == "WorkerDiedError"
    assert results == ["done"] * 11
    spans = {}
    for path in tmp_path.glob("*-*"):
        number, _, _ = path.name.partition("-")
        times = [float(part) for part in path.read_text().split()]
        spans.setdefault(int(number), []).append(times)
    first, again = sorted(times[0] for times in spans.pop(2))
    assert first < again
    assert len(spans) == 11
    for ((begin, end),) in spans.values():
        assert end < again or begin > again + MARK_S


def test_who_waits_to_be_tried_again_does_not_wait_for_one_that_hangs(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "_ALONE_S", 0.2)
    with pool(mark_or_hang, jobs=2, limit_s=2.5) as p:
        hangs = p.submit((tmp_path, -1, False))
        died = p.submit((tmp_path, 2, True))
        assert error_of(p.outcome(None, died))[0] == "WorkerDiedError"
        assert not hangs.done()
        fine = p.submit((tmp_path, 3, False))
        assert p.outcome(None, fine) == "done"
        assert not hangs.done()
        assert error_of(p.outcome(None, hangs))[0] == "TaskTimeoutError"


@pytest.mark.skipif(not LINUX, reason="only Linux tells how much memory a process holds")
def test_a_process_that_has_grown_is_replaced_and_one_that_has_not_stays():
    with pool(grow, jobs=1) as p:
        (first,) = outcomes(p, [0])
        stays, grown, fresh, last = outcomes(p, [150, 150, 0, 0], most=1)
    assert stays == grown == first
    assert fresh == last != first


@pytest.mark.skipif(not LINUX, reason="only Linux tells how much memory a process holds")
def test_memory_stays_flat_over_thousands_of_tasks():
    with pool(echo, jobs=1) as p:
        outcomes(p, range(200), most=32)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        outcomes(p, range(5000), most=32)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 << 10


def test_no_open_file_is_left(tmp_path):
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir())) if LINUX else 0

    with pool(echo) as p:
        outcomes(p, [1])  # starts what stays for the next pool
    before = count()
    for _ in range(3):
        with pool(crash) as p:
            outcomes(p, ["fine", "kill", "exit 0", "fine"])
    wait_until(lambda: count() <= before, "the closing of all")
    assert "pool" not in {thread.name for thread in threading.enumerate()}


def test_a_process_that_cannot_be_killed_holds_up_neither_the_pool_nor_the_exit(tmp_path):
    consumer = """
import os, signal, sys
from pathlib import Path
from engine.pool_tasks import get_stuck, nothing
from tagger.engine import process, supervisor
from tagger.engine.pool import LocalPool
supervisor._KILL_S = 0.2
process.Worker.kill = lambda worker: worker.end.close()  # as in uninterruptible sleep
with LocalPool(get_stuck, initializer=nothing, jobs=1, time_limit_s=0.3) as pool:
    try:
        for batch in pool.results([("is deaf", Path(sys.argv[1]))] * 9, most=1):
            print(type(batch[0][1].error).__name__, flush=True)
    except Exception as error:
        print(error)
"""
    run = subprocess.Popen(
        script(consumer, tmp_path),
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = run.communicate(timeout=60)
    finally:
        run.kill()
        for pid in alive_in(run.pid):
            os.kill(pid, signal.SIGKILL)
    *lines, last = out.splitlines()
    assert set(lines) == {"TaskTimeoutError"}
    assert 1 <= len(lines) <= 4
    assert "2 processes hang and cannot be ended" in last
    assert (err, run.returncode) == ("", 0)


def test_time_in_which_this_process_is_stopped_does_not_count():
    consumer = """
from engine.pool_tasks import nap, nothing
from tagger.engine.pool import LocalPool
with LocalPool(nap, initializer=nothing, jobs=1, time_limit_s=2.5) as pool:
    list(pool.results([0.0], most=1))
    print("ready", flush=True)
    ((_, outcome),) = next(pool.results([0.8], most=1))
    print(type(outcome).__name__)
"""
    run = subprocess.Popen(
        script(consumer),
        env=surroundings(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert run.stdout is not None
        run.stdout.readline()
        time.sleep(0.2)
        everybody = [run.pid, *alive_in(run.pid)]
        for pid in everybody:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(3.0)
        for pid in everybody:
            os.kill(pid, signal.SIGCONT)
        out, _ = run.communicate(timeout=60)
    finally:
        run.kill()
    assert out == "int\n"


LIMITED = """
import resource, sys
from engine.pool_tasks import echo, nothing
from tagger.engine.pool import LocalPool
from tagger.errors import GenretagError
pool = LocalPool(echo, initializer=nothing, jobs=4, time_limit_s=99)
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[1])))
try:
    with pool:
        print(sum(len(batch) for batch in pool.results(range(50), most=9)))
except GenretagError as error:
    print(error)
"""


@pytest.mark.parametrize("most", [*range(5, 24, 3), 60])
def test_too_many_open_files_is_one_line(most):
    done = subprocess.run(
        script(LIMITED, most), env=surroundings(), capture_output=True, text=True, timeout=60
    )
    (line,) = done.stdout.splitlines()
    assert line == "50" or "cannot be started" in line or "die as they start" in line
    assert (line == "50") >= (most == 60)
    assert (line != "50") >= (most == 5)
    assert (done.stderr, done.returncode) == ("", 0)


def test_no_more_processes_is_one_line(tmp_path):
    (tmp_path / "full_house.py").write_text(
        "import os\n"
        "def refuse():\n"
        "    raise BlockingIOError(11, 'Resource temporarily unavailable')\n"
        "os.fork = refuse\n"
    )
    consumer = """
from engine.pool_tasks import echo, nothing
from tagger.engine.pool import LocalPool, PoolBrokenError
try:
    with LocalPool(
        echo, initializer=nothing, jobs=2, time_limit_s=99, preload=["full_house"]
    ) as pool:
        list(pool.results(range(9), most=1))
except PoolBrokenError as error:
    print(error)
"""
    variables = surroundings()
    variables["PYTHONPATH"] += os.pathsep + str(tmp_path)
    done = subprocess.run(
        script(consumer), env=variables, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("the processes that listen die as they start: is the limit")
    assert (done.stdout.count("\n"), done.stderr, done.returncode) == (1, "", 0)


def test_where_not_all_processes_start_the_others_do_the_work(monkeypatch):
    started = []
    real = supervisor.Worker

    def one_only(*arguments):
        if started:
            raise OSError(11, "Resource temporarily unavailable")
        started.append(real(*arguments))
        return started[0]

    monkeypatch.setattr(supervisor, "Worker", one_only)
    with pool(nap, jobs=4) as p:
        assert len(set(outcomes(p, [0.0] * 30))) == 1


def test_where_there_is_no_fork_server(monkeypatch):
    monkeypatch.setattr(process.multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    with pool(crash) as p:
        results = outcomes(p, ["fine", "exit 0", "fine"])
    assert error_of(results.pop(1))[0] == "WorkerDiedError"
    assert results == ["fine", "fine"]


def test_a_pool_that_was_left_takes_no_more():
    with pool(echo) as p:
        outcomes(p, [1])
    with pytest.raises(PoolBrokenError, match="have been ended"):
        p.submit(2)


def test_an_error_on_its_way_out_does_not_wait(tmp_path):
    p = pool(get_stuck, limit_s=999.0)
    pending = [p.submit(("sleeps", tmp_path)) for _ in range(5)]
    wait_until(lambda: len(list(tmp_path.glob("*.pid"))) == 2, "two tasks under way")
    begun = time.monotonic()
    p.__exit__(KeyError, KeyError(), None)
    assert time.monotonic() - begun < 20.0
    assert all(isinstance(future.exception(), PoolBrokenError) for future in pending)
