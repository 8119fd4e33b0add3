"""ID3v2 tags in memory: our frames are read and made, all others stay as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import BinaryIO, NamedTuple

from tagger.errors import TagsRefusedError
from tagger.tags import id3tag
from tagger.tags.edits import Edits, between, joined
from tagger.tags.fields import FIELDS, GENRE, Field
from tagger.tags.formats.base import Container, Rest, digest
from tagger.tags.id3tag import RawFrame, RawTag
from tagger.tags.styles import id3 as style

__all__ = ["NO_TAG", "PADDING", "Id3Container", "id3_kind", "read_tag", "tag_edits", "tag_pieces"]

NO_TAG = "no ID3 tag"
PADDING = 1024
"""Room left in a tag that had to grow, so that the next change moves nothing."""

# A tag is read whole, and several times over while it is written.
_MOST_BYTES = 64 << 20
_MOST_INFLATED = 1 << 20  # a few KB may be compressed from gigabytes


class _Row(NamedTuple):
    """A frame, and what it says if it may hold a field."""

    frame: RawFrame
    key: str
    texts: tuple[str, ...]


class Id3Container(Container):
    """Fields in an ID3v2 tag. The subclasses know where in the file the tag lies.

    Attributes:
        raw: the tag as it stands, or one of size 0.
        wanted: what was put and differs from what stands.
    """

    raw: RawTag
    wanted: dict[Field, tuple[str, ...]]

    def _use(self, raw: RawTag, added: Sequence[RawFrame] = ()) -> None:
        """Take over a tag, and the frames that it gets with the first change."""
        self.raw = raw
        self.wanted = {}
        self._rows = _read_all(raw.frames, raw.major)
        self._added = _read_all(added, raw.major)

    def get(self, field: Field) -> tuple[str, ...]:
        if field in self.wanted:
            return self.wanted[field]
        return self._standing(field)

    def put(self, field: Field, values: Sequence[str]) -> None:
        if tuple(values) == self._standing(field):
            self.wanted.pop(field, None)
        else:
            self.wanted[field] = tuple(values)

    def rest(self, changed: AbstractSet[str]) -> Rest:
        keys = {style.key_in(FIELDS[name], self.raw.major) for name in changed}
        return tuple(
            (
                row.frame.id.decode("ascii"),
                row.frame.flags.to_bytes(2, "big") + digest(row.frame.body),
            )
            for row in (*self._rows, *self._added)
            if row.key not in keys
        )

    def _standing(self, field: Field) -> tuple[str, ...]:
        """Values of a field as the file has them."""
        for key in style.keys_in(field, self.raw.major):
            texts = (
                text for row in (*self._rows, *self._added) if row.key == key for text in row.texts
            )
            # Some programs write a frame for each value, others the same one twice.
            if said := style.values(field, tuple(dict.fromkeys(texts)), self.raw.major):
                return said
        return ()

    def _new_rows(self) -> list[list[RawFrame]]:
        """What takes the place of each frame of the tag, and what comes behind the last one."""
        major = self.raw.major
        new = {style.key_in(f, major): self._frame(f, said) for f, said in self.wanted.items()}
        left = dict(new)

        def replaced(row: _Row) -> list[RawFrame]:
            if row.key not in new:
                return [row.frame]
            frame = left.pop(row.key, None)  # only the first of its kind is replaced
            return [frame] if frame else []

        rows = [replaced(row) for row in self._rows]
        added = [frame for row in self._added for frame in replaced(row)]
        return [*rows, [*added, *(frame for frame in left.values() if frame)]]

    def _frame(self, field: Field, said: Sequence[str]) -> RawFrame | None:
        if not said:
            return None
        return id3tag.new_frame(self.raw, *style.frame(field, said, self.raw.major))


def tag_pieces(tag: RawTag, rows: Sequence[Sequence[RawFrame]]) -> list[tuple[bytes, ...]]:
    """What takes the place of a tag's header, extended header, each frame, and tail.

    The padding is used as far as it goes.

    Args:
        tag: as it stands.
        rows: what takes the place of each of its frames, and in one row more what comes
            behind them.

    Raises:
        TagsRefusedError: if the tag would grow beyond what ID3 can hold.
    """
    stored = [tuple(frame.stored for frame in row) for row in rows]
    last = next((piece for row in reversed(stored) for piece in reversed(row)), b"")
    # A last byte of 0xFF would take a byte of the padding for its own unsynchronisation.
    guard = b"\0" if tag.unsynchronised and tag.major < 4 and last.endswith(b"\xff") else b""
    length = id3tag.HEADER_SIZE + sum(len(piece) for row in stored for piece in row) + len(guard)
    padding = _padding(tag, length + len(tag.extended))
    extended = id3tag.extended_header(tag, padding)
    if not extended:
        padding = _padding(tag, length)
    size = length + len(extended) + padding
    header = id3tag.header(tag, size, extended=bool(extended))
    return [(header,), (extended,), *stored[:-1], (*stored[-1], guard + bytes(padding))]


def tag_edits(tag: RawTag, offset: int, rows: Sequence[Sequence[RawFrame]]) -> Edits:
    """The edits that put other frames into a tag.

    Args:
        tag: as it stands.
        offset: where it begins in the file.
        rows: as for :func:`tag_pieces`.
    """
    if not rows[-1] and all(
        len(row) == 1 and row[0] is frame for row, frame in zip(rows, tag.frames, strict=False)
    ):
        return ()
    found: list[Edits] = []
    old = (tag.header, tag.extended, *(frame.stored for frame in tag.frames), tag.tail)
    for piece, new in zip(old, tag_pieces(tag, rows), strict=True):
        if new != (piece,):
            found.append(between(offset, (piece,), new))
        offset += len(piece)
    return joined(chain.from_iterable(found))


def _padding(tag: RawTag, needed: int) -> int:
    return tag.size - needed if tag.size >= needed else PADDING


def id3_kind(raw: RawTag) -> str:
    """``ID3v2.3``, for example."""
    return f"ID3v2.{raw.major}"


def read_tag(file: BinaryIO, start: int, end: int) -> RawTag | None:
    """The tag that begins at an offset, or None if none begins there.

    Args:
        file: open for reading.
        start: that offset.
        end: where the tag must end at the latest.

    Raises:
        TagsRefusedError: if it cannot be kept whole.
    """
    file.seek(start)
    size = id3tag.stored_size(file.read(min(id3tag.HEADER_SIZE, end - start)))
    if not size:
        return None
    if size > _MOST_BYTES:
        raise TagsRefusedError(
            f"the ID3 tag takes {size >> 20} MB, and more than {_MOST_BYTES >> 20} are not read; "
            "remove its largest picture first"
        )
    file.seek(start)
    return id3tag.parse(file.read(min(size, end - start)))


def _read_all(frames: Sequence[RawFrame], major: int) -> list[_Row]:
    """Read frames, as long as their compressed contents do not come to too much in sum."""
    rows, left = [], _MOST_INFLATED
    for frame in frames:
        key = style.key_of(frame.id)
        said = style.content(frame.body, frame.flags, major, left) if key else None
        if said is not None and len(said) > len(frame.stored):
            left -= len(said)
        rows.append(_read(frame, key, said))
    return rows


def _read(frame: RawFrame, key: str, said: bytes | None) -> _Row:
    if key and said is not None and (read := style.texts_of(key, said)):
        return _Row(frame, *read)
    # A genre frame that cannot be read carries no genre, and would stand beside the new one.
    return _Row(frame, key if key == GENRE.id3 else "", ())
