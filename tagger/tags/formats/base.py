"""What every file format offers to the reader and the safe writer."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import BinaryIO

from tagger.tags.fields import Field

__all__ = ["Container", "Rest", "digest", "digest_region", "splice"]

Rest = tuple[tuple[str, bytes], ...]
"""All that a file holds beside its audio and some fields: (what, value or digest) in order."""

_CHUNK = 1 << 20
_DIGEST_ABOVE = 64


class Container(ABC):
    """The tags of one open file.

    Attributes:
        path: the file.
        kind: what carries the tags, for people: ``ID3v2.3``, ``Vorbis comments``…
    """

    path: Path
    kind: str

    @abstractmethod
    def get(self, field: Field) -> tuple[str, ...]:
        """Values of a field; an empty tuple if it is absent."""

    @abstractmethod
    def put(self, field: Field, values: Sequence[str]) -> None:
        """Replace the values of a field in memory; none at all removes it."""

    @abstractmethod
    def save(self) -> None:
        """Write the tags into the file, in place: only ever call this on a copy."""

    @abstractmethod
    def rest(self, changed: AbstractSet[str]) -> Rest:
        """All that must be the same before and after a write.

        Args:
            changed: names of the fields that may differ.
        """


def digest(data: bytes) -> bytes:
    """Short values as they are, long ones (pictures) as a digest."""
    return data if len(data) <= _DIGEST_ABOVE else hashlib.blake2b(data, digest_size=32).digest()


def digest_region(file: BinaryIO, start: int, end: int) -> bytes:
    """BLAKE2b digest of the bytes from ``start`` up to ``end`` of a file."""
    state = hashlib.blake2b(digest_size=32)
    file.seek(start)
    left = end - start
    while left > 0 and (block := file.read(min(left, _CHUNK))):
        state.update(block)
        left -= len(block)
    return state.digest()


def splice(file: BinaryIO, start: int, length: int, data: bytes) -> None:
    """Replace ``length`` bytes at ``start`` by ``data``, moving what follows in bounded memory.

    Args:
        file: open for reading and writing.
        start: where the old bytes begin.
        length: how many they are; 0 inserts.
        data: the new bytes.
    """
    end = file.seek(0, os.SEEK_END)
    source, shift = start + length, len(data) - length
    if shift > 0:  # from the back, so that nothing is overwritten before it is read
        at = end
        while at > source:
            size = min(_CHUNK, at - source)
            at -= size
            file.seek(at)
            block = file.read(size)
            file.seek(at + shift)
            file.write(block)
    elif shift < 0:
        at = source
        while at < end:
            file.seek(at)
            block = file.read(min(_CHUNK, end - at))
            file.seek(at + shift)
            file.write(block)
            at += len(block)
        file.truncate(end + shift)
    file.seek(start)
    file.write(data)
