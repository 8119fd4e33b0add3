"""WAV and AIFF: an ID3v2 tag in a chunk of its own."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tagger.errors import TagsRefusedError
from tagger.tags import id3tag
from tagger.tags.formats.base import Rest, digest_region, splice
from tagger.tags.formats.id3 import Id3Container, id3_kind
from tagger.tags.id3tag import RawTag

__all__ = ["Aiff", "Wav"]

_HEADER = 8


@dataclass(frozen=True, slots=True)
class _Chunk:
    id: bytes
    start: int
    size: int

    @property
    def end(self) -> int:
        return self.start + self.size + self.size % 2


class _Chunked(Id3Container):
    """A file of chunks: RIFF or IFF."""

    _size = struct.Struct("<I")
    _new_id = b"id3 "
    _audio = b"data"

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self._end = self._end_of_form(file)
            self._chunks = tuple(self._walk(file))
            tags = [c for c in self._chunks if c.id.upper() == b"ID3 "]
            self._chunk = tags[0] if tags else None
            if len(tags) > 1:
                raise TagsRefusedError("there are several ID3 chunks; keep one of them")
            if self._chunk:
                file.seek(self._chunk.start)
                raw = id3tag.parse(file.read(self._chunk.size))
                self.kind = id3_kind(raw)
            else:
                raw = RawTag(4, ())
                self.kind = "no ID3 tag"
        self._use(raw)

    def save(self) -> None:
        data = id3tag.render(self.raw)
        chunk = self._chunk
        if chunk and chunk.size >= len(data):
            data = id3tag.render(self.raw, chunk.size)
        stored = (chunk.id if chunk else self._new_id) + self._size.pack(len(data)) + data
        stored += bytes(len(data) % 2)
        old = chunk.end - chunk.start + _HEADER if chunk else 0
        form = self._end - _HEADER + len(stored) - old
        if form > 0xFFFFFFFF:
            raise TagsRefusedError("the file would grow beyond the 4 GiB of its format")
        with self.path.open("r+b") as file:
            splice(file, chunk.start - _HEADER if chunk else self._end, old, stored)
            file.seek(4)
            file.write(self._size.pack(form))

    def rest(self, changed: AbstractSet[str]) -> Rest:
        with self.path.open("rb") as file:
            chunks = tuple(
                (chunk.id.decode("latin-1"), digest_region(file, chunk.start, chunk.end))
                for chunk in self._chunks
                if chunk != self._chunk and chunk.id != self._audio
            )
            behind = digest_region(file, self._end, file.seek(0, os.SEEK_END))
        return (*super().rest(changed), *chunks, ("behind the chunks", behind))

    def _end_of_form(self, file: BinaryIO) -> int:
        length = file.seek(0, os.SEEK_END)
        file.seek(4)
        end = int(self._size.unpack(file.read(4))[0]) + _HEADER
        if end > length:
            raise TagsRefusedError("the file is cut short, or longer than its header can say")
        return end

    def _walk(self, file: BinaryIO) -> Iterator[_Chunk]:
        at = 12
        while at + _HEADER <= self._end:
            file.seek(at)
            name, size = file.read(4), int(self._size.unpack(file.read(4))[0])
            chunk = _Chunk(name, at + _HEADER, size)
            if chunk.start + size > self._end:
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
