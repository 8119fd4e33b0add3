"""A plan: what a dry run shows, saved so that exactly that can be written later.

JSON Lines: a head, then one object for each track that would change, as in a report and with
the file's state beside it, then the summary. Without its last line a plan is not complete.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from tagger.domain import FileState, RunSummary, Status, TagChange, TrackReport
from tagger.errors import UsageError
from tagger.report.records import summary_object, track_object
from tagger.trust import is_special

__all__ = ["Plan", "PlanWriter", "read_plan"]

FORMAT: Final = 1
_LINE_BYTES: Final = 16 << 20
_VALUE_LENGTH: Final = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """The head of a plan.

    Attributes:
        path: the plan's file.
        model: the model that heard the tracks.
        new_id3: version of an ID3v2 tag where there is none yet.
        tracks: how many tracks there are to write.
        below: the folder below which all of them lie.
    """

    path: Path
    model: str
    new_id3: Literal[3, 4]
    tracks: int
    below: Path

    def reports(self) -> Iterator[TrackReport]:
        """Each track as the dry run reported it.

        Raises:
            UsageError: a line is not what a plan holds.
        """
        with _lines(self.path) as lines:
            for at, (number, value) in enumerate(lines):
                if 1 <= at <= self.tracks:
                    yield _track(value, self.path, number)


class PlanWriter:
    """Writes a plan while the dry run goes on; it is there when it is complete.

    Raises:
        UsageError: the name does not end in ``.jsonl``, another file stands there, or it
            cannot be written.
    """

    def __init__(self, path: Path, model: str, new_id3: Literal[3, 4]) -> None:
        self._path = path
        # A song, say, if the option was taken for a switch.
        if path.suffix.lower() != ".jsonl":
            raise UsageError(f"--plan {path}: the name must end in .jsonl")
        if _is_something_else(path):
            raise UsageError(f"--plan {path}: the file exists and is no plan; it was left alone")
        self._growing = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
        with self._translated():
            self._stream = self._growing.open("x", encoding="ascii", newline="")
            self._write({"genretag_plan": FORMAT, "model": model, "new_id3": new_id3})

    def track(self, report: TrackReport) -> None:
        """Take one track; only those that would change are kept."""
        if not report.changes or report.file is None:
            return
        state = report.file
        value = {
            **track_object(report),
            "path": os.fspath(report.path.absolute()),
            "outcome": report.outcome,
            "file": {"size": state.size, "mtime_ns": state.mtime_ns, "tags": state.tags.hex()},
        }
        with self._translated():
            self._write(value)

    def finish(self, summary: RunSummary) -> None:
        """Put the plan in its place, unless the run was interrupted."""
        with self._translated():
            if not summary.interrupted:
                self._write({"summary": summary_object(summary)})
                self._stream.close()
                self._growing.replace(self._path)
            self._stream.close()
            self._growing.unlink(missing_ok=True)

    def _write(self, value: Mapping[str, Any]) -> None:
        self._stream.write(json.dumps(value) + "\n")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UsageError(f"--plan {self._path}: cannot be written: {error.strerror}") from error


def _is_something_else(path: Path) -> bool:
    if is_special(path):
        return True
    try:
        with path.open("rb") as stream:
            return b'"genretag_plan"' not in stream.read(100)
    except FileNotFoundError:
        return False
    except OSError:  # a folder, or not to be read: certainly no plan of this user
        return True


def read_plan(path: Path) -> Plan:
    """Check that a file is a whole plan, every line of it. Lines may have been taken out.

    Raises:
        UsageError: it cannot be read, is no plan, or is not complete.
    """
    head: dict[str, Any] = {}
    last: dict[str, Any] = {}
    below: Path | None = None
    count = before = 0
    with _lines(path) as lines:
        for number, value in lines:
            if count > 1:
                below = _common(below, _track(last, path, before).path.parent)
            head, last, before, count = head or value, value, number, count + 1
    if "genretag_plan" not in head:
        raise UsageError(f"{path}: not a plan; `genretag scan --plan` makes one")
    if head["genretag_plan"] != FORMAT:
        raise UsageError(f"{path}: a plan of another genretag; make it again")
    if "summary" not in last:
        raise UsageError(f"{path}: the plan is cut short; make it again")
    new_id3: Literal[3, 4] = 3 if head.get("new_id3") == 3 else 4
    return Plan(path, str(head.get("model")), new_id3, count - 2, below or Path("/"))


def _common(below: Path | None, folder: Path) -> Path:
    """The folder that holds both."""
    if below is None or below == folder:
        return folder
    return Path(os.path.commonpath((below, folder)))


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[tuple[int, dict[str, Any]]]]:
    def objects(stream: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        lines = iter(partial(stream.readline, _LINE_BYTES), b"")  # never more in memory
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                value = None
            if not isinstance(value, dict):
                raise UsageError(f"{path}: line {number} is damaged; make the plan again")
            yield number, value

    try:
        with path.open("rb") as stream:
            yield objects(stream)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error


def _track(value: Mapping[str, Any], path: Path, number: int) -> TrackReport:
    try:
        file = value["file"]
        if not value["changes"]:
            raise ValueError("nothing to change")
        return TrackReport(
            _path(value["path"]),
            Status.PROPOSED,
            reason=_text(value["reason"]),
            genres=tuple((_text(label), float(p)) for label, p in value["genres"]),
            cluster=None if value["cluster"] is None else _text(value["cluster"]),
            current={_text(name): _texts(values) for name, values in value["current"].items()},
            changes=tuple(
                _change(_text(c["field"]), _texts(c["before"]), _texts(c["after"]))
                for c in value["changes"]
            ),
            outcome=_text(value["outcome"]),
            duration_s=float(value["duration_s"]),
            heard_s=float(value["heard_s"]),
            file=FileState(int(file["size"]), int(file["mtime_ns"]), bytes.fromhex(file["tags"])),
        )
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise UsageError(f"{path}: line {number} is damaged; make the plan again") from error


def _path(value: object) -> Path:
    """Where a file is; a plan says it in full and by no detours."""
    path = Path(_text(value))
    if not path.is_absolute() or ".." in path.parts:
        raise ValueError("not an absolute path")
    return path


def _change(field: str, before: tuple[str, ...], after: tuple[str, ...]) -> TagChange:
    """A change whose new values are words; those that stand in the file may stay."""
    for value in set(after) - set(before):
        if not value.isprintable() or not 0 < len(value) <= _VALUE_LENGTH:
            raise ValueError("not a word")
    return TagChange(field, before, after)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError("not a list")
    return tuple(_text(value) for value in values)
