"""What a Dask worker does for a pool: it hands each task to local processes of its own.

A task runs in a :class:`LocalPool` beside the Dask worker, never in one of its threads. So a
task has the same time limit, the same one-thread libraries and the same second chance as
without Dask; one that hangs or crashes costs a process of that pool and not the Dask worker;
and a worker with many threads is served by as many processes, whether or not the native
libraries are safe among threads.
"""

from __future__ import annotations

import atexit
import multiprocessing
import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from tagger import __version__
from tagger.engine.base import Failure
from tagger.engine.pool import LocalPool
from tagger.errors import GenretagError

__all__ = ["Answer", "Unseen", "is_readable", "run_task"]

_IDLE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one task.

    Attributes:
        worker: address of the Dask worker.
        host: name of its machine.
        outcome: pickled: the function's result, a Failure, or an :class:`Unseen`.
        refusal: why this worker cannot run any such task; empty if it can.
    """

    worker: str
    host: str
    outcome: bytes = b""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Unseen:
    """A task that failed, and whose file the worker's machine cannot read."""

    failure: Failure


class _Team(LocalPool[Any, Any]):
    """The processes of one Dask worker, shared by its threads."""

    def __init__(self, setup: bytes, time_limit_s: float, jobs: int) -> None:
        try:
            function, path_of, initializer, initargs, preload = pickle.loads(setup)
        except (ImportError, AttributeError) as error:
            raise GenretagError(f"it cannot load what it is to run: {error}") from error
        # Dask's nanny starts its worker as a daemon, which may have no children. The nanny
        # itself does not see this change.
        multiprocessing.current_process().daemon = False
        super().__init__(
            partial(_attempt, function, path_of),
            initializer=initializer,
            initargs=initargs,
            jobs=jobs,
            time_limit_s=time_limit_s,
            preload=preload,
        )
        self._lock = threading.Lock()
        self.busy = 0
        self.last_used = time.monotonic()

    def submit(self, task: Any) -> Any:
        with self._lock:  # it may replace the processes
            return super().submit(task)


_teams: dict[tuple[bytes, float], _Team] = {}
_teams_lock = threading.Lock()


def run_task(version: str, setup: bytes, time_limit_s: float, task: bytes) -> Answer:
    """Run one task, in a thread of a Dask worker.

    Args:
        version: the caller's version of genretag.
        setup: pickled: the pool's function, what gives a task's path, the initializer, its
            arguments, modules to preload.
            The same bytes are served by the same processes, each initialised once.
        time_limit_s: seconds after which the task is killed.
        task: pickled.
    """
    from distributed import get_worker

    worker = get_worker()
    host = socket.gethostname()
    # A version of its own may analyse otherwise, and nothing in a result would tell.
    if version != __version__:
        refusal = f"it has genretag {__version__}, not {version}: install the same there"
        return Answer(worker.address, host, refusal=refusal)
    try:
        with _team(setup, time_limit_s, worker.state.nthreads) as team:
            loaded = pickle.loads(task)
            outcome = team.outcome(loaded, team.submit(loaded))
    except GenretagError as error:
        return Answer(worker.address, host, refusal=str(error))
    return Answer(worker.address, host, pickle.dumps(outcome))


@contextmanager
def _team(setup: bytes, time_limit_s: float, jobs: int) -> Iterator[_Team]:
    key = setup, time_limit_s
    with _teams_lock:
        team = _teams.get(key)
        if team is None:
            team = _teams[key] = _Team(setup, time_limit_s, jobs)
            threading.Thread(target=_dismiss_idle, args=(key, team), daemon=True).start()
        team.busy += 1
    try:
        yield team
    except GenretagError:  # it is broken; the next caller may have better luck with another
        with _teams_lock:
            if _teams.get(key) is team:
                del _teams[key]
        raise
    finally:
        with _teams_lock:
            team.busy -= 1
            team.last_used = time.monotonic()


def _dismiss_idle(key: tuple[bytes, float], team: _Team) -> None:
    """End processes that nobody has used for a while: their caller may never say goodbye."""
    while True:
        time.sleep(_IDLE_S / 10)
        with _teams_lock:
            if not team.busy and time.monotonic() - team.last_used > _IDLE_S:
                if _teams.get(key) is team:
                    del _teams[key]
                break
    team.__exit__(None, None, None)


@atexit.register  # before multiprocessing waits for processes that a thread of ours lets go of
def _dismiss_all() -> None:
    """End all processes with the Dask worker."""
    with _teams_lock:
        teams = list(_teams.values())
        _teams.clear()
    for team in teams:
        team.__exit__(None, None, None)


def _attempt(
    function: Callable[[Any], Any], path_of: Callable[[Any], str | Path] | None, task: Any
) -> Any:
    """Run a task in a process of the team; under its time limit, as even to look may hang."""
    try:
        return function(task)
    except Exception as error:
        if path_of and not is_readable(path_of(task)):
            return Unseen(Failure(error))
        raise


def is_readable(path: str | Path) -> bool:
    """Whether this machine gets anything out of a file."""
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except OSError:
        return False
    return True
