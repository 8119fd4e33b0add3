"""What a scan hands to its workers. Light, as the scan's own process imports it too, and must
not carry the analysis' libraries around."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tagger.domain import Hearing

__all__ = ["PRELOAD", "Track", "hear_in_worker", "start_worker"]

PRELOAD = ("tagger.workflows.hear",)
"""What these functions import; the fork server loads it once for all workers."""


class Track(NamedTuple):
    """A file to look at, as the walk met it.

    Attributes:
        path: where it is.
        size: bytes, or -1 if it vanished.
        mtime_ns: time of modification.
        as_before: whether an earlier run had the last word on it.
    """

    path: str
    size: int
    mtime_ns: int
    as_before: bool = False


def start_worker(folder: Path) -> None:
    """Load the model of this worker process.

    Raises:
        ModelError: the model cannot be used.
    """
    from tagger.workflows.hear import start_listener

    start_listener(folder)


def hear_in_worker(track: Track) -> Hearing:
    """Hear one file with this worker's model.

    Raises:
        AudioError: it cannot be decoded.
        NotMusicError: it holds nothing to classify.
    """
    from tagger.workflows.hear import hear

    return hear(Path(track.path))
