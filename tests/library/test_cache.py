from __future__ import annotations

import os
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from library.cache_writers import LISTENING, hearing

from tagger.domain import FileState, Hearing, Status, TagChange, TrackReport
from tagger.library import cache as cache_module
from tagger.library.cache import Cache, Problem, ProblemKind
from tagger.library.cache_rows import pack_hearing, unpack_hearing

OTHER = b"another network "
DAY_S = 86_400


@pytest.fixture
def cache(tmp_path) -> Iterator[Cache]:
    folder = tmp_path / "cache"
    folder.mkdir()
    with Cache.open(folder) as cache:
        yield cache
        assert cache.notice == ""


@pytest.fixture
def music(tmp_path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The time, to be set."""
    now = [1_800_000_000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    return now


def not_called() -> bytes:
    raise AssertionError("the audio was read")


def made(path: Path, content: str = "audio") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def kept(cache: Cache, path: Path, number: int, key: bytes | None, listening=LISTENING) -> Hearing:
    heard = hearing(number)
    cache.keep(path, *state(path), key, listening, heard)
    cache._flush()
    return heard


def found(cache: Cache, path: Path, key: bytes | None, listening=LISTENING):
    return cache.hearing(path, *state(path), lambda: key, listening)


def number_of(outcome: object) -> int | None:
    """Which of the made-up hearings it is; None for none at all."""
    return round(outcome.duration_s - 200) if isinstance(outcome, Hearing) else None


def rewritten(path: Path, content: str) -> None:
    """Change a file, and its time for certain."""
    before = path.stat().st_mtime_ns
    path.write_text(content)
    os.utime(path, ns=(before, before + 10**9))


def same(one: Hearing, other: Hearing) -> bool:
    return all(
        bytes_of(getattr(one, name)) == bytes_of(getattr(other, name))
        for name in Hearing.__dataclass_fields__
    )


def bytes_of(value: object) -> tuple[tuple[int, ...], bytes]:
    array = np.asarray(value)
    return array.shape, array.tobytes()


# What comes back


floats = st.floats(width=32) | st.sampled_from([-0.0, float("nan"), float("inf")])
hearings = st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(0, 3)).flatmap(
    lambda n: st.builds(
        Hearing,
        duration_s=st.floats(),
        heard_s=st.floats(),
        features=st.lists(floats, min_size=n[0], max_size=n[0]).map(
            lambda values: np.array(values, np.float32)
        ),
        patch_log_probs=st.lists(floats, min_size=n[1] * n[2], max_size=n[1] * n[2]).map(
            lambda values: np.array(values, np.float32).reshape(n[1], n[2])
        ),
        patch_starts_s=st.lists(st.floats(), min_size=n[1], max_size=n[1]).map(tuple),
        embedding=st.lists(st.floats(width=16, allow_infinity=False), max_size=4).map(
            lambda values: np.array(values, np.float32)
        ),
    )
)


@settings(derandomize=True, max_examples=20, deadline=None)
@given(hearings)
def test_a_hearing_comes_back_bit_by_bit(heard):
    with tempfile.TemporaryDirectory() as folder:
        with Cache.open(Path(folder)) as cache:
            cache.keep(Path("/m/a.mp3"), 1, 2, b"key", LISTENING, heard)
        with Cache.open(Path(folder)) as cache:
            back = cache.hearing(Path("/m/a.mp3"), 1, 2, not_called, LISTENING)
            assert cache.notice == ""
    assert isinstance(back, Hearing)
    assert same(back, heard)
    assert back.features.dtype == back.patch_log_probs.dtype == np.float32
    assert back.embedding.dtype == np.float32


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, width=32), max_size=64))
def test_an_embedding_comes_back_as_half_floats(values):
    embedding = np.array(values, np.float32)
    heard = replace(hearing(1), embedding=embedding)
    back = unpack_hearing(pack_hearing(heard, 5), 5)
    within = embedding.clip(-65504, 65504)
    np.testing.assert_allclose(back.embedding, within, rtol=2**-11, atol=2**-25)
    assert len(pack_hearing(heard, 5)) == len(pack_hearing(hearing(1), 5)) + 2 * len(values)
    assert back.features.tobytes() == heard.features.tobytes()


def test_a_hearing_cut_short_makes_no_sense():
    packed = pack_hearing(replace(hearing(1), embedding=np.ones(8, np.float32)), 5)
    body = packed[4:-1]
    with pytest.raises(sqlite3.DatabaseError, match="no sense"):
        unpack_hearing(zlib.crc32(body, 5).to_bytes(4, "little") + body, 5)


texts = st.text("aé\0\ud83d\ude00\udc80\n", max_size=4)
values = st.lists(texts, max_size=2).map(tuple)
reports = st.builds(
    TrackReport,
    path=st.just(Path("/m/a.mp3")),
    status=st.sampled_from(Status),
    reason=texts,
    genres=st.lists(st.tuples(texts, st.sampled_from([0.1234, 1.0, 0.0])), max_size=3).map(tuple),
    cluster=st.none() | texts,
    current=st.dictionaries(texts, values, max_size=2),
    changes=st.lists(st.builds(TagChange, texts, values, values), max_size=2).map(tuple),
    outcome=texts,
    duration_s=st.sampled_from([0.0, 215.125]),
    heard_s=st.sampled_from([0.0, 30.0]),
    file=st.none()
    | st.builds(FileState, st.integers(0), st.integers(), st.binary(min_size=16, max_size=16)),
)


@settings(derandomize=True, max_examples=20, deadline=None)
@given(reports)
def test_a_report_comes_back(report):
    with tempfile.TemporaryDirectory() as folder, Cache.open(Path(folder)) as cache:
        cache.settle(report.path, 1, 2, b"by", report)
        assert cache.report(report.path) == replace(report, cached=True)
        (known,) = cache.known("/m", LISTENING).values()
        (settled,) = cache.settled("/m", b"by").values()
        assert cache.notice == ""
    assert known == (1, 2, False)
    assert settled[:2] == (1, 2)
    genre = report.genres[0][0] if report.genres else ""
    if genre.isascii():
        assert settled.genre == genre
    assert settled.duration_s == report.duration_s
    assert (settled.cluster is None) == (report.cluster is None)


def test_numbers_of_a_report_are_rounded_as_reports_are(cache):
    path = Path("/m/a.mp3")
    report = TrackReport(path, Status.TAGGED, genres=(("Rock", 0.123456),), duration_s=1.23456)
    cache.settle(path, 1, 2, b"by", report)
    back = cache.report(path)
    assert back is not None
    assert (back.genres, back.duration_s) == ((("Rock", 0.1235),), 1.235)


def test_a_folder_is_known_file_by_file(cache):
    names = ["a.mp3", "ü.mp3", os.fsdecode(b"\xff\xfe.mp3"), "new\nline.mp3"]
    for number, name in enumerate(names):
        cache.keep(Path("/m/x", name), number, 10**18 + number, b"%d" % number, LISTENING,
                   hearing(number))  # fmt: skip
    report = TrackReport(
        Path("/m/x/a.mp3"), Status.SKIPPED, "why", (("Rock", 0.8), ("Pop", 0.2)), "Type 1",
        outcome="genre kept", duration_s=3.5,
    )  # fmt: skip
    cache.settle(report.path, 5, 6, b"by", report)
    cache.keep(Path("/m/b.mp3"), 1, 1, None, LISTENING, hearing(9))
    cache.keep(Path("/b.mp3"), 1, 1, None, LISTENING, hearing(9))
    known = cache.known("/m/x", LISTENING)
    assert sorted(known) == sorted(names)
    assert known["a.mp3"] == (5, 6, True)
    assert known["ü.mp3"] == (1, 10**18 + 1, True)
    assert cache.settled("/m/x", b"by") == {"a.mp3": (5, 6, "Rock", "Type 1", 3.5)}
    assert cache.settled("/m/x", b"otherwise") == cache.settled("/m", b"by") == {}
    assert not known["a.mp3"]._replace(heard=cache.known("/m/x", OTHER)["a.mp3"].heard).heard
    assert cache.known("/m/x/", LISTENING) == cache.known(Path("/m/x"), LISTENING) == known
    assert list(cache.known("/m", LISTENING)) == list(cache.known("/", LISTENING)) == ["b.mp3"]
    assert cache.known("/m/none", LISTENING) == {}
    assert cache.report(Path("/m/b.mp3")) is None


def test_what_is_not_written_yet_is_seen_by_oneself_only(cache, tmp_path):
    path = Path("/m/a.mp3")
    cache.keep(path, 1, 2, b"key", LISTENING, hearing(1))
    with Cache.open(tmp_path / "cache") as other:
        assert other.hearing(path, 1, 2, lambda: None, LISTENING) is None
        assert number_of(cache.hearing(path, 1, 2, not_called, LISTENING)) == 1
        assert number_of(other.hearing(path, 1, 2, not_called, LISTENING)) == 1


@pytest.mark.parametrize(("batch", "batch_s"), [(3, 1000.0), (1000, 0.0)])
def test_batches_go_out_by_number_and_by_time(cache, tmp_path, monkeypatch, batch, batch_s):
    monkeypatch.setattr(cache_module, "_BATCH", batch)
    monkeypatch.setattr(cache_module, "_BATCH_S", batch_s)
    for number in range(4):
        cache.keep(Path(f"/m/{number}"), 1, 2, None, LISTENING, hearing(1))
    with Cache.open(tmp_path / "cache") as other:
        assert len(other.known("/m", LISTENING)) == (3 if batch_s else 4)


@pytest.mark.parametrize("mtime_ns", [-1, 0, (1 << 63) - 1, 1 << 63, -(1 << 70)])
def test_any_time_of_modification(cache, mtime_ns):
    cache.keep(Path("/m/a"), 1, mtime_ns, None, LISTENING, hearing(1))
    assert cache.hearing(Path("/m/a"), 1, mtime_ns, not_called, LISTENING)
    assert cache.hearing(Path("/m/a"), 1, mtime_ns + 1, lambda: None, LISTENING) is None


# Which audio a file holds


def test_a_file_as_it_was_is_not_read(cache, music):
    path = made(music / "a.mp3")
    kept(cache, path, 1, b"key")
    assert number_of(cache.hearing(path, *state(path), not_called, LISTENING)) == 1
    assert cache.hearing(path, *state(path), not_called, OTHER) is None


def test_after_a_write_of_ours_the_audio_need_not_be_read(cache, music):
    """Not even where a write changes the key, as it may in Ogg pages."""
    path = made(music / "a.ogg")
    kept(cache, path, 1, b"key")
    rewritten(path, "audio and tags")
    cache.settle(path, *state(path), b"by", TrackReport(path, Status.TAGGED))
    assert number_of(cache.hearing(path, *state(path), not_called, LISTENING)) == 1
    assert list(cache.settled(music, b"by")) == ["a.ogg"]


def test_retagged_by_others(cache, music):
    path = made(music / "a.mp3")
    kept(cache, path, 1, b"key")
    cache.settle(path, *state(path), b"by", TrackReport(path, Status.TAGGED))
    rewritten(path, "other tags")
    assert number_of(found(cache, path, b"key")) == 1
    assert cache.known(music, LISTENING)["a.mp3"][:2] == state(path)
    assert cache.settled(music, b"by") == {}
    assert number_of(cache.hearing(path, *state(path), not_called, LISTENING)) == 1


def test_other_audio_in_its_place(cache, music):
    path = made(music / "a.mp3")
    kept(cache, path, 1, b"key")
    rewritten(path, "another song")
    assert found(cache, path, b"other key") is None
    assert found(cache, path, None) is None
    kept(cache, path, 2, b"other key")
    assert number_of(found(cache, path, None)) == 2


def test_moved_and_renamed(cache, music):
    path = made(music / "a.mp3")
    kept(cache, path, 1, b"key")
    path = path.rename(made(music / "b" / "x").parent / "c.mp3")
    assert number_of(found(cache, path, b"key")) == 1
    assert number_of(cache.hearing(path, *state(path), not_called, LISTENING)) == 1


def test_two_files_that_changed_places(cache, music):
    one, two = made(music / "1.mp3", "first"), made(music / "2.mp3", "second one")
    kept(cache, one, 1, b"key 1")
    kept(cache, two, 2, b"key 2")
    one.rename(music / "x")
    two.rename(one)
    (music / "x").rename(two)
    assert number_of(found(cache, one, b"key 2")) == 2
    assert number_of(found(cache, two, b"key 1")) == 1


def test_a_key_alone_is_no_proof_while_its_file_is_there(cache, music):
    one, two = made(music / "drums.wav"), made(music / "vocals.wav")
    kept(cache, one, 1, b"key")
    assert found(cache, two, b"key") is None
    kept(cache, two, 2, b"key")
    assert number_of(found(cache, one, None)) == 1
    assert number_of(found(cache, two, None)) == 2


def test_of_several_that_moved_each_is_told_by_its_name(cache, music):
    names = ("drums.wav", "vocals.wav", "bass.wav")
    for number, name in enumerate(names):
        kept(cache, made(music / "old" / name), number, b"key")
    (music / "old").rename(music / "new")
    for number, name in enumerate(names[:2]):
        assert number_of(found(cache, music / "new" / name, b"key")) == number
    assert found(cache, made(music / "guitar.wav"), b"key")  # bass.wav is the last one left
    assert found(cache, made(music / "violin.wav"), b"key") is None


def test_several_that_moved_and_changed_their_names_are_heard_again(cache, music):
    for number, name in enumerate(("drums.wav", "vocals.wav")):
        kept(cache, made(music / name), number, b"key")
        (music / name).rename(music / f"new {name}")
    assert found(cache, music / "new drums.wav", b"key") is None


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_the_same_file_by_another_path(cache, music, link):
    path = made(music / "a.mp3")
    kept(cache, path, 1, b"key")
    other = music / "b.mp3"
    getattr(other, link)(path)
    assert number_of(found(cache, other, b"key")) == 1


def test_nothing_is_told_from_a_folder_that_cannot_be_entered(cache, music, monkeypatch):
    path, other = made(music / "a.mp3"), made(music / "b.mp3")
    kept(cache, path, 1, b"key")
    real = os.stat

    def refuse(asked, *arguments, **options):
        if os.fsencode(asked) == os.fsencode(path):
            raise PermissionError(13, "no")
        return real(asked, *arguments, **options)

    size, mtime_ns = state(other)
    monkeypatch.setattr(os, "stat", refuse)
    assert cache.hearing(other, size, mtime_ns, lambda: b"key", LISTENING) is None


def test_heard_anew(cache, music):
    path = made(music / "a.mp3")
    for number in (1, 2):
        kept(cache, path, number, b"key")
        assert number_of(found(cache, path, None)) == number
    assert cache.info().hearings == 1


# Listenings


def test_the_two_newest_listenings_stay(tmp_path, clock):
    path = Path("/m/a.mp3")
    for turn, listening in enumerate((b"1", b"2", b"1", b"3")):
        clock[0] += 1
        with Cache.open(tmp_path) as cache:
            if cache.hearing(path, 1, 2, lambda: b"key", listening) is None:
                cache.keep(path, 1, 2, b"key", listening, hearing(turn))
    with Cache.open(tmp_path) as cache:
        heard = [cache.hearing(path, 1, 2, not_called, one) for one in (b"1", b"2", b"3")]
        assert [number_of(one) for one in heard] == [0, None, 3]
        assert cache.info().hearings == 2


# Problems


@pytest.mark.parametrize("kind", [ProblemKind.NOT_MUSIC, ProblemKind.DAMAGED])
def test_what_is_in_the_file_stays_until_it_changes(cache, music, clock, kind):
    path = made(music / "a.mp3")
    cache.keep_problem(path, *state(path), LISTENING, kind, "silent \ud800")
    clock[0] += 1000 * DAY_S
    assert cache.hearing(path, *state(path), not_called, LISTENING) == Problem(
        kind, r"silent \ud800"
    )
    assert cache.hearing(path, *state(path), lambda: None, OTHER) is None
    assert cache.info().problems == 1
    rewritten(path, "music")
    assert found(cache, path, None) is None


@pytest.mark.parametrize("kind", [ProblemKind.CRASHED, ProblemKind.TIMEOUT])
def test_what_may_pass_is_tried_again_ever_more_seldom(cache, music, clock, kind):
    path = made(music / "a.mp3")
    problem = Problem(kind, "it died")
    for days in (7, 14, 28, 56, 60, 60, *[60] * 8):
        cache.keep_problem(path, *state(path), LISTENING, *(kind, "it died"))
        clock[0] += days * DAY_S - 1
        assert found(cache, path, None) == problem
        clock[0] += 1
        assert found(cache, path, None) is None
    rewritten(path, "changed")
    cache.keep_problem(path, *state(path), LISTENING, *(kind, "it died"))
    clock[0] += 7 * DAY_S
    assert found(cache, path, None) is None


def test_a_problem_met_while_the_clock_was_wrong_does_not_hold(cache, music, clock):
    path = made(music / "a.mp3")
    cache.keep_problem(path, *state(path), LISTENING, ProblemKind.CRASHED, "it died")
    clock[0] -= DAY_S
    assert found(cache, path, None) is None


def test_a_hearing_and_a_problem_replace_each_other(cache, music):
    path = made(music / "a.mp3")
    cache.keep_problem(path, *state(path), LISTENING, ProblemKind.TIMEOUT, "too slow")
    kept(cache, path, 1, b"key")
    assert number_of(found(cache, path, None)) == 1
    assert cache.info().problems == 0
    cache.keep_problem(path, *state(path), LISTENING, ProblemKind.DAMAGED, "broken")
    assert found(cache, path, None) == Problem(ProblemKind.DAMAGED, "broken")
    assert not cache.known(music, LISTENING)["a.mp3"].heard


# Tidying


def test_prune_forgets_files_that_are_gone(cache, music, clock):
    paths = [made(music / name) for name in ("a.mp3", "b.mp3", "old/c.mp3", "old/sub/d.mp3")]
    for number, path in enumerate(paths):
        kept(cache, path, number, b"key %d" % number)
        cache.settle(path, *state(path), b"by", TrackReport(path, Status.TAGGED))
    paths[1].unlink()
    (music / "old").rename(music / "new")
    assert cache.prune().files == 3
    assert list(cache.known(music, LISTENING)) == ["a.mp3"]
    assert cache.known(music / "old", LISTENING) == {}
    assert cache.info().hearings == 4
    clock[0] += 80 * DAY_S
    assert number_of(found(cache, music / "new/c.mp3", b"key 2")) == 2  # found by its audio
    clock[0] += 11 * DAY_S
    assert cache.prune().hearings == 2
    info = cache.info()
    assert (info.files, info.hearings) == (2, 2)
    assert cache.prune() == type(cache.prune())(0, 0, 0)


def test_a_hearing_in_use_is_as_old_as_its_last_use(cache, music, clock):
    path = made(music / "a.mp3")
    kept(cache, path, 1, b"key")
    first = cache.info().oldest
    clock[0] += 5 * DAY_S
    found(cache, path, None)
    last = cache.info().oldest
    assert first is not None
    assert last is not None
    assert (last - first).days == 5


@pytest.mark.parametrize("left", ["nothing", "an empty folder", "another file"])
def test_prune_keeps_what_is_on_a_disk_that_is_not_there(cache, music, left):
    here = made(music / "here/a.mp3")
    disk = music / "disk"
    for number, path in enumerate((here, made(disk / "b.mp3"), made(disk / "x/c.mp3"))):
        kept(cache, path, number, b"key %d" % number)
    on_another(cache, "/disk")
    disk.rename(music.parent / "somewhere else")
    if left != "nothing":
        disk.mkdir()
    if left == "another file":
        made(disk / "note.txt")
    assert cache.prune().files == 0
    assert list(cache.known(disk / "x", LISTENING)) == ["c.mp3"]


def test_prune_knows_a_disk_with_a_new_number(cache, music):
    paths = [made(music / name) for name in ("a.mp3", "b.mp3", "x/c.mp3")]
    for number, path in enumerate(paths):
        kept(cache, path, number, b"key %d" % number)
    on_another(cache, "/music")
    paths[0].unlink()
    assert cache.prune().files == 1
    paths[1].unlink()
    (music / "x").rename(music / "y")
    assert cache.prune().files == 2


def on_another(cache: Cache, below: str) -> None:
    """Let folders have been on another disk than the one they are on now."""
    cache._must(
        "changed",
        lambda db: db.execute(
            "UPDATE folder SET disk = disk + 1 WHERE CAST(path AS TEXT) LIKE ?", (f"%{below}%",)
        ),
    )


def test_prune_gives_room_back(cache, music):
    for number in range(300):
        cache.keep(music / f"{number}.mp3", 1, 2, b"%d" % number, LISTENING, hearing(number))
    made(music / "other")
    before = cache.info().size
    cache.prune()
    cache._must("cleared", lambda db: db.execute("DELETE FROM hearing"))
    assert cache.prune().freed > 300 * 2000
    assert cache.info().size < before / 4  # what is left is a page a table


def test_an_empty_cache_in_numbers(cache):
    info = cache.info()
    assert (info.files, info.hearings, info.problems, info.oldest) == (0, 0, 0, None)
    assert info.size > 0
    assert cache.prune().files == 0
