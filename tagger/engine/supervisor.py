"""Keeps the processes of a pool busy, whatever becomes of them, from a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from enum import Enum, auto
from multiprocessing import connection
from typing import Final

from tagger.engine.base import Failure, TaskTimeoutError, WorkerDiedError
from tagger.engine.process import Ticket, Worker, start_method
from tagger.engine.wire import READY, SPENT
from tagger.errors import GenretagError

__all__ = ["PoolBrokenError", "Supervisor"]

_LOOK_S: Final = 1.0
_ALONE_S: Final = 10.0  # how long the others wait for a task that is tried again
_MOST_STARTS: Final = 3  # in vain, without one result in between
_REST_S: Final = 0.2
_FEWER_S: Final = 60.0
_KILL_S: Final = 5.0
_LEAVE_S: Final = 2.0


class PoolBrokenError(GenretagError):
    """No process can be started, or none can be ended."""


class _Mode(Enum):
    RUN = auto()
    FINISH = auto()
    DROP = auto()


class Supervisor:
    """Runs tasks in up to ``jobs`` processes, which it starts as tasks come.

    * A task that kills its process is tried again, with no other beginning meanwhile.
    * A task past its limit is killed. Time in which this process itself was stopped, or the
      machine asleep, does not count.
    * A process that dies as it starts while others live is done without for a while.

    Args:
        setup: pickled: the function, the initializer and its arguments.
        jobs: number of processes.
        time_limit_s: seconds after which a task is killed, or a process that is starting.
        preload: modules that a fork server imports once for all processes.

    Raises:
        OSError: no more open files may be had.
        RuntimeError: no more threads may be had.
    """

    def __init__(
        self, setup: bytes, *, jobs: int, time_limit_s: float, preload: Sequence[str]
    ) -> None:
        self._setup = setup
        self._most_jobs = jobs
        self._fewer_jobs = jobs
        self._fewer_until = 0.0
        self._time_limit_s = time_limit_s
        self._context = start_method(preload)
        self._queue: deque[Ticket] = deque()
        self._again: deque[Ticket] = deque()
        self._workers: list[Worker] = []
        self._killed: list[tuple[Worker, float]] = []
        self._starts_in_vain = 0
        self._mode = _Mode.RUN
        self._broken: Exception | None = None
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="pool", daemon=True)
        self._thread.start()

    def add(self, task: bytes) -> Future[bytes | Failure]:
        """Take a task on. Its future gets the result pickled, a Failure, or PoolBrokenError."""
        ticket = Ticket(task)
        self._queue.append(ticket)
        self._wake()
        if self._broken:  # perhaps since before the task was there to be failed
            raise self._broken
        return ticket.future

    def finish(self) -> None:
        """Wait for all tasks, and end the processes."""
        self._mode = _Mode.FINISH
        self._wake()
        self._thread.join()

    def drop(self) -> None:
        """End the processes amid their tasks; wait no longer than a moment for that."""
        self._mode = _Mode.DROP
        self._wake()
        self._thread.join(_LEAVE_S + _LOOK_S)

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # it is awake, or has left
            self._waker.send(b".")

    def _run(self) -> None:
        try:
            while self._mode is _Mode.RUN or (self._mode is _Mode.FINISH and self._has_work()):
                self._begin()
                self._watch()
            self._broken = PoolBrokenError("the processes that listen have been ended")
        except Exception as error:
            self._broken = error
        self._leave(self._broken)

    def _has_work(self) -> bool:
        return bool(self._queue or self._again or any(w.ticket for w in self._workers))

    def _begin(self) -> None:
        """Start processes if there is work for more, and hand out tasks."""
        now = time.monotonic()
        jobs = self._fewer_jobs if now < self._fewer_until else self._most_jobs
        busy = sum(worker.ticket is not None for worker in self._workers)
        wanted = min(jobs, busy + len(self._queue) + len(self._again))
        while len(self._workers) < wanted and self._mode is not _Mode.DROP:
            try:
                self._workers.append(Worker(self._context, self._setup))
            except (OSError, EOFError) as error:
                self._started_in_vain(getattr(error, "strerror", None))
                break
        for worker in [w for w in self._workers if not w.under_way]:
            ticket = self._next()
            if ticket is None:
                break
            try:
                worker.begin(ticket)
            except OSError:  # it died idle; the task is not to blame
                self._queue.appendleft(ticket)
                self._lost(worker)

    def _next(self) -> Ticket | None:
        """The task to begin now, if any."""
        now = time.monotonic()
        busy = [(w.ticket, w.used_s) for w in self._workers if w.ticket]
        if self._again:
            alone = not busy or now - self._again[0].died_at > _ALONE_S
            return self._again.popleft() if alone else None
        if any(ticket.deaths and used_s < _ALONE_S for ticket, used_s in busy):
            return None
        return self._queue.popleft() if self._queue else None

    def _watch(self) -> None:
        """Wait until something happens, and see to it."""
        left_s = [self._time_limit_s - w.used_s for w in self._workers if w.under_way]
        idle = not (left_s or self._killed or self._queue or self._again)
        wait_s = max(0.0, min([_LOOK_S, *left_s]))
        before = time.monotonic()
        ends = {worker.end: worker for worker in self._workers}
        ready = connection.wait([self._woken, *ends], None if idle else wait_s)
        passed_s = min(time.monotonic() - before, wait_s)  # longer: all of us were stopped
        at_work = [worker for worker in self._workers if worker.under_way]
        for worker in [worker for end, worker in ends.items() if end in ready]:
            self._hear(worker)
        if self._woken in ready:
            self._woken.recv(1 << 16)
        for worker in at_work:
            if worker in self._workers and worker.under_way:
                worker.used_s += passed_s
                if worker.used_s >= self._time_limit_s:
                    self._too_late(worker)
        self._bury()

    def _hear(self, worker: Worker) -> None:
        try:
            message = worker.hear()
        except (EOFError, OSError):
            self._lost(worker)
            return
        if message is None:
            return
        kind, data = message
        if kind == READY:
            worker.ready = True
            return
        ticket, worker.ticket = worker.ticket, None
        assert ticket is not None
        self._starts_in_vain = 0
        ticket.future.set_result(data)
        if kind == SPENT:
            self._end(worker)

    def _lost(self, worker: Worker) -> None:
        """A process is dead."""
        code = worker.exit_code()
        self._end(worker)
        ticket = worker.ticket
        if ticket is None:
            if not worker.tasks:
                self._started_in_vain(f"exit code {code}")
            return
        ticket.deaths += 1
        if ticket.deaths == 1:
            ticket.died_at = time.monotonic()
            self._again.append(ticket)
            return
        error = WorkerDiedError(f"crashed the decoder (exit code {code})")
        ticket.future.set_result(Failure(error))

    def _too_late(self, worker: Worker) -> None:
        self._end(worker)
        if worker.ticket is None:
            self._started_in_vain(f"not ready after {self._time_limit_s:g} s")
            return
        error = TaskTimeoutError(f"took longer than {self._time_limit_s:g} s")
        worker.ticket.future.set_result(Failure(error))

    def _end(self, worker: Worker) -> None:
        self._workers.remove(worker)
        worker.kill()
        self._killed.append((worker, time.monotonic()))

    def _bury(self) -> None:
        """Let go of killed processes.

        Raises:
            PoolBrokenError: too many are still there.
        """
        for worker, _ in self._killed:
            if worker.ended():
                worker.release()
        self._killed = [(w, since) for w, since in self._killed if not w.released]
        stuck = [w for w, since in self._killed if time.monotonic() - since > _KILL_S]
        if len(stuck) > self._most_jobs:
            raise PoolBrokenError(
                f"{len(stuck)} processes hang and cannot be ended: does a drive or a network "
                "share not answer any more? See to it and run again; what is done stays done"
            )

    def _started_in_vain(self, why: str | None) -> None:
        """A process could not be started, or died before its first task.

        Raises:
            PoolBrokenError: several in a row.
        """
        if self._workers:
            self._fewer_jobs = len(self._workers)
            self._fewer_until = time.monotonic() + _FEWER_S
            return
        self._starts_in_vain += 1
        if self._starts_in_vain == _MOST_STARTS:
            reason = f" ({why})" if why else ""
            raise PoolBrokenError(
                f"the processes that listen die as they start{reason}: is the limit on memory, "
                "processes or open files too low? Try --jobs 1; 'genretag show FILE' listens "
                "without them"
            )
        time.sleep(_REST_S)

    def _leave(self, error: Exception) -> None:
        """End all processes, and give up those that do not end."""
        for worker in list(self._workers):
            if worker.ticket:
                self._again.append(worker.ticket)
            self._end(worker)
        deadline = time.monotonic() + _LEAVE_S
        left = [worker for worker, _ in self._killed]
        while left and (wait_s := deadline - time.monotonic()) > 0:
            connection.wait([worker.sentinel for worker in left], wait_s)
            left = [worker for worker in left if not worker.ended()]
        for worker, _ in self._killed:
            worker.release()
        self._woken.close()
        self._waker.close()
        for ticket in (*self._again, *self._queue):
            ticket.future.set_exception(error)
