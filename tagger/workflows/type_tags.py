"""``genretag cluster --write``: music types into the tags, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Literal

from tagger import __version__
from tagger.domain import Status, TrackReport
from tagger.errors import TagError, TagsRefusedError
from tagger.library.identity import payload_digest_of
from tagger.library.presence import Roots
from tagger.tags.policy import TYPE_UNCHANGED, TYPE_WRITTEN, PolicySettings, decide_type
from tagger.tags.read import read_tags
from tagger.tags.writer import WriteSettings, write_changes
from tagger.workflows.collection import CollectedTrack, Collection
from tagger.workflows.config import Config
from tagger.workflows.recording import RunRecorder, Sweeper
from tagger.workflows.whole_run import WholeRun

__all__ = ["TypeTags"]


class TypeTags(WholeRun):
    """Writes the type of each track of a collection.

    Args:
        collection: the tracks, each with the name of its type.
        paths: what the user named, to tell if the library vanishes.
        config: says which further fields a type goes into.
        mtime: whether a changed file's date changes.
    """

    def __init__(
        self,
        collection: Collection,
        paths: tuple[Path, ...],
        config: Config,
        mtime: Literal["bump", "preserve"],
    ) -> None:
        self.begun = time.monotonic()
        self._collection = collection
        self._roots = Roots(paths)
        self._settings = PolicySettings(type_fields=config.cluster_fields)
        within = tuple(path.resolve() for path in paths)
        self._writing = WriteSettings(mtime, False, config.new_id3, within)
        self._sweeper = Sweeper()

    @property
    def total(self) -> int:
        """How many files there are to look at."""
        return len(self._collection) + len(self._collection.left_out)

    @property
    def model(self) -> str:
        """Name and version of the model that heard the tracks."""
        return self._collection.bundle.identity

    @property
    def new_id3(self) -> Literal[3, 4]:
        """Version of an ID3v2 tag where there is none yet."""
        return self._writing.new_id3

    def reports(self) -> Iterator[TrackReport]:
        """Write, and yield one report per track; those that could not be heard come first.

        Raises:
            UsageError: the journal cannot be used.
            LibraryGoneError: the library vanished; what was reported stays done.
        """
        self._recorder = RunRecorder("cluster", self.model)
        with closing(self._recorder):
            yield from self._collection.left_out
            for track in self._collection.tracks:
                yield self._write(track)

    def _write(self, track: CollectedTrack) -> TrackReport:
        report = TrackReport(
            track.path,
            Status.UNCHANGED,
            reason="the music type stands there already",
            genres=track.genres,
            cluster=track.cluster,
            outcome=TYPE_UNCHANGED,
            duration_s=track.duration_s,
            cached=True,
        )
        try:
            current = read_tags(track.path)
            report = replace(report, current=current.values, file=current.file)
            changes = decide_type(current, track.cluster or "", self._settings, __version__)
            if not changes:
                return report
            self._sweeper.sweep(track.path)
            write_changes(
                track.path,
                changes,
                payload_digest=payload_digest_of,
                settings=self._writing,
                recorded=self._recorder,
                planned_for=current.file,
            )
        except TagsRefusedError as refused:
            return replace(report, status=Status.SKIPPED, reason=str(refused), outcome="")
        except TagError as error:
            self._roots.check()
            return replace(report, status=Status.FAILED, reason=str(error), outcome="")
        return replace(
            report,
            status=Status.TAGGED,
            reason=f"music type {track.cluster}",
            changes=changes,
            outcome=TYPE_WRITTEN,
        )
