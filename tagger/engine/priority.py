"""Stepping back for the other programs of a machine, as a job of the night should."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Final

from tagger.errors import UsageError

__all__ = ["lower_priority"]

_MOST: Final = 19
_IDLE_FROM: Final = 10
_LIMIT_S: Final = 10.0

_IDLE: Final = ("-c", "3")
_LOWEST: Final = ("-c", "2", "-n", "7")  # of the class best-effort, to which all belong


def lower_priority(nice: int) -> str:
    """Let other programs go first, at the processor and at the disk.

    It applies to the calling thread and to the threads and processes started from it later,
    so it comes before any of them. A priority that is lower already stays.

    Args:
        nice: niceness of the processes. From 10 on the disk is used only when nobody else
            does; from 1 on others come first; 0 leaves all as it is.

    Returns:
        what could not be done, in one line; empty if all was. Whether the priority at the disk
        has an effect is up to the scheduler of the disk, and it has none on network drives.

    Raises:
        UsageError: ``nice`` is not one of 0 to 19.
    """
    if not 0 <= nice <= _MOST:
        raise UsageError(f"--nice {nice}: must be 0 to {_MOST}")
    if not nice:
        return ""
    problems = [f"the {what} stays: {why}" for what, why in _lowered(nice).items() if why]
    return "; ".join(problems)


def _lowered(nice: int) -> dict[str, str]:
    return {"priority at the processor": _cpu(nice), "priority at the disk": _disk(nice)}


def _cpu(nice: int) -> str:
    """Why the niceness cannot be set; empty if it is."""
    if not hasattr(os, "setpriority"):
        return "this system has no niceness"
    try:
        if os.getpriority(os.PRIO_PROCESS, 0) < nice:
            os.setpriority(os.PRIO_PROCESS, 0, nice)
    except OSError as error:
        return (error.strerror or "error").lower()
    return ""


def _disk(nice: int) -> str:
    """Why the class of input and output cannot be set; empty if it is."""
    # The program and not the system call: Python has none for it, and its number follows the
    # interpreter's kind of processor, which a 32-bit Python on a 64-bit kernel cannot tell.
    ionice = shutil.which("ionice")
    if ionice is None:
        return "there is no program ionice"
    me = str(os.getpid())
    try:
        if nice < _IDLE_FROM and _run(ionice, "-p", me).startswith("idle"):
            return ""
        _run(ionice, *(_IDLE if nice >= _IDLE_FROM else _LOWEST), "-p", me)
    except subprocess.CalledProcessError as error:
        said = str(error.stderr).strip().splitlines() or [f"exit code {error.returncode}"]
        return f"ionice: {said[-1].removeprefix('ionice: ')}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"ionice: {getattr(error, 'strerror', None) or 'no answer'}".lower()
    return ""


def _run(*command: str) -> str:
    """What a program prints.

    Raises:
        OSError: it cannot be run.
        SubprocessError: it fails or does not end.
    """
    done = subprocess.run(
        command,
        check=True,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=_LIMIT_S,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C"},  # the class's name is translated
    )
    return done.stdout
