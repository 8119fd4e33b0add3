from __future__ import annotations

import struct
import time
from io import BytesIO
from itertools import pairwise

import mutagen.id3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tags.id3_samples import frame, frames_in, id3, unsynchronised

from tagger.errors import TagsRefusedError
from tagger.tags.formats.id3 import PADDING, tag_edits, tag_pieces
from tagger.tags.id3tag import new_frame, new_tag, parse, stored_size

few = settings(max_examples=30, deadline=None, derandomize=True)
names = {
    2: [b"TT2", b"TXX", b"PIC", b"XY1"],
    3: [b"TIT2", b"TXXX", b"APIC", b"PRIV", b"XYZ1", b"TP1\0", b"TS2 "],
}
names[4] = names[3]
bodies = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from([b"\xff", b"\0", b"\xff\0", b"\xff\xe0", b"a"]), max_size=40).map(
        b"".join
    ),
)


def rows_of(major: int):
    return st.lists(st.tuples(st.sampled_from(names[major]), bodies), max_size=8)


@pytest.mark.parametrize("unsync", [False, True])
@pytest.mark.parametrize("major", [2, 3, 4])
@few
@given(st.data(), st.integers(0, 40))
def test_every_byte_of_a_tag_belongs_to_one_piece(major, unsync, data, padding):
    rows = data.draw(rows_of(major))
    if unsync and major == 4:
        body = b"".join(frame(4, n, unsynchronised(b), 2) for n, b in rows)
    else:
        body = b"".join(frame(major, n, b) for n, b in rows)
    if unsync and major < 4:
        body = unsynchronised(body + bytes(padding))
    else:
        body += bytes(padding)
    stored = id3(major, body, 0x80 if unsync else 0)
    tag = parse(stored)
    pieces = [tag.header, tag.extended, *(f.stored for f in tag.frames), tag.tail]
    assert b"".join(pieces) == stored
    assert stored_size(stored) == tag.size == len(stored)
    assert [(f.id, f.body) for f in tag.frames] == rows
    assert tag.unsynchronised is unsync


@pytest.mark.parametrize("unsync", [False, True])
@pytest.mark.parametrize("major", [2, 3, 4])
@few
@given(st.data())
def test_a_new_frame_reads_as_it_was_made(major, unsync, data):
    name, body = data.draw(st.tuples(st.sampled_from(names[major]), bodies))
    empty = parse(id3(major, b"", 0x80 if unsync else 0))
    made = new_frame(empty, name, body)
    assert (made.id, made.body) == (name, body)
    stored = b"".join(b"".join(part) for part in tag_pieces(empty, [[made]]))
    again = parse(stored)
    assert [(f.id, f.body, f.stored) for f in again.frames] == [(name, body, made.stored)]
    assert len(stored) == 10 + len(made.stored) + PADDING
    if unsync:
        assert not any(x == 0xFF and y >= 0xE0 for x, y in pairwise(stored))


def test_mutagen_agrees():
    tags = mutagen.id3.ID3()
    tags.add(mutagen.id3.TIT2(encoding=3, text=["Ünïcode"]))
    tags.add(mutagen.id3.APIC(encoding=0, mime="image/png", data=b"\xff\0\xff\xe0" * 99))
    file = BytesIO()
    tags.save(file, v2_version=4)
    found = dict(frames_in(file.getvalue()))
    assert list(found) == [b"TIT2", b"APIC"]
    assert found[b"APIC"].endswith(b"\xff\0\xff\xe0" * 99)


def test_sizes_as_old_itunes_wrote_them():
    long = b"TIT2" + struct.pack(">IH", 300, 0) + b"\0" + b"x" * 299
    stored = id3(4, long + frame(4, b"TALB", b"\0y"))
    tag = parse(stored)
    assert [f.stored for f in tag.frames] == [long, frame(4, b"TALB", b"\0y")]
    made = new_frame(tag, b"TXXX", b"\3a\0" + b"b" * 300)
    assert made.stored.startswith(b"TXXX" + struct.pack(">I", 303))


def test_unsynchronisation_by_the_frame_alone():
    stored = frame(4, b"PRIV", b"a\0\xff\0\xe0z", 0x4002)
    (found,) = parse(id3(4, stored)).frames
    assert (found.flags, found.body, found.stored) == (0x4002, b"a\0\xff\xe0z", stored)


@pytest.mark.parametrize("major", [2, 3, 4])
def test_a_flag_of_unsynchronisation_that_lies(major):
    stored = frame(major, b"PIC" if major == 2 else b"PRIV", b"a\0\xff\xe0\xff\0z")
    tag = parse(id3(major, stored + bytes(9), 0x80))
    assert [f.stored for f in tag.frames] == [stored]
    assert tag.frames[0].body.endswith(b"\xff\xe0\xff\0z")
    again = parse(b"".join(b"".join(p) for p in tag_pieces(tag, [tag.frames, ()])))
    assert again.frames == tag.frames
    assert again.header[5] == (0x80 if major == 4 else 0)


