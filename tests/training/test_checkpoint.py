from __future__ import annotations

import numpy as np
import pytest

from tagger.training.checkpoint import load_checkpoint, save_checkpoint

LISTS = {
    "weights": [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7, dtype=np.int64)],
    "many": [np.full(2, i, dtype=np.uint8) for i in range(12)],  # 10 comes behind 9, not 1
}


def test_there_and_back(tmp_path):
    path = tmp_path / "run.npz"
    save_checkpoint(path, LISTS, {"epoch": 3, "rng": {"state": 2**100}})
    lists, state = load_checkpoint(path) or pytest.fail("nothing was read")
    assert state == {"epoch": 3, "rng": {"state": 2**100}}
    assert list(lists) == ["weights", "many"]
    for name, arrays in LISTS.items():
        assert len(lists[name]) == len(arrays)
        for read, written in zip(lists[name], arrays, strict=True):
            assert read.dtype == written.dtype
            assert np.array_equal(read, written)


def test_a_newer_one_replaces_it_and_nothing_is_left_beside(tmp_path):
    path = tmp_path / "run.npz"
    save_checkpoint(path, LISTS, {"epoch": 1})
    save_checkpoint(path, {}, {"epoch": 2})
    assert load_checkpoint(path) == ({}, {"epoch": 2})
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_damaged_one_is_none(tmp_path, share):
    path = tmp_path / "run.npz"
    save_checkpoint(path, LISTS, {"epoch": 1})
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert load_checkpoint(path) is None


def test_none_is_none(tmp_path):
    assert load_checkpoint(tmp_path / "run.npz") is None
