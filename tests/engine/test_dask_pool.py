from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import synth

pytest.importorskip("distributed")

from engine.dask_cluster import (
    Cluster,
    fragile,
    kill_dask_worker,
    name_then_wait,
    path_below,
    read_below,
    sign_book,
    surroundings,
)
from engine.pool_tasks import echo, misbehave, nap, nothing, pid_then_sleep, refuse

from tagger.engine import dask_pool, dask_worker
from tagger.engine.base import Failure
from tagger.engine.dask_pool import DaskError, DaskPool
from tagger.errors import UsageError

THREADS = 3  # of the shared cluster's two workers


@pytest.fixture(scope="module")
def homes(tmp_path_factory) -> tuple[Path, Path]:
    """Working directories of the shared cluster's workers; a file lies in the first alone."""
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    (first / "song").write_text("la")
    return first, second


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, homes) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        cluster.start_worker(nanny=True, folder=homes[0])
        cluster.start_worker(threads=2, folder=homes[1])
        with pool(cluster, echo) as p:
            wait_until(lambda: see(p) == THREADS, "all workers")
        yield cluster


@pytest.fixture
def own_cluster(tmp_path) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    with Cluster(folder, allowed_failures=1) as cluster:
        yield cluster


def pool(cluster: Cluster, function: Callable[[Any], Any], **more: Any) -> DaskPool[Any, Any]:
    given: dict[str, Any] = {"initializer": nothing, "time_limit_s": 60.0, "connect_s": 5.0}
    return DaskPool(function, address=cluster.address, **given | more)


def outcomes(pool: DaskPool[Any, Any], tasks: Iterable[Any], *, most: int = 4) -> list[Any]:
    """Results in the order in which they came, checked to belong to their tasks."""
    tasks = list(tasks)
    pairs = [pair for batch in pool.results(tasks, most=most) for pair in batch]
    assert [task for task, _ in pairs] == tasks
    return [result for _, result in pairs]


def error_of(outcome: Any) -> tuple[str, str]:
    assert isinstance(outcome, Failure)
    return type(outcome.error).__name__, str(outcome.error)


def see(pool: DaskPool[Any, Any]) -> int:
    """Threads of the cluster."""
    return sum(pool._client.nthreads().values())


def gone(pid: int) -> bool:
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def wait_until(condition: Callable[[], bool], what: str) -> None:
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail(f"never: {what}")


def test_order_is_kept_over_several_workers(cluster):
    with pool(cluster, nap) as p:
        pids = outcomes(p, [0.3, 0.0, 0.2, *[0.1] * 12, 0.0], most=3)
    assert len(set(pids)) == THREADS  # as many processes as the workers have threads


def test_the_window_is_four_tasks_a_thread(cluster):
    with pool(cluster, echo) as p:
        assert p.window == 4 * THREADS
        drawn = iter(range(1000))
        next(p.results(drawn, most=1))
        assert next(drawn) <= 4 * THREADS + 1


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("raise", ("KeyError", "('no such thing', 7)")),
        ("odd error", ("RuntimeError", "TwoPartsError: first second")),
        ("exit", ("RuntimeError", "SystemExit(3)")),
    ],
)
def test_failures_are_those_of_a_local_pool(cluster, how, said):
    with pool(cluster, misbehave) as p:
        before, failed, after = outcomes(p, ["before", how, "after"])
    assert (before, after) == ("before", "after")
    assert error_of(failed) == said


def test_a_task_that_hangs_or_crashes_costs_no_worker(cluster):
    with pool(cluster, fragile, time_limit_s=4.0) as p:
        workers = set(p._workers)
        results = outcomes(p, ["a", "sleep", "b", "die", "c"])
        assert set(p._client.nthreads()) == workers
    assert error_of(results[1]) == ("TaskTimeoutError", "took longer than 4 s")
    assert error_of(results[3]) == ("WorkerDiedError", "crashed the decoder (exit code -9)")
    assert results[::2] == ["a", "b", "c"]


