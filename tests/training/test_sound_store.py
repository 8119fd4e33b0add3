from __future__ import annotations

import os
import sqlite3

import numpy as np
import pytest

from tagger.analysis.picture import N_MELS
from tagger.errors import UsageError
from tagger.library.cache_file import SOUNDS
from tagger.training.sound_store import Sound, SoundStore

KEY, RECIPE = b"k" * 16, b"r" * 16


def sound(columns: int = 9, seed: int = 0) -> Sound:
    rng = np.random.default_rng(seed)
    return Sound(
        12.5,
        rng.normal(size=7).astype(np.float32),
        rng.integers(0, 256, (N_MELS, columns)).astype(np.uint8),
    )


def same(a: Sound | None, b: Sound) -> bool:
    assert a is not None
    return (
        a.duration_s == b.duration_s
        and np.array_equal(a.features, b.features)
        and np.array_equal(a.picture, b.picture)
    )


def test_there_and_back(tmp_path):
    with SoundStore(tmp_path) as store:
        store.put(KEY, RECIPE, sound())
        store.put(KEY, b"another", sound(5, seed=1))
    with SoundStore(tmp_path) as store:
        assert same(store.get(KEY, RECIPE), sound())
        assert same(store.get(KEY, b"another"), sound(5, seed=1))
        assert store.get(b"unknown", RECIPE) is None


def test_what_is_heard_again_replaces_it(tmp_path):
    with SoundStore(tmp_path) as store:
        store.put(KEY, RECIPE, sound())
        store.put(KEY, RECIPE, sound(4, seed=2))
        assert same(store.get(KEY, RECIPE), sound(4, seed=2))


def test_a_damaged_file_is_begun_anew(tmp_path):
    (tmp_path / SOUNDS).write_bytes(b"no database " * 1000)
    with SoundStore(tmp_path) as store:
        assert store.get(KEY, RECIPE) is None
        store.put(KEY, RECIPE, sound())
        assert same(store.get(KEY, RECIPE), sound())


def test_a_damaged_row_is_heard_again(tmp_path):
    with SoundStore(tmp_path) as store:
        store.put(KEY, RECIPE, sound())
    with sqlite3.connect(tmp_path / SOUNDS) as db:
        db.execute("UPDATE sounds SET picture = x'00ff'")
    with SoundStore(tmp_path) as store:
        assert store.get(KEY, RECIPE) is None


def test_two_at_a_time(tmp_path):
    with SoundStore(tmp_path) as one, SoundStore(tmp_path) as other:
        one.put(KEY, RECIPE, sound())
        assert same(other.get(KEY, RECIPE), sound())
        other.put(b"2", RECIPE, sound(3))
        assert same(one.get(b"2", RECIPE), sound(3))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_what_cannot_be_opened_is_a_usage_error(tmp_path):
    (tmp_path / SOUNDS).mkdir()
    with pytest.raises(UsageError, match="cannot be used"):
        SoundStore(tmp_path)


def test_damage_that_shows_later_is_no_end_either(tmp_path):
    with SoundStore(tmp_path) as store:
        for i in range(200):
            store.put(bytes([i]) * 16, RECIPE, sound(seed=i))
    data = bytearray((tmp_path / SOUNDS).read_bytes())
    data[4096:] = b"\x5a" * (len(data) - 4096)  # all but the first page, which says what is there
    (tmp_path / SOUNDS).write_bytes(data)
    with SoundStore(tmp_path) as store:
        assert store.get(b"\x07" * 16, RECIPE) is None
        store.put(KEY, RECIPE, sound())
        assert same(store.get(KEY, RECIPE), sound())
