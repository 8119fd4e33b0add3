"""What the pool's tests let its processes do; a module of its own, so that they can import it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

FOREVER_S = 3600.0
MARK_S = 0.05


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


def get_stuck(task: tuple[str, Path]) -> int:
    """Leave this process' id in a folder, and never come back."""
    how, folder = task
    (folder / f"{os.getpid()}.pid").touch()
    if how == "sleeps":
        ctypes.CDLL(None).sleep(int(FOREVER_S))
    elif how == "sleeps with the interpreter":
        ctypes.PyDLL(None).sleep(int(FOREVER_S))
    elif how == "reads":
        (folder / "fifo").read_bytes()
    elif how == "is stopped":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif how == "is deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(FOREVER_S)
    elif how == "runs a program":
        program = subprocess.Popen(["sleep", str(FOREVER_S)])
        (folder / f"{program.pid}.program").touch()
        program.wait()
    raise AssertionError("not stuck")


def crash(how: str) -> object:
    if how == "segfault":
        ctypes.string_at(0)
    if how == "kill":
        die()
    if how.startswith("exit"):
        os._exit(int(how.split()[1]))
    if how.endswith("amid its answer"):
        number = signal.SIGSTOP if how.startswith("stopped") else signal.SIGKILL
        return _Interrupting(number)
    return how


class _Interrupting:
    """Has a large pickle, and ends its process while that travels."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[object, tuple[bytes]]:
        command = f"sleep 0.3; kill -{self.number} {os.getpid()}"
        subprocess.Popen(["sh", "-c", command], start_new_session=True)
        return bytes, (bytes(400_000_000),)


def mark(task: tuple[Path, int, bool]) -> str:
    """Leave a file with the times of beginning and end, or die."""
    folder, number, dies = task
    begin = time.monotonic()
    file = folder / f"{number}-{os.getpid()}"
    file.write_text(f"{begin}")
    time.sleep(MARK_S)
    if dies:
        die()
    file.write_text(f"{begin} {time.monotonic()}")
    return "done"


def mark_or_hang(task: tuple[Path, int, bool]) -> str:
    if task[1] < 0:
        time.sleep(FOREVER_S)
    return mark(task)


_kept: list[bytes] = []


def grow(mebibytes: int) -> int:
    """Keep some memory for good."""
    _kept.append(b"x" * (mebibytes << 20))
    return os.getpid()
