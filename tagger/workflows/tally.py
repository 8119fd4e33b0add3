"""Counting a run while its tracks go by, so that nothing of them has to be kept."""

from __future__ import annotations

import re
import time
from collections import Counter

from tagger import __version__
from tagger.domain import AS_BEFORE, AsBefore, RunSummary, Status, TrackReport

__all__ = ["Tally"]


class Tally:
    """Adds up track reports; memory does not grow with their number.

    Args:
        model: name and version.
        dry_run: whether nothing is written.
        begun: when the run began, by the monotonic clock; None for now.
    """

    def __init__(self, *, model: str, dry_run: bool, begun: float | None = None) -> None:
        self._model = model
        self._dry_run = dry_run
        self._begun = time.monotonic() if begun is None else begun
        self._statuses: Counter[str] = Counter({str(status): 0 for status in Status})
        self._changed = 0
        self._outcomes: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._genres: Counter[str] = Counter()
        self._clusters: Counter[str] = Counter()
        self._audio_s = 0.0
        self._heard = 0

    def add_as_before(self, before: AsBefore) -> None:
        """Count tracks that nothing had to be done about."""
        self._statuses[Status.UNCHANGED] += before.tracks
        if before.tracks:
            self._outcomes[AS_BEFORE] += before.tracks
        for (genre, cluster), count in before.heard.items():
            self._genres[genre] += count
            if cluster is not None:
                self._clusters[cluster] += count
        self._audio_s += before.audio_s

    def add(self, report: TrackReport) -> None:
        """Count one track."""
        self._statuses[str(report.status)] += 1
        self._changed += bool(report.changes)
        if report.outcome:
            self._outcomes[report.outcome] += 1
        if report.status in (Status.SKIPPED, Status.FAILED):
            # "damaged: the audio ends at 3 s" and its like are one reason.
            reason = re.split(r": | \(", report.reason, maxsplit=1)[0]
            self._reasons[f"{report.status}: {reason}"] += 1
        if report.genres:
            self._genres[report.genres[0][0]] += 1
        if report.cluster is not None:
            self._clusters[report.cluster] += 1
        self._audio_s += report.duration_s
        self._heard += bool(report.heard_s) and not report.cached

    def summary(self, *, interrupted: bool = False, left: int = 0) -> RunSummary:
        """The run so far."""
        return RunSummary(
            tracks=sum(self._statuses.values()),
            statuses=dict(self._statuses),
            changed=self._changed,
            outcomes=dict(self._outcomes.most_common()),
            reasons=dict(self._reasons.most_common()),
            genres=dict(self._genres.most_common()),
            clusters=dict(self._clusters.most_common()),
            seconds=time.monotonic() - self._begun,
            audio_s=self._audio_s,
            dry_run=self._dry_run,
            interrupted=interrupted,
            model=self._model,
            version=__version__,
            heard=self._heard,
            left=left,
        )
