"""Processes that write to a journal, for the tests of it: ``python -m library.journal_writers``."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
import time
from pathlib import Path

from tagger.domain import Replacement, TagChange
from tagger.library.journal import Journal

__all__ = ["killed", "record", "replacement", "stay"]


def replacement(number: int, path: Path | None = None) -> Replacement:
    """A made-up one; no two numbers give the same."""
    return Replacement(
        path=path or Path(f"/music/{number:06}.flac"),
        changes=(TagChange("GENRE", ("Rock", f"{number}"), ("Jazz",)), TagChange("X", (), ("y",))),
        undo=random.Random(number).randbytes(400),
        state_before=number.to_bytes(16, "big"),
        state_after=number.to_bytes(16, "little"),
        mtime_before_ns=1_700_000_000_123_456_789 + number,
    )


def record(folder: Path, count: int) -> None:
    """A whole run as soon as a line comes in; prints the run and its entries."""
    print("ready", flush=True)
    sys.stdin.readline()
    with Journal.open(folder) as journal:
        run = journal.begin("scan", "model", "1")
        entries = []
        for i in range(count):
            entries.append(journal.record(run, replacement(1000 * run + i)))
            journal.confirm(entries[-1])
        journal.finish(run)
    print(run, *entries)


def stay(folder: Path) -> None:
    """Record one replacement, say so, and do nothing more until the input ends."""
    with Journal.open(folder) as journal:
        run = journal.begin("scan", "model", "1")
        print(run, journal.record(run, replacement(1)), flush=True)
        sys.stdin.read()


def killed(folder: Path, times: int) -> None:
    """Kill as many writers, each at some instant; prints what each had recorded until then."""
    instants = random.Random(7)
    for _ in range(times):
        reader, writer = os.pipe()
        process = os.fork()
        if not process:
            try:
                _record_for_ever(folder, writer)
            finally:
                os._exit(1)
        os.close(writer)
        time.sleep(instants.uniform(0.0, 0.06))
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        assert os.WIFSIGNALED(status), "the writer ended by itself"
        with os.fdopen(reader) as reports:
            print("killed", *reports.read().splitlines())


def _record_for_ever(folder: Path, writer: int) -> None:
    with Journal.open(folder) as journal:
        run = journal.begin("scan", "model", "1")
        os.write(writer, b"%d\n" % run)
        for i in itertools.count():
            entry = journal.record(run, replacement(10_000 * run + i))
            os.write(writer, b"%d\n" % entry)
            journal.confirm(entry)


if __name__ == "__main__":
    command, where, *numbers = sys.argv[1:]
    {"record": record, "stay": stay, "killed": killed}[command](Path(where), *map(int, numbers))