def rewritten(stored: bytes) -> bytes:
    """The tag with one frame more."""
    tag = parse(stored)
    more = new_frame(tag, b"TPE1", b"\0y")
    rows = [*((f,) for f in tag.frames), (more,)]
    edits = tag_edits(tag, 0, rows)
    new = b"".join(b"".join(part) for part in tag_pieces(tag, rows))
    assert sum(edit.shift for edit in edits) == len(new) - len(stored)
    assert [f.stored for f in parse(new).frames] == [*(f.stored for f in tag.frames), more.stored]
    return new


ROW = frame(3, b"TIT2", b"\0x")


def test_an_extended_header_stays_and_knows_its_padding():
    new = rewritten(id3(3, struct.pack(">IHI", 6, 0, 0) + ROW + bytes(50), 0x40))
    assert new[5] == 0x40
    assert new[10:20] == struct.pack(">IHI", 6, 0, 50 - 12)
    new = rewritten(id3(4, bytes((0, 0, 0, 6, 1, 0)) + ROW + bytes(50), 0x40))
    assert (new[5], new[10:16]) == (0x40, bytes((0, 0, 0, 6, 1, 0)))


def test_an_extended_header_whose_length_would_depend_on_its_value_goes():
    more = 10 + len(b"\0y")
    body = struct.pack(">IHI", 6, 0, 0) + ROW + bytes(0xFF00 + more)
    new = rewritten(id3(3, body, 0xC0))
    assert (new[5], new[10:].startswith(ROW)) == (0x80, True)
    assert len(new) == 10 + len(body)


@pytest.mark.parametrize(
    "stored",
    [
        id3(3, struct.pack(">IHII", 10, 0x8000, 50, 1234) + ROW + bytes(50), 0x40),
        id3(4, bytes((0, 0, 0, 12, 1, 0x20, 5, 1, 2, 3, 4, 5)) + ROW + bytes(50), 0x40),
        id3(3, ROW + bytes(50), 0x40),  # the flag lies
    ],
)
def test_an_extended_header_with_a_checksum_goes_when_a_frame_comes(stored):
    assert [f.stored for f in parse(stored).frames] == [ROW]
    new = rewritten(stored)
    assert (new[5], len(new)) == (0, len(stored))
    assert new[10:].startswith(ROW)


def test_a_footer_becomes_padding():
    stored = id3(4, ROW, 0x10) + b"3DI" + id3(4, ROW, 0x10)[3:10]
    new = rewritten(stored)
    assert new == id3(4, ROW + frame(4, b"TPE1", b"\0y") + bytes(PADDING))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (id3(2, b"", 0x40), "compressed"),
        (id3(5, b""), "unknown"),
        (id3(3, b"TIT2\0\0\0\x63\0\0" + bytes(10)), "damaged"),  # runs over its end
        (id3(3, b"TIT2\0\0\0\1\0\0x" + b"\0garbage\0"), "damaged"),
        (id3(2, b"TT2\0\0\x09" + b"xyz"), "damaged"),
        (id3(2, b"TT\xe9\0\0\1x"), "damaged"),
        (id3(4, b"\1\2\3\4" + bytes(16)), "damaged"),
        (id3(3, b"\xff\xff\xff\xfa\0\0\0\0\0\0", 0x40), "damaged"),
        (id3(3, b"\0", 0x40), "damaged"),
        (id3(4, bytes((0, 0, 0, 3, 1, 0)), 0x40), "damaged"),
        (id3(4, bytes((0, 0, 0, 6, 1, 0x10)), 0x40), "restrictions"),
        (id3(4, bytes(50))[:-1], "damaged"),  # shorter than it says
        (id3(3, b"T\xff\0\0\0\0\0\1\0\0x", 0x80), "damaged"),
        (id3(3, b"TIT2\0\0\0\0\0\0" * 60_000), "more than"),
    ],
)
def test_what_cannot_be_kept_is_refused(data, reason):
    with pytest.raises(TagsRefusedError, match=reason):
        parse(data)


def test_a_tag_that_would_be_too_large():
    tag = new_tag(4)
    with pytest.raises(TagsRefusedError, match="256 MiB"):
        tag_pieces(tag, [[new_frame(tag, b"PRIV", bytes(2**21))] * 128])


@pytest.mark.parametrize("data", [b"", b"ID3", b"TAG" + bytes(20), b"ID3\4\0\0\xff\0\0\0"])
def test_no_tag(data):
    assert stored_size(data) == 0


@few
@given(st.integers(2, 4), st.integers(0, 255), st.binary(max_size=200))
def test_junk_is_refused_or_kept_whole(major, flags, body):
    stored = id3(major, body, flags)
    try:
        tag = parse(stored + b"3DI" + stored[3:10])
    except TagsRefusedError:
        return
    pieces = [tag.header, tag.extended, *(f.stored for f in tag.frames), tag.tail]
    assert b"".join(pieces) == (stored + b"3DI" + stored[3:10])[: tag.size]


@pytest.mark.parametrize("body", [b"\xff\0" * 2_000_000, b"\xff" * 4_000_000])
def test_hostile_unsynchronisation_takes_no_time(body):
    started = time.perf_counter()
    stored = id3(3, b"PRIV" + (2_000_000).to_bytes(4, "big") + bytes(2) + body, 0x80)
    try:
        assert len(parse(stored).frames[0].body) == 2_000_000
    except TagsRefusedError:
        assert body.endswith(b"\xff")
    assert time.perf_counter() - started < 20
