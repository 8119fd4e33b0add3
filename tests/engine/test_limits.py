from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.engine.limits import available_cores, available_memory, default_jobs, jobs_that_fit

MIB = 1 << 20
NO_LIMIT_V1 = 9223372036854771712


class Machine:
    """A /proc and a /sys of a machine that is not there."""

    def __init__(self, folder: Path) -> None:
        self.proc = folder / "proc"
        self.sys = folder / "sys"
        self.proc.mkdir()
        self.groups = self.sys / "fs" / "cgroup"
        self.write(self.proc / "meminfo", "MemTotal: 16000000 kB\nMemAvailable: 8192000 kB\n")

    @staticmethod
    def write(path: Path, text: object) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")

    def belongs_to(self, *lines: str) -> None:
        self.write(self.proc / "self" / "cgroup", "\n".join(lines))

    def group(self, name: str, **files: object) -> None:
        for file, text in files.items():
            self.write(self.groups / name / file.replace("__", "."), text)

    @property
    def cores(self) -> int:
        return available_cores(self.proc, self.sys)

    @property
    def memory(self) -> int | None:
        return available_memory(self.proc, self.sys)


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Machine:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    return Machine(tmp_path)


def test_without_control_groups_the_machine_counts(machine):
    assert machine.cores == 8
    assert machine.memory == 8_192_000 << 10


def test_where_nothing_is_told_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available_cores(tmp_path, tmp_path) == 1
    assert available_memory(tmp_path, tmp_path) is None
    assert jobs_that_fit(4, None, 120 * MIB) == 4


def test_a_process_bound_to_no_core_that_we_know_of_has_one(machine, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(), raising=False)
    assert machine.cores == 1


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        ("max 100000", 8),
        ("400000 100000", 4),
        ("150000 100000", 2),
        ("20000 100000", 1),
        ("9900000 100000", 8),
        ("", 8),
        ("rubbish", 8),
    ],
)
def test_quota_of_a_control_group_v2(machine, quota, cores):
    machine.belongs_to("0::/")
    machine.group("", cpu__max=quota)
    assert machine.cores == cores


def test_the_tightest_of_the_groups_around_counts(machine):
    machine.belongs_to("0::/user.slice/app/scan")
    machine.group("user.slice", cpu__max="300000 100000", memory__max=900 * MIB)
    machine.group("user.slice", memory__current=100 * MIB)
    machine.group("user.slice/app", cpu__max="max 100000", memory__max="max", memory__current=1)
    machine.group("user.slice/app/scan", cpu__max="500000 100000", memory__max=4000 * MIB)
    machine.group("user.slice/app/scan", memory__current=50 * MIB)
    assert machine.cores == 3
    assert machine.memory == 800 * MIB


@pytest.mark.parametrize("folder", ["cpu", "cpu,cpuacct"])
@pytest.mark.parametrize("seen_from", ["inside", "outside"])
def test_control_groups_v1(machine, folder, seen_from):
    group = "docker/0123" if seen_from == "inside" else ""
    machine.belongs_to(
        "9:name=systemd:/docker/0123", "4:memory:/docker/0123", "2:cpu,cpuacct:/docker/0123", "0::/"
    )
    machine.group(f"{folder}/{group}", cpu__cfs_quota_us=250000, cpu__cfs_period_us=100000)
    machine.group(f"memory/{group}", memory__limit_in_bytes=512 * MIB)
    machine.group(f"memory/{group}", memory__usage_in_bytes=412 * MIB)
    stat = (
        f"inactive_file 1\ntotal_inactive_file {200 * MIB}\ntotal_active_file {100 * MIB}\n"
        f"total_mapped_file {40 * MIB}\ntotal_dirty {10 * MIB}\ntotal_writeback 0"
    )
    machine.group(f"memory/{group}", memory__stat=stat)
    assert machine.cores == 3
    assert machine.memory == (512 - 412 + 250) * MIB


def test_v1_groups_without_limits(machine):
    machine.belongs_to("4:memory:/", "1:cpu:/")
    machine.group("cpu", cpu__cfs_quota_us=-1, cpu__cfs_period_us=100000)
    machine.group("memory", memory__limit_in_bytes=NO_LIMIT_V1, memory__usage_in_bytes=MIB)
    assert machine.cores == 8
    assert machine.memory == 8_192_000 << 10


def test_a_group_is_slowed_down_above_its_high_mark(machine):
    machine.belongs_to("0::/")
    machine.group("", memory__max=2000 * MIB, memory__high=600 * MIB, memory__current=500 * MIB)
    assert machine.memory == 100 * MIB


def test_a_group_above_its_limit_has_nothing_left(machine):
    machine.belongs_to("0::/")
    machine.group("", memory__max=500 * MIB, memory__current=600 * MIB)
    assert machine.memory == 0


def test_a_container_of_512_mb_with_four_cores(machine):
    machine.belongs_to("0::/")
    stat = f"inactive_file {150 * MIB}\nactive_file {30 * MIB}\nfile_mapped {60 * MIB}"
    machine.group("", cpu__max="400000 100000", memory__max=512 * MIB)
    machine.group("", memory__current=(116 + 180) * MIB, memory__stat=stat)
    assert machine.cores == 4
    jobs = jobs_that_fit(machine.cores, machine.memory, 120 * MIB)
    assert jobs == 2
    assert (116 + 60) * MIB + jobs * 120 * MIB <= 512 * MIB


@settings(derandomize=True, max_examples=80, deadline=None)
@given(st.integers(0, 256), st.none() | st.integers(0, 1 << 42), st.integers(1, 1 << 34))
def test_always_one_and_never_more_than_fit(cores, memory, each):
    jobs = jobs_that_fit(cores, memory, each)
    assert 1 <= jobs <= max(1, cores)
    assert jobs == 1 or memory is None or jobs * each <= memory


def test_this_machine():
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
    if Path("/proc/meminfo").exists():
        memory = available_memory()
        assert memory is not None
        assert MIB < memory <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_the_default_is_asked_of_the_machine_once(monkeypatch):
    monkeypatch.setattr("tagger.engine.limits.available_cores", lambda: 64)
    monkeypatch.setattr("tagger.engine.limits.available_memory", lambda: 1000 * MIB)
    default_jobs.cache_clear()
    try:
        assert default_jobs(100 * MIB) == 10
        assert default_jobs() == 8
        monkeypatch.setattr("tagger.engine.limits.available_memory", lambda: 0)
        assert default_jobs() == 8
    finally:
        default_jobs.cache_clear()
