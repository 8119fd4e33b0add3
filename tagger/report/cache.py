"""What a person reads of the analysis cache."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Protocol

from tagger.report.text import counted, one_line, shown

__all__ = ["print_cleared", "print_info", "print_notice", "print_pruned"]


class InfoLike(Protocol):
    """A cache in numbers."""

    @property
    def files(self) -> int: ...
    @property
    def hearings(self) -> int: ...
    @property
    def problems(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def oldest(self) -> date | None: ...


class PrunedLike(Protocol):
    """What was removed from a cache."""

    @property
    def files(self) -> int: ...
    @property
    def hearings(self) -> int: ...
    @property
    def freed(self) -> int: ...


def print_info(path: Path, info: InfoLike | None, trainings: int = 0) -> None:
    """Show a cache in numbers, and how many bytes trainings keep beside it."""
    if info is None:
        print(f"There is no cache yet; a scan will begin it at {shown(path)}")
    else:
        _print_rows(path, info)
    if trainings:
        print(f"{'trainings':<12}{_megabytes(trainings)} more, of labelled tracks")


def _print_rows(path: Path, info: InfoLike) -> None:
    each = f" ({info.size / info.files / 1000:.1f} kB a track)" if info.files else ""
    rows = {
        "file": shown(path),
        "size": f"{_megabytes(info.size)}{each}",
        "tracks": f"{info.files:,}",
        "hearings": f"{info.hearings:,}",
        "problems": f"{info.problems:,}",
        "oldest use": f"{info.oldest:%Y-%m-%d}" if info.oldest else "—",
    }
    for name, value in rows.items():
        print(f"{name:<12}{value}")


def print_cleared(freed: int) -> None:
    """Say what the removal of a cache came to."""
    print(f"Removed the cache: {_megabytes(freed)}" if freed else "There was no cache.")


def print_pruned(pruned: PrunedLike | None) -> None:
    """Say what was removed."""
    if pruned is None:
        print("There is no cache.")
        return
    files, hearings = counted(pruned.files, "track"), counted(pruned.hearings, "hearing")
    print(f"Removed {files} and {hearings}: {_megabytes(pruned.freed)} freed")


def print_notice(notice: str) -> None:
    """Say what went wrong with the cache, if anything did."""
    if notice:
        print(f"genretag: {one_line(notice)}", file=sys.stderr)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
