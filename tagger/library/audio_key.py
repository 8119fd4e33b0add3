"""Under which key the cache keeps what was heard in a file, read from a few blocks of it.

Hashing whole files would cost as much as hearing them where the disk is slow: a network drive
gives some 100 MB a second, and an excerpt reads a tenth of a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import BinaryIO, Final

__all__ = ["KEY_SIZE", "audio_key"]

KEY_SIZE: Final = 16
"""Bytes of a key."""

_BLOCK: Final = 32 << 10
_BLOCKS: Final = 8
_WHOLE: Final = 512 << 10  # up to here all of it is read
_MD5_OF_NOTHING: Final = hashlib.md5(usedforsecurity=False).digest()  # of an encoder's that gave up


def audio_key(file: BinaryIO, regions: Sequence[tuple[int, int]], md5: bytes = b"") -> bytes:
    """Key of the audio in an open file, whatever its name and tags.

    Two files of one key hold the same audio as good as always, but not for certain: long
    silences may hide what tells them apart.

    Args:
        file: open for reading; where it stands afterwards is not defined.
        regions: the parts (start, end) of the file that hold the audio, in order.
        md5: MD5 of the decoded audio as a FLAC file states it, which makes the key alone:
            it stays when the file is compressed anew. Empty or zeros if there is none.

    Returns:
        :data:`KEY_SIZE` bytes.

    Raises:
        OSError: the file cannot be read.
    """
    if any(md5) and md5 != _MD5_OF_NOTHING:
        return hashlib.blake2b(md5, digest_size=KEY_SIZE, person=b"md5").digest()
    total = sum(end - start for start, end in regions)
    state = hashlib.blake2b(b"%d;" % total, digest_size=KEY_SIZE, person=b"blocks")
    if total <= _WHOLE:
        blocks = [(0, total)]
    else:
        last = total - _BLOCK
        blocks = [(at, at + _BLOCK) for at in (i * last // (_BLOCKS - 1) for i in range(_BLOCKS))]
    for begin, finish in blocks:
        at = 0
        for start, end in regions:
            first, behind = max(begin - at, 0), min(finish - at, end - start)
            if first < behind:
                file.seek(start + first)
                state.update(file.read(behind - first))
            at += end - start
    return state.digest()
