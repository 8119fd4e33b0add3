"""The same pool on other machines: tasks go to the workers of a Dask cluster.

The workers see the library under the same path and run the function; the caller keeps the
order, decides and writes. What a worker does with a task is in
:mod:`tagger.engine.dask_worker`.

Tasks go out by ``Client.submit``. ``Client.get_executor`` wraps that very call, and each
future in a second one, for users of ``concurrent.futures``. This pool is no such user: it asks
the client how the cluster is while it waits, and lets go of each result itself.

What holds when something breaks:

* A task past its time limit, or that crashes its process: as in :class:`LocalPool`. The Dask
  worker lives on.
* A Dask worker is killed or its machine vanishes: Dask sends its tasks to other workers. A
  task that was on several killed workers in a row (``distributed.scheduler.allowed-failures``
  and one more, four if nobody changed it) is a Failure.
* A machine that freezes is given up by the scheduler after ``worker-ttl`` (5 minutes).
* The scheduler is lost: the client looks for it for as long as for a new one, sends again
  what was under way, or else raises :class:`DaskError`.

Dask runs what any client sends it, and the caller unpickles what workers answer: use it on
networks that you trust, or with ``tls://`` addresses.
"""

from __future__ import annotations

import contextlib
import pickle
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

from tagger import __version__
from tagger.engine.base import Failure, OrderedPool
from tagger.engine.dask_client import connect
from tagger.engine.dask_worker import Answer, Unseen, is_readable, run_task
from tagger.errors import GenretagError

__all__ = ["DaskError", "DaskPool", "UnseenError", "WorkersDiedError"]

Task = TypeVar("Task")
Result = TypeVar("Result")

_IN_FLIGHT_PER_THREAD: Final = 4
_LEAST_IN_FLIGHT: Final = 4  # while there is no worker yet
_LOOK_EVERY_S: Final = 2.0
_SILENCE_S: Final = 30.0  # of a scheduler that holds the connection and does not answer


class DaskError(GenretagError):
    """The cluster cannot go on, or must not."""

    exit_code = 1


class UnseenError(GenretagError):
    """A file that can be read here and on none of the workers."""


class WorkersDiedError(GenretagError):
    """Dask workers died while they had a task, until Dask gave it up."""


