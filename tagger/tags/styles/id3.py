"""Fields in ID3v2 frames, as pure functions from and to a frame's content.

ID3v2.4 holds several values in one frame, separated by NUL. ID3v2.2 and 2.3 have no such
thing: values are joined by :data:`SEPARATOR_V23` and split again when read.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence

from tagger.tags import genres
from tagger.tags.fields import GENRE, Field

__all__ = [
    "SEPARATOR_V23",
    "carried_over",
    "content",
    "frame",
    "key_in",
    "key_of",
    "keys_in",
    "texts_of",
    "values",
]

SEPARATOR_V23 = "; "
"""Joins values before ID3v2.4. A slash is what the standard has for people, but it is
part of names (``AC/DC``, ``R&B/Soul``); a semicolon is in none of our labels, and
the servers that split genres (Navidrome, Jellyfin, Plex) all split on it."""

_LATIN1, _UTF16, _UTF16BE, _UTF8 = range(4)
_CODECS = {_LATIN1: "latin-1", _UTF16: "utf-16-le", _UTF16BE: "utf-16-be", _UTF8: "utf-8"}
_BOM_LE, _BOM_BE = b"\xff\xfe", b"\xfe\xff"

_IDS_V22 = {
    "GP1": "GRP1",
    "TAL": "TALB",
    "TCO": "TCON",
    "TCP": "TCMP",
    "TP1": "TPE1",
    "TP2": "TPE2",
    "TT1": "TIT1",
    "TXX": "TXXX",
}
_TO_V22 = {later: early for early, later in _IDS_V22.items()}
_USER_TEXT = "TXXX"
_IDS = frozenset((*_TO_V22, "TMOO"))

# Other frames that programs write a field into; they count where the usual one is absent.
_ALIASES = {"TIT1": ("GRP1",), "TXXX:MOOD": ("TMOO",)}


def key_in(field: Field, major: int) -> str:
    """The key that a field has in a version of ID3v2."""
    return field.id3_early if field.id3_early and major < 4 else field.id3


def keys_in(field: Field, major: int) -> tuple[str, ...]:
    """The keys under which a field may stand, the usual one first."""
    key = key_in(field, major)
    return (key, *_ALIASES.get(key, ()))


def key_of(name: bytes) -> str:
    """The id of a frame that may hold a field, in ID3v2.3's spelling; empty if it holds none.

    Args:
        name: as stored; there are ID3v2.2 names in later tags, filled up by NUL or a blank.
    """
    spelt = name.rstrip(b"\0 ").decode("ascii")
    later = _IDS_V22.get(spelt, spelt)
    return later if later in _IDS else ""


def content(body: bytes, flags: int, major: int, most: int) -> bytes | None:
    """What a frame says, without what its flags put around it; None if that is not to be had.

    Args:
        body: the frame's content, not unsynchronised.
        flags: the frame's.
        major: 2, 3 or 4.
        most: bytes that compressed content may have.
    """
    if major == 4:
        grouped, deflated, encrypted, sized = (bool(flags & bit) for bit in (0x40, 8, 4, 1))
        sized = sized or deflated
    else:
        deflated, encrypted, grouped = (bool(flags & bit) for bit in (0x80, 0x40, 0x20))
        sized = deflated
    if encrypted:
        return None
    body = body[4 * sized + grouped :]
    if not deflated:
        return body
    if most <= 0:  # to zlib that would mean no limit
        return None
    inflating = zlib.decompressobj()
    try:
        plain = inflating.decompress(body, most)
    except zlib.error:
        return None
    return plain if inflating.eof else None


def texts_of(key: str, said: bytes) -> tuple[str, tuple[str, ...]] | None:
    """Full key (``TXXX:description``) and texts of a frame, or None if it cannot be read.

    Args:
        key: from :func:`key_of`.
        said: from :func:`content`.
    """
    if not said or said[0] not in _CODECS:
        return None
    texts = tuple(_decoded(said[0], said[1:]))
    if key != _USER_TEXT:
        return key, texts
    return f"{key}:{texts[0]}", texts[1:]


def values(field: Field, texts: Sequence[str], major: int) -> tuple[str, ...]:
    """Values of a field, without empty ones.

    Args:
        field: which one.
        texts: what its frames say.
        major: 2, 3 or 4.
    """
    if field is GENRE:
        return genres.from_id3(texts)
    if major < 4 and key_in(field, major).startswith(_USER_TEXT):
        texts = [part for text in texts for part in text.split(SEPARATOR_V23)]
    return tuple(text for text in texts if text)


def frame(field: Field, said: Sequence[str], major: int) -> tuple[bytes, bytes]:
    """Name and content of the frame that holds a field.

    Args:
        field: which one.
        said: its values, at least one.
        major: 2, 3 or 4; it decides separator and encoding.
    """
    key, _, description = key_in(field, major).partition(":")
    texts = [description] if description else []
    if major < 4:
        texts.append(SEPARATOR_V23.join(said))
        return _named(key, major), _encoded(texts, major)
    return _named(key, major), _encoded([*texts, *said], major)


def carried_over(v1: bytes, major: int) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the frames that say what an ID3v1 tag says.

    Args:
        v1: its 128 bytes.
        major: 3 or 4.
    """

    def text(start: int, end: int) -> str:
        return v1[start:end].partition(b"\0")[0].decode("latin-1").strip()

    numbered = not v1[125] and v1[126]  # ID3v1.1
    year = text(93, 97)
    for name, said in (
        (b"TIT2", text(3, 33)),
        (b"TPE1", text(33, 63)),
        (b"TALB", text(63, 93)),
        (b"TDRC" if major == 4 else b"TYER", year if re.fullmatch("[0-9]{4}", year) else ""),
        (b"TRCK", str(v1[126]) if numbered else ""),
        (b"TCON", genres.id3v1_name(v1[127])),
    ):
        if said:
            yield name, _encoded([said], major)
    if comment := text(97, 125 if numbered else 127):
        undescribed = _encoded(["", comment], major)
        yield b"COMM", undescribed[:1] + b"eng" + undescribed[1:]


def _named(key: str, major: int) -> bytes:
    return (_TO_V22[key] if major == 2 else key).encode("ascii")


def _encoded(texts: Sequence[str], major: int) -> bytes:
    if major == 4:
        return bytes((_UTF8,)) + "\0".join(texts).encode("utf-8")
    if all(ord(char) < 0x100 for text in texts for char in text):
        return bytes((_LATIN1,)) + "\0".join(texts).encode("latin-1")
    parts = (_BOM_LE + text.encode("utf-16-le") for text in texts)  # there is no UTF-8 yet
    return bytes((_UTF16,)) + b"\0\0".join(parts)


def _decoded(encoding: int, data: bytes) -> Iterator[str]:
    codec = _CODECS[encoding]
    if encoding in (_UTF16, _UTF16BE):
        data = data[: len(data) & ~1]  # some end in half a terminator
        if data.startswith(_BOM_BE):
            codec = "utf-16-be"
        elif data.startswith(_BOM_LE):
            codec = "utf-16-le"
    for text in data.decode(codec, "replace").split("\0"):
        yield text.removeprefix("\ufeff")
