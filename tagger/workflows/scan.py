"""``genretag scan``: every track along the route, from the walk to its tags.

What an earlier run settled is passed over. Workers hear what no earlier run has heard; this
process classifies what comes back in batches, decides by policy and writes. It never imports
librosa, and holds no more tracks than are in flight (with albums decided together: than lie
in one folder).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Literal

from tagger import __version__
from tagger.domain import (
    CurrentTags,
    Policy,
    Prediction,
    Status,
    TrackReport,
)
from tagger.engine.pool import default_jobs
from tagger.errors import TagError, TagsRefusedError
from tagger.library.cache import Cache
from tagger.library.folders import cache_folder
from tagger.library.identity import payload_digest_of
from tagger.library.presence import Roots
from tagger.library.walk import walk_folders
from tagger.models.bundle import BUILTIN_MODEL, find_bundle, load_bundle
from tagger.models.fusion import pool_tracks
from tagger.models.vocabulary import Thresholds
from tagger.tags.policy import Decision, GenreOutcome, PolicySettings, decide
from tagger.tags.writer import WriteSettings, write_changes
from tagger.workflows.albums import albums
from tagger.workflows.config import Config
from tagger.workflows.fingerprints import decision_fingerprint, listening_fingerprint
from tagger.workflows.listening import JOB_BYTES, Heard, listen_to, workers
from tagger.workflows.own_types import with_own_types
from tagger.workflows.recall import Recall
from tagger.workflows.recording import RunRecorder, Sweeper
from tagger.workflows.survey import survey
from tagger.workflows.worker import Track, model_digest

__all__ = ["Scan", "ScanOptions"]


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What the user asked for; ``None`` means what the model or the machine says.

    Attributes:
        each: report on every track, also where nothing had to be done about it.
        dask: address of a Dask scheduler whose workers hear; None for this machine.
    """

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
    rescan: bool = False
    time_limit_s: float | None = None
    each: bool = False
    dask: str | None = None


class Scan:
    """One run over some paths.

    Raises:
        UsageError: a path does not exist.
        LibraryGoneError: a path does not answer.
        ModelError: the model cannot be used.
    """

    def __init__(self, options: ScanOptions, config: Config) -> None:
        self.begun = time.monotonic()
        self._options = options
        self._config = config
        folder = find_bundle(options.model)
        self._model_digest = model_digest(folder)
        self._bundle, self._no_types = with_own_types(load_bundle(folder))
        self._settings = PolicySettings(options.policy, options.max_genres, config.cluster_fields)
        self._thresholds = Thresholds(
            self._bundle.thresholds, config.thresholds, options.min_confidence
        )
        self._sweeper = Sweeper()
        self._unread: list[TrackReport] = []
        self._recorder: RunRecorder | None = None
        self._taken = 0
        self._roots = Roots(options.paths)
        within = tuple(path.resolve() for path in options.paths)  # as they are now
        self._writing = WriteSettings(options.mtime, options.in_place, config.new_id3, within)
        self._cache = Cache.open(cache_folder(create=False))
        self._recall = Recall(
            self._cache,
            listening=listening_fingerprint(self._bundle),
            decision=decision_fingerprint(
                self._bundle, self._settings, options.consistent, config, self._thresholds
            ),
            rescan=options.rescan,
        )
        self._tracks, self.as_before = survey(
            walk_folders(
                options.paths,
                exclude=options.exclude,
                problem=self._note_unread,
                hidden=None if options.dry_run else self._sweeper.note,
            ),
            self._cache,
            decision=b"" if options.rescan else self._recall.decision,
            whole_folders=options.consistent == "album",
            each=options.each,
        )

    @property
    def total(self) -> int:
        """How many tracks there are to look at, beside those that are as before."""
        return len(self._tracks)

    @property
    def left(self) -> int:
        """How many tracks a time limit left for the next run."""
        return len(self._tracks) - self._taken

    @property
    def model(self) -> str:
        """Name and version of the model."""
        return self._bundle.identity

    @property
    def jobs(self) -> int:
        """How many processes hear: never more than there are tracks."""
        return max(1, min(self._options.jobs or default_jobs(JOB_BYTES), self.total))

    @property
    def leftovers(self) -> int:
        """How many temporary files of killed runs were removed."""
        return self._sweeper.removed

    @property
    def notice(self) -> str:
        """What went wrong with the cache or with the music types, or nothing."""
        return "; ".join(filter(None, (self._cache.notice, self._no_types)))

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
            UsageError: the journal cannot be used.
            LibraryGoneError: the library vanished; what was reported stays done.
            ModelError: the model fails while it runs.
        """
        with ExitStack() as stack:
            stack.enter_context(closing(self._cache))
            yield from self._unread
            if not self._tracks:
                return
            if not self._options.dry_run:
                self._recorder = stack.enter_context(closing(RunRecorder("scan", self.model)))
            pool = stack.enter_context(
                workers(
                    self._bundle,
                    self._options.model,
                    self._model_digest,
                    jobs=self.jobs,
                    dask=self._options.dask,
                )
            )
            heard = listen_to(self._to_look_at(), self._bundle, pool, self._recall)
            if self._options.consistent == "none":
                yield from map(self._tag, heard)
                return
            for _, tracks in groupby(heard, key=lambda track: track.path.parent):
                yield from self._tag_folder(list(tracks))

    def _note_unread(self, folder: Path, reason: str) -> None:
        self._unread.append(TrackReport(folder, Status.FAILED, reason))

    def _to_look_at(self) -> Iterator[Track]:
        limit_s = self._options.time_limit_s
        together = self._options.consistent == "album"
        before = ""
        for track in self._tracks:
            # An album is decided whole or not at all; and every run gets somewhere.
            folder = os.path.dirname(track.path) if together else ""  # noqa: PTH120
            may_stop = not together or folder != before
            late = limit_s is not None and time.monotonic() - self.begun > limit_s
            if late and may_stop and self._taken:
                return
            before = folder
            self._taken += 1
            yield track

    def _tag_folder(self, tracks: Sequence[Heard]) -> Iterator[TrackReport]:
        pooled: dict[int, tuple[Prediction, int]] = {}
        for places in albums([track.current for track in tracks]):
            members = [p for place in places if (p := tracks[place].prediction)]
            together = Prediction(pool_tracks([member.genres for member in members]), None)
            pooled |= dict.fromkeys(places, (together, len(places)))
        for place, track in enumerate(tracks):
            yield self._tag(track, *pooled.get(place, (None, 0)))

    def _tag(
        self, track: Heard, album: Prediction | None = None, album_tracks: int = 0
    ) -> TrackReport:
        report, current, prediction = track.report, track.current, track.prediction
        if current is None or prediction is None:
            if report.status is Status.FAILED and not report.cached:
                self._roots.check()  # or each of 100,000 tracks fails in its turn
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
                self._roots.check()
                return replace(report, status=Status.FAILED, reason=str(error))
        report = replace(
            report,
            status=self._status(decision),
            reason=decision.reason,
            changes=decision.changes,
            outcome=str(decision.outcome),
        )
        if not (decision.changes and self._options.dry_run):
            self._recall.settle(report)
        return report

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
