from __future__ import annotations

import itertools
import os
import signal
import subprocess
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from engine import pool_tasks
from engine.pool_tasks import echo, misbehave, nap, nothing, signs_in
from engine.processes import gone, script, surroundings, wait_until

from tagger.engine.pool import Failure, LocalPool, PoolBrokenError

IN_FLIGHT_PER_JOB = 16


def pool(
    function: Callable[[Any], Any], *, jobs: int = 2, limit_s: float = 300.0, **more: Any
) -> LocalPool[Any, Any]:
    initializer = more.pop("initializer", nothing)
    return LocalPool(function, initializer=initializer, jobs=jobs, time_limit_s=limit_s, **more)


def outcomes(pool: LocalPool[Any, Any], tasks: Iterable[Any], *, most: int = 4) -> list[Any]:
    """Results in the order in which they came, checked to belong to their tasks."""
    tasks = list(tasks)
    pairs = [pair for batch in pool.results(tasks, most=most) for pair in batch]
    assert [task for task, _ in pairs] == tasks
    return [result for _, result in pairs]


def error_of(outcome: Any) -> tuple[str, str]:
    assert isinstance(outcome, Failure)
    return type(outcome.error).__name__, str(outcome.error)


def test_order_is_kept_with_uneven_tasks():
    with pool(nap) as p:
        outcomes(p, [0.4, 0.0, 0.2, 0.0, 0.0, 0.1], most=3)


def test_no_batch_is_larger_than_asked_for_nor_empty():
    with pool(echo, jobs=1) as p:
        sizes = [len(batch) for batch in p.results(range(50), most=3)]
    assert sum(sizes) == 50
    assert set(sizes) <= {1, 2, 3}


def test_no_tasks_no_results():
    with pool(echo, jobs=1) as p:
        assert list(p.results([], most=8)) == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_tasks_are_drawn_only_as_the_window_moves(jobs):
    drawn = itertools.count()
    delivered = 0
    with pool(echo, jobs=jobs) as p:
        for batch in p.results((next(drawn) for _ in itertools.count()), most=5):
            delivered += len(batch)
            ahead = int(repr(drawn)[len("count(") : -1]) - delivered
            assert 0 < ahead <= IN_FLIGHT_PER_JOB * jobs
            if delivered > 60:
                break


def test_an_exception_comes_back_as_it_was():
    with pool(misbehave, jobs=1) as p:
        raised, fine = outcomes(p, ["raise", "fine"])
    assert isinstance(raised, Failure)
    assert type(raised.error) is KeyError
    assert raised.error.args == ("no such thing", 7)
    assert fine == "fine"


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("odd error", "TwoPartsError: first second"),
        ("odd result", "lambda"),
        ("exit", "SystemExit(3)"),
    ],
)
def test_what_cannot_travel_fails_alone(how, said):
    with pool(misbehave, jobs=1) as p:
        before, odd, after = outcomes(p, ["before", how, "after"])
    assert (before, after) == ("before", "after")
    assert said in error_of(odd)[1]


def test_a_killed_process_takes_only_its_task_and_that_is_tried_twice(tmp_path):
    tasks = [(tmp_path / f"{i}", 99 if i == 3 else 0) for i in range(8)]
    with pool(signs_in) as p:
        results = outcomes(p, tasks)
    assert error_of(results.pop(3)) == ("WorkerDiedError", "crashed the decoder (exit code -9)")
    assert results == [1] * 7
    assert (tmp_path / "3").read_bytes() == b".."


def test_a_task_that_died_once_has_its_result(tmp_path):
    with pool(signs_in) as p:
        assert outcomes(p, [(tmp_path / "log", 1), (tmp_path / "other", 0)]) == [2, 1]


def test_a_process_killed_while_idle_is_replaced():
    with pool(nap, jobs=1) as p:
        (first,) = outcomes(p, [0.0])
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: gone(first), "the end of a killed process")
        results = outcomes(p, [0.0] * 40)
    assert all(isinstance(pid, int) and pid != first for pid in results)


def test_a_task_past_its_time_limit_is_killed_and_not_tried_again():
    with pool(misbehave, jobs=1, limit_s=1.0) as p:
        late, fine = outcomes(p, ["sleep", "fine"])
    assert error_of(late) == ("TaskTimeoutError", "took longer than 1 s")
    assert fine == "fine"


def test_an_initializer_that_raises_is_every_tasks_failure():
    with pool(echo, initializer=pool_tasks.refuse) as p:
        results = outcomes(p, range(40))
    assert {error_of(r) for r in results} == {("ValueError", "this process cannot work")}


def test_an_initializer_that_kills_its_process_ends_the_run():
    with (
        pytest.raises(PoolBrokenError, match="die as they start"),
        pool(echo, jobs=1, initializer=pool_tasks.die) as p,
    ):
        outcomes(p, range(3))


def test_a_closed_pool_leaves_no_process():
    with pool(nap) as p:
        pids = set(outcomes(p, [0.1] * 8))
    assert os.getpid() not in pids
    wait_until(lambda: all(gone(pid) for pid in pids), "the end of a closed pool's processes")


@pytest.mark.parametrize("to_the_group", [False, True])
def test_ctrl_c_stops_what_is_running_and_leaves_no_process(tmp_path, to_the_group):
    consumer = """
import sys
from pathlib import Path
from engine.pool_tasks import nothing, pid_then_sleep
from tagger.engine.pool import LocalPool
try:
    with LocalPool(pid_then_sleep, initializer=nothing, jobs=2, time_limit_s=9999) as pool:
        list(pool.results([Path(sys.argv[1])] * 9, most=1))
except KeyboardInterrupt:
    print("stopped")
"""

    def pids() -> list[int]:
        return [int(p.name) for p in tmp_path.iterdir()]

    process = subprocess.Popen(
        script(consumer, tmp_path),
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until(lambda: len(pids()) == 2, "two tasks under way")
        (os.killpg if to_the_group else os.kill)(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert (out, err, process.returncode) == ("stopped\n", "", 0)
    assert len(pids()) == 2  # nothing was begun after it
    wait_until(lambda: all(gone(pid) for pid in pids()), "the end of a stopped pool's processes")


def test_ctrl_c_amid_the_fork_servers_imports_is_not_heard(tmp_path):
    (tmp_path / "slow_import.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(0.05)\n"
    )
    consumer = """
from engine.pool_tasks import echo, nothing
from tagger.engine.pool import LocalPool
pool = LocalPool(
    echo, initializer=nothing, jobs=1, time_limit_s=99, preload=["slow_import", "engine.pool_tasks"]
)
with pool:
    print(list(pool.results([1], most=1)))
"""
    variables = surroundings()
    variables["PYTHONPATH"] += os.pathsep + str(tmp_path)
    done = subprocess.run(script(consumer), env=variables, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[[(1, 1)]]\n", "")


def test_workers_have_one_thread_each_whatever_the_user_set():
    consumer = """
import sys
from engine.pool_tasks import environment, nothing
from tagger.engine.pool import LocalPool
with LocalPool(environment, initializer=nothing, jobs=1, time_limit_s=99) as pool:
    for batch in pool.results(sys.argv[1:], most=1):
        print(*batch)
"""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    done = subprocess.run(
        script(consumer, *names),
        env=surroundings(**dict.fromkeys(names, "7")),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [f"('{name}', '1')" for name in names]
