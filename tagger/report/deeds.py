"""What became of a track, in the words that every report uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tagger.domain import AS_BEFORE, Status, TrackReport

__all__ = ["DEEDS", "EXPLAINED", "deed_of"]

DEEDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "genre written": ("wrote", "would write", "green"),
    "genre added": ("added", "would add", "green"),
    "genre kept": ("kept", "would keep", "cyan"),
    "genre unchanged": ("same", "same", "dim"),
    "type written": ("wrote", "would write", "green"),
    "type unchanged": ("same", "same", "dim"),
    AS_BEFORE: ("as before", "as before", "dim"),
    "abstained": ("unsure", "unsure", "yellow"),
    "skipped": ("skipped", "would skip", "yellow"),
    "failed": ("failed", "fails", "red"),
}
"""Outcome or status, to what was done, what a dry run would do, and the style of both."""

EXPLAINED: Final[Mapping[str, str]] = {
    "genre written": "no genre stood there, or one to be replaced",
    "genre added": "put behind the genre that stood there",
    "genre kept": "a genre stood there (policy fill)",
    "genre unchanged": "the genre heard stood there",
    "type written": "another music type stood there, or none",
    "type unchanged": "the music type stood there",
    "abstained": "not sure enough of any genre to write one",
    AS_BEFORE: "nothing has changed since an earlier run",
}
"""Why, for those outcomes that are a decision."""


def deed_of(report: TrackReport) -> str:
    """The key in :data:`DEEDS`, or a word that is none if nobody decided anything.

    What failed or was skipped did so whatever had been planned for its genre.
    """
    if report.status in (Status.FAILED, Status.SKIPPED):
        return str(report.status)
    return report.outcome or str(report.status)
