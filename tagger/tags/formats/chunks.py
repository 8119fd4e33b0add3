"""WAV and AIFF: an ID3v2 tag in a chunk of its own."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from tagger.errors import TagsRefusedError
from tagger.tags import id3tag
from tagger.tags.edits import Edit, Edits, between, joined
from tagger.tags.formats.base import Rest, digest_region
from tagger.tags.formats.id3 import NO_TAG, Id3Container, id3_kind, read_tag, tag_edits, tag_pieces

__all__ = ["Aiff", "Wav"]

_HEADER = 8
_FORM_HEADER = 12
_MAX_SIZE = 0xFFFFFFFF
_MAX_CHUNKS = 10_000


@dataclass(frozen=True, slots=True)
class _Chunk:
    id: bytes
    start: int
    size: int

    @property
    def content_end(self) -> int:
        return self.start + self.size

    @property
    def end(self) -> int:
        return self.content_end + self.size % 2


class _Chunked(Id3Container):
    """A file of chunks: RIFF or IFF."""

    _size = struct.Struct("<I")
    _new_id = b"id3 "
    _audio = b"data"

    def __init__(self, file: BinaryIO, new_id3: int) -> None:
        self.file = file
        self._end = self._end_of_form()
        self._chunks = tuple(self._walk())
        self.audio = tuple((c.start, c.content_end) for c in self._chunks if c.id == self._audio)
        tags = [c for c in self._chunks if c.id.upper() == b"ID3 "]
        if len(tags) > 1:
            raise TagsRefusedError("there are several ID3 chunks; keep one of them")
        self._chunk = tags[0] if tags else None
        raw = read_tag(file, tags[0].start, tags[0].content_end) if tags else None
        if tags and not raw:
            raise TagsRefusedError("there is no ID3 tag in the ID3 chunk; remove that chunk first")
        self.kind = id3_kind(raw) if raw else NO_TAG
        self._use(raw or id3tag.new_tag(new_id3))

    def edits(self) -> Edits:
        if not self.wanted:
            return ()
        changes = self._in_chunk(self._chunk) if self._chunk else self._new_chunk()
        form = self._end - _HEADER
        larger = form + sum(edit.shift for edit in changes)
        if larger > _MAX_SIZE:
            raise TagsRefusedError("the file would grow beyond the 4 GiB of its format")
        return joined((*changes, *self._resized(4, form, larger)))

    def _in_chunk(self, chunk: _Chunk) -> Edits:
        changes = tag_edits(self.raw, chunk.start, self._new_rows())
        size = chunk.size + sum(edit.shift for edit in changes)
        resized = self._resized(chunk.start - 4, chunk.size, size)
        old_pad, new_pad = bytes(chunk.size % 2), bytes(size % 2)
        padded: Edits = ()
        if len(old_pad) != len(new_pad):
            padded = (Edit(chunk.content_end, len(old_pad), new_pad),)
        return joined((*resized, *changes, *padded))

    def _new_chunk(self) -> Edits:
        parts = tag_pieces(self.raw, self._new_rows())
        data = b"".join(chain.from_iterable(parts))
        stored = self._new_id + self._size.pack(len(data)) + data + bytes(len(data) % 2)
        return (Edit(self._end, 0, stored),)

    def _resized(self, at: int, old: int, new: int) -> Edits:
        return between(at, [self._size.pack(old)], [self._size.pack(new)])

    def rest(self, changed: AbstractSet[str]) -> Rest:
        chunks = tuple(
            (chunk.id.decode("latin-1"), digest_region(self.file, chunk.start, chunk.end))
            for chunk in self._chunks
            if chunk != self._chunk and chunk.id != self._audio
        )
        tag_end = chunk_end = 0
        if self._chunk:
            tag_end, chunk_end = self._chunk.start + self.raw.size, self._chunk.content_end
        length = self.file.seek(0, os.SEEK_END)
        return (
            *super().rest(changed),
            *chunks,
            ("behind the ID3 tag", digest_region(self.file, tag_end, chunk_end)),
            ("behind the chunks", digest_region(self.file, self._end, length)),
        )

    def _end_of_form(self) -> int:
        length = self.file.seek(0, os.SEEK_END)
        self.file.seek(4)
        end = int(self._size.unpack(self.file.read(4))[0]) + _HEADER
        if not _FORM_HEADER <= end <= length:
            raise TagsRefusedError("the file is cut short, or longer than its header can say")
        return end

    def _walk(self) -> Iterator[_Chunk]:
        at = _FORM_HEADER
        for _ in range(_MAX_CHUNKS):
            if at + _HEADER > self._end:
                break
            self.file.seek(at)
            name, size = self.file.read(4), int(self._size.unpack(self.file.read(4))[0])
            chunk = _Chunk(name, at + _HEADER, size)
            if chunk.content_end > self._end:
                raise TagsRefusedError("a chunk is cut short; repair the file first")
            yield chunk
            at = chunk.end
        if at != self._end:
            raise TagsRefusedError("the chunks do not add up; repair the file first")


class Wav(_Chunked):
    """A WAV file."""


class Aiff(_Chunked):
    """An AIFF or AIFC file."""

    _size = struct.Struct(">I")
    _new_id = b"ID3 "
    _audio = b"SSND"
