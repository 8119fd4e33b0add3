"""The errors that genretag raises itself.

Third-party exceptions are translated into one of these once, at the edge where
the library is called. Each carries a single line that says what is wrong and,
where it is known, what to do; the caller adds which file.
"""

from __future__ import annotations

__all__ = [
    "AudioError",
    "GenretagError",
    "LibraryGoneError",
    "LockedError",
    "ModelError",
    "NotMusicError",
    "TagError",
    "TagsRefusedError",
    "UnreachableError",
    "UsageError",
]


class GenretagError(Exception):
    """Base of all errors whose message is meant for the user.

    Attributes:
        exit_code: with which a command ends that meets it.
    """

    exit_code = 2


class UsageError(GenretagError):
    """The command line or the configuration asks for something impossible."""


class LockedError(GenretagError):
    """Another run is under way, and only one may write at a time."""

    exit_code = 3


class LibraryGoneError(GenretagError):
    """A folder of music that was there when the run began can no longer be reached."""

    exit_code = 1


class AudioError(GenretagError):
    """A file cannot be decoded."""


class UnreachableError(AudioError):
    """A file cannot be decoded here and now, which says nothing of the file itself."""


class NotMusicError(AudioError):
    """A file decodes, but holds nothing to classify (silence, too short)."""


class TagError(GenretagError):
    """Tags cannot be read or written; the file on disk is as it was."""


class TagsRefusedError(TagError):
    """The file is fine, but writing would harm something we must keep."""


class ModelError(GenretagError):
    """A model bundle is missing, damaged or of another format."""
