"""What there is to do: the walk, less what an earlier run settled."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable

from tagger.domain import AsBefore
from tagger.library.cache import Cache
from tagger.library.walk import Folder
from tagger.workflows.recall import anchored_folder
from tagger.workflows.worker import Track

__all__ = ["survey"]


def survey(
    folders: Iterable[Folder],
    cache: Cache,
    *,
    decision: bytes,
    whole_folders: bool,
    each: bool,
) -> tuple[list[Track], AsBefore]:
    """Sort the files of a library into those to look at and those that are as before.

    A file is as before if neither it nor anything that its report depends on has changed
    since a run had the last word on it.

    Args:
        folders: the library.
        cache: what earlier runs left.
        decision: fingerprint of what a decision depends on.
        whole_folders: tracks are decided together, so one that changed changes all.
        each: give the files that are as before a track of their own, too, for those who
            want to read of every one.
    """
    tracks: list[Track] = []
    heard: Counter[tuple[str, str | None]] = Counter()
    audio_s = 0.0
    for folder in folders:
        last_words = cache.settled(anchored_folder(folder.path), decision)
        settled = [
            word
            if (word := last_words.get(name)) and word.size == size and word.mtime_ns == mtime_ns
            else None
            for name, size, mtime_ns in folder.files
        ]
        if whole_folders and not all(settled):
            settled = [None] * len(folder.files)
        prefix = os.path.join(folder.path, "")  # noqa: PTH118
        for file, before in zip(folder.files, settled, strict=True):
            if before is None or each:
                track = Track(prefix + file.name, file.size, file.mtime_ns, before is not None)
                tracks.append(track)
            else:
                heard[before.genre, before.cluster] += 1
                audio_s += before.duration_s
    return tracks, AsBefore(dict(heard), audio_s)
