"""A pool of local processes that a bad task cannot take down.

Processes come from a fork server that has loaded the numerical libraries once, with one
thread each: as many processes as cores then share the machine without stepping on one
another, and start in milliseconds. Tasks in flight are bounded, results come in the order
of the tasks, and a task that kills its process is tried once more before it is given up.

Each process has a connection of its own, so that none can hold up another, however it ends.
Each ends with this process, however that ends.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, TypeVar

from tagger.engine.base import Failure, OrderedPool, TaskTimeoutError, WorkerDiedError
from tagger.engine.limits import default_jobs
from tagger.engine.supervisor import PoolBrokenError, Supervisor
from tagger.engine.threads import ONE_THREAD

__all__ = [
    "Failure",
    "LocalPool",
    "PoolBrokenError",
    "TaskTimeoutError",
    "WorkerDiedError",
    "default_jobs",
]

Task = TypeVar("Task")
Result = TypeVar("Result")

_IN_FLIGHT_PER_JOB: Final = 16


class LocalPool(OrderedPool[Task, Result]):
    """Applies ``function`` to tasks in up to ``jobs`` processes.

    Nothing is started before the first task, and no more processes than tasks.

    Args:
        function: a module-level function of one task.
        initializer: called once in each process, before its first task.
        initargs: its arguments.
        jobs: number of processes.
        time_limit_s: seconds after which a task is killed.
        preload: modules that the fork server imports once for all processes.

    An initializer that raises makes every task a Failure with its exception. A task past its
    time limit is a Failure with a TaskTimeoutError; one whose process died is tried again, and
    if that dies too it is a Failure with a WorkerDiedError. A process that has grown far
    beyond what it needed for its first task is replaced.
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
        self._setup = pickle.dumps((function, initializer, initargs))
        self._jobs = jobs
        self._time_limit_s = time_limit_s
        self._preload = preload
        self._supervisor: Supervisor | None = None
        self.window = jobs * _IN_FLIGHT_PER_JOB

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._supervisor is None:
            return
        if kind is not None:
            self._supervisor.drop()
            return
        try:
            self._supervisor.finish()
        except BaseException:  # Ctrl-C, while it waits
            self._supervisor.drop()
            raise

    def submit(self, task: Task) -> Any:
        """Send one task on its way.

        Raises:
            PoolBrokenError: no process can be started, or none can be ended.
        """
        data = pickle.dumps(task)
        if self._supervisor is None:
            self._supervisor = self._new_supervisor()
        return self._supervisor.add(data)

    def _new_supervisor(self) -> Supervisor:
        os.environ.update(ONE_THREAD)
        try:
            return Supervisor(
                self._setup,
                jobs=self._jobs,
                time_limit_s=self._time_limit_s,
                preload=self._preload,
            )
        except (OSError, RuntimeError) as error:
            raise PoolBrokenError(
                f"the processes that listen cannot be started ({error}): "
                "raise the limit on open files and processes, or end other programs"
            ) from error

    def outcome(self, task: Task, pending: Any) -> Result | Failure:
        """Wait for a task, trying it again where its process died.

        Raises:
            PoolBrokenError: no process can be started, or none can be ended.
        """
        answer = pending.result()
        outcome: Result | Failure = answer if isinstance(answer, Failure) else pickle.loads(answer)
        return outcome
