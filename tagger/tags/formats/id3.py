"""ID3v2 tags in memory: our frames through mutagen, all others byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from io import BytesIO
from typing import Any

import mutagen.id3

from tagger.tags import id3tag
from tagger.tags.fields import FIELDS, Field
from tagger.tags.formats.base import Container, Rest, digest
from tagger.tags.id3tag import RawFrame, RawTag
from tagger.tags.styles import id3 as style

__all__ = ["Id3Container", "frames_of", "id3_kind"]

_ID3: Any = mutagen.id3.ID3
_OURS = {"TCON": mutagen.id3.TCON, "TXXX": mutagen.id3.TXXX}
_MAY_BE_OURS = (b"TCON", b"TXXX")


class Id3Container(Container):
    """Fields in an ID3v2 tag. The subclasses know where in the file the tag lies."""

    raw: RawTag

    def _use(self, raw: RawTag) -> None:
        """Take over a parsed tag."""
        self.raw = raw
        self._owners = {
            frame: _owner(frame, raw.major) for frame in raw.frames if frame.id in _MAY_BE_OURS
        }
        readable = tuple(frame for frame, key in self._owners.items() if key)
        self._tags = _load(replace(raw, frames=readable))

    def get(self, field: Field) -> tuple[str, ...]:
        return style.get(self._tags, field)

    def put(self, field: Field, values: Sequence[str]) -> None:
        tags = _ID3()
        tags.version = (2, self.raw.major, 0)
        style.put(tags, field, values)
        new = frames_of(tags, self.raw.major)
        old = [frame for frame in self.raw.frames if self._belongs(frame, {field.id3})]
        at = self.raw.frames.index(old[0]) if old else len(self.raw.frames)
        others = [frame for frame in self.raw.frames if frame not in old]
        self._use(replace(self.raw, frames=(*others[:at], *new, *others[at:])))

    def rest(self, changed: AbstractSet[str]) -> Rest:
        keys = {FIELDS[name].id3 for name in changed}
        return tuple(
            (frame.id.decode("ascii"), frame.flags.to_bytes(2, "big") + digest(frame.body))
            for frame in self.raw.frames
            if not self._belongs(frame, keys)
        )

    def _belongs(self, frame: RawFrame, keys: AbstractSet[str]) -> bool:
        # A genre frame that cannot be read carries no genre, and would stand beside the new one.
        return self._owners.get(frame) in keys or (frame.id == b"TCON" and "TCON" in keys)


def id3_kind(raw: RawTag) -> str:
    """``ID3v2.3`` or ``ID3v2.4``."""
    return f"ID3v2.{raw.major}"


def frames_of(tags: Any, major: int) -> tuple[RawFrame, ...]:
    """The frames of a mutagen tag, as ID3v2.3 or 2.4 stores them.

    Args:
        tags: a ``mutagen.id3.ID3``.
        major: 3 or 4.
    """
    if not tags:
        return ()
    file = BytesIO()
    # Without a separator of its own mutagen leaves the values as they are.
    tags.save(file, v1=0, v2_version=major, v23_sep=None, padding=lambda info: 0)
    return id3tag.parse(file.getvalue()).frames


def _load(raw: RawTag) -> Any:
    if not raw.frames:
        tags = _ID3()
        tags.version = (2, raw.major, 0)
        return tags
    data = id3tag.render(raw)
    return _ID3(BytesIO(data), known_frames=_OURS, translate=False, load_v1=False)


def _owner(frame: RawFrame, major: int) -> str | None:
    """mutagen's key of a single frame (``TXXX:description``), or None if it cannot be read."""
    try:
        return next(iter(_load(RawTag(major, (frame,)))), None)
    except Exception:  # encrypted, or broken in any way: not ours, to be kept as it is
        return None
