"""Fields in Vorbis comments (FLAC, Ogg): one comment a value, keys without regard to case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tagger.tags import genres
from tagger.tags.fields import GENRE, Field

__all__ = ["get", "put"]


def get(tags: Any, field: Field) -> tuple[str, ...]:
    """Values of a field.

    Args:
        tags: a ``mutagen._vorbis.VComment``: a list of (key, value) pairs.
        field: which one.

    Returns:
        the values, without empty ones; an empty tuple if the field is absent.
    """
    values = [value for key, value in tags if key.upper() == field.vorbis]
    if field is GENRE:
        return tuple(genres.named(word) for word in genres.split(values))
    return tuple(value for value in values if value)


def put(tags: Any, field: Field, values: Sequence[str]) -> None:
    """Replace the values of a field where they stand; none at all removes it.

    The order of all other comments stays, and so does the spelling of a key
    that is there already.

    Args:
        tags: a ``mutagen._vorbis.VComment``.
        field: which one.
        values: the new values.
    """
    pairs = list(tags)
    places = [i for i, (key, _) in enumerate(pairs) if key.upper() == field.vorbis]
    key = pairs[places[0]][0] if places else field.vorbis
    at = places[0] if places else len(pairs)
    others = [pair for i, pair in enumerate(pairs) if i not in places]
    tags[:] = [*others[:at], *((key, value) for value in values), *others[at:]]
