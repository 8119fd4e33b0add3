"""What the journal holds: runs, entries, and how they are stored."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from tagger.domain import Replacement, TagChange

__all__ = ["COLUMNS", "Entry", "Run", "State", "to_entry", "to_row", "to_run"]


class State(IntEnum):
    """What became of an entry. It only ever grows, whoever marks it and how often."""

    PENDING = 0  # recorded; whether the file was replaced has not been noted
    WITHDRAWN = 1  # it was not
    DONE = 2  # it was
    UNDONE = 3  # the old file is back

    @property
    def stands(self) -> bool:
        """Whether the new file stands, as far as is known."""
        return self in (State.PENDING, State.DONE)


@dataclass(frozen=True, slots=True)
class Run:
    """One run that wrote into files.

    Attributes:
        started: in UTC.
        finished: in UTC, or None if it is under way or was cut off.
        alive: whether its process is still at it.
        written: entries that stand: neither undone nor withdrawn.
        undone: entries that were undone.
    """

    number: int
    command: str
    started: datetime
    finished: datetime | None
    model: str
    version: str
    alive: bool
    written: int
    undone: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One replaced file."""

    number: int
    run: int
    state: State
    replacement: Replacement


COLUMNS: Final = (
    "number, run, state, mtime_s, mtime_ns, state_before, state_after, path, changes, undo"
)
"""What :func:`to_entry` takes: number, run, state, and what :func:`to_row` gives."""


def to_row(replacement: Replacement) -> tuple[int | bytes, ...]:
    """A replacement as it is stored."""
    changes = [(change.field, change.before, change.after) for change in replacement.changes]
    text = json.dumps(changes, ensure_ascii=False, separators=(",", ":"))
    return (
        *divmod(replacement.mtime_before_ns, 10**9),
        replacement.state_before,
        replacement.state_after,
        os.fsencode(replacement.path),
        text.encode("utf-8", "surrogatepass"),  # a damaged tag may give lone surrogates
        replacement.undo,
    )


def to_entry(row: tuple[Any, ...]) -> Entry:
    """An entry from what is stored.

    Raises:
        sqlite3.DatabaseError: if that makes no sense.
    """
    number, run, state, mtime_s, mtime_ns, before, after, path, stored, undo = row
    with _making_sense(f"entry {number}"):
        if not all(isinstance(value, bytes) for value in (before, after, path, undo)):
            raise TypeError
        changes = json.loads(stored.decode("utf-8", "surrogatepass"))
        replacement = Replacement(
            path=Path(os.fsdecode(path)),
            changes=tuple(TagChange(name, tuple(old), tuple(new)) for name, old, new in changes),
            undo=undo,
            state_before=before,
            state_after=after,
            mtime_before_ns=int(mtime_s) * 10**9 + mtime_ns,
        )
        return Entry(number, run, State(state), replacement)


def to_run(row: tuple[Any, ...], *, alive: bool) -> Run:
    """A run from number, command, model, version, begin and end, and its counts.

    Raises:
        sqlite3.DatabaseError: if that makes no sense.
    """
    number, command, model, version, started, finished, written, undone = row
    with _making_sense(f"run {number}"):
        return Run(
            number=number,
            command=command,
            started=datetime.fromisoformat(started),
            finished=datetime.fromisoformat(finished) if finished else None,
            model=model,
            version=version,
            alive=alive,
            written=written,
            undone=undone,
        )


@contextmanager
def _making_sense(what: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, AttributeError) as error:
        raise sqlite3.DatabaseError(f"{what} makes no sense") from error
