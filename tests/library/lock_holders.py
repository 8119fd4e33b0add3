"""Processes that hold a run's lock, for the tests of it: ``python -m library.lock_holders``."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from pathlib import Path

from tagger.errors import LockedError
from tagger.library.lock import RunLock

__all__ = ["contend", "fork", "stay", "work"]


def stay(folder: Path) -> None:
    """Hold the lock, say so, and do nothing more until the input ends."""
    with RunLock(folder, "genretag scan"):
        print("held", flush=True)
        sys.stdin.read()


def contend(folder: Path) -> None:
    """Try to get the lock as soon as a line comes in; print whether it worked, and keep it."""
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        with RunLock(folder, "genretag scan"):
            print("held", flush=True)
            sys.stdin.read()
    except LockedError as error:
        print(error, flush=True)


def work(folder: Path) -> None:
    """Hold the lock with two processes at work, started before and after; print their ids."""
    processes = multiprocessing.get_context("forkserver")
    early = processes.Process(target=time.sleep, args=(300,))
    early.start()
    with RunLock(folder, "genretag scan"):
        late = processes.Process(target=time.sleep, args=(300,))
        late.start()
        print(early.pid, late.pid, flush=True)
        time.sleep(300)


def fork(folder: Path) -> None:
    """Hold the lock in a process that forks another, which outlives it."""
    with RunLock(folder, "genretag scan"):
        child = os.fork()
        if not child:
            sys.stdin.read()
            os._exit(0)
        print(child, flush=True)
        os._exit(0)


if __name__ == "__main__":
    jobs = {job.__name__: job for job in (contend, fork, stay, work)}
    jobs[sys.argv[1]](Path(sys.argv[2]))
