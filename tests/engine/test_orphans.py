"""Whenever a run is killed, and whatever its processes do just then: none outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from engine.processes import alive_in, script, surroundings, wait_until

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="only Linux tells who belongs to whom"
)

INSTANTS = 24
AT_ONCE = 4
SOON_S = 5.0

RUN = """
import sys
from engine.pool_tasks import nap, nothing
from tagger.engine.pool import LocalPool
with LocalPool(
    nap, initializer=nothing, jobs=2, time_limit_s=99, preload=["engine.pool_tasks"]
) as pool:
    for batch in pool.results([0.01] * 40, most=8):
        pass
"""

STUCK = """
import sys
from pathlib import Path
from engine.pool_tasks import get_stuck, nothing
from tagger.engine.pool import LocalPool
with LocalPool(get_stuck, initializer=nothing, jobs=2, time_limit_s=9999) as pool:
    list(pool.results([(sys.argv[1], Path(sys.argv[2]))] * 4, most=1))
"""


def start(text: str, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        script(text, *arguments),
        env=surroundings(),
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def clean_up(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pid in alive_in(process.pid):
        os.kill(pid, signal.SIGKILL)


def test_killed_at_any_instant():
    begun = time.monotonic()
    whole = start(RUN)
    assert whole.wait() == 0
    lasts_s = time.monotonic() - begun
    left = [lasts_s * (i + 0.5) / INSTANTS for i in range(INSTANTS)]
    while left:
        runs = [
            (start(RUN), time.monotonic() + left.pop(0)) for _ in range(min(AT_ONCE, len(left)))
        ]
        try:
            for run, instant in runs:
                time.sleep(max(0.0, instant - time.monotonic()))
                run.kill()
            for run, _ in runs:
                run.wait()
                wait_until(lambda run=run: not alive_in(run.pid), "the end of all", SOON_S)
        finally:
            for run, _ in runs:
                clean_up(run)


@pytest.mark.parametrize(
    "how", ["sleeps", "sleeps with the interpreter", "reads", "is stopped", "runs a program"]
)
def test_killed_while_a_task(how, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    run = start(STUCK, how, tmp_path)
    try:
        wait_until(lambda: len(list(tmp_path.glob("*.pid"))) == 2, "two tasks under way")
        run.kill()
        run.wait()
        wait_until(lambda: not alive_in(run.pid), "the end of all", SOON_S)
    finally:
        clean_up(run)


def test_killed_while_the_fork_server_imports(tmp_path):
    (tmp_path / "slow_import.py").write_text(
        f"import time\nopen({str(tmp_path / 'begun')!r}, 'w')\ntime.sleep(1)\n"
    )
    run = subprocess.Popen(
        script(RUN.replace('preload=["', 'preload=["slow_import", "')),
        env={**surroundings(), "PYTHONPATH": f"{surroundings()['PYTHONPATH']}:{tmp_path}"},
        start_new_session=True,
        stderr=subprocess.PIPE,
    )
    try:
        wait_until((tmp_path / "begun").exists, "the import")
        run.kill()
        assert run.communicate() == (None, b"")
        wait_until(lambda: not alive_in(run.pid), "the end of all", SOON_S)
    finally:
        clean_up(run)
