"""A list of edits, read through, applied and turned round, always comes to the same bytes."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.tags import edits as module
from tagger.tags.edits import (
    Edit,
    Edited,
    apply_in_place,
    between,
    inverse,
    joined,
    kept,
    pack,
    unpack,
)

many = settings(max_examples=80, deadline=None, derandomize=True)
pieces = st.lists(st.binary(max_size=6) | st.sampled_from([b"frame", b"\0" * 9]), max_size=8)


@st.composite
def edited_files(draw):
    """A file, and edits of it that may grow, shrink and insert anywhere."""
    data = draw(st.binary(max_size=120))
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    regions = list(zip(cuts[::2], cuts[1::2], strict=False))
    return data, joined(Edit(a, b - a, draw(st.binary(max_size=30))) for a, b in regions)


def by_hand(data: bytes, edits) -> bytes:
    for edit in reversed(edits):
        data = data[: edit.offset] + edit.data + data[edit.end :]
    return data


@many
@given(edited_files())
def test_every_way_comes_to_the_same(case):
    data, edits = case
    wanted = by_hand(data, edits)
    assert io.BufferedReader(Edited(io.BytesIO(data), edits), 7).read() == wanted
    file = io.BytesIO(data)
    back = inverse(edits, file)
    apply_in_place(edits, file)
    assert file.getvalue() == wanted
    apply_in_place(back, file)
    assert file.getvalue() == data
    assert unpack(pack(back)) == joined(back)


@many
@given(edited_files(), st.integers(0, 200), st.integers(0, 50))
def test_reading_from_anywhere(case, at, size):
    data, edits = case
    wanted = by_hand(data, edits)
    view = Edited(io.BytesIO(data), edits)
    view.seek(at)
    assert view.tell() == at
    assert io.BufferedReader(view, 3).read(size) == wanted[at : at + size]
    assert view.seek(0, io.SEEK_END) == len(wanted)


@many
@given(st.binary(max_size=9), pieces, pieces)
def test_rows_of_pieces(front, old, new):
    data = front + b"".join(old) + b"behind"
    edits = between(len(front), old, new)
    assert by_hand(data, edits) == front + b"".join(new) + b"behind"
    assert all(edit.length or edit.data for edit in edits)
    assert between(len(front), old, old) == ()


def test_large_moves_in_both_directions(monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 16)
    data = bytes(range(256)) * 4
    edits = (Edit(10, 60, b"-"), Edit(300, 0, b"+" * 200), Edit(900, 100, b""))
    file = io.BytesIO(data)
    apply_in_place(edits, file)
    assert file.getvalue() == by_hand(data, edits)


def test_a_picture_beside_a_new_frame_is_no_part_of_the_edit():
    picture = b"\xff\xd8" * 50_000
    (one, other) = between(0, [b"tiny", picture, b"pad" + bytes(99)], [b"TINY+", picture, b"pad"])
    assert len(one.data) + one.length + len(other.data) + other.length < 200


def test_very_many_pieces_are_no_trouble():
    old = [bytes([i % 7]) for i in range(200_000)]
    edits = between(0, old, [b"x", *old[1:-1], b"y"])
    assert by_hand(b"".join(old), edits) == b"x" + b"".join(old[1:-1]) + b"y"


def test_what_stays():
    assert list(kept((Edit(2, 3, b"x"), Edit(5, 0, b"y")), 9)) == [(0, 2), (5, 5), (5, 9)]
    assert list(kept((), 4)) == [(0, 4)]


def test_overlaps_are_refused():
    with pytest.raises(ValueError, match="overlap at 3"):
        joined([Edit(0, 4, b""), Edit(3, 1, b"x")])


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-4], lambda b: b"\7" + b[1:], lambda b: b"", bytes.upper]
)
def test_damaged_packages(damage):
    packed = pack((Edit(2, 3, b"abc"), Edit(9, 0, b"y")))
    with pytest.raises(ValueError, match=r"damaged|overlap"):
        unpack(damage(packed))
