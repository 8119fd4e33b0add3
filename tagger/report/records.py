"""Machine-readable reports: one object or row a track, written as the run goes."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol, TextIO

from tagger.domain import RunSummary, TrackReport
from tagger.errors import UsageError
from tagger.trust import opener

__all__ = ["RecordWriter", "open_records", "summary_object", "track_object"]


_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class RecordWriter(Protocol):
    """Takes each track's report, and the run's summary at its end."""

    def track(self, report: TrackReport) -> None:
        """Write one track."""

    def finish(self, summary: RunSummary) -> None:
        """Write the summary, and end the file."""


def open_records(path: Path) -> RecordWriter:
    """Open a report file; its ending (``.jsonl``, ``.csv`` or ``.html``) says which kind.

    Raises:
        UsageError: another ending, or the file cannot be created.
    """
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"--report {path}: the name must end in {' or '.join(_KINDS)}")
    try:
        return _Checked(kind(path), path)
    except OSError as error:
        raise UsageError(f"--report {path}: cannot be created: {error.strerror}") from error


class _Checked:
    """Says of a report that cannot be written which one it is, and why."""

    def __init__(self, writer: RecordWriter, path: Path) -> None:
        self._writer = writer
        self._path = path

    def track(self, report: TrackReport) -> None:
        try:
            self._writer.track(report)
        except OSError as error:
            raise self._unwritten(error) from error

    def finish(self, summary: RunSummary) -> None:
        try:
            self._writer.finish(summary)
        except OSError as error:
            raise self._unwritten(error) from error

    def _unwritten(self, error: OSError) -> UsageError:
        return UsageError(f"--report {self._path}: cannot be written: {error.strerror}")


def _lines(path: Path) -> TextIO:
    # Names that are not UTF-8 come back as they were: written the way they were read.
    # A line is on its way to the disk as soon as its track is done.
    return open(
        path,
        "w",
        buffering=1,
        encoding="utf-8",
        errors="surrogateescape",
        newline="",
        opener=opener,
    )


class _JsonLines:
    def __init__(self, path: Path) -> None:
        self._stream = _lines(path)

    def track(self, report: TrackReport) -> None:
        self._write(track_object(report))

    def finish(self, summary: RunSummary) -> None:
        self._write({"summary": summary_object(summary)})
        self._stream.close()

    def _write(self, value: dict[str, Any]) -> None:
        # ASCII: a lone surrogate in a file name stays valid JSON and can be undone.
        self._stream.write(json.dumps(value) + "\n")


class _Csv:
    _COLUMNS: Final = (
        "path", "status", "reason", "genre", "probability", "cluster",
        "genre_before", "genre_after", "duration_s", "heard_s", "cached",
    )  # fmt: skip

    def __init__(self, path: Path) -> None:
        self._stream = _lines(path)
        self._rows = csv.writer(self._stream)
        self._rows.writerow(self._COLUMNS)

    def track(self, report: TrackReport) -> None:
        genre, probability = report.genres[0] if report.genres else ("", None)
        before = report.current.get("GENRE", ())
        after = next((c.after for c in report.changes if c.field == "GENRE"), before)
        self._rows.writerow(
            [
                _path_cell(os.fspath(report.path)),
                report.status,
                _cell(report.reason),
                _cell(genre),
                "" if probability is None else f"{probability:.4f}",
                _cell(report.cluster or ""),
                _cell("; ".join(before)),
                _cell("; ".join(after)),
                f"{report.duration_s:.2f}",
                f"{report.heard_s:.2f}",
                str(report.cached).lower(),
            ]
        )

    def finish(self, summary: RunSummary) -> None:
        self._stream.close()


def _cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula: such begins with an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _path_cell(path: str) -> str:
    """The same of a path, which stays one that can be opened."""
    return f"./{path}" if path.startswith(_FORMULA) else path


def _html(path: Path) -> RecordWriter:
    from tagger.report.html.writer import HtmlReport  # which loads numpy

    return HtmlReport(path)


_KINDS: Final[dict[str, Callable[[Path], RecordWriter]]] = {
    ".jsonl": _JsonLines,
    ".csv": _Csv,
    ".html": _html,
}


def track_object(report: TrackReport) -> dict[str, Any]:
    """A track as reports and plans hold it."""
    return {
        "path": os.fspath(report.path),
        "status": str(report.status),
        "reason": report.reason,
        "genres": [[label, round(p, 4)] for label, p in report.genres],
        "cluster": report.cluster,
        "current": {name: list(values) for name, values in report.current.items()},
        "changes": [
            {"field": c.field, "before": list(c.before), "after": list(c.after)}
            for c in report.changes
        ],
        "duration_s": round(report.duration_s, 3),
        "heard_s": round(report.heard_s, 3),
        "cached": report.cached,
    }


def summary_object(summary: RunSummary) -> dict[str, Any]:
    """A run as reports and plans hold it."""
    rate = summary.tracks / summary.seconds if summary.seconds > 0 else 0.0
    return {
        "tracks": summary.tracks,
        **summary.statuses,
        "changed": summary.changed,
        "heard": summary.heard,
        "left": summary.left,
        "outcomes": summary.outcomes,
        "reasons": summary.reasons,
        "genres": summary.genres,
        "clusters": summary.clusters,
        "seconds": round(summary.seconds, 3),
        "tracks_per_second": round(rate, 3),
        "audio_s": round(summary.audio_s, 1),
        "dry_run": summary.dry_run,
        "interrupted": summary.interrupted,
        "model": summary.model,
        "version": summary.version,
    }
