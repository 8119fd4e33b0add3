"""Vectors in the cache: read in one go, gone with what they were made from."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from library.cache_writers import LISTENING, hearing, keep, song

from tagger.errors import UsageError
from tagger.library.cache import Cache
from tagger.library.cache_file import CACHE
from tagger.library.vector_store import VectorStore

SPACE = b"a space: 16 byte"
OTHER = b"another space   "


def store(cache: Cache) -> VectorStore:
    return VectorStore(cache, LISTENING)


def filled(folder: Path, count: int = 5) -> Cache:
    cache = Cache.open(folder)
    for number in range(count):
        keep(cache, number)
    store(cache).keep_space(SPACE, b"how")
    return cache


def audios(cache: Cache) -> list[int]:
    return [audio for audio, _ in sorted(store(cache).files(None))]


def bodies(cache: Cache, digest: bytes = SPACE) -> list[bytes | None]:
    """The vector of each audio, in their order."""
    kept = store(cache).vectors(digest)
    return [kept.get(audio) for audio in audios(cache)]


def test_vectors_come_back_beside_their_files(tmp_path):
    with filled(tmp_path) as cache:
        files = sorted(store(cache).files(None))
        assert bodies(cache) == [None] * 5
        made = {audio: bytes([i, 255]) for i, (audio, _) in enumerate(files) if i != 2}
        store(cache).keep_vectors(SPACE, made)
    with Cache.open(tmp_path) as cache:
        assert sorted(store(cache).files(None)) == files
        assert bodies(cache) == [b"\0\xff", b"\1\xff", None, b"\3\xff", b"\4\xff"]
        paths = [place.path for _, file in files if (place := store(cache).placed(file))]
        assert paths == [song(number) for number in range(5)]
        heard = store(cache).hearings(audios(cache)[:2])
        assert [h.duration_s for h in heard.values()] == [200.0, 201.0]
        assert VectorStore(cache, b"another network").hearings(audios(cache)) == {}
        assert store(cache).heard() == audios(cache)
        assert VectorStore(cache, b"another network").heard() == []
        assert store(cache).hearings([999]) == {}
        assert store(cache).placed(999) is None


@settings(derandomize=True, max_examples=20, deadline=None)
@given(st.lists(st.binary(max_size=96), min_size=1, max_size=6))
def test_whatever_a_vector_is(tmp_path_factory, made):
    with filled(tmp_path_factory.mktemp("cache"), len(made)) as cache:
        store(cache).keep_vectors(SPACE, dict(zip(audios(cache), made, strict=True)))
        assert bodies(cache) == made


def test_spaces_are_kept_apart(tmp_path):
    with filled(tmp_path) as cache:
        known = audios(cache)
        store(cache).keep_space(OTHER, b"otherwise")
        store(cache).keep_vectors(SPACE, dict.fromkeys(known, b"here"))
        store(cache).keep_vectors(OTHER, {known[0]: b"there"})
        assert (store(cache).space(SPACE), store(cache).space(OTHER)) == (b"how", b"otherwise")
        assert bodies(cache) == [b"here"] * 5
        assert bodies(cache, OTHER) == [b"there", None, None, None, None]
        store(cache).keep_space(OTHER, b"in a third way")  # takes its vectors along
        assert bodies(cache, OTHER) == [None] * 5
        assert bodies(cache) == [b"here"] * 5


def test_the_spaces_begun_last_stay(tmp_path):
    with filled(tmp_path) as cache:
        known = audios(cache)
        store(cache).keep_vectors(SPACE, dict.fromkeys(known, b"x"))
        for digest in (OTHER, b"a third space   "):
            store(cache).keep_space(digest, b"")
        assert store(cache).space(SPACE) is None
        assert bodies(cache) == [None] * 5
        store(cache).keep_vectors(SPACE, dict.fromkeys(known, b"x"))  # nothing to keep them in
        assert bodies(cache) == [None] * 5
        assert count(tmp_path, "vector") == 0


def count(folder: Path, table: str) -> int:
    with sqlite3.connect(folder / CACHE) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_what_is_heard_anew_has_no_vector(tmp_path):
    with filled(tmp_path) as cache:
        known = audios(cache)
        store(cache).keep_vectors(SPACE, dict.fromkeys(known, b"x"))
        keep(cache, 3)
        assert bodies(cache) == [b"x", b"x", b"x", None, b"x"]


def test_pruning_takes_vectors_of_what_is_gone(tmp_path):
    there = tmp_path / "m" / "a.mp3"
    there.parent.mkdir()
    there.touch()
    with Cache.open(tmp_path / "cache") as cache:
        for i, path in enumerate((there, there.with_name("gone.mp3"))):
            cache.keep(path, 1, 1, bytes([i]) * 16, LISTENING, hearing(i))
        store(cache).keep_space(SPACE, b"how")
        store(cache).keep_vectors(SPACE, dict.fromkeys(audios(cache), b"x"))
        store(cache).keep_vectors(SPACE, {77: b"of nothing"})
        assert cache.prune().files == 1
        assert count(tmp_path / "cache", "vector") == 2  # it may have moved
        assert bodies(cache) == [b"x"]
        found = store(cache).placed(store(cache).files(None)[0][1])
        assert found is not None
        assert found.path == there
        assert not found.is_as_it_was()


def test_folders_go_by_number(tmp_path):
    with filled(tmp_path, 45) as cache:
        every = sorted(store(cache).files(None))
        found = store(cache).folders({"/music/Artist 1", "/music/Artist 7"})
        assert sorted(store(cache).files(found)) == every[20:40]
        assert store(cache).files(set()) == []


def test_without_a_cache_it_says_why(tmp_path):
    (tmp_path / "file").touch()
    with Cache.open(tmp_path / "file") as cache, pytest.raises(UsageError, match="cannot be made"):
        store(cache).vectors(SPACE)
