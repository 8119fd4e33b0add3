"""What stands in a file now."""

from __future__ import annotations

from pathlib import Path

from tagger.domain import CurrentTags
from tagger.tags.container import open_tags
from tagger.tags.failures import translated
from tagger.tags.fields import FIELDS

__all__ = ["read_tags"]


def read_tags(path: Path) -> CurrentTags:
    """Read the fields of ours from a file.

    Args:
        path: the file.

    Raises:
        TagsRefusedError: if its tags could not be written without losing something.
        TagError: if they cannot be read.
    """
    container = open_tags(path)
    with translated("the tags cannot be read"):
        found = {name: container.get(field) for name, field in FIELDS.items()}
    return CurrentTags(container.kind, {name: values for name, values in found.items() if values})