class DaskPool(OrderedPool[Task, Result]):
    """Applies ``function`` to tasks on the workers of a Dask cluster.

    Workers may join and leave; the window follows the number of their threads. A task whose
    file a worker cannot read goes to the others before it fails: one machine without the
    library, which is the fastest of all to fail, then costs no track.

    Args:
        function: a module-level function of one task.
        initializer: called once in each process, before its first task. It should check
            that the machine has what the caller has: only genretag's version is checked here.
        initargs: its arguments.
        address: the scheduler's, as ``tcp://192.168.1.10:8786``.
        time_limit_s: seconds after which a task is killed.
        preload: modules that each worker imports once for all its processes.
        path_of: gives the file of a task, absolute; a module-level function or a partial of
            one. None if tasks have no files.
        connect_s: seconds in which the scheduler must answer.
        patience_s: seconds without any worker after which the run ends.

    Raises:
        UsageError: Dask is not installed, or no scheduler answers.

    An initializer that raises makes every task of that machine a Failure with its exception.
    A worker that cannot run the function, or has another version of genretag, ends the run
    with a :class:`DaskError`.
    """

    def __init__(
        self,
        function: Callable[[Task], Result],
        *,
        initializer: Callable[..., None],
        initargs: tuple[Any, ...] = (),
        address: str,
        time_limit_s: float,
        preload: Sequence[str] = (),
        path_of: Callable[[Task], str | Path] | None = None,
        connect_s: float = 10.0,
        patience_s: float = 60.0,
    ) -> None:
        self._setup = pickle.dumps((function, path_of, initializer, initargs, tuple(preload)))
        self._path_of = path_of
        self._time_limit_s = time_limit_s
        self._address = address
        self._connect_s = connect_s
        self._patience_s = patience_s
        self._client = connect(address, connect_s)
        self._workers: dict[str, int] = {}
        self._looked = -_LOOK_EVERY_S
        self._worker_seen = time.monotonic()
        self.window = _LEAST_IN_FLIGHT
        try:
            self._look_around()
        except DaskError:
            self._client.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the cluster, which drops what nobody waits for any more."""
        # Where the scheduler is gone there is nothing to drop, and the client may not end.
        with contextlib.suppress(OSError, AssertionError):
            self._client.close(timeout=self._connect_s)

    def submit(self, task: Task, workers: Collection[str] = ()) -> Any:
        """Send one task on its way, to certain workers as long as there are any of them."""
        self._reach()
        self._look_around()
        call = _Call((__version__, self._setup, self._time_limit_s, pickle.dumps(task)))
        return self._client.submit(
            pickle.loads,
            pickle.dumps(call),
            key=f"genretag-{uuid.uuid4().hex}",
            pure=False,
            workers=list(workers) or None,
            allow_other_workers=bool(workers),
        )

    def outcome(self, task: Task, pending: Any) -> Result | Failure:
        from distributed import CancelledError, KilledWorker

        blind: set[str] = set()
        while True:
            try:
                answer = self._answer(pending)
            except KilledWorker as killed:
                return Failure(
                    WorkersDiedError(f"{killed.allowed_failures + 1} Dask workers died with it")
                )
            except (CancelledError, OSError):
                self._reach()
                pending = self.submit(task)
                continue
            except DaskError:
                raise
            except Exception as error:
                raise DaskError(
                    f"a Dask worker cannot run genretag ({type(error).__name__}: {error}): "
                    f"install genretag {__version__} on every machine"
                ) from error
            if answer.refusal:
                raise DaskError(f"the Dask worker on {answer.host}: {answer.refusal}")
            outcome: Result | Failure | Unseen = pickle.loads(answer.outcome)
            if not isinstance(outcome, Unseen):
                return outcome
            if not (self._path_of and is_readable(self._path_of(task))):
                return outcome.failure  # it is not the worker's fault
            others = self._workers.keys() - blind - {answer.worker}
            if answer.worker in blind or not others:
                return Failure(
                    UnseenError(
                        f"the Dask worker on {answer.host} cannot read this file: every machine "
                        "needs the library under the same path, and the right to read it"
                    )
                )
            blind.add(answer.worker)
            pending = self.submit(task, others)

    def _answer(self, pending: Any) -> Answer:
        """Wait for a task, with an eye on the cluster."""
        while True:
            try:
                answer: Answer = pending.result(timeout=_LOOK_EVERY_S)
            except TimeoutError:
                self._look_around()
            else:
                # Not left to its finaliser, in which a Ctrl-C would be lost.
                pending.release()
                return answer

    def _look_around(self) -> None:
        """Every other moment: fit the window to the workers that there are.

        Raises:
            DaskError: there have been none for too long, or the scheduler does not answer.
        """
        now = time.monotonic()
        if now - self._looked < _LOOK_EVERY_S:
            return
        try:
            self._workers = self._client.nthreads(callback_timeout=_SILENCE_S)
        except TimeoutError as error:
            raise self._lost() from error
        except OSError:  # the connection broke; the client sees it as well
            self._reach()
            return
        self._looked = time.monotonic()
        self.window = max(_LEAST_IN_FLIGHT, _IN_FLIGHT_PER_THREAD * sum(self._workers.values()))
        if self._workers:
            self._worker_seen = now
        elif now - self._worker_seen > self._patience_s:
            raise DaskError(
                f"the Dask scheduler at {self._address} has had no worker for "
                f"{self._patience_s:.0f} s: start one with 'dask worker {self._address}'"
            )

    def _reach(self) -> None:
        """Wait while the client looks for a lost scheduler, until it gives up.

        Raises:
            DaskError: it gave up.
        """
        while self._client.status == "connecting":
            time.sleep(0.05)
        if self._client.status != "running":
            raise self._lost()

    def _lost(self) -> DaskError:
        return DaskError(
            f"the Dask scheduler at {self._address} does not answer any more: "
            "see to it and run again; what is done stays done"
        )


class _Call:
    """A call of :func:`run_task`, made by unpickling it.

    A function that a Dask worker cannot import takes the whole worker down, whosever tasks it
    has. Every worker has ``pickle.loads``, and what that raises is the error of one task.
    """

    def __init__(self, arguments: tuple[str, bytes, float, bytes]) -> None:
        self._arguments = arguments

    def __reduce__(self) -> tuple[Callable[..., Answer], tuple[str, bytes, float, bytes]]:
        return run_task, self._arguments
