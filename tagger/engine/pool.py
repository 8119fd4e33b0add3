"""A pool of local processes that a bad task cannot take down.

Processes come from a fork server that has loaded the numerical libraries once, with one
thread each: as many processes as cores then share the machine without stepping on one
another, and start in milliseconds. Tasks in flight are bounded, results come in the order
of the tasks, and a task that kills its process is tried once more before it is given up.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from pebble import ProcessExpired, ProcessPool

from tagger.engine.quiet import silence_native_stderr

__all__ = ["Failure", "LocalPool", "default_jobs"]

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


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that has no result: the exception it raised, or what became of its process."""

    error: Exception


class TaskTimeoutError(Exception):
    """A task ran past its time limit and was killed."""


class WorkerDiedError(Exception):
    """A task killed its process, twice."""


def default_jobs() -> int:
    """As many processes as this process may use cores."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def _start_worker(initializer: Callable[..., None], initargs: tuple[Any, ...]) -> None:
    # Ctrl-C reaches the whole process group; only the caller decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    silence_native_stderr()
    initializer(*initargs)


class LocalPool(Generic[Task, Result]):
    """Applies ``function`` to tasks in ``jobs`` processes.

    Args:
        function: a module-level function of one task.
        initializer: called once in each process, before its first task.
        initargs: its arguments.
        jobs: number of processes.
        time_limit_s: seconds after which a task is killed.
        preload: modules that the fork server imports once for all processes.
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
        context = multiprocessing.get_context(method or "spawn")
        if method:
            context.set_forkserver_preload(list(preload))
        self._function = function
        self._time_limit_s = time_limit_s
        self._window = jobs * _IN_FLIGHT_PER_JOB
        self._pool: Any = ProcessPool(
            max_workers=jobs,
            initializer=_start_worker,
            initargs=(initializer, initargs),
            context=context,
        )

    def __enter__(self) -> Self:
        return self

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

    def results(
        self, tasks: Iterable[Task], *, most: int
    ) -> Iterator[list[tuple[Task, Result | Failure]]]:
        """Yield results in the order of the tasks: whatever is ready, 1 to ``most`` at a time.

        Tasks are drawn from ``tasks`` only as the window of those in flight moves on, so
        that memory does not grow with their number.
        """
        source = iter(tasks)
        in_flight: deque[tuple[Task, Any]] = deque()

        def refill() -> None:
            while len(in_flight) < self._window:
                try:
                    task = next(source)
                except StopIteration:
                    return
                in_flight.append((task, self._submit(task)))

        refill()
        while in_flight:
            ready: list[tuple[Task, Result | Failure]] = []
            while in_flight and len(ready) < most and (not ready or in_flight[0][1].done()):
                task, future = in_flight.popleft()
                ready.append((task, self._outcome(task, future)))
            refill()
            yield ready

    def _submit(self, task: Task) -> Any:
        return self._pool.schedule(self._function, args=(task,), timeout=self._time_limit_s)

    def _outcome(self, task: Task, future: Any, *, again: bool = True) -> Result | Failure:
        try:
            result: Result = future.result()
        except FutureTimeoutError:
            return Failure(TaskTimeoutError(f"took longer than {self._time_limit_s:.0f} s"))
        except ProcessExpired as died:
            if again:
                return self._outcome(task, self._submit(task), again=False)
            return Failure(WorkerDiedError(f"crashed the decoder (exit code {died.exitcode})"))
        except Exception as error:
            return Failure(error)
        return result
