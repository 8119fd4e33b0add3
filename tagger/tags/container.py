"""From a file to its tags, by what the file contains and not by what it is called."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import BinaryIO

from tagger.errors import TagError, TagsRefusedError
from tagger.tags import id3tag
from tagger.tags.failures import translated
from tagger.tags.formats.base import Container
from tagger.tags.formats.chunks import Aiff, Wav
from tagger.tags.formats.mp4 import Mp4
from tagger.tags.formats.mpeg import Mpeg, is_mpeg_audio
from tagger.tags.formats.vorbis import Flac, Ogg

__all__ = ["Container", "open_tags"]

_SNIFFED = 16


def open_tags(path: Path) -> Container:
    """Open the tags of a file.

    Args:
        path: an MP3, FLAC, Ogg (Vorbis, Opus, FLAC), MP4, WAV or AIFF file.

    Returns:
        its tags in memory; nothing is written before ``save``.

    Raises:
        TagsRefusedError: if the tags cannot be rewritten without losing something.
        TagError: if the file cannot be read, is damaged, or of another format.
    """
    with translated("the tags cannot be read"):
        if not stat.S_ISREG(path.stat().st_mode):
            raise TagError("not a regular file")
        with path.open("rb") as file:
            format_ = _format_of(file)
        return format_(path)


def _format_of(file: BinaryIO) -> type[Mpeg | Flac | Ogg | Mp4 | Wav | Aiff]:
    head = file.read(_SNIFFED)
    if not head:
        raise TagError("the file is empty")
    start = id3tag.stored_size(head)
    if start:
        file.seek(start)
        if file.read(4) == b"fLaC":
            return Flac
    elif head.startswith(b"fLaC"):
        return Flac
    elif head.startswith(b"OggS"):
        return Ogg
    elif head[4:8] == b"ftyp":
        return Mp4
    elif head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return Wav
    elif head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return Aiff
    elif head.startswith((b"RF64", b"BW64")):
        raise TagsRefusedError("tags in WAV files above 4 GiB (RF64) are not supported")
    if is_mpeg_audio(file, start):
        return Mpeg
    raise TagError("not an audio format whose tags genretag can write")
