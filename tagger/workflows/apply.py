"""``genretag apply``: write exactly what a plan says, into files that are still the same."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Literal

from tagger.domain import Status, TrackReport
from tagger.errors import TagError, TagsRefusedError, UsageError
from tagger.library.identity import payload_digest_of
from tagger.report.plan import read_plan
from tagger.tags.policy import GenreOutcome
from tagger.tags.writer import WriteSettings, write_changes
from tagger.workflows.recording import RunRecorder, Sweeper
from tagger.workflows.whole_run import WholeRun

__all__ = ["Apply"]


class Apply(WholeRun):
    """One run over the tracks of a plan.

    Args:
        plan: its file.
        mtime: as in :class:`~tagger.tags.writer.WriteSettings`, and so is ``in_place``.
        within: folders outside of which nothing is written, whatever the plan says; none means
            that it may name any file.

    Raises:
        UsageError: the plan cannot be read or is not whole, or there is no such folder.
    """

    def __init__(
        self,
        plan: Path,
        *,
        mtime: Literal["bump", "preserve"],
        in_place: bool,
        within: Sequence[Path] = (),
    ) -> None:
        self.begun = time.monotonic()
        self._plan = read_plan(plan)
        real = tuple(_folder(path) for path in within)
        self._settings = WriteSettings(mtime, in_place, self._plan.new_id3, real)
        self._sweeper = Sweeper()

    @property
    def total(self) -> int:
        """How many tracks the plan has."""
        return self._plan.tracks

    @property
    def below(self) -> Path:
        """The folder below which all tracks of the plan lie."""
        return self._plan.below

    @property
    def model(self) -> str:
        """Name and version of the model that the plan was made with."""
        return self._plan.model

    @property
    def new_id3(self) -> Literal[3, 4]:
        """Version of an ID3v2 tag where there is none yet."""
        return self._settings.new_id3

    def reports(self) -> Iterator[TrackReport]:
        """Write, and yield one report per track, in the order of the plan.

        Raises:
            UsageError: the plan is damaged, or the journal cannot be used.
        """
        self._recorder = RunRecorder("apply", self.model)
        with closing(self._recorder):
            for planned in self._plan.reports():
                yield self._write(planned)

    def _write(self, planned: TrackReport) -> TrackReport:
        self._sweeper.sweep(planned.path)
        try:
            write_changes(
                planned.path,
                planned.changes,
                payload_digest=payload_digest_of,
                settings=self._settings,
                recorded=self._recorder,
                planned_for=planned.file,
            )
        except TagsRefusedError as refused:
            return replace(planned, status=Status.SKIPPED, reason=str(refused), changes=())
        except TagError as error:
            return replace(planned, status=Status.FAILED, reason=str(error), changes=())
        unsure = planned.outcome == GenreOutcome.ABSTAINED
        return replace(planned, status=Status.ABSTAINED if unsure else Status.TAGGED)


def _folder(path: Path) -> Path:
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):  # a link to itself
        raise UsageError(f"--in {path}: no such folder") from None
    if not real.is_dir():
        raise UsageError(f"--in {path}: is no folder")
    return real
