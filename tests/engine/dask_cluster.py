"""A Dask cluster of real processes, and what its tests let them do."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
from engine.pool_tasks import die, echo

from tagger.errors import ModelError

REPOSITORY = Path(__file__).parents[2]


class Cluster:
    """A scheduler and its workers on this machine, ended with the ``with`` block.

    Args:
        folder: for logs.
        allowed_failures: killed workers that a task may survive.
        port: of the scheduler; any free one if 0.
    """

    def __init__(self, folder: Path, *, allowed_failures: int = 3, port: int = 0) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._failures = str(allowed_failures)
        self.start_scheduler(port)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        # One after another: Dask's processes may take long to end all at once.
        for process in reversed(self._processes):
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start_scheduler(self, port: int = 0) -> None:
        about = self._folder / f"scheduler{len(self._processes)}.json"
        where = ("--host", "127.0.0.1", "--port", port, "--scheduler-file", about)
        # A scheduler need not have genretag.
        bare = self._folder / "bare"
        (bare / "tagger").mkdir(parents=True, exist_ok=True)
        (bare / "tagger" / "__init__.py").touch()
        self.scheduler = self._start("dask_scheduler", *where, pythonpath=bare)
        while not about.is_file() or not (text := about.read_text()).rstrip().endswith("}"):
            assert self.scheduler.poll() is None, "the scheduler ended as it started"
            time.sleep(0.02)
        self.address = text.partition('"address": "')[2].partition('"')[0]

    def start_worker(
        self,
        *,
        threads: int = 1,
        nanny: bool = False,
        folder: Path | None = None,
        pythonpath: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        kind = "--nanny" if nanny else "--no-nanny"
        return self._start(
            "dask_worker", self.address, kind, "--nthreads", threads, "--nworkers", 1,
            folder=folder, pythonpath=pythonpath,
        )  # fmt: skip

    def _start(
        self,
        module: str,
        *arguments: object,
        folder: Path | None = None,
        pythonpath: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{module}", "--no-dashboard"]
        with (self._folder / f"{module}{len(self._processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, *map(str, arguments)],
                env=surroundings(pythonpath)
                | {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": self._failures},
                cwd=folder or self._folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._processes.append(process)
        return process


def surroundings(first: Path | None = None) -> dict[str, str]:
    """The environment of a process that finds this checkout and its tests."""
    folders = [first, REPOSITORY, REPOSITORY / "tests", os.environ.get("PYTHONPATH")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(str(f) for f in folders if f)}


def sign_book(folder: Path) -> None:
    """An initializer that leaves its process' id."""
    (folder / str(os.getpid())).write_text("")


def kill_dask_worker(task: str) -> str:
    """End the Dask worker that this process works for, if asked to."""
    if task == "kill":
        fork_server = psutil.Process(os.getppid())
        fork_server.parent().kill()
        time.sleep(3600)
    return task


def name_then_wait(task: tuple[Path, float]) -> str:
    """Leave a sign and wait; returns the sign's name."""
    sign, seconds = task
    sign.touch()
    time.sleep(seconds)
    return sign.name


def read_below(folder: Path, name: str) -> str:
    return path_below(folder, name).read_text()


def path_below(folder: Path, name: str) -> Path:
    """Where a task's file lies: below a relative folder, elsewhere for each worker."""
    return folder / name


def fragile(how: str) -> str:
    if how == "die":
        die()
    if how == "sleep":
        time.sleep(3600)
    return str(echo(how))  # type: ignore[arg-type]


def start_same_model(folder: Path, sha256: str) -> None:
    """An initializer that loads a model if its manifest is the caller's.

    Raises:
        ModelError: it is another.
    """
    from tagger.workflows.worker import start_worker

    if hashlib.sha256((folder / "model.json").read_bytes()).hexdigest() != sha256:
        raise ModelError(f"{folder} is not the caller's model")
    start_worker(folder)
