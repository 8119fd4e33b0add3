"""Reports to show and to record, as a scan would give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tagger.domain import RunSummary, Status, TagChange, TrackReport

HOSTILE: Final = {
    "newline": ("a\nb", "a\\nb"),
    "carriage return": ("a\rb", "a\\rb"),
    "escape": ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
    "one-byte escape": ("\x9b31m", "\\x9b31m"),
    "right to left": ("song\u202e3pm.exe", "song\\u202e3pm.exe"),
    "isolate": ("\u2066x\u2069", "\\u2066x\\u2069"),
    "zero width": ("a\u200bb\u200dc\ufeff", "a\\u200bb\\u200dc\\ufeff"),
    "line separator": ("a\u2028b", "a\\u2028b"),
    "nul": ("a\0b", "a\\x00b"),
}
"""Text that must not reach a terminal as it is, and how it is shown instead."""

MARKUP: Final = "[red]x[/red] [/y] [b]"
"""Text that rich would obey if it were not told to print it as it stands."""


def tagged(path: str = "/music/a.mp3", **more: Any) -> TrackReport:
    """A track whose genre was written over another."""
    values: dict[str, Any] = {
        "genres": (("Rock", 0.83456), ("Pop", 0.16544)),
        "cluster": "loud and fast",
        "current": {"GENRE": ("Other", "Misc")},
        "changes": (
            TagChange("GENRE", ("Other", "Misc"), ("Rock",)),
            TagChange("GENRETAG_GENRES", (), ("Rock=0.83", "Pop=0.17")),
        ),
        "outcome": "genre written",
        "reason": "genre Rock 0.83",
        "duration_s": 241.23456,
        "heard_s": 30.0,
    }
    return TrackReport(Path(path), **{"status": Status.TAGGED, **values, **more})


def failed(path: str = "/music/b.mp3", reason: str = "the file is empty") -> TrackReport:
    """A track that could not be read."""
    return TrackReport(Path(path), Status.FAILED, reason)


def summary(**more: Any) -> RunSummary:
    """A run of two tracks."""
    values: dict[str, Any] = {
        "tracks": 2,
        "statuses": {str(s): int(s in (Status.TAGGED, Status.FAILED)) for s in Status},
        "changed": 1,
        "outcomes": {"genre written": 1},
        "reasons": {"failed: the file is empty": 1},
        "genres": {"Rock": 1},
        "clusters": {"loud and fast": 1},
        "seconds": 4.0,
        "audio_s": 241.23456,
        "dry_run": False,
        "interrupted": False,
        "model": "default 1.0.0",
        "version": "0.1.0",
    }
    return RunSummary(**{**values, **more})
