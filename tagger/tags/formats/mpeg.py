"""MP3: an ID3v2 tag in front, perhaps ID3v1 and APEv2 behind, and no container at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, BinaryIO

import mutagen.apev2
import mutagen.id3

from tagger.errors import TagsRefusedError
from tagger.tags import genres, id3tag
from tagger.tags.fields import GENRE, Field
from tagger.tags.formats.base import Rest, digest, digest_region, splice
from tagger.tags.formats.id3 import Id3Container, frames_of, id3_kind
from tagger.tags.id3tag import RawFrame, RawTag

__all__ = ["Mpeg", "is_mpeg_audio"]

_V1_SIZE = 128
_APE_FOOTER = 32
_SEARCH = 1 << 16
_SYNC_FRAMES = 3  # frames that must follow one another
PADDING = 1024
"""Room left behind a tag that had to grow, so that the next change moves nothing."""

_ID3: Any = mutagen.id3.ID3
_Ape: Any = mutagen.apev2.APEv2
_SHOWN_BY_PLAYERS = {"title", "artist", "album", "album artist", "genre", "track", "year"}


class Mpeg(Id3Container):
    """An MP3 file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._genre_changed = False
        with path.open("rb") as file:
            self._old_size = id3tag.stored_size(file.read(id3tag.HEADER_SIZE))
            file.seek(0)
            data = file.read(self._old_size)
            self._v1 = _id3v1(file)
            self._ape = _apev2_region(file, len(self._v1))
            if self._old_size:
                raw = id3tag.parse(data)
                self.kind = id3_kind(raw)
            else:
                self._refuse_to_hide_apev2()
                # A new ID3v2 tag hides the old trailer from players, so it carries it over.
                raw = RawTag(4, _carried_over(file) if self._v1 else ())
                self.kind = "ID3v1" if self._v1 else "no ID3 tag"
        self._use(raw)

    def put(self, field: Field, values: Sequence[str]) -> None:
        super().put(field, values)
        if field is GENRE and self._v1:
            self._genre_changed = True
            self._v1 = self._v1[:-1] + bytes((_first_index(values),))

    def save(self) -> None:
        size = len(id3tag.render(self.raw))
        size = self._old_size if size <= self._old_size else size + PADDING
        with self.path.open("r+b") as file:
            splice(file, 0, self._old_size, id3tag.render(self.raw, size))
            if self._genre_changed:
                file.seek(-1, os.SEEK_END)
                file.write(self._v1[-1:])

    def rest(self, changed: AbstractSet[str]) -> Rest:
        v1 = self._v1[:-1] if GENRE.name in changed else self._v1
        with self.path.open("rb") as file:
            ape = digest_region(file, *self._ape)
        return (*super().rest(changed), ("ID3v1", digest(v1)), ("APEv2", ape))

    def _refuse_to_hide_apev2(self) -> None:
        if self._ape[0] == self._ape[1]:
            return
        if any(str(key).lower() in _SHOWN_BY_PLAYERS for key in _Ape(self.path)):
            raise TagsRefusedError(
                "its only tag is APEv2, which a new ID3 tag would hide from players;"
                " add an ID3 tag with a tag editor first"
            )


def is_mpeg_audio(file: BinaryIO, start: int) -> bool:
    """Whether MPEG audio frames follow one another near ``start``.

    Args:
        file: open for reading.
        start: offset in bytes; up to 64 KiB of junk behind it are skipped.
    """
    file.seek(start)
    data = file.read(_SEARCH)
    at = data.find(b"\xff")
    while at >= 0:
        end, frames = at, 0
        while frames < _SYNC_FRAMES and (size := _frame_size(data[end : end + 4])):
            end, frames = end + size, frames + 1
            if end >= len(data):
                break
        if frames == _SYNC_FRAMES or (at == 0 and frames and end >= len(data)):
            return True
        at = data.find(b"\xff", at + 1)
    return False


# kb/s by (MPEG 1?, layer), and Hz by version bits: ISO 11172-3 table 2.4.2.3, ISO 13818-3.
_BITRATES = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def _frame_size(header: bytes) -> int:
    """Bytes of the MPEG audio frame with this header, or 0 if it is none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bitrate, rate = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return 0
    bits = _BITRATES[version == 3, layer][bitrate - 1] * 1000
    hertz, padding = _RATES[version][rate], header[2] >> 1 & 1
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    samples = 72 if layer == 3 and version != 3 else 144
    return samples * bits // hertz + padding


def _id3v1(file: BinaryIO) -> bytes:
    if file.seek(0, os.SEEK_END) < _V1_SIZE:
        return b""
    file.seek(-_V1_SIZE, os.SEEK_END)
    data = file.read(_V1_SIZE)
    return data if data.startswith(b"TAG") and not data.startswith(b"TAGEX") else b""


def _carried_over(file: BinaryIO) -> tuple[RawFrame, ...]:
    file.seek(0)
    return frames_of(_ID3(file, translate=False), 4)


def _apev2_region(file: BinaryIO, behind: int) -> tuple[int, int]:
    """Where an APEv2 tag at the end of the file begins and ends; empty if there is none."""
    end = file.seek(0, os.SEEK_END) - behind
    if end < _APE_FOOTER:
        return end, end
    file.seek(end - _APE_FOOTER)
    footer = file.read(_APE_FOOTER)
    if not footer.startswith(b"APETAGEX"):
        return end, end
    size = int.from_bytes(footer[12:16], "little")
    has_header = footer[23] & 0x80
    return max(0, end - size - (_APE_FOOTER if has_header else 0)), end


def _first_index(values: Sequence[str]) -> int:
    return genres.id3v1_index(values[0]) if values else genres.NO_ID3V1_GENRE
