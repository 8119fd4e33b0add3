"""What the pool's tests let its processes do; a module of its own, so that they can import it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

FOREVER_S = 3600.0


class TwoPartsError(Exception):
    """Cannot be unpickled, as it does not hand all it needs to its base."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def nothing() -> None:
    pass


def refuse() -> NoReturn:
    raise ValueError("this process cannot work")


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def echo(task: int) -> int:
    return task


def nap(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def pid_then_sleep(pids: Path) -> int:
    """Leave this process' id in a folder, and stay."""
    (pids / str(os.getpid())).touch()
    time.sleep(FOREVER_S)
    return 0


def signs_in(task: tuple[Path, int]) -> int:
    """Add a byte to a log; the first ``deaths`` to do so do not survive it."""
    log, deaths = task
    with log.open("ab") as file:
        file.write(b".")
    if log.stat().st_size <= deaths:
        die()
    return log.stat().st_size


def misbehave(how: str) -> object:
    if how == "raise":
        raise KeyError("no such thing", 7)
    if how == "odd error":
        raise TwoPartsError("first", "second")
    if how == "odd result":
        return lambda: None
    if how == "exit":
        sys.exit(3)
    if how == "sleep":
        time.sleep(FOREVER_S)
    return how


def environment(name: str) -> str | None:
    return os.environ.get(name)
