"""Fields in Vorbis comments (FLAC, Ogg): one comment a value, keys without regard to case.

A comment is the bytes ``KEY=value``, as it stands in the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tagger.errors import TagsRefusedError
from tagger.tags import genres
from tagger.tags.fields import FIELDS, GENRE, Field

__all__ = ["get", "key_of", "keys", "put"]

# Other spellings of a key that programs write; they count where the usual one is absent.
_ALIASES = {"ALBUMARTIST": ("ALBUM ARTIST", "ALBUM_ARTIST")}

_REPLACEMENT = "\ufffd"


def get(comments: Iterable[bytes], field: Field) -> tuple[str, ...]:
    """Values of a field.

    Args:
        comments: all comments, in order.
        field: which one.

    Returns:
        the values, without empty ones; an empty tuple if the field is absent.
    """
    spellings = (field.vorbis, *_ALIASES.get(field.vorbis, ()))
    found: dict[bytes | None, list[str]] = {key.encode("ascii"): [] for key in spellings}
    for comment in comments:
        if (key := key_of(comment)) in found:
            found[key].append(_text(comment))
    for texts in found.values():
        if field is GENRE:
            values = tuple(genres.named(word) for word in genres.split(texts))
        else:
            values = tuple(text for text in texts if text)
        if values:
            return values
    return ()


def put(comments: Sequence[bytes], field: Field, values: Sequence[str]) -> tuple[bytes, ...]:
    """Replace the values of a field where they stand; none at all removes it.

    All other comments keep their place and their bytes. So do the spelling of a key and the
    bytes of a value that are there already.

    Args:
        comments: all comments, in order.
        field: which one.
        values: the new values.

    Returns:
        all comments with the new values.

    Raises:
        TagsRefusedError: if a value that is no valid UTF-8 would have to be rewritten.
    """
    if get(comments, field) == tuple(values):
        return tuple(comments)
    own = field.vorbis.encode("ascii")
    standing = [comment for comment in comments if key_of(comment) == own]
    new = _encoded(standing, own, values)
    if not standing:
        return (*comments, *new)
    result: list[bytes] = []
    placed = False
    for comment in comments:
        if key_of(comment) != own:
            result.append(comment)
        elif not placed:
            result += new
            placed = True
    return tuple(result)


def keys(names: Iterable[str] = FIELDS) -> frozenset[bytes]:
    """Keys of the fields with these names, as :func:`key_of` gives them."""
    return frozenset(FIELDS[name].vorbis.encode("ascii") for name in names)


def key_of(comment: bytes) -> bytes | None:
    """A comment's key in capitals, or None if it has none."""
    at = comment.find(b"=")
    return comment[:at].upper() if at >= 0 else None


def _encoded(standing: Sequence[bytes], own: bytes, values: Sequence[str]) -> list[bytes]:
    """Comments of the new values, with the bytes that stand there wherever they can stay."""
    key = standing[0][: len(own)] if standing else own
    known = {_text(comment): comment[len(own) + 1 :] for comment in reversed(standing)}
    lossy = any(raw.decode("utf-8", "replace").encode() != raw for raw in known.values())
    if lossy and any(_REPLACEMENT in value and value not in known for value in values):
        raise TagsRefusedError(
            "a comment is not valid UTF-8 and would be lost; correct it with a tag editor first"
        )
    return [key + b"=" + known.get(value, value.encode("utf-8")) for value in values]


def _text(comment: bytes) -> str:
    return comment[comment.index(b"=") + 1 :].decode("utf-8", "replace")
