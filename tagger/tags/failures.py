"""Third-party and system errors in plain words, translated once at this room's edge."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from tagger.errors import GenretagError, TagError

__all__ = ["in_plain_words", "translated"]

_WORDS = {
    errno.ENOSPC: "the disk is full; make room and run again",
    errno.EDQUOT: "the disk quota is used up; make room and run again",
    errno.EROFS: "the file system is mounted read-only",
    errno.EACCES: "permission denied; check the owner and mode of the file and its folder",
    errno.EPERM: "not permitted; the file or its folder may be immutable, or somebody else's",
    errno.EBUSY: "the system holds the file; is something mounted on it?",
    errno.ENOENT: "the file is gone",
    errno.EIO: "the disk reports an input/output error; check it before going on",
    errno.ENAMETOOLONG: "the path is too long for a temporary file beside it",
    errno.ESTALE: "the network file system lost the file; run again",
}


def in_plain_words(error: OSError) -> str:
    """One line for a system error, without the file's name."""
    if error.errno in _WORDS:
        return _WORDS[error.errno]
    return (error.strerror or type(error).__name__).lower()


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn whatever a damaged file provokes in a reader into a TagError.

    Args:
        doing: what fails, as the beginning of a sentence: ``the tags cannot be read``.

    Raises:
        TagError: in place of any exception that is not ours.
    """
    try:
        yield
    except GenretagError:
        raise
    except OSError as error:
        raise TagError(f"{doing}: {in_plain_words(error)}") from error
    except Exception as error:
        raise TagError(f"{doing}: the file is damaged or cut short") from error
