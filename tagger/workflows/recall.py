"""Between the cache and the pool: what was heard before need not be heard again."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tagger.domain import AS_BEFORE, FileState, Hearing, Status, TrackReport
from tagger.engine.base import Failure, TaskTimeoutError, WorkerDiedError
from tagger.errors import AudioError, NotMusicError, TagError, UnreachableError
from tagger.library.audio_key import audio_key
from tagger.library.cache import Cache, Problem, ProblemKind
from tagger.models.bundle import Bundle
from tagger.tags.container import open_tags
from tagger.workflows.fingerprints import listening_fingerprint
from tagger.workflows.worker import Track

__all__ = ["Recall", "Recalled", "anchored", "anchored_folder", "audio_key_of", "recall_of"]

# In this order: one is a kind of the other.
_KINDS: Final = (
    (UnreachableError, None),
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
        self._under_way: dict[str, _State] = {}
        self._folder = ("", "")  # the last one, and where it is

    def ready(self, track: Track) -> Recalled | None:
        """What is known of a track, or None if it must be heard."""
        place = self._place_of(track.path)
        # The walk may be hours ago.
        state = self._under_way[track.path] = _state(place) or _State(track.size, track.mtime_ns)
        is_as_met = (state.size, state.mtime_ns) == (track.size, track.mtime_ns)
        if track.as_before and is_as_met:
            report = self.cache.report(place, called=Path(track.path))
            if report:
                return Recalled(report)
        path = Path(place)
        found = None
        if not self._rescan:
            found = self.cache.hearing(
                path, state.size, state.mtime_ns, lambda: state.key_of(path), self.listening
            )
        if found is not None:
            return Recalled(found)
        state.key_of(path)
        return None

    def _place_of(self, path: str) -> str:
        """:func:`anchored`, for file after file of a folder."""
        folder, name = os.path.split(path)
        if folder != self._folder[0] or not self._folder[1]:
            self._folder = (folder, anchored_folder(folder))
        return os.path.join(self._folder[1], name)  # noqa: PTH118

    def keep(self, track: Track, outcome: Hearing | Failure) -> None:
        """Keep what came of hearing a track, if the file is still the one that was heard."""
        path = Path(anchored(track.path))
        state = self._under_way[track.path]
        if not state.is_of(path) or not _is_readable(path):
            return
        key = state.key_of(path)
        if isinstance(outcome, Hearing):
            self.cache.keep(path, state.size, state.mtime_ns, key, self.listening, outcome)
            return
        kind = next((name for error, name in _KINDS if isinstance(outcome.error, error)), None)
        if kind:
            text = str(outcome.error)
            self.cache.keep_problem(path, state.size, state.mtime_ns, self.listening, kind, text)

    def is_what_was_heard(self, track: Track, file: FileState | None) -> bool:
        """Whether a file is as it was when it was heard or recalled. Asked once a track.

        Args:
            track: the track.
            file: the file when its tags were read.
        """
        state = self._under_way.pop(track.path)
        return file is not None and (file.size, file.mtime_ns) == (state.size, state.mtime_ns)

    def settle(self, report: TrackReport) -> None:
        """Keep the last word on a track, so that the next run need not look at it."""
        path = Path(anchored(str(report.path)))
        state = _state(path) if report.changes else report.file
        if state is None:
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
        self.cache.settle(path, state.size, state.mtime_ns, self.decision, word)


def recall_of(bundle: Bundle, cache: Cache) -> Recall:
    """What a model heard before, for those who decide nothing."""
    return Recall(cache, listening=listening_fingerprint(bundle), decision=b"")


@dataclass(slots=True)
class _State:
    """A file as it is when it is about to be heard, and the key of its audio once asked for."""

    size: int
    mtime_ns: int
    _key: bytes | None = None
    _asked: bool = False

    def key_of(self, path: Path) -> bytes | None:
        if not self._asked:
            self._key, self._asked = audio_key_of(path), True
        return self._key

    def is_of(self, path: Path) -> bool:
        now = _state(path)
        return now is not None and (now.size, now.mtime_ns) == (self.size, self.mtime_ns)


def anchored(path: str) -> str:
    """A file's path made absolute, whatever way leads to it."""
    folder, name = os.path.split(path)
    return os.path.join(anchored_folder(folder), name)  # noqa: PTH118 (text, for speed)


def anchored_folder(path: str) -> str:
    """A folder's path made absolute without changing what it names: ``link/..`` is the folder
    above that which the link leads to."""
    if ".." in path and ".." in Path(path).parts:
        return os.path.realpath(path)
    return os.path.abspath(path)  # noqa: PTH100 (links stay as they are)


def _state(path: Path | str) -> _State | None:
    try:
        status = os.stat(path)  # noqa: PTH116 (text, for speed)
    except OSError:
        return None
    return _State(status.st_size, status.st_mtime_ns)


def audio_key_of(path: Path) -> bytes | None:
    """Key of the audio in a file, or None if nothing can be made of it."""
    try:
        with open_tags(path) as tags:
            return audio_key(tags.file, tags.audio, tags.audio_md5)
    except TagError:
        return None


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
