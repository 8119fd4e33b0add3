"""How many threads numeric libraries start: one, where processes share the machine."""

from __future__ import annotations

import os
from typing import Final

__all__ = ["ONE_THREAD", "one_thread"]

# Read by OpenMP, OpenBLAS, MKL and numba when they load; too late afterwards.
ONE_THREAD: Final = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}


def one_thread() -> None:
    """Keep this process to one thread, unless its surroundings say otherwise.

    Our matrices are small: on a busy machine several threads wait for each other for longer
    than they work. To be called before numpy is imported.
    """
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)
