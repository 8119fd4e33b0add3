"""From a file to its tags, by what the file contains and not by what it is called."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tagger.errors import TagError, TagsRefusedError
from tagger.tags import id3tag
from tagger.tags.failures import translated
from tagger.tags.formats.base import Container
from tagger.tags.formats.chunks import Aiff, Wav
from tagger.tags.formats.flac import Flac
from tagger.tags.formats.mp4 import Mp4
from tagger.tags.formats.mpeg import Mpeg, is_mpeg_audio
from tagger.tags.formats.ogg import Ogg

__all__ = ["Container", "open_tags", "tags_of"]

_SNIFFED = 16


@contextmanager
def open_tags(path: Path, *, new_id3: int = 4) -> Iterator[Container]:
    """Open the tags of a file, for as long as the context lasts.

    Args:
        path: an MP3, FLAC, Ogg (Vorbis, Opus, FLAC), MP4, WAV or AIFF file.
        new_id3: 3 or 4, the version of an ID3v2 tag where there is none yet.

    Raises:
        TagError: if the file cannot be read, is damaged, or of another format; also for
            whatever goes wrong with its tags inside the context.
    """
    with translated("the tags cannot be read"):
        if not stat.S_ISREG(path.stat().st_mode):
            raise TagError("not a regular file")
        with path.open("rb") as file:
            yield tags_of(file, new_id3=new_id3)


def tags_of(file: BinaryIO, *, new_id3: int = 4) -> Container:
    """The tags of an open file.

    Raises:
        TagError: if it is damaged or of another format; a damaged file may also provoke any
            other exception, so call this inside :func:`~tagger.tags.failures.translated`.
    """
    file.seek(0)
    head = file.read(_SNIFFED)
    if not head:
        raise TagError("the file is empty")
    start = id3tag.stored_size(head)
    if start:
        file.seek(start)
        if file.read(4) == b"fLaC":
            return Flac(file)
    elif head.startswith(b"fLaC"):
        return Flac(file)
    elif head.startswith(b"OggS"):
        return Ogg(file)
    elif head[4:8] == b"ftyp":
        return Mp4(file)
    elif head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return Wav(file, new_id3)
    elif head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return Aiff(file, new_id3)
    elif head.startswith((b"RF64", b"BW64")):
        raise TagsRefusedError("tags in WAV files above 4 GiB (RF64) are not supported")
    if is_mpeg_audio(file, start):
        return Mpeg(file, new_id3)
    raise TagError("not an audio format whose tags genretag can write")
