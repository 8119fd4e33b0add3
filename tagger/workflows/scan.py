"""``genretag scan``: every track along the route, from the walk to its tags.

Workers hear; this process classifies what comes back in batches, decides by policy and
writes. It never imports librosa, and holds no more tracks than are in flight (with albums
decided together: than lie in one folder).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from tagger import __version__
from tagger.domain import CurrentTags, Hearing, Policy, Prediction, Status, TrackReport
from tagger.engine.pool import Failure, LocalPool, default_jobs
from tagger.errors import GenretagError, ModelError, NotMusicError, TagError, TagsRefusedError
from tagger.library.identity import payload_digest_of
from tagger.library.walk import walk
from tagger.models.bundle import BUILTIN_MODEL, find_bundle, load_bundle
from tagger.models.classifier import Classifier
from tagger.models.fusion import pool_tracks
from tagger.models.vocabulary import Thresholds
from tagger.tags.policy import Decision, GenreOutcome, PolicySettings, decide
from tagger.tags.read import read_tags
from tagger.tags.writer import WriteSettings, write_changes
from tagger.workflows.albums import FolderBuffer, albums
from tagger.workflows.config import Config
from tagger.workflows.recording import RunRecorder, Sweeper
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
    consistent: Literal["none", "album"] = "none"
    model: str = BUILTIN_MODEL
    jobs: int | None = None
    exclude: tuple[str, ...] = ()
    mtime: Literal["bump", "preserve"] = "bump"
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class _Heard:
    """A track on its way from the model to the writer.

    ``current`` and ``prediction`` are None where ``report`` is the last word already.
    """

    report: TrackReport
    current: CurrentTags | None = None
    prediction: Prediction | None = None

    @property
    def path(self) -> Path:
        return self.report.path


class Scan:
    """One run over some paths.

    Raises:
        UsageError: a path does not exist, or the journal cannot be used.
        ModelError: the model cannot be used.
    """

    def __init__(self, options: ScanOptions, config: Config) -> None:
        self._options = options
        self._config = config
        self._bundle = load_bundle(find_bundle(options.model))
        self._classifier = Classifier(self._bundle)
        self._settings = PolicySettings(policy=options.policy, max_genres=options.max_genres)
        self._thresholds = Thresholds(
            self._bundle.thresholds, config.thresholds, options.min_confidence
        )
        self._writing = WriteSettings(options.mtime, options.in_place, config.new_id3)
        self._sweeper = Sweeper()
        self._unread: list[TrackReport] = []
        self._tracks = list(
            walk(
                options.paths,
                exclude=options.exclude,
                problem=self._note_unread,
                hidden=None if options.dry_run else self._sweeper.note,
            )
        )
        self._recorder: RunRecorder | None = None

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

    @property
    def leftovers(self) -> int:
        """How many temporary files of killed runs were removed."""
        return self._sweeper.removed

    @property
    def new_id3(self) -> Literal[3, 4]:
        """Version of an ID3v2 tag where there is none yet."""
        return self._writing.new_id3

    @property
    def run(self) -> int | None:
        """The number under which ``undo`` knows this run; None if nothing was written."""
        return self._recorder.run if self._recorder else None

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
        if self._options.dry_run:
            yield from self._run()
            return
        self._recorder = RunRecorder("scan", self.model)
        with closing(self._recorder):
            yield from self._run()

    def _run(self) -> Iterator[TrackReport]:
        buffer: FolderBuffer[_Heard] = FolderBuffer()
        for track in self._heard():
            if self._options.consistent == "none":
                yield self._tag(track)
            else:
                for folder in buffer.add(track):
                    yield from self._tag_folder(folder)
        for folder in buffer.rest():
            yield from self._tag_folder(folder)

    def _note_unread(self, folder: Path, reason: str) -> None:
        self._unread.append(TrackReport(folder, Status.FAILED, reason))

    def _heard(self) -> Iterator[_Heard]:
        with LocalPool(
            hear_in_worker,
            initializer=start_worker,
            initargs=(self._bundle.folder,),
            jobs=self.jobs,
            time_limit_s=_TRACK_LIMIT_S,
            preload=PRELOAD,
        ) as pool:
            for batch in pool.results(self._tracks, most=_BATCH):
                hearings = [outcome for _, outcome in batch if isinstance(outcome, Hearing)]
                predictions = iter(self._classifier.predict(hearings))
                for path, outcome in batch:
                    if isinstance(outcome, Failure):
                        yield _Heard(_not_heard(path, outcome.error))
                    else:
                        yield _with_tags(path, outcome, next(predictions))

    def _tag_folder(self, tracks: Sequence[_Heard]) -> Iterator[TrackReport]:
        pooled: dict[int, tuple[Prediction, int]] = {}
        for places in albums([track.current for track in tracks]):
            members = [p for place in places if (p := tracks[place].prediction)]
            together = Prediction(pool_tracks([member.genres for member in members]), None)
            pooled |= dict.fromkeys(places, (together, len(places)))
        for place, track in enumerate(tracks):
            yield self._tag(track, *pooled.get(place, (None, 0)))

    def _tag(
        self, track: _Heard, album: Prediction | None = None, album_tracks: int = 0
    ) -> TrackReport:
        report, current, prediction = track.report, track.current, track.prediction
        if current is None or prediction is None:
            return report
        decision = self._decide(current, prediction, album or prediction, album_tracks)
        if decision.changes and not self._options.dry_run:
            self._sweeper.sweep(track.path)
            try:
                write_changes(
                    track.path,
                    decision.changes,
                    payload_digest=payload_digest_of,
                    settings=self._writing,
                    recorded=self._recorder,
                    planned_for=current.file,
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

    def _decide(
        self, current: CurrentTags, heard: Prediction, deciding: Prediction, album_tracks: int
    ) -> Decision:
        candidates = self._config.vocabulary.candidates(deciding.genres, self._thresholds)
        return decide(
            current,
            heard,
            candidates,
            self._settings,
            self._bundle.identity,
            __version__,
            album=album_tracks,
        )

    def _status(self, decision: Decision) -> Status:
        if decision.outcome is GenreOutcome.ABSTAINED:
            return Status.ABSTAINED
        if not decision.changes:
            return Status.UNCHANGED
        return Status.PROPOSED if self._options.dry_run else Status.TAGGED


def _with_tags(path: Path, hearing: Hearing, prediction: Prediction) -> _Heard:
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
    except TagsRefusedError as refused:
        return _Heard(replace(report, status=Status.SKIPPED, reason=str(refused)))
    except TagError as error:
        return _Heard(replace(report, status=Status.FAILED, reason=str(error)))
    report = replace(report, current=current.values, file=current.file)
    return _Heard(report, current, prediction)


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
