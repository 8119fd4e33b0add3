"""How many processes this machine bears, as far as this process may use it.

A container or a service sees all cores and all memory of its host in the usual places; what
it was given stands in its control groups, and in those around them.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["available_cores", "available_memory", "default_jobs", "jobs_that_fit"]

_MEMORY_PER_JOB: Final = 120 << 20
_PROC: Final = Path("/proc")
_SYS: Final = Path("/sys")


@cache
def default_jobs(memory_per_job: int = _MEMORY_PER_JOB) -> int:
    """As many processes as this process may use cores, and has memory for; at least 1.

    The first answer holds for the life of this process, as later ones would take the memory
    of the processes that it has started for somebody else's.

    Args:
        memory_per_job: bytes that one process needs for itself.
    """
    return jobs_that_fit(available_cores(), available_memory(), memory_per_job)


def jobs_that_fit(cores: int, memory: int | None, memory_per_job: int) -> int:
    """A number of processes, at least 1.

    Args:
        cores: how many may be used.
        memory: bytes that are left; None if nobody knows.
        memory_per_job: bytes that one process needs for itself.
    """
    if memory is None:
        return max(1, cores)
    return max(1, min(cores, memory // memory_per_job))


def available_cores(proc: Path = _PROC, sys: Path = _SYS) -> int:
    """Cores that this process may use: its affinity, and the quotas of its control groups.

    A quota of one and a half counts as two, as one process could not use it up.

    Args:
        proc: where procfs lies.
        sys: where sysfs lies.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quotas = [
        *map(_quota_v2, _groups(proc, sys, "")),
        *map(_quota_v1, _groups(proc, sys, "cpu")),
    ]
    return max(1, min([cores, *(math.ceil(quota) for quota in quotas if quota)]))


def available_memory(proc: Path = _PROC, sys: Path = _SYS) -> int | None:
    """Bytes that may be had without swapping: of the machine, and of the control groups.

    Args:
        proc: where procfs lies.
        sys: where sysfs lies.

    Returns:
        None if this system does not tell.
    """
    kilobytes = re.search(r"^MemAvailable:\s*(\d+) kB", _text(proc / "meminfo"), re.MULTILINE)
    left = [
        int(kilobytes[1]) << 10 if kilobytes else None,
        *map(_memory_left_v2, _groups(proc, sys, "")),
        *map(_memory_left_v1, _groups(proc, sys, "memory")),
    ]
    return min((bytes_ for bytes_ in left if bytes_ is not None), default=None)


def _groups(proc: Path, sys: Path, controller: str) -> Iterator[Path]:
    """This process' control group and those around it; ``""`` for the unified hierarchy."""
    for line in _text(proc / "self" / "cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if controller not in controllers.split(","):
            continue
        top = sys / "fs" / "cgroup" / controllers
        if controller and not top.is_dir():
            top = top.with_name(controller)
        # Inside a container the group may be named as its host sees it; then only the top
        # is there, and it is the container's own.
        place = top / group.strip("/")
        while place != top:
            yield place
            place = place.parent
        yield top


def _quota_v2(group: Path) -> float | None:
    quota, _, period = _text(group / "cpu.max").partition(" ")
    return int(quota) / int(period) if quota.isdigit() and period.strip().isdigit() else None


def _quota_v1(group: Path) -> float | None:
    quota, period = _number(group / "cpu.cfs_quota_us"), _number(group / "cpu.cfs_period_us")
    return quota / period if quota and period else None


def _memory_left_v2(group: Path) -> int | None:
    # Above memory.high a group is slowed down until nothing moves.
    limits = [_number(group / name) for name in ("memory.max", "memory.high")]
    used = _number(group / "memory.current")
    known = [limit for limit in limits if limit is not None]
    if not known or used is None:
        return None
    stat = _numbers(group / "memory.stat")
    return _left(min(known), used, stat, "", ("file_mapped", "file_dirty", "file_writeback"))


def _memory_left_v1(group: Path) -> int | None:
    limit = _number(group / "memory.limit_in_bytes")
    used = _number(group / "memory.usage_in_bytes")
    if limit is None or used is None:
        return None
    stat = _numbers(group / "memory.stat")
    return _left(limit, used, stat, "total_", ("mapped_file", "dirty", "writeback"))


def _left(limit: int, used: int, stat: dict[str, int], prefix: str, needed: tuple[str, ...]) -> int:
    """What a limit leaves, where cached files count as free unless someone uses them."""

    def total(*names: str) -> int:
        return sum(stat.get(prefix + name, 0) for name in names)

    cached = max(0, total("active_file", "inactive_file") - total(*needed))
    return max(0, limit - used + min(cached, used))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # there is none on this system
        return ""


def _number(path: Path) -> int | None:
    """A file's number; None for ``max``, for -1 and where there is no such file."""
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _numbers(path: Path) -> dict[str, int]:
    pairs = (line.split() for line in _text(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}
