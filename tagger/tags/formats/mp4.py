"""MP4 and M4A: ``moov.udta.meta.ilst``. mutagen writes it; every other atom is compared."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import mutagen.mp4

from tagger.errors import TagError, TagsRefusedError
from tagger.tags.fields import FIELDS, Field
from tagger.tags.formats.base import Container, Rest, digest, digest_region
from tagger.tags.styles import mp4 as style

__all__ = ["Mp4"]

_Mp4: Any = mutagen.mp4.MP4
_PARENTS = {
    b"moov", b"udta", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"edts", b"dinf",
}  # fmt: skip
_META = b"moov.udta.meta"
# Padding, the tags themselves, the audio (its digest is compared), and the handler that
# comes with a new ``meta``.
_NOT_COMPARED = {b"free", b"skip", b"ilst", b"mdat"}
_OFFSET_TABLES = {b"stco": ">I", b"co64": ">Q"}


@dataclass(frozen=True, slots=True)
class _Atom:
    path: bytes
    start: int
    end: int

    @property
    def name(self) -> bytes:
        return self.path[-4:]


class Mp4(Container):
    """An MP4 file with audio."""

    kind = "MP4"

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self._atoms = tuple(_walk(file, 0, file.seek(0, os.SEEK_END), b""))
        if any(atom.path == b"mfra" for atom in self._atoms):
            raise TagsRefusedError("a fragmented MP4 with an index, which would become wrong")
        self._file = _Mp4(path)

    def get(self, field: Field) -> tuple[str, ...]:
        return style.get(self._file.tags or {}, field)

    def put(self, field: Field, values: Sequence[str]) -> None:
        if self._file.tags is None:
            self._file.add_tags()
        style.put(self._file.tags, field, values)

    def save(self) -> None:
        self._file.save()

    def rest(self, changed: AbstractSet[str]) -> Rest:
        items: list[tuple[str, bytes]] = []
        ours = {FIELDS[name].mp4 for name in changed}
        tags = self._file.tags or {}
        # mutagen sorts the items of different keys; within a key order is content.
        for key in sorted(tags):
            if key not in ours:
                values = tags[key] if isinstance(tags[key], list) else [tags[key]]
                items += [(key, _value(value)) for value in values]
        for key, atoms in sorted(getattr(tags, "_failed_atoms", {}).items()):
            items += [(key, digest(data)) for data in atoms]
        with self.path.open("rb") as file:
            for atom in self._atoms:
                if atom.name in _NOT_COMPARED or atom.path == _META + b".hdlr":
                    continue
                items.append((atom.path.decode("latin-1"), self._content(file, atom)))
        return tuple(items)

    def _content(self, file: BinaryIO, atom: _Atom) -> bytes:
        """Digest of an atom, with file offsets told relative to the audio they point to."""
        if atom.name not in _OFFSET_TABLES and atom.name != b"tfhd":
            return digest_region(file, atom.start, atom.end)
        file.seek(atom.start)
        data = file.read(atom.end - atom.start)
        if atom.name == b"tfhd":
            if not data[3] & 1:
                return digest(data)
            (offset,) = struct.unpack_from(">Q", data, 8)
            return digest(data[:8] + data[16:] + self._relative(offset))
        offsets = struct.iter_unpack(_OFFSET_TABLES[atom.name], data[8:])
        return digest(data[:8] + b"".join(self._relative(offset) for (offset,) in offsets))

    def _relative(self, offset: int) -> bytes:
        audio = [atom for atom in self._atoms if atom.path == b"mdat"]
        for number, atom in enumerate(audio):
            if atom.start <= offset <= atom.end:
                return struct.pack(">IQ", number, offset - atom.start)
        # A base in front of everything (a moof, say) moves with the first audio.
        return struct.pack(">Iq", 0xFFFFFFFF, offset - audio[0].start if audio else offset)


def _walk(file: BinaryIO, start: int, end: int, parent: bytes) -> Iterator[_Atom]:
    """Leaf atoms between two offsets, in order."""
    at = start
    while at + 8 <= end:
        file.seek(at)
        size, name = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", file.read(8))[0], 16
        elif size == 0 and not parent:
            size = end - at
        elif size == 0 and parent.endswith(b"udta"):
            return  # QuickTime ends user data by a zero
        if size < head or at + size > end:
            raise TagError("the MP4 file is damaged or cut short")
        path = parent + b"." + name if parent else name
        if name in _PARENTS:
            yield from _walk(file, at + head, at + size, path)
        elif path == _META:
            yield from _walk(file, at + head + 4, at + size, path)
        else:
            yield _Atom(path, at + head, at + size)
        at += size


def _value(value: Any) -> bytes:
    """A tag value with its type."""
    kind = getattr(value, "imageformat", getattr(value, "dataformat", None))
    version = getattr(value, "version", None)
    data = bytes(value) if isinstance(value, bytes) else repr(value).encode()
    return f"{kind} {version} ".encode() + digest(data)
