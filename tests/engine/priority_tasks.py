"""Lowers this process's priority and tells what became of it and of a worker's:
``python -m engine.priority_tasks NICE...``."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from engine.pool_tasks import nothing

from tagger.engine.pool import LocalPool
from tagger.engine.priority import lower_priority

__all__ = ["priorities"]


def priorities(_: object = None) -> tuple[int, str]:
    """Niceness and class of input and output of this process."""
    done = subprocess.run(
        ["ionice", "-p", str(os.getpid())], capture_output=True, text=True, check=True
    )
    return os.getpriority(os.PRIO_PROCESS, 0), done.stdout.strip()


if __name__ == "__main__":
    said = [lower_priority(int(nice)) for nice in sys.argv[1:]]
    with LocalPool(priorities, initializer=nothing, jobs=1, time_limit_s=60.0) as pool:
        (((_, worker),),) = pool.results([0], most=1)
    print(json.dumps([said, priorities(), worker]))
