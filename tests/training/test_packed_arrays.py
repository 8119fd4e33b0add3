from __future__ import annotations

import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from tagger.training.packed_arrays import MAX_BYTES, unpack_arrays


def packed(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def archive(name, body):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, body)
    return stream.getvalue()


def test_arrays_come_back_as_they_were():
    given = {
        "a.kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        "order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "none": np.zeros((0, 4), np.float16),
        "one": np.array(3),
    }
    found = unpack_arrays(packed(**given))
    assert set(found) == set(given)
    for name, values in given.items():
        assert found[name].dtype == values.dtype
        assert np.array_equal(found[name], values), name


def test_what_inflates_beyond_bounds_is_left_unread():
    bomb = archive("a.npy", npy(np.zeros(4 * MAX_BYTES, np.uint8)))
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    with pytest.raises(ValueError, match="more than"):
        unpack_arrays(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * MAX_BYTES


def test_bounds_hold_for_all_together():
    half = np.zeros(MAX_BYTES // 2 + 1, np.uint8)
    with pytest.raises(ValueError, match="more than"):
        unpack_arrays(packed(a=half, b=half))


@pytest.mark.parametrize(
    "body",
    [
        npy(np.zeros(4, np.float32)).replace(b"(4,)", b"(9,)"),
        npy(np.zeros(4, np.float32)).replace(b"(4,), }          ", b"(99999999999,), }"),
        npy(np.zeros(4, np.float32))[:-4],
        npy(np.array([print], dtype=object)),
        npy(np.zeros(4)).replace(b"\x93NUMPY\x01", b"\x93NUMPY\x02"),
        b"",
        b"text",
    ],
)
def test_what_is_not_as_it_says_is_refused(body):
    with pytest.raises(ValueError, match=r"."):
        unpack_arrays(archive("a.npy", body))


@pytest.mark.parametrize("data", [b"", b"PK", b"x" * 100, packed(a=np.zeros(99))[:-30]])
def test_what_is_no_archive_is_refused(data):
    with pytest.raises(ValueError, match="not an archive"):
        unpack_arrays(data)


def test_a_damaged_member_is_refused():
    whole = bytearray(packed(a=np.random.default_rng(0).random(1000)))
    whole[200] ^= 255
    with pytest.raises(ValueError, match=r"."):
        unpack_arrays(bytes(whole))
