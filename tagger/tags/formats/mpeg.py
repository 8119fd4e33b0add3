"""MP3: an ID3v2 tag in front, perhaps ID3v1 and APEv2 behind, and no container at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import BinaryIO, NamedTuple

from tagger.errors import TagsRefusedError
from tagger.tags import genres, id3tag
from tagger.tags.edits import Edits, between, joined
from tagger.tags.fields import FIELDS, GENRE, Field
from tagger.tags.formats import ape
from tagger.tags.formats.base import Rest, digest_region
from tagger.tags.formats.id3 import NO_TAG, Id3Container, id3_kind, read_tag, tag_edits
from tagger.tags.id3tag import RawFrame
from tagger.tags.styles import id3 as style

__all__ = ["Mpeg", "is_mpeg_audio"]

_V1_SIZE = 128
_V1_EXTENDED_SIZE = 227
_LYRICS_END = 15  # six digits and the mark
_MAX_TAGS = 100
_SEARCH = 1 << 16
_SYNC_FRAMES = 3  # frames that must follow one another


class _Trailer(NamedTuple):
    name: str
    start: int
    end: int


class Mpeg(Id3Container):
    """An MP3 file.

    The fields are in the ID3v2 tag. Where an APEv2 tag is all that tells players what they
    hear, they are in that one: a new ID3v2 tag would hide it.
    """

    def __init__(self, file: BinaryIO, new_id3: int) -> None:
        self.file = file
        length = file.seek(0, os.SEEK_END)
        raw = read_tag(file, 0, length)
        start = min(_behind_id3v2(file, 0), length)
        self._trailers = _trailers(file, start, length)
        self.audio = ((start, self._trailers[-1].start if self._trailers else length),)
        self._v1 = self._id3v1(length)
        self._ape = self._apev2()
        self._in_ape = raw is None and self._ape is not None and ape.shows(self._ape)
        added: list[RawFrame] = []
        if raw:
            self.kind = id3_kind(raw)
        else:
            raw = id3tag.new_tag(new_id3)
            self.kind = NO_TAG
            if self._in_ape:
                self.kind = "APEv2"
            elif self._v1:
                # A new ID3v2 tag hides the old trailer from players, so it carries it over.
                frames = style.carried_over(self._v1, raw.major)
                added = [id3tag.new_frame(raw, *frame) for frame in frames]
                self.kind = "ID3v1"
        self._use(raw, added)

    def edits(self) -> Edits:
        if not self.wanted:
            return ()
        tag: Edits = ()
        if not self._in_ape:
            tag = tag_edits(self.raw, 0, self._new_rows())
        old: Edits = ()
        if self._ape and (self._in_ape or self._ape.understood):
            old = ape.edits(self._ape, self.wanted, only_standing=not self._in_ape)
        index: Edits = ()
        if GENRE in self.wanted and self._v1:
            at = self.file.seek(0, os.SEEK_END) - 1
            index = between(at, [self._v1[-1:]], [bytes((_first_index(self.wanted[GENRE]),))])
        return joined((*tag, *old, *index))

    def rest(self, changed: AbstractSet[str]) -> Rest:
        second = digest_region(self.file, self.raw.size, self.audio[0][0])
        return (
            *super().rest(changed),
            ("further ID3 tags", second),
            *(part for trailer in self._trailers for part in self._rest_of(trailer, changed)),
        )

    def _standing(self, field: Field) -> tuple[str, ...]:
        values = () if self._in_ape else super()._standing(field)
        if not values and self._ape and (self._in_ape or self._ape.understood):
            values = ape.get(self._ape, field)
        if not values and field is GENRE and self._v1:
            # Nothing better stands there, and it may well be the user's.
            return tuple(filter(None, (genres.id3v1_name(self._v1[-1]),)))
        return values

    def _id3v1(self, length: int) -> bytes:
        """The ID3v1 tag at the very end, where players look for it."""
        if not self._trailers or self._trailers[0].name != "ID3v1":
            return b""
        self.file.seek(length - _V1_SIZE)
        return self.file.read(_V1_SIZE)

    def _apev2(self) -> ape.ApeTag | None:
        last = next((t for t in self._trailers if t.name == "APEv2"), None)
        return ape.parse(self.file, last.start, last.end) if last else None

    def _rest_of(self, trailer: _Trailer, changed: AbstractSet[str]) -> Rest:
        if self._ape and trailer.start == self._ape.start and self._ape.understood:
            return ape.rest(self._ape, [FIELDS[name] for name in changed])
        end = trailer.end
        if self._v1 and trailer is self._trailers[0] and GENRE.name in changed:
            end -= 1
        return ((trailer.name, digest_region(self.file, trailer.start, end)),)


def _behind_id3v2(file: BinaryIO, at: int) -> int:
    """Offset behind the ID3v2 tags that follow one another from an offset on."""
    for _ in range(_MAX_TAGS):
        file.seek(at)
        size = id3tag.stored_size(file.read(id3tag.HEADER_SIZE))
        if not size:
            return at
        at += size
    raise TagsRefusedError(f"more than {_MAX_TAGS} ID3 tags follow one another")


def _trailers(file: BinaryIO, start: int, end: int) -> tuple[_Trailer, ...]:
    """The tags behind the audio, the last one first.

    Args:
        file: open for reading.
        start: where the audio begins.
        end: the file's length.
    """
    found: list[_Trailer] = []
    while len(found) <= _MAX_TAGS:
        file.seek(max(start, end - _V1_EXTENDED_SIZE))
        tail = file.read(end - max(start, end - _V1_EXTENDED_SIZE))
        name, size = _trailer_at_end(tail)
        if not size:
            return tuple(found)
        at = max(start, end - size)
        found.append(_Trailer(name, at, end))
        end = at
    raise TagsRefusedError(f"more than {_MAX_TAGS} tags follow one another behind the audio")


def _trailer_at_end(tail: bytes) -> tuple[str, int]:
    """Kind and size of the tag that ends with these bytes; size 0 if there is none."""
    last = tail[-_V1_SIZE:]
    in_ape = tail[:-_V1_SIZE].endswith(b"APE")  # whose mark is APETAGEX
    if len(last) == _V1_SIZE and last.startswith(b"TAG") and not in_ape:
        return "ID3v1", _V1_SIZE
    if len(tail) == _V1_EXTENDED_SIZE and tail.startswith(b"TAG+"):
        return "ID3v1 extended", _V1_EXTENDED_SIZE
    if size := ape.extent(tail[-ape.APE_FRAME :]):
        return "APEv2", size
    lyrics = tail[-_LYRICS_END:]
    if len(lyrics) == _LYRICS_END and lyrics.endswith(b"LYRICS200") and lyrics[:6].isdigit():
        return "Lyrics3", _LYRICS_END + int(lyrics[:6])
    return "", 0


def _first_index(values: Sequence[str]) -> int:
    return genres.id3v1_index(values[0]) if values else genres.NO_ID3V1_GENRE


def is_mpeg_audio(file: BinaryIO, start: int) -> bool:
    """Whether MPEG audio frames follow one another near ``start``.

    Args:
        file: open for reading.
        start: offset in bytes; ID3v2 tags there and up to 64 KiB of junk are skipped.
    """
    file.seek(_behind_id3v2(file, start))
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
