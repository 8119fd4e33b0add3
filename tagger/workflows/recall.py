"""Between the cache and the pool: what was heard before need not be heard again."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tagger.domain import AS_BEFORE, Hearing, Status, TrackReport
from tagger.engine.pool import Failure, TaskTimeoutError, WorkerDiedError
from tagger.errors import AudioError, NotMusicError, TagError
from tagger.library.audio_key import audio_key
from tagger.library.cache import Cache, Problem, ProblemKind
from tagger.tags.container import open_tags
from tagger.workflows.worker import Track

__all__ = ["Recall", "Recalled"]

# In this order: one is a kind of the other.
_KINDS: Final = (
    (NotMusicError, ProblemKind.NOT_MUSIC),
    (AudioError, ProblemKind.DAMAGED),
    (WorkerDiedError, ProblemKind.CRASHED),
    (TaskTimeoutError, ProblemKind.TIMEOUT),
)


@dataclass(frozen=True, slots=True)
class Recalled:
    """What an earlier run left of a track: what was heard, why nothing was, or the last word."""

    outcome: Hearing | Problem | TrackReport


class Recall:
    """Keeps and gives back what was heard.

    Args:
        cache: where it is kept.
        listening: fingerprint of what a hearing depends on.
        decision: fingerprint of what a decision depends on.
        rescan: hear everything again; the cache is written to all the same.
    """

    def __init__(
        self, cache: Cache, *, listening: bytes, decision: bytes, rescan: bool = False
    ) -> None:
        self.cache = cache
        self.listening = listening
        self.decision = decision
        self._rescan = rescan
        self._keys: dict[str, bytes | None] = {}  # of tracks under way

    def ready(self, track: Track) -> Recalled | None:
        """What is known of a track, or None if it must be heard."""
        path = _absolute(track)
        if track.as_before and (report := self.cache.report(path)):
            return Recalled(replace(report, path=Path(track.path), cached=True))
        if self._rescan:
            self._keys[track.path] = _key(path)
            return None
        key: bytes | None = None
        asked = False

        def key_of_audio() -> bytes | None:
            nonlocal key, asked
            key, asked = _key(path), True
            return key

        found = self.cache.hearing(path, track.size, track.mtime_ns, key_of_audio, self.listening)
        if found is not None:
            return Recalled(found)
        self._keys[track.path] = key if asked else _key(path)
        return None

    def keep(self, track: Track, outcome: Hearing | Failure) -> None:
        """Keep what came of hearing a track, if the file is still the one that was heard."""
        key = self._keys.pop(track.path, None)
        path = _absolute(track)
        if not _is_still(track) or not _is_readable(path):
            return
        if isinstance(outcome, Hearing):
            self.cache.keep(path, track.size, track.mtime_ns, key, self.listening, outcome)
            return
        for kind, name in _KINDS:
            if isinstance(outcome.error, kind):
                text = str(outcome.error)
                self.cache.keep_problem(
                    path, track.size, track.mtime_ns, self.listening, name, text
                )
                return

    def settle(self, report: TrackReport) -> None:
        """Keep the last word on a track, so that the next run need not look at it."""
        try:
            status = report.path.stat()
        except OSError:
            return
        current = {**report.current, **{c.field: c.after for c in report.changes}}
        word = replace(
            report,
            status=Status.UNCHANGED,
            outcome=AS_BEFORE,
            reason=f"{AS_BEFORE}: {report.reason}",
            current={name: values for name, values in current.items() if values},
            changes=(),
        )
        path = Path(os.path.abspath(report.path))  # noqa: PTH100 (links stay as they are)
        self.cache.settle(path, status.st_size, status.st_mtime_ns, self.decision, word)


def _absolute(track: Track) -> Path:
    return Path(os.path.abspath(track.path))  # noqa: PTH100 (links stay as they are)


def _key(path: Path) -> bytes | None:
    try:
        with open_tags(path) as tags:
            return audio_key(tags.file, tags.audio, tags.audio_md5)
    except TagError:
        return None


def _is_still(track: Track) -> bool:
    try:
        status = os.stat(track.path)  # noqa: PTH116
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (track.size, track.mtime_ns)


def _is_readable(path: Path) -> bool:
    """Whether the file system gives the file out: what it refuses says nothing of the file."""
    try:
        with path.open("rb") as file:
            for at in (0, file.seek(0, os.SEEK_END) // 2):
                file.seek(at)
                file.read(1)
    except OSError:
        return False
    return True