def test_processes_are_initialised_once_and_serve_the_next_run(cluster, tmp_path):
    for _ in range(2):
        with pool(cluster, nap, initializer=sign_book, initargs=(tmp_path,)) as p:
            pids = set(outcomes(p, [0.02] * 40))
    assert {int(p.name) for p in tmp_path.iterdir()} == pids
    assert len(pids) == THREADS


def test_an_initializer_that_raises_is_every_tasks_failure(cluster):
    with pool(cluster, echo, initializer=refuse) as p:
        results = outcomes(p, range(8))
    assert {error_of(r) for r in results} == {("ValueError", "this process cannot work")}


def test_another_version_of_genretag_ends_the_run(cluster, monkeypatch):
    monkeypatch.setattr(dask_pool, "__version__", "77.0")
    with (
        pytest.raises(DaskError, match=r"worker on .* has genretag .*, not 77.0: install"),
        pool(cluster, echo) as p,
    ):
        outcomes(p, [1])


def test_what_workers_do_not_have_ends_the_run(cluster, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def work(task):\n    return task\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    from only_here import work  # type: ignore[import-not-found]

    with (
        pytest.raises(DaskError, match="cannot load what it is to run: No module named 'only_he"),
        pool(cluster, work) as p,
    ):
        outcomes(p, [1])


def test_what_one_worker_cannot_read_another_hears(cluster, homes, monkeypatch):
    monkeypatch.chdir(homes[0])
    with pool(cluster, partial(read_below, Path()), path_of=partial(path_below, Path())) as p:
        assert outcomes(p, ["song"] * 30) == ["la"] * 30


def test_what_no_worker_can_read_is_not_taken_for_vanished(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("here").write_text("la")
    with pool(cluster, partial(read_below, Path()), path_of=partial(path_below, Path())) as p:
        unseen, vanished = outcomes(p, ["here", "nowhere"])
    kind, said = error_of(unseen)
    assert kind == "UnseenError"
    assert said.startswith(f"the Dask worker on {socket.gethostname()} cannot read this file: ")
    assert error_of(vanished)[0] == "FileNotFoundError"


def test_hears_what_a_local_pool_hears(cluster, tmp_path):
    import hashlib

    import numpy as np
    from engine.dask_cluster import start_same_model

    from tagger.errors import ModelError
    from tagger.models.bundle import find_bundle
    from tagger.workflows.hear import hear, start_listener
    from tagger.workflows.worker import PRELOAD, Track, hear_in_worker

    songs = [synth.write(tmp_path / f"{i}.flac", synth.song(4.0, seed=i)) for i in range(4)]
    (short := tmp_path / "short.flac").write_bytes(b"fLaC")
    folder = find_bundle("default")
    digest = hashlib.sha256((folder / "model.json").read_bytes()).hexdigest()
    start_listener(folder)
    model: dict[str, Any] = {"initializer": start_same_model, "preload": PRELOAD}
    with pool(cluster, hear_in_worker, initargs=(folder, digest), **model) as p:
        *heard, failed = outcomes(p, [Track(str(song), 0, 0) for song in (*songs, short)])
    for song, hearing in zip(songs, heard, strict=True):
        assert not isinstance(hearing, Failure), hearing
        here = hear(song)
        np.testing.assert_allclose(hearing.features, here.features, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(hearing.patch_log_probs, here.patch_log_probs, atol=1e-4)
    assert error_of(failed)[0] == "AudioError"
    with pool(cluster, hear_in_worker, initargs=(folder, "0" * 64), **model) as p:
        (refused,) = outcomes(p, [Track(str(songs[0]), 0, 0)])
    assert isinstance(refused, Failure)
    assert isinstance(refused.error, ModelError)


def test_a_worker_killed_amid_the_run_loses_nothing(own_cluster, tmp_path):
    victim = own_cluster.start_worker(threads=2)
    signs = tmp_path / "signs"
    signs.mkdir()
    tasks = [(signs / f"{i}", 0.05) for i in range(60)]
    with pool(own_cluster, name_then_wait) as p:
        wait_until(lambda: see(p) == 2, "the first worker")
        own_cluster.start_worker()
        wait_until(lambda: see(p) == 3, "the second worker")

        def kill_soon() -> None:
            wait_until(lambda: len(list(signs.iterdir())) > 15, "some tasks done")
            victim.kill()

        killer = threading.Thread(target=kill_soon)
        killer.start()
        results = outcomes(p, tasks)
        killer.join()
        assert list(p._client.nthreads().values()) == [1]
    assert results == [f"{i}" for i in range(60)]


def test_the_window_follows_workers_that_join(own_cluster):
    with pool(own_cluster, nap) as p:
        assert (p.window, see(p)) == (4, 0)
        own_cluster.start_worker(threads=2)
        outcomes(p, [0.1] * 3)
        time.sleep(dask_pool._LOOK_EVERY_S)
        outcomes(p, [0.0])
        assert p.window == 8


def test_a_task_that_kills_its_workers_fails_alone(own_cluster):
    own_cluster.start_worker(nanny=True)
    with pool(own_cluster, kill_dask_worker) as p:
        assert outcomes(p, ["before"]) == ["before"]
        (killed,) = outcomes(p, ["kill"])
        assert outcomes(p, ["after"]) == ["after"]
    assert error_of(killed) == ("WorkersDiedError", "2 Dask workers died with it")


def test_a_worker_without_genretag_ends_the_run_and_lives(own_cluster, tmp_path):
    (tmp_path / "tagger").mkdir()
    (tmp_path / "tagger" / "__init__.py").write_text("")
    worker = own_cluster.start_worker(pythonpath=tmp_path)
    with pool(own_cluster, echo) as p:
        with pytest.raises(DaskError, match=r"No module named .*install genretag \d"):
            outcomes(p, [1])
        assert see(p) == 1
    assert worker.poll() is None


def test_no_worker_for_long_ends_the_run(own_cluster):
    with (
        pytest.raises(DaskError, match="no worker for 1 s: start one with 'dask worker tcp"),
        pool(own_cluster, echo, patience_s=1.0) as p,
    ):
        outcomes(p, [1])


def test_a_scheduler_that_freezes_ends_the_run(own_cluster, monkeypatch):
    monkeypatch.setattr(dask_pool, "_SILENCE_S", 1.0)
    with pool(own_cluster, echo, connect_s=1.0) as p:
        own_cluster.scheduler.send_signal(signal.SIGSTOP)
        with pytest.raises(DaskError, match="does not answer any more"):
            outcomes(p, [1])


CALLER = """
import sys
from pathlib import Path
from engine.dask_cluster import name_then_wait
from engine.pool_tasks import nothing
from tagger.engine.dask_pool import DaskPool
from tagger.errors import GenretagError
address, connect_s, signs, *seconds = sys.argv[1:]
tasks = [(Path(signs, f"{i}"), float(s)) for i, s in enumerate(seconds)]
try:
    with DaskPool(
        name_then_wait,
        initializer=nothing,
        address=address,
        time_limit_s=99,
        connect_s=float(connect_s),
    ) as pool:
        for batch in pool.results(tasks, most=1):
            print(*(result for _, result in batch), flush=True)
except KeyboardInterrupt:
    print("stopped")
except GenretagError as error:
    print(error)
"""


@pytest.fixture
def call(tmp_path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a caller in a process of its own, whose terminal can be read."""
    callers: list[subprocess.Popen[str]] = []

    def start(cluster: Cluster, *seconds: float, connect_s: float = 20.0) -> subprocess.Popen[str]:
        signs = tmp_path / "signs"
        signs.mkdir()
        arguments = map(str, (cluster.address, connect_s, signs, *seconds))
        caller = subprocess.Popen(
            [sys.executable, "-c", CALLER, *arguments],
            env=surroundings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        callers.append(caller)
        wait_until((signs / "1").exists, "the second task under way")
        return caller

    yield start
    for caller in callers:
        caller.kill()
        caller.communicate()


def test_ctrl_c_ends_the_run_at_once(cluster, call):
    caller = call(cluster, 0, 30)
    assert caller.stdout is not None
    assert caller.stdout.readline() == "0\n"
    caller.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert caller.communicate(timeout=60) == ("stopped\n", "")
    assert time.monotonic() - began < 20


def test_a_lost_scheduler_ends_the_run_with_one_line(own_cluster, call):
    own_cluster.start_worker()
    caller = call(own_cluster, 0, 5, 0, connect_s=3.0)
    # The second task under way does not mean that the first one's result has arrived.
    assert caller.stdout is not None
    assert caller.stdout.readline() == "0\n"
    own_cluster.scheduler.kill()
    said, err = caller.communicate(timeout=60)
    assert err == ""
    assert len(said.splitlines()) == 1
    assert said.startswith(f"the Dask scheduler at {own_cluster.address} does not answer any more")


def test_a_scheduler_that_comes_back_goes_on(own_cluster, call):
    worker = own_cluster.start_worker()
    caller = call(own_cluster, 0, 1, 0)
    own_cluster.scheduler.kill()
    own_cluster.scheduler.wait()
    worker.wait()
    own_cluster.start_scheduler(port=int(own_cluster.address.rpartition(":")[2]))
    own_cluster.start_worker()
    assert caller.communicate(timeout=60) == ("0\n1\n2\n", "")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense"])
def test_no_scheduler_is_a_usage_error(address):
    with pytest.raises(UsageError, match=f"^--dask {address}: no scheduler answers there"):
        DaskPool(echo, initializer=nothing, address=address, time_limit_s=1, connect_s=0.5)


def test_another_version_of_dask_is_a_usage_error(cluster, monkeypatch):
    monkeypatch.setattr("distributed.__version__", "1.2.3")
    with pytest.raises(UsageError, match=r"has Dask 20.*, this machine 1\.2\.3: install the same"):
        pool(cluster, echo)


def test_a_worker_is_not_taken_for_a_scheduler(cluster):
    with pool(cluster, echo) as p:
        worker = next(iter(p._workers))
    with pytest.raises(UsageError, match="no scheduler answers there"):
        DaskPool(echo, initializer=nothing, address=worker, time_limit_s=1)


def test_without_dask_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install 'genretag\[dask\]'"):
        DaskPool(echo, initializer=nothing, address="tcp://127.0.0.1:1", time_limit_s=1)


def test_the_module_loads_no_dask():
    check = "import sys, tagger.engine.dask_pool; print('distributed' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", check], env=surroundings(), capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_a_killed_worker_leaves_no_process_behind(own_cluster, tmp_path):
    worker = own_cluster.start_worker(threads=2)
    pids = tmp_path / "pids"
    pids.mkdir()
    with pool(own_cluster, pid_then_sleep) as p:
        under_way = p.submit(pids)
        wait_until(lambda: any(pids.iterdir()), "a task under way")
        worker.kill()
        (pid,) = (int(sign.name) for sign in pids.iterdir())
        wait_until(lambda: gone(pid), "the end of a killed worker's process")
        assert not under_way.done()


def test_processes_that_nobody_uses_end(monkeypatch):
    monkeypatch.setattr(dask_worker, "_IDLE_S", 0.5)
    setup = pickle.dumps((nap, None, nothing, (), ()))
    with dask_worker._team(setup, 60.0, 1) as team:
        pid = team.outcome(0.0, team.submit(0.0))
        time.sleep(0.8)
        assert team.outcome(0.0, team.submit(0.0)) == pid  # not while it is in use
    wait_until(lambda: not dask_worker._teams and gone(pid), "the end of idle processes")
