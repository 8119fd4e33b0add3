"""From files to what was heard in them, batch by batch: recalled, or heard by workers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from tagger.domain import CurrentTags, Hearing, Prediction, Status, TrackReport
from tagger.engine.base import Failure, OrderedPool
from tagger.engine.pool import LocalPool
from tagger.errors import GenretagError, ModelError, NotMusicError, TagError, TagsRefusedError
from tagger.library.cache import Problem, ProblemKind
from tagger.models.bundle import Bundle, builtin_bundles
from tagger.models.classifier import Classifier
from tagger.tags.read import read_tags
from tagger.workflows.recall import Recall, Recalled
from tagger.workflows.worker import (
    PRELOAD,
    Track,
    hear_below,
    hear_in_worker,
    path_below,
    start_same_model,
)

__all__ = ["JOB_BYTES", "Heard", "Outcome", "hearing_of", "last_word", "listen_to", "workers"]

_BATCH: Final = 32  # tracks classified at a time
_TRACK_LIMIT_S: Final = 120.0

JOB_BYTES: Final = 120 << 20
"""A worker at its peak, as tests/benchmarks/track_cost.py shows it."""

Outcome: TypeAlias = Hearing | Recalled | Failure
"""What comes of a track that was sent to be heard."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A track on its way from the model to the writer.

    ``current`` and ``prediction`` are None where ``report`` is the last word already.
    """

    report: TrackReport
    current: CurrentTags | None = None
    prediction: Prediction | None = None

    @property
    def path(self) -> Path:
        """The track's file."""
        return self.report.path


def workers(
    bundle: Bundle, model: str, digest: str, *, jobs: int, dask: str | None
) -> OrderedPool[Track, Hearing | Recalled]:
    """Processes that hear with a model: here, or where a Dask scheduler sends them.

    Args:
        bundle: the model.
        model: its name or folder, as the user gave it.
        digest: of its manifest when it was loaded; workers refuse another.
        jobs: how many processes, if here.
        dask: address of a scheduler, or None.

    Raises:
        GenretagError: no scheduler answers.
    """
    if dask:
        from tagger.engine.dask_pool import DaskPool

        here = os.getcwd()  # noqa: PTH109 (it goes with paths that are text)
        # A built-in model is found by its name, wherever genretag lies on the other machine.
        name = model if bundle.folder in builtin_bundles() else str(bundle.folder.absolute())
        return DaskPool(
            partial(hear_below, here),
            path_of=partial(path_below, here),
            initializer=start_same_model,
            initargs=(name, digest),
            address=dask,
            time_limit_s=_TRACK_LIMIT_S,
            preload=PRELOAD,
        )
    return LocalPool(
        hear_in_worker,
        initializer=start_same_model,
        initargs=(str(bundle.folder.absolute()), digest),
        jobs=jobs,
        time_limit_s=_TRACK_LIMIT_S,
        preload=PRELOAD,
    )


def listen_to(
    tracks: Iterable[Track],
    bundle: Bundle,
    pool: OrderedPool[Track, Hearing | Recalled],
    recall: Recall,
) -> Iterator[Heard]:
    """What was heard in each track and what stands in its tags, in the order of the tracks.

    Raises:
        ModelError: the model fails.
    """
    classifier = Classifier(bundle)
    for batch in pool.results(tracks, most=_BATCH, ready=recall.ready):
        hearings = [hearing for _, outcome in batch if (hearing := hearing_of(outcome))]
        predictions = iter(classifier.predict(hearings))
        for track, outcome in batch:
            if not isinstance(outcome, Recalled):
                recall.keep(track, outcome)
            if hearing := hearing_of(outcome):
                cached = isinstance(outcome, Recalled)
                heard = _with_tags(Path(track.path), hearing, next(predictions), cached)
                same = recall.is_what_was_heard(track, heard.report.file)
                yield heard if same or heard.current is None else _changed(heard)
            else:
                recall.is_what_was_heard(track, None)
                yield Heard(last_word(track.path, outcome))


def hearing_of(outcome: Outcome) -> Hearing | None:
    """What was heard, now or before; None if nothing could be."""
    heard = outcome.outcome if isinstance(outcome, Recalled) else outcome
    return heard if isinstance(heard, Hearing) else None


def _changed(heard: Heard) -> Heard:
    reason = "the file changed while it was heard; run again"
    return Heard(replace(heard.report, status=Status.FAILED, reason=reason, cached=False))


def last_word(path: Path | str, outcome: Outcome) -> TrackReport:
    """What is to be said of a track of which no hearing came.

    Raises:
        ModelError: the model fails, as it would on every track.
    """
    if isinstance(outcome, Failure):
        return _not_heard(Path(path), outcome.error)
    known = outcome.outcome if isinstance(outcome, Recalled) else outcome
    if isinstance(known, Problem):
        skipped = known.kind is ProblemKind.NOT_MUSIC
        status = Status.SKIPPED if skipped else Status.FAILED
        return TrackReport(Path(path), status, known.text, cached=True)
    assert isinstance(known, TrackReport)
    return known


def _with_tags(path: Path, hearing: Hearing, prediction: Prediction, cached: bool) -> Heard:
    report = TrackReport(
        path,
        Status.UNCHANGED,
        duration_s=hearing.duration_s,
        heard_s=hearing.heard_s,
        cached=cached,
    )
    if prediction.objection:  # its genres mean nothing: the model knows those of music alone
        return Heard(replace(report, status=Status.SKIPPED, reason=prediction.objection))
    report = replace(report, genres=prediction.genres, cluster=prediction.cluster)
    try:
        current = read_tags(path)
    except TagsRefusedError as refused:
        return Heard(replace(report, status=Status.SKIPPED, reason=str(refused)))
    except TagError as error:
        return Heard(replace(report, status=Status.FAILED, reason=str(error)))
    report = replace(report, current=current.values, file=current.file)
    return Heard(report, current, prediction)


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
