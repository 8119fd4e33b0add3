"""The fields that genretag reads and writes, declared once for every container."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = [
    "ALBUM_FIELDS",
    "CLUSTER",
    "FIELDS",
    "GENRE",
    "GENRES",
    "GROUPING",
    "MODEL",
    "MOOD",
    "TITLE",
    "TYPE_FIELDS",
    "VERSION",
    "Field",
]


@dataclass(frozen=True, slots=True)
class Field:
    """One field and its key in each container.

    Attributes:
        name: how plans, reports and the rest of genretag call it.
        id3: a frame id, or ``TXXX:`` and the description of a user text frame.
        vorbis: the key of a Vorbis comment (compared without regard to case).
        mp4: an ``ilst`` key in mutagen's spelling.
        ape: the key of an APEv2 item (compared without regard to case).
        id3_early: the key before ID3v2.4, where that is another one.
    """

    name: str
    id3: str
    vorbis: str
    mp4: str
    ape: str
    id3_early: str = ""


def _own(name: str) -> Field:
    return Field(name, f"TXXX:{name}", name, f"----:com.apple.iTunes:{name}", name)


GENRE = Field("GENRE", "TCON", "GENRE", "\xa9gen", "Genre")
"""The genre that players show. It belongs to the user."""

GENRES = _own("GENRETAG_GENRES")
"""What was heard, ranked: ``Label=0.83``."""

CLUSTER = _own("GENRETAG_CLUSTER")
"""The music type."""

MODEL = _own("GENRETAG_MODEL")
"""The model that heard it."""

VERSION = _own("GENRETAG_VERSION")
"""The genretag that wrote these fields."""

GROUPING = Field("GROUPING", "TIT1", "GROUPING", "\xa9grp", "Grouping")
"""What a user sorts by. It belongs to the user."""

MOOD = Field("MOOD", "TMOO", "MOOD", "----:com.apple.iTunes:MOOD", "Mood", id3_early="TXXX:MOOD")
"""The mood. It belongs to the user. ID3 has a frame for it from ID3v2.4 on."""

TYPE_FIELDS: Mapping[str, Field] = MappingProxyType(
    {field.name: field for field in (GROUPING, MOOD)}
)
"""Fields of the user's that the music type may be put into, if asked for."""

FIELDS: Mapping[str, Field] = MappingProxyType(
    {field.name: field for field in (GENRE, GENRES, CLUSTER, MODEL, VERSION, GROUPING, MOOD)}
)
"""Every field that is written, by its name."""

ALBUM_FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        field.name: field
        for field in (
            Field("ALBUM", "TALB", "ALBUM", "\xa9alb", "Album"),
            Field("ALBUMARTIST", "TPE2", "ALBUMARTIST", "aART", "Album Artist"),
            Field("ARTIST", "TPE1", "ARTIST", "\xa9ART", "Artist"),
            Field("COMPILATION", "TCMP", "COMPILATION", "cpil", "Compilation"),
        )
    }
)
"""Fields that tell which album a track is of, by their names. They are only read."""

TITLE = Field("TITLE", "TIT2", "TITLE", "\xa9nam", "Title")
"""What a track is called. It is only read."""
