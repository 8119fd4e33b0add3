"""One process of the pool, as the pool sees it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from multiprocessing import forkserver, process, resource_tracker
from typing import Any, Final

from tagger.engine.base import Failure
from tagger.engine.child import work
from tagger.engine.wire import TASK, Wire

__all__ = ["Ticket", "Worker", "start_method"]

_SEND_LIMIT_S: Final = 10.0
_EXIT_CODE_LIMIT_S: Final = 1.0


@dataclass(slots=True)
class Ticket:
    """A task on its way.

    Attributes:
        task: pickled.
        future: gets the result pickled, or a Failure.
        deaths: how many processes it has killed.
        died_at: when it killed the last one.
    """

    task: bytes
    future: Future[bytes | Failure] = field(default_factory=Future)
    deaths: int = 0
    died_at: float = 0.0


def start_method(preload: Sequence[str]) -> Any:
    """How processes start: by a fork server where there is one, else each anew.

    Args:
        preload: modules that a fork server imports once for all processes.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tagger.engine.server", *preload])
    return context


class Worker:
    """A process that runs one task at a time.

    Args:
        context: from :func:`start_method`.
        setup: pickled: the function, the initializer and its arguments.

    Attributes:
        end: this end of the connection to it.
        ready: whether it has started.
        ticket: what it does.
        used_s: how long it has been at that, or at starting.
        tasks: how many it was given.
        released: whether its end has been seen to.

    Raises:
        OSError: no more processes or open files may be had.
        EOFError: the fork server died.
    """

    def __init__(self, context: Any, setup: bytes) -> None:
        self.ready = False
        self.ticket: Ticket | None = None
        self.used_s = 0.0
        self.tasks = 0
        self.released = False
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as on_error:
            on_error.callback(ours.close)
            with theirs:
                self._process = context.Process(target=work, args=(theirs, setup), daemon=True)
                _start(self._process, context.get_start_method())
            on_error.pop_all()
        ours.settimeout(_SEND_LIMIT_S)
        self.end = ours
        self._wire = Wire(ours)

    @property
    def under_way(self) -> bool:
        """Whether it is at a task, or starting."""
        return self.ticket is not None or not self.ready

    def begin(self, ticket: Ticket) -> None:
        """Give it a task.

        Raises:
            OSError: it is dead, or does not listen.
        """
        self._wire.send(TASK, ticket.task)
        self.ticket = ticket
        self.used_s = 0.0
        self.tasks += 1

    def hear(self) -> tuple[int, bytes] | None:
        """Receive what it has sent, which must be something; a message once it is whole.

        Raises:
            EOFError: it is dead.
            OSError: it is dead.
        """
        return self._wire.take()

    def ended(self) -> bool:
        """Whether it is dead and gone."""
        return self._process.exitcode is not None

    def exit_code(self) -> int | None:
        """How it ended, as soon as that is known."""
        self._process.join(_EXIT_CODE_LIMIT_S)
        code: int | None = self._process.exitcode
        return code

    @property
    def sentinel(self) -> int:
        """Becomes ready when it has ended."""
        handle: int = self._process.sentinel
        return handle

    def kill(self) -> None:
        """Kill it with what it has started; it may take a while to end."""
        self._wire.close()
        if self.ended():
            return
        if not hasattr(os, "killpg"):
            self._process.kill()
            return
        for kill in (os.killpg, os.kill):  # it may not have formed its group yet
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(self._process.pid, signal.SIGKILL)

    def release(self) -> None:
        """Let go of a process that has ended, or that will not."""
        self.released = True
        if self.ended():
            self._process.close()
        else:  # or the interpreter would wait for it at its exit
            getattr(process, "_children", set()).discard(self._process)


def _start(child: Any, method: str) -> None:
    """Start a process, and before it the fork server, deaf to what ends a run.

    Ctrl-C would end the fork server amid its imports, and a service manager's SIGTERM its
    processes before the pool knows why.
    """
    if method != "forkserver":
        child.start()
        return
    resource_tracker.ensure_running()  # or the fork server starts it, and unblocks signals
    deaf = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, deaf)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    child.start()
