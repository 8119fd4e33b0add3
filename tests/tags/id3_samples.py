"""ID3v2 tags byte by byte, and a write that checks what must hold for every one."""

from __future__ import annotations

import io
import re

from tagger.library.identity import payload_digest_of
from tagger.tags.edits import Edited, apply_in_place, inverse
from tagger.tags.fields import FIELDS
from tagger.tags.id3tag import parse, stored_size


def syncsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def unsynchronised(data: bytes) -> bytes:
    return re.sub(rb"\xff(?=[\xe0-\xff\0]|\Z)", b"\xff\0", data)


def frame(major: int, name: bytes, body: bytes, flags: int = 0) -> bytes:
    if major == 2:
        return name + len(body).to_bytes(3, "big") + body
    size = syncsafe(len(body)) if major == 4 else len(body).to_bytes(4, "big")
    return name + size + flags.to_bytes(2, "big") + body


def id3(major: int, body: bytes, flags: int = 0) -> bytes:
    """A tag of this body, which includes what is needed of extended header and padding."""
    return b"ID3" + bytes((major, 0, flags)) + syncsafe(len(body)) + body


def frames_in(data: bytes) -> list[tuple[bytes, bytes]]:
    """Names and stored bytes of the frames of the tag that data begins with."""
    return [(f.id, f.stored) for f in parse(data[: stored_size(data)]).frames]


def written(kind, data: bytes, wanted: dict[str, tuple[str, ...]], new_id3: int = 4) -> bytes:
    """The file with these fields, after all that must hold for every write was checked."""
    before = kind(io.BytesIO(data), new_id3)
    others = {name: before.get(FIELDS[name]) for name in FIELDS if name not in wanted}
    rest = before.rest(set(wanted))
    assert before.edits() == ()
    for name, values in wanted.items():
        before.put(FIELDS[name], values)
    edits = before.edits()

    view = io.BufferedReader(Edited(io.BytesIO(data), edits))
    after = kind(view, new_id3)
    assert {name: after.get(FIELDS[name]) for name in FIELDS} == {**others, **wanted}
    assert after.rest(set(wanted)) == rest

    file = io.BytesIO(data)
    undo = inverse(edits, file)
    apply_in_place(edits, file)
    new = file.getvalue()
    view.seek(0)
    assert view.read() == new
    apply_in_place(undo, file)
    assert file.getvalue() == data

    assert [data[a:b] for a, b in before.audio] == [new[a:b] for a, b in after.audio]
    assert payload_digest_of(io.BytesIO(data)) == payload_digest_of(io.BytesIO(new))
    for name, values in wanted.items():
        after.put(FIELDS[name], values)
    assert after.edits() == ()
    return new
