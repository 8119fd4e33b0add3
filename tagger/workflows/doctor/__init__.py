"""``genretag doctor``: is all there that a scan needs, part by part, each tried for real."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tagger.domain import Finding, Health
from tagger.errors import GenretagError
from tagger.workflows.doctor.folders import folders, music_folder
from tagger.workflows.doctor.hearing import codecs, self_test
from tagger.workflows.doctor.machine import machine, versions
from tagger.workflows.libraries import settings_for

__all__ = ["examine"]


def examine(paths: Sequence[Path] = ()) -> Iterator[Finding]:
    """Look at every part, and yield what there is to say of it.

    Nothing is written but a track in a temporary folder, and in ``paths`` files that have no
    name and are gone at once.

    Args:
        paths: folders of music to look at, too.
    """
    yield from versions()
    yield from machine()
    model = ""
    try:
        chosen = settings_for(paths[:1], {})
        model = chosen.settings["model"]
    except GenretagError as error:
        yield Finding("configuration", Health.PROBLEM, str(error), "mend the file, or rename it")
    yield from folders()
    for path in paths:
        yield from music_folder(path)
    yield from codecs()
    yield from self_test(model or "default")
