"""Fields in MP4's ``ilst``: text atoms and freeform atoms, each a list of values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mutagen.mp4

from tagger.tags import genres
from tagger.tags.fields import GENRE, Field

__all__ = ["get", "put"]

_FreeForm: Any = mutagen.mp4.MP4FreeForm


def get(tags: Any, field: Field) -> tuple[str, ...]:
    """Values of a field.

    A numeric ``gnre`` atom appears as the genre's name: mutagen shows it under
    the text atom's key.

    Args:
        tags: a ``mutagen.mp4.MP4Tags``.
        field: which one.

    Returns:
        the values, without empty ones; an empty tuple if the field is absent.
    """
    found = tags.get(field.mp4, [])
    values = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in found]
    if field is GENRE:
        return genres.split(values)
    return tuple(value for value in values if value)


def put(tags: Any, field: Field, values: Sequence[str]) -> None:
    """Replace the values of a field; none at all removes it.

    Args:
        tags: a ``mutagen.mp4.MP4Tags``.
        field: which one.
        values: the new values.
    """
    if not values:
        tags.pop(field.mp4, None)
    elif field.mp4.startswith("----:"):
        tags[field.mp4] = [_FreeForm(value.encode("utf-8")) for value in values]
    else:
        tags[field.mp4] = list(values)
