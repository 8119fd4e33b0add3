"""Keeping native libraries off the user's terminal.

libmpg123 and LiteRT print to file descriptor 2 behind Python's back: notes on damaged frames,
names of delegates. What matters of it reaches the user as an error that names the file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["native_stderr_hidden", "silence_native_stderr"]


def silence_native_stderr() -> None:
    """Send this process's file descriptor 2 to the null device, for good."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)


@contextmanager
def native_stderr_hidden() -> Iterator[None]:
    """Send file descriptor 2 to the null device for a while. Not for several threads."""
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error, as under some service managers
        yield
        return
    try:
        silence_native_stderr()
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
