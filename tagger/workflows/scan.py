"""``genretag scan``: every track along the route, from the walk to its tags.

Workers hear; this process classifies what comes back in batches, decides by policy and
writes. It never imports librosa, and holds no more tracks than are in flight.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from tagger import __version__
from tagger.domain import CurrentTags, Hearing, Policy, Prediction, Status, TrackReport
from tagger.engine.pool import Failure, LocalPool, default_jobs
from tagger.errors import GenretagError, ModelError, NotMusicError, TagError, TagsRefusedError
from tagger.library.identity import payload_digest
from tagger.library.walk import walk
from tagger.models.bundle import BUILTIN_MODEL, find_bundle, load_bundle
from tagger.models.classifier import Classifier
from tagger.tags.policy import Decision, GenreOutcome, PolicySettings, decide
from tagger.tags.read import read_tags
from tagger.tags.writer import write_changes
from tagger.workflows.worker import PRELOAD, hear_in_worker, start_worker

__all__ = ["Scan", "ScanOptions"]

_BATCH: Final = 32  # tracks classified at a time
_TRACK_LIMIT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What the user asked for; ``None`` means what the model or the machine says."""

    paths: tuple[Path, ...]
    dry_run: bool = False
    policy: Policy = Policy.FILL
    min_confidence: float | None = None
    max_genres: int = 1
    model: str = BUILTIN_MODEL
    jobs: int | None = None
    exclude: tuple[str, ...] = ()
    mtime: Literal["bump", "preserve"] = "bump"


class Scan:
    """One run over some paths.

    Raises:
        UsageError: a path does not exist.
        ModelError: the model cannot be used.
    """

    def __init__(self, options: ScanOptions) -> None:
        self._options = options
        self._bundle = load_bundle(find_bundle(options.model))
        self._classifier = Classifier(self._bundle)
        self._settings = PolicySettings(
            policy=options.policy,
            min_confidence=options.min_confidence,
            thresholds=self._bundle.thresholds,
            max_genres=options.max_genres,
        )
        self._unread: list[TrackReport] = []
        self._tracks = list(walk(options.paths, exclude=options.exclude, problem=self._note_unread))

    @property
    def total(self) -> int:
        """How many tracks there are."""
        return len(self._tracks)

    @property
    def model(self) -> str:
        """Name and version of the model."""
        return self._bundle.identity

    @property
    def jobs(self) -> int:
        """How many processes hear: never more than there are tracks."""
        return max(1, min(self._options.jobs or default_jobs(), self.total))

    def reports(self) -> Iterator[TrackReport]:
        """Run, and yield one report per track, in the order of the walk.

        What a report says was written is on disk when it is yielded. Folders that could not
        be read come first.

        Raises:
            ModelError: the model fails while it runs.
        """
        yield from self._unread
        if not self._tracks:
            return
        with LocalPool(
            hear_in_worker,
            initializer=start_worker,
            initargs=(self._bundle.folder,),
            jobs=self.jobs,
            time_limit_s=_TRACK_LIMIT_S,
            preload=PRELOAD,
        ) as pool:
            for batch in pool.results(self._tracks, most=_BATCH):
                yield from self._finish(batch)

    def _note_unread(self, folder: Path, reason: str) -> None:
        self._unread.append(TrackReport(folder, Status.FAILED, reason))

    def _finish(self, batch: list[tuple[Path, Hearing | Failure]]) -> Iterator[TrackReport]:
        heard = [outcome for _, outcome in batch if isinstance(outcome, Hearing)]
        predictions = iter(self._classifier.predict(heard))
        for path, outcome in batch:
            if isinstance(outcome, Failure):
                yield _not_heard(path, outcome.error)
            else:
                yield self._tag(path, outcome, next(predictions))

    def _tag(self, path: Path, hearing: Hearing, prediction: Prediction) -> TrackReport:
        report = TrackReport(
            path,
            Status.UNCHANGED,
            genres=prediction.genres,
            cluster=prediction.cluster,
            duration_s=hearing.duration_s,
            heard_s=hearing.heard_s,
        )
        try:
            current = read_tags(path)
            report = replace(report, current=current.values)
            decision = self._decide(current, prediction)
            if decision.changes and not self._options.dry_run:
                write_changes(
                    path,
                    decision.changes,
                    payload_digest=payload_digest,
                    mtime=self._options.mtime,
                )
        except TagsRefusedError as refused:
            return replace(report, status=Status.SKIPPED, reason=str(refused))
        except TagError as error:
            return replace(report, status=Status.FAILED, reason=str(error))
        return replace(
            report,
            status=self._status(decision),
            reason=decision.reason,
            changes=decision.changes,
            outcome=str(decision.outcome),
        )

    def _decide(self, current: CurrentTags, prediction: Prediction) -> Decision:
        return decide(current, prediction, self._settings, self._bundle.identity, __version__)

    def _status(self, decision: Decision) -> Status:
        if decision.outcome is GenreOutcome.ABSTAINED:
            return Status.ABSTAINED
        if not decision.changes:
            return Status.UNCHANGED
        return Status.PROPOSED if self._options.dry_run else Status.TAGGED


def _not_heard(path: Path, error: Exception) -> TrackReport:
    if isinstance(error, ModelError):
        raise error  # it would fail on every track alike
    if isinstance(error, NotMusicError):
        return TrackReport(path, Status.SKIPPED, str(error))
    if isinstance(error, GenretagError | TimeoutError) or type(error).__module__.startswith(
        "tagger."
    ):
        return TrackReport(path, Status.FAILED, str(error))
    return TrackReport(
        path,
        Status.FAILED,
        f"unexpected {type(error).__name__}: {error} (please report this as a bug)",
    )
