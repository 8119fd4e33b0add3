"""A Vorbis comment header as raw bytes: comments that are not ours are never interpreted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from tagger.errors import TagError, TagsRefusedError
from tagger.tags.edits import Edit, Edits, between, joined
from tagger.tags.fields import Field
from tagger.tags.formats.base import Container, Rest, digest
from tagger.tags.styles import vorbis as style

__all__ = ["Commented", "Comments", "changes", "moved", "parse"]

_MOST_COMMENTS = 100_000  # four bytes are one, and each is looked at
_DAMAGED = "the Vorbis comments are damaged; repair them with a tag editor first"


@dataclass(frozen=True, slots=True)
class Comments:
    """One comment header.

    Attributes:
        vendor: the program that encoded the audio.
        comments: each ``KEY=value``, as it stands in the file.
        tail: whatever follows them: Vorbis' framing bit, padding.
    """

    vendor: bytes
    comments: tuple[bytes, ...]
    tail: bytes = b""

    def render(self) -> bytes:
        """The header as it is stored."""
        count = _number(len(self.comments))
        return b"".join((_sized(self.vendor), count, *map(_sized, self.comments), self.tail))


class Commented(Container):
    """A file whose fields are Vorbis comments.

    Attributes:
        old: the comments as they stand.
        new: the comments as they should be.
    """

    kind = "Vorbis comments"
    old: Comments
    new: Comments

    def get(self, field: Field) -> tuple[str, ...]:
        return style.get(self.new.comments, field)

    def put(self, field: Field, values: Sequence[str]) -> None:
        self.new = replace(self.new, comments=style.put(self.new.comments, field, values))

    def rest(self, changed: AbstractSet[str]) -> Rest:
        keys = style.keys(changed)
        foreign = (c for c in self.new.comments if style.key_of(c) not in keys)
        return (
            ("vendor", digest(self.new.vendor)),
            *(("comment", digest(comment)) for comment in foreign),
        )


def parse(data: bytes) -> Comments:
    """Cut a comment header into its comments.

    Args:
        data: the header, without the codec's prefix.

    Raises:
        TagError: if it is damaged.
        TagsRefusedError: if it has too many.
    """
    at = 0

    def number() -> int:
        nonlocal at
        at += 4
        if at > len(data):
            raise TagError(_DAMAGED)
        return int.from_bytes(data[at - 4 : at], "little")

    def piece() -> bytes:
        nonlocal at
        size = number()
        at += size
        if at > len(data):
            raise TagError(_DAMAGED)
        return data[at - size : at]

    vendor = piece()
    count = number()
    if count > (len(data) - at) // 4:
        raise TagError(_DAMAGED)
    if count > _MOST_COMMENTS:
        raise TagsRefusedError(f"there are more than {_MOST_COMMENTS:,} Vorbis comments")
    comments = [piece() for _ in range(count)]
    return Comments(vendor, tuple(comments), data[at:])


def changes(old: Comments, new: Comments) -> Edits:
    """Edits from one header to another that differs in our fields and the tail.

    Args:
        old: as it stands.
        new: with the same vendor, and the same foreign comments in the same order.

    Returns:
        edits by offsets inside the header; none touches a foreign comment.
    """
    at = len(old.vendor) + 4
    edits = [*between(at, [_number(len(old.comments))], [_number(len(new.comments))])]
    at += 4
    runs = zip(_runs(old.comments), _runs(new.comments), strict=True)
    for (before, foreign), (after, _) in runs:
        edits += between(at, [before], [after])
        at += len(before) + foreign
    return joined((*edits, *between(at, [old.tail], [new.tail])))


def moved(edits: Iterable[Edit], by: int) -> Edits:
    """The same edits at offsets that are ``by`` bytes further on."""
    return tuple(replace(edit, offset=edit.offset + by) for edit in edits)


def _runs(comments: Iterable[bytes]) -> list[tuple[bytes, int]]:
    """Our comments in front of each foreign one, and what that takes; at last those behind."""
    runs = []
    keys = style.keys()
    own: list[bytes] = []
    for comment in comments:
        if style.key_of(comment) in keys:
            own.append(_sized(comment))
        else:
            runs.append((b"".join(own), len(comment) + 4))
            own = []
    return [*runs, (b"".join(own), 0)]


def _sized(data: bytes) -> bytes:
    return _number(len(data)) + data


def _number(value: int) -> bytes:
    return value.to_bytes(4, "little")
