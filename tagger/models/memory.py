"""A bound on the memory that a stranger's model may take while it is loaded and runs.

A few bytes can ask for any amount: two vectors of constants give a matrix, and doubling what
was doubled needs one operator each time. No reading of the file foresees that, the system's own
limit (``RLIMIT_AS``) does: what asks for more is told that there is none, before it gets any.
Linux alone has it in a form that works; elsewhere nothing is bounded here.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = ["ROOM", "memory_bound"]

ROOM: Final = 1 << 30
"""Bytes that a model may take to be loaded, and to hear or judge one track."""

_STATM: Final = Path("/proc/self/statm")
_ONE_AT_A_TIME: Final = threading.RLock()  # the limit is the whole process', and put back after


@contextmanager
def memory_bound(room: int = ROOM) -> Iterator[None]:
    """Let this process take no more than some further bytes of address space in the context.

    It holds for all threads; those of ours that run beside need far less.

    Args:
        room: how many bytes.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    with _ONE_AT_A_TIME:
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        pages = int(_STATM.read_bytes().split()[0])
        limit = pages * resource.getpagesize() + room
        if soft != resource.RLIM_INFINITY:
            limit = min(limit, soft)
        with suppress(ValueError, OSError):  # a sandbox may forbid it
            resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
        try:
            yield
        finally:
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
