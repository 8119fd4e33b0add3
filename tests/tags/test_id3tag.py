from __future__ import annotations

import struct
from io import BytesIO

import mutagen.id3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.errors import TagsRefusedError
from tagger.tags.id3tag import RawFrame, RawTag, parse, render, stored_size

frames = st.lists(
    st.builds(
        RawFrame,
        st.sampled_from([b"TIT2", b"TXXX", b"APIC", b"PRIV", b"XYZ1", b"TP1\0"]),
        st.sampled_from([0, 0x4000, 0x8000]),
        st.binary(max_size=300),
    ),
    max_size=8,
).map(tuple)


def header(major: int, flags: int, size: int) -> bytes:
    return b"ID3" + bytes((major, 0, flags, 0, 0, size >> 7, size & 127))


@given(frames, st.sampled_from([3, 4]), st.integers(0, 40), st.booleans())
def test_what_is_rendered_is_parsed_again(rows, major, padding, experimental):
    tag = RawTag(major, rows, experimental=experimental)
    size = len(render(tag)) + padding
    data = render(tag, size)
    assert stored_size(data) == size == len(data)
    assert parse(data) == RawTag(major, rows, size, experimental)


def test_mutagen_agrees():
    tags = mutagen.id3.ID3()
    tags.add(mutagen.id3.TIT2(encoding=3, text=["Ünïcode"]))
    tags.add(mutagen.id3.APIC(encoding=0, mime="image/png", data=b"\xff\0\xff\xe0" * 99))
    file = BytesIO()
    tags.save(file, v2_version=4)
    again = mutagen.id3.ID3(BytesIO(render(parse(file.getvalue()))))
    assert {k: repr(v) for k, v in again.items()} == {k: repr(v) for k, v in tags.items()}


def test_sizes_as_old_itunes_wrote_them():
    body = b"\0" + b"x" * 299
    row = b"TIT2" + struct.pack(">IH", len(body), 0) + body
    assert parse(header(4, 0, len(row)) + row).frames == (RawFrame(b"TIT2", 0, body),)


@pytest.mark.parametrize("major", [3, 4])
def test_unsynchronisation_is_undone(major):
    row = b"PRIV" + bytes((0, 0, 0, 6)) + b"\0\0" + b"a\0\xff\0\xe0z"
    if major == 3:  # there sizes count the content before it was unsynchronised
        row = row.replace(b"\0\0\0\6", b"\0\0\0\5")
    tag = parse(header(major, 0x80, len(row)) + row)
    assert tag.frames == (RawFrame(b"PRIV", 0, b"a\0\xff\xe0z"),)


def test_a_frame_of_its_own_unsynchronisation():
    row = b"PRIV" + bytes((0, 0, 0, 6)) + b"\x40\2" + b"a\0\xff\0\xe0z"
    assert parse(header(4, 0, len(row)) + row).frames == (
        RawFrame(b"PRIV", 0x4000, b"a\0\xff\xe0z"),
    )


def test_extended_headers_are_left_out():
    row = b"TIT2" + bytes((0, 0, 0, 2)) + b"\0\0\0x"
    v3 = struct.pack(">IHI", 6, 0, 0) + row
    v4 = bytes((0, 0, 0, 6, 1, 0)) + row
    for major, body in ((3, v3), (4, v4), (3, row)):
        assert parse(header(major, 0x40, len(body)) + body).frames == (
            RawFrame(b"TIT2", 0, b"\0x"),
        )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (header(2, 0, 0), "ID3v2.2"),
        (header(5, 0, 0), "unknown"),
        (header(3, 0, 20) + b"TIT2\0\0\0\x63\0\0" + bytes(10), "damaged"),  # runs over its end
        (header(3, 0, 20) + b"TIT2\0\0\0\1\0\0x" + b"\0garbage\0", "damaged"),
        (header(4, 0, 20) + b"\1\2\3\4" + bytes(16), "damaged"),
        (header(4, 0x40, 6) + bytes((0, 0, 0, 6, 1, 0x10)), "restrictions"),
        (header(4, 0, 50), "damaged"),  # shorter than it says
    ],
)
def test_what_cannot_be_kept_is_refused(data, reason):
    with pytest.raises(TagsRefusedError, match=reason):
        parse(data)


@pytest.mark.parametrize("data", [b"", b"ID3", b"TAG" + bytes(20), b"ID3\4\0\0\xff\0\0\0"])
def test_no_tag(data):
    assert stored_size(data) == 0
