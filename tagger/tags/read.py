"""What stands in a file now."""

from __future__ import annotations

import os
from pathlib import Path

from tagger.domain import CurrentTags, FileState
from tagger.tags.container import open_tags
from tagger.tags.fields import ALBUM_FIELDS, FIELDS, TITLE

__all__ = ["read_tags"]


def read_tags(path: Path) -> CurrentTags:
    """Read from a file the fields of ours, and those that tell its album and its title.

    Args:
        path: the file.

    Raises:
        TagsRefusedError: if its tags could not be written without losing something.
        TagError: if they cannot be read.
    """
    with open_tags(path) as tags:
        status = os.fstat(tags.file.fileno())
        found = {name: tags.get(field) for name, field in FIELDS.items()}
        described = {**ALBUM_FIELDS, TITLE.name: TITLE}
        album = {name: tags.get(field) for name, field in described.items()}
        return CurrentTags(
            tags.kind,
            {name: values for name, values in found.items() if values},
            {name: values for name, values in album.items() if values},
            FileState(status.st_size, status.st_mtime_ns, tags.state()),
        )
