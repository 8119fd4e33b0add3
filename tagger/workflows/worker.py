"""What a scan hands to its workers, here and on other machines. Light, as the scan's own process
imports it too, and must not carry the analysis' libraries around."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path
from typing import NamedTuple

from tagger.domain import Hearing
from tagger.errors import ModelError

__all__ = [
    "PRELOAD",
    "Track",
    "hear_below",
    "hear_in_worker",
    "model_digest",
    "path_below",
    "start_same_model",
    "start_worker",
]

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


def model_digest(folder: Path) -> str:
    """SHA-256 of a model's manifest, in which the digests of all its files stand."""
    from tagger.models.bundle import MANIFEST

    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def start_same_model(model: str, digest: str) -> None:
    """Load a model on another machine, where a built-in one may lie elsewhere.

    Args:
        model: name of a built-in model, or an absolute folder.
        digest: :func:`model_digest` of the caller's.

    Raises:
        ModelError: it is another one, or cannot be used.
    """
    from tagger.models.bundle import find_bundle

    folder = find_bundle(model)
    if model_digest(folder) != digest:
        host = socket.gethostname()
        raise ModelError(f"the model {model} on {host} is not the caller's; install the same one")
    start_worker(folder)


def path_below(folder: str, track: Track) -> str:
    """Path of a track that was named in a folder, which may not be the worker's."""
    return os.path.join(folder, track.path)  # noqa: PTH118 (a track's path is text)


def hear_below(folder: str, track: Track) -> Hearing:
    """Hear a track that was named in a folder, which may not be the worker's."""
    return hear_in_worker(track._replace(path=path_below(folder, track)))
