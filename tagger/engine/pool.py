"""A pool of local processes that a bad task cannot take down.

Processes come from a fork server that has loaded the numerical libraries once, with one
thread each: as many processes as cores then share the machine without stepping on one
another, and start in milliseconds. Tasks in flight are bounded, results come in the order
of the tasks, and a task that kills its process is tried once more before it is given up.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver, resource_tracker
from types import TracebackType
from typing import Any, Final, TypeVar

from pebble import ProcessExpired, ProcessPool

from tagger.engine.base import Failure, OrderedPool
from tagger.engine.quiet import silence_native_stderr
from tagger.errors import GenretagError

__all__ = ["Failure", "LocalPool", "PoolBrokenError", "default_jobs"]

Task = TypeVar("Task")
Result = TypeVar("Result")

# Read by OpenMP, OpenBLAS, MKL and numba when they load; too late afterwards.
_ONE_THREAD: Final = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}
_IN_FLIGHT_PER_JOB: Final = 16
_MOST_STARTS: Final = 3  # of the whole pool, without one result in between


class TaskTimeoutError(Exception):
    """A task ran past its time limit and was killed."""


class WorkerDiedError(Exception):
    """A task killed its process, twice."""


class PoolBrokenError(GenretagError):
    """The processes die as they start."""


def default_jobs() -> int:
    """As many processes as this process may use cores."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


_start_error: Exception | None = None  # one per worker process, set by _start_worker


def _start_worker(initializer: Callable[..., None], initargs: tuple[Any, ...]) -> None:
    global _start_error
    # Ctrl-C reaches the whole process group; only the caller decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    silence_native_stderr()
    try:
        initializer(*initargs)
    except Exception as error:  # pebble would break the pool and lose what was wrong
        _start_error = error


def _run(function: Callable[[Task], Result], task: Task) -> bytes:
    """A task's result or Failure, pickled.

    Pickled here and not by pebble: one object that cannot be read back, as the exceptions of
    many libraries, would break the whole pool.
    """
    outcome: Result | Failure
    try:
        if _start_error is not None:
            raise _start_error
        outcome = function(task)
    except (Exception, SystemExit) as error:
        outcome = Failure(error if isinstance(error, Exception) else RuntimeError(repr(error)))
    try:
        data = pickle.dumps(outcome)
        pickle.loads(data)
    except Exception as error:
        what = outcome.error if isinstance(outcome, Failure) else error
        data = pickle.dumps(Failure(RuntimeError(f"{type(what).__name__}: {what}")))
    return data


class LocalPool(OrderedPool[Task, Result]):
    """Applies ``function`` to tasks in ``jobs`` processes.

    Args:
        function: a module-level function of one task.
        initializer: called once in each process, before its first task.
        initargs: its arguments.
        jobs: number of processes.
        time_limit_s: seconds after which a task is killed.
        preload: modules that the fork server imports once for all processes.

    An initializer that raises makes every task a Failure with its exception.
    """

    def __init__(
        self,
        function: Callable[[Task], Result],
        *,
        initializer: Callable[..., None],
        initargs: tuple[Any, ...] = (),
        jobs: int,
        time_limit_s: float,
        preload: Sequence[str] = (),
    ) -> None:
        os.environ.update(_ONE_THREAD)
        method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else None
        self._context = multiprocessing.get_context(method or "spawn")
        if method:
            self._context.set_forkserver_preload(list(preload))
            _start_fork_server()
        self._function = function
        self._time_limit_s = time_limit_s
        self.window = jobs * _IN_FLIGHT_PER_JOB
        self._jobs = jobs
        self._initializer = (initializer, initargs)
        self._starts = 0
        self._pool = self._new_pool()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self._pool.close()
        else:
            self._pool.stop()
        self._pool.join()

    def _new_pool(self) -> Any:
        self._starts += 1
        if self._starts > _MOST_STARTS:
            raise PoolBrokenError(
                "the processes that listen die as they start; "
                "'genretag show FILE' listens without them"
            )
        return ProcessPool(
            max_workers=self._jobs,
            initializer=_start_worker,
            initargs=self._initializer,
            context=self._context,
        )

    def submit(self, task: Task) -> Any:
        # pebble gives the pool up when a process dies that held no task: an out-of-memory
        # killer's choice is no reason to lose the rest of a library.
        while not self._is_active():
            self._pool.stop()
            self._pool.join()
            self._pool = self._new_pool()
        return self._pool.schedule(_run, args=(self._function, task), timeout=self._time_limit_s)

    def _is_active(self) -> bool:
        try:
            return bool(self._pool.active)
        except BrokenProcessPool:  # it starts when it is first asked
            return False

    def outcome(self, task: Task, pending: Any) -> Result | Failure:
        died = 0
        while True:
            try:
                outcome: Result | Failure = pickle.loads(pending.result())
            except FutureTimeoutError:
                return Failure(TaskTimeoutError(f"took longer than {self._time_limit_s:.0f} s"))
            except ProcessExpired as end:
                died += 1
                if died == 2:
                    return Failure(
                        WorkerDiedError(f"crashed the decoder (exit code {end.exitcode})")
                    )
            except BrokenProcessPool:
                pass  # no fault of this task; submit replaces the pool
            else:
                self._starts = 0
                return outcome
            pending = self.submit(task)


def _start_fork_server() -> None:
    """Start the fork server deaf to Ctrl-C, which would end it amid its imports with a
    traceback. Its children inherit that, and ignore Ctrl-C anyway."""
    resource_tracker.ensure_running()  # or the fork server starts it, and unblocks the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
