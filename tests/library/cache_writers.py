"""Processes that use a cache, for the tests of it: ``python -m library.cache_writers``."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from tagger.domain import Hearing, Status, TrackReport
from tagger.library.cache import Cache

__all__ = ["LISTENING", "fill", "full", "hearing", "keep", "key_of", "killed", "read_only", "song"]

LISTENING = b"one network: 16 "


def hearing(number: int) -> Hearing:
    """A made-up one; no two numbers give the same."""
    random_ = np.random.default_rng(number)
    return Hearing(
        duration_s=200.0 + number,
        heard_s=30.0,
        features=random_.standard_normal(473, np.float32),
        patch_log_probs=random_.standard_normal((6, 11), np.float32),
        patch_starts_s=tuple(random_.random(6).tolist()),
    )


def song(number: int) -> Path:
    return Path(f"/music/Artist {number // 20}/{number:06}.flac")


def key_of(number: int) -> bytes:
    return number.to_bytes(16, "big")


def keep(cache: Cache, number: int) -> None:
    """Keep a hearing and a report, as a scan would."""
    path = song(number)
    cache.keep(path, number, 2 * number, key_of(number), LISTENING, hearing(number))
    report = TrackReport(path, Status.TAGGED, genres=((f"Genre {number}", 0.5),))
    cache.settle(path, number + 1, 2 * number + 1, b"settings", report)


def fill(folder: Path, first: int, count: int) -> None:
    """Keep some tracks as soon as a line comes in."""
    print("ready", flush=True)
    sys.stdin.readline()
    with Cache.open(folder) as cache:
        for number in range(first, first + count):
            keep(cache, number)
            if number % 10 == 0:
                cache._flush()
        print(cache.notice)


def killed(folder: Path, times: int) -> None:
    """Kill as many writers, each at some instant."""
    instants = random.Random(3)
    for turn in range(times):
        process = os.fork()
        if not process:
            try:
                cache = Cache.open(folder)
                assert not cache.notice, cache.notice
                for number in itertools.count(10_000 * turn):
                    keep(cache, number)
                    if number % 7 == 0:
                        cache._flush()
            finally:
                os._exit(1)
        time.sleep(instants.uniform(0.0, 0.06 + 0.012 * turn))  # a slow machine gets there, too
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        assert os.WIFSIGNALED(status), "the writer ended by itself"


def stay(folder: Path) -> None:
    """Keep a track, say so, and keep another one when a line comes in."""
    with Cache.open(folder) as cache:
        keep(cache, 1)
        cache._flush()
        print("open", flush=True)
        sys.stdin.readline()
        keep(cache, 2)
        cache._flush()
        print(json.dumps([cache.notice, len(cache.known(str(song(1).parent), LISTENING))]))


def full(disk: Path) -> None:
    """Keep tracks until the disk is full and beyond; prints what is left of them then."""
    with Cache.open(disk) as cache:
        for number in range(3000):
            keep(cache, number)
        notice = cache.notice
        assert cache.hearing(song(1), 2, 3, lambda: None, LISTENING) is None
    with Cache.open(disk) as cache:
        assert cache.hearing(song(1), 2, 3, lambda: None, LISTENING)
        print(json.dumps([notice, cache.notice, cache.info().files]))


def no_room(disk: Path) -> None:
    """Begin a cache where there is no room for one."""
    ballast = disk / "ballast"
    left = os.statvfs(disk)
    ballast.write_bytes(bytes(left.f_bavail * left.f_frsize - 8192))
    with Cache.open(disk) as cache:
        keep(cache, 1)
        print(json.dumps([cache.notice, sorted(path.name for path in disk.iterdir())]))


def read_only(disk: Path) -> None:
    """Open a cache that is there, and one that is not, on a disk mounted read-only."""
    (disk / "old").mkdir()
    (disk / "new").mkdir()
    with Cache.open(disk / "old") as cache:
        keep(cache, 1)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    notices = []
    for name in ("old", "new"):
        with Cache.open(disk / name) as cache:
            keep(cache, 2)
            assert cache.known("/music/Artist 0", LISTENING) == {}
            notices.append(cache.notice)
    print(json.dumps(notices))


if __name__ == "__main__":
    command, where, *numbers = sys.argv[1:]
    jobs = {job.__name__: job for job in (fill, killed, stay, full, no_room, read_only)}
    jobs[command](Path(where), *map(int, numbers))
