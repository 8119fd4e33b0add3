"""What a process of the pool does: one task after another, for as long as its parent lives."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import pickle
import signal
import socket
import sys
import threading
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, Final

from tagger.engine.base import Failure
from tagger.engine.quiet import silence_native_stderr
from tagger.engine.wire import READY, RESULT, SPENT, Wire

__all__ = ["work"]

_GROWTH: Final = 200 << 20
_FIRST_TO_BE_KILLED: Final = "500"  # of -1000 to 1000
_PR_SET_PDEATHSIG: Final = 1


def work(end: socket.socket, setup: bytes) -> None:
    """Run tasks until the connection is closed.

    Args:
        end: connection to the pool.
        setup: pickled: the function, the initializer and its arguments.
    """
    silence_native_stderr()
    _prepare_to_die()
    function = _function(setup)
    wire = Wire(end)
    first = 0
    with contextlib.suppress(EOFError, OSError):  # nobody wants the result any more
        wire.send(READY, b"")
        while True:
            _, task = wire.receive()
            result = _run(function, task)
            memory = _resident()
            first = first or memory
            grown = memory - first > max(first, _GROWTH)
            wire.send(SPENT if grown else RESULT, result)


def _function(setup: bytes) -> Callable[[Any], Any]:
    """The function, its process initialised; or one that raises what went wrong with that."""
    try:
        function, initializer, initargs = pickle.loads(setup)
        initializer(*initargs)
    except Exception as error:
        problem = error

        def refuse(task: Any) -> Any:
            raise problem

        return refuse
    found: Callable[[Any], Any] = function
    return found


def _run(function: Callable[[Any], Any], task: bytes) -> bytes:
    """A task's result or Failure, pickled.

    Also what cannot be pickled or read back, as the exceptions of many libraries, is a
    Failure of that task alone.
    """
    try:
        outcome = function(pickle.loads(task))
    except (Exception, SystemExit) as error:
        outcome = Failure(error if isinstance(error, Exception) else RuntimeError(repr(error)))
    try:
        data = pickle.dumps(outcome)
        pickle.loads(data)
    except Exception as error:
        what = outcome.error if isinstance(outcome, Failure) else error
        data = pickle.dumps(Failure(RuntimeError(f"{type(what).__name__}: {what}")))
    return data


def _resident() -> int:
    """Bytes of memory that this process holds; 0 where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _prepare_to_die() -> None:
    """See to it that this process ends when it should, and only then.

    Ctrl-C and the like reach whole process groups, and only the pool decides what they mean:
    so this process forms a group of its own, with the programs that it starts. It ends with
    its parent, by either of two ways. A thread waits for the parent's end, and takes the
    programs along. Should a task hold the interpreter, or be stopped, then on Linux the
    kernel ends this process with the fork server, which ends with the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(os, "setpgid"):
        # The fork server blocked them, and it may be a user who sends them to this one.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGHUP})
        os.setpgid(0, 0)
    with contextlib.suppress(OSError):  # Linux alone has it
        # Where memory runs out, rather a task dies than the run.
        score = Path("/proc/self/oom_score_adj")
        if int(score.read_text(encoding="ascii")) < int(_FIRST_TO_BE_KILLED):
            score.write_text(_FIRST_TO_BE_KILLED, encoding="ascii")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if sys.platform == "linux" and forkserver.get_inherited_fds() is not None:
        # The fork server lives as long as anybody holds this; only the parent should.
        alive = getattr(getattr(forkserver, "_forkserver", None), "_forkserver_alive_fd", None)
        if alive is not None:
            os.close(alive)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    if hasattr(os, "getpgrp") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
