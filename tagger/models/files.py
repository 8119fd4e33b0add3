"""Reading files that a stranger laid out."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tagger.errors import ModelError

__all__ = ["read_bounded"]


def read_bounded(path: Path, most: int) -> bytes:
    """Content of a regular file, which a link may lead to; never an endless device or a pipe.

    Args:
        path: the file.
        most: bytes that it may have.

    Raises:
        ModelError: it is something else, or larger.
        OSError: it cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ModelError(f"{path} is not a regular file")
        data = file.read(most + 1)
    if len(data) > most:
        raise ModelError(f"{path} is too large to be part of a model")
    return data
