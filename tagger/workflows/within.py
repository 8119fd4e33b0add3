"""Where to look for tracks: the files below some paths, heard if nobody has heard them yet."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tagger.domain import Hearing
from tagger.library.cache import Cache
from tagger.library.presence import Roots
from tagger.library.walk import walk_folders
from tagger.workflows.recall import anchored_folder
from tagger.workflows.worker import Track

__all__ = ["Within", "hear_within"]


@dataclass(frozen=True, slots=True)
class Within:
    """Some files.

    Attributes:
        names: the names of the files of each folder, by its absolute path.
        not_heard: how many of them could not be heard.
    """

    names: dict[str, frozenset[str]]
    not_heard: int = 0

    def __contains__(self, path: Path) -> bool:
        folder, name = os.path.split(path)
        return name in self.names.get(folder, ())


def hear_within(
    paths: Sequence[Path],
    cache: Cache,
    listening: bytes,
    hear: Callable[[list[Track]], Iterable[tuple[Track, Hearing | None]]],
    progress: Callable[[int, int], None],
) -> Within:
    """Find the files below some paths, and hear those of which nothing is known.

    Args:
        paths: files and folders.
        cache: what earlier runs left.
        listening: fingerprint of what a hearing depends on.
        hear: hears tracks and keeps what was heard; gives None for those that it cannot hear.
        progress: told how many of how many are heard.

    Raises:
        UsageError: a path does not exist.
        LibraryGoneError: one does not answer, or vanished.
    """
    roots = Roots(paths)
    names: dict[str, frozenset[str]] = {}
    unknown: list[Track] = []
    for folder in walk_folders(paths):
        place = anchored_folder(folder.path)
        known = cache.known(place, listening)
        for file in folder.files:
            found = known.get(file.name)
            as_known = found and (found.size, found.mtime_ns) == (file.size, file.mtime_ns)
            if not (found and found.heard and as_known):
                path = os.path.join(folder.path, file.name)  # noqa: PTH118
                unknown.append(Track(path, file.size, file.mtime_ns))
        names[place] = names.get(place, frozenset()) | {file.name for file in folder.files}
    not_heard = 0
    for done, (_, hearing) in enumerate(hear(unknown) if unknown else (), 1):
        if hearing is None:
            not_heard += 1
            roots.check()
        progress(done, len(unknown))
    return Within(names, not_heard)
