"""What every file format offers to the reader and the safe writer."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import BinaryIO

from tagger.tags.edits import Edits
from tagger.tags.fields import Field

__all__ = ["STATE_SIZE", "Container", "Rest", "digest", "digest_region"]

Rest = tuple[tuple[str, bytes], ...]
"""All that a file holds beside its audio and some fields: (what, value or digest) in order."""

STATE_SIZE = 16
"""Bytes of :meth:`Container.state`."""

_CHUNK = 1 << 20
_DIGEST_ABOVE = 64


class Container(ABC):
    """The tags of one open file. Nothing here ever writes to it.

    Attributes:
        file: the file, open for reading as long as the container is used.
        kind: what carries the tags, for people: ``ID3v2.3``, ``Vorbis comments``…
        audio: the regions (start, end) that hold the audio, in order. A write changes
            nothing inside them (but see :meth:`edits`); everything else is the tags' realm.
        audio_md5: the MD5 of the decoded audio as the file itself states it; empty if it
            states none.
    """

    file: BinaryIO
    kind: str
    audio: tuple[tuple[int, int], ...]
    audio_md5: bytes = b""

    @abstractmethod
    def get(self, field: Field) -> tuple[str, ...]:
        """Values of a field; an empty tuple if it is absent."""

    @abstractmethod
    def put(self, field: Field, values: Sequence[str]) -> None:
        """Replace the values of a field in memory; none at all removes it.

        Raises:
            TagsRefusedError: if these tags cannot be written.
        """

    @abstractmethod
    def edits(self) -> Edits:
        """What to do to the file so that it holds what was put; empty if nothing was.

        Edits touch ``audio`` in one case only: Ogg pages whose numbers must change.

        Raises:
            TagsRefusedError: if it cannot be done without losing something.
        """

    @abstractmethod
    def rest(self, changed: AbstractSet[str]) -> Rest:
        """All that must be the same before and after a write, as far as it is not audio.

        Args:
            changed: names of the fields that may differ.
        """

    def state(self) -> bytes:
        """Digest of every byte that is not audio, and of where the audio lies.

        Two files of one audio are byte for byte the same if their states are.
        """
        state = hashlib.blake2b(digest_size=STATE_SIZE)
        length = self.file.seek(0, os.SEEK_END)
        at = 0
        for start, end in (*self.audio, (length, length)):
            state.update(b"%d %d;" % (start, end))
            state.update(digest_region(self.file, at, start))
            at = end
        return state.digest()


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
