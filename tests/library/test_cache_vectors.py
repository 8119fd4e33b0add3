"""Vectors in the cache: read in one go, gone with what they were made from."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from library.cache_writers import LISTENING, hearing, keep, song

from tagger.errors import UsageError
from tagger.library import cache_vectors
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
    return store(cache).heard()


def bodies(
    cache: Cache, digest: bytes = SPACE, folders: set[int] | None = None, *, width: int = 1
) -> dict[Path, bytes]:
    """The vectors of so many bytes, by their files."""
    files, joined, complete = store(cache).vectors(digest, width, folders)
    assert len(joined) == width * len(files)
    found = {}
    for i, file in enumerate(files):
        place = store(cache).placed(file)
        assert place
        found[place.path] = joined[width * i : width * (i + 1)]
    assert len(found) == len(files)
    assert complete == (not store(cache).missing(digest, width, folders))
    return found


def of_all(body: bytes, count: int = 5) -> dict[Path, bytes]:
    return {song(number): body for number in range(count)}


def test_vectors_come_back_beside_their_files(tmp_path):
    with filled(tmp_path) as cache:
        known = audios(cache)
        assert len(known) == 5
        assert bodies(cache) == {}
        assert store(cache).missing(SPACE, 2, None) == known
        made = {audio: bytes([i, 255]) for i, audio in enumerate(known) if i != 2}
        store(cache).keep_vectors(SPACE, made)
    with Cache.open(tmp_path) as cache:
        assert audios(cache) == known
        assert store(cache).audios(SPACE) == list(made)
        assert store(cache).missing(SPACE, 2, None) == [known[2]]
        assert bodies(cache, width=2) == {song(i): bytes([i, 255]) for i in (0, 1, 3, 4)}
        heard = store(cache).hearings(known[:2])
        assert [h.duration_s for h in heard.values()] == [200.0, 201.0]
        assert store(cache).hearings([999]) == {}
        assert store(cache).placed(999) is None
        other = VectorStore(cache, b"another network")
        assert other.hearings(known) == {}
        assert other.heard() == []
        assert other.missing(SPACE, 2, None) == []  # it could make none


@settings(derandomize=True, max_examples=20, deadline=None)
@given(st.lists(st.binary(max_size=96), min_size=1, max_size=6))
def test_whatever_a_vector_is(tmp_path_factory, made):
    with filled(tmp_path_factory.mktemp("cache"), len(made)) as cache:
        known = audios(cache)
        store(cache).keep_vectors(SPACE, dict(zip(known, made, strict=True)))
        kept = list(zip(known, made, strict=True))
        assert store(cache).audios(SPACE) == [audio for audio, body in kept if body]
        for width in {1, *map(len, made)} - {0}:
            mine = {song(i): body for i, body in enumerate(made) if len(body) == width}
            assert bodies(cache, width=width) == mine
            others = [audio for audio, body in kept if len(body) not in (0, width)]
            assert store(cache).missing(SPACE, width, None) == others


@pytest.mark.parametrize("at_once", [1, 2, 3, 5, 100])
def test_however_many_come_at_a_time(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(cache_vectors, "_AT_ONCE", at_once)
    with filled(tmp_path, 45) as cache:
        known = audios(cache)
        store(cache).keep_vectors(SPACE, {audio: bytes([audio]) for audio in known[3:]})
        assert store(cache).missing(SPACE, 1, None) == known[:3]
        every = {song(i): bytes([known[i]]) for i in range(3, 45)}
        assert bodies(cache) == every
        folders = store(cache).folders({str(song(number).parent) for number in (0, 20, 40)})
        assert bodies(cache, folders=folders) == every
        assert store(cache).missing(SPACE, 1, folders) == known[:3]


def test_spaces_are_kept_apart(tmp_path):
    with filled(tmp_path) as cache:
        known = audios(cache)
        store(cache).keep_space(OTHER, b"otherwise")
        store(cache).keep_vectors(SPACE, dict.fromkeys(known, b"h"))
        store(cache).keep_vectors(OTHER, {known[0]: b"t"})
        assert (store(cache).space(SPACE), store(cache).space(OTHER)) == (b"how", b"otherwise")
        assert bodies(cache) == of_all(b"h")
        assert bodies(cache, OTHER) == {song(0): b"t"}
        assert store(cache).missing(OTHER, 1, None) == known[1:]
        store(cache).keep_space(OTHER, b"in a third way")  # takes its vectors along
        assert bodies(cache, OTHER) == {}
        assert bodies(cache) == of_all(b"h")


def test_the_spaces_begun_last_stay(tmp_path):
    with filled(tmp_path) as cache:
        known = audios(cache)
        store(cache).keep_vectors(SPACE, dict.fromkeys(known, b"x"))
        for digest in (OTHER, b"a third space   "):
            store(cache).keep_space(digest, b"")
        assert store(cache).space(SPACE) is None
        assert bodies(cache) == {}
        store(cache).keep_vectors(SPACE, dict.fromkeys(known, b"x"))  # nothing to keep them in
        assert bodies(cache) == {}
        assert store(cache).missing(SPACE, 1, None) == known
        assert count(tmp_path, "vector") == 0


def count(folder: Path, table: str) -> int:
    with sqlite3.connect(folder / CACHE) as db:
        return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_what_is_heard_anew_has_no_vector(tmp_path):
    with filled(tmp_path) as cache:
        known = audios(cache)
        store(cache).keep_vectors(SPACE, dict.fromkeys(known, b"x"))
        keep(cache, 3)
        assert set(of_all(b"x")) - set(bodies(cache)) == {song(3)}
        assert store(cache).missing(SPACE, 1, None) == [known[3]]


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
        assert bodies(cache) == {there: b"x"}
        [file], _, _ = store(cache).vectors(SPACE, 1, None)
        found = store(cache).placed(file)
        assert found is not None
        assert found.audio == audios(cache)[0]
        assert not found.is_as_it_was()


def test_folders_go_by_number(tmp_path):
    with filled(tmp_path, 45) as cache:
        store(cache).keep_vectors(SPACE, dict.fromkeys(audios(cache), b"x"))
        found = store(cache).folders({"/music/Artist 1", "/music/Artist 7"})
        assert set(bodies(cache, folders=found)) == {song(number) for number in range(20, 40)}
        assert bodies(cache, folders=set()) == {}


def test_a_file_of_which_no_audio_makes_sense(tmp_path):
    with filled(tmp_path) as cache:
        store(cache).keep_vectors(SPACE, dict.fromkeys(audios(cache), b"x"))
    with sqlite3.connect(tmp_path / CACHE) as db:
        for number, audio in enumerate((None, "abc", 1.5, 1 << 60)):
            name = song(number).name.encode()
            db.execute("UPDATE file SET audio = ? WHERE name = ?", (audio, name))
    with Cache.open(tmp_path) as cache:
        [file], body, complete = store(cache).vectors(SPACE, 1, None)
        place = store(cache).placed(file)
        assert place
        assert (place.path, body, complete) == (song(4), b"x", False)
        assert store(cache).missing(SPACE, 1, None) == []


def test_without_a_cache_it_says_why(tmp_path):
    (tmp_path / "file").touch()
    with Cache.open(tmp_path / "file") as cache, pytest.raises(UsageError, match="cannot be made"):
        store(cache).vectors(SPACE, 1, None)
