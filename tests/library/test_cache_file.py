from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from library.cache_writers import LISTENING, hearing, keep, key_of, song

from tagger.domain import Hearing
from tagger.library import cache as cache_module
from tagger.library import cache_file
from tagger.library.cache import Cache
from tagger.library.cache_file import CACHE, InUseError, remove_file

REPOSITORY = Path(__file__).parents[2]
DAMAGED = f"{CACHE}.damaged"
_UNSHARE = ["unshare", "--mount"] + (["--map-root-user"] if os.getuid() else [])


def process(*arguments: object, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """A process of :mod:`library.cache_writers`."""
    return subprocess.Popen(
        [*before, sys.executable, "-m", "library.cache_writers", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def filled(folder: Path, count: int = 300) -> Path:
    with Cache.open(folder) as cache:
        for number in range(count):
            keep(cache, number)
        assert cache.notice == ""
    return folder / CACHE


def whole(cache: Cache, number: int) -> bool:
    """Whether a track is there and as it was kept."""
    found = cache.hearing(song(number), number + 1, 2 * number + 1, lambda: None, LISTENING)
    if found is None:
        return False
    assert isinstance(found, Hearing)
    assert found.features.tobytes() == hearing(number).features.tobytes()
    report = cache.report(song(number))
    assert report is not None
    assert report.genres == ((f"Genre {number}", 0.5),)
    return True


# Several processes, and killed ones


def test_killed_at_any_instant(tmp_path):
    writers = process("killed", tmp_path, 30)
    writers.communicate()
    assert writers.returncode == 0
    assert not (tmp_path / DAMAGED).exists()
    with Cache.open(tmp_path) as cache:
        assert cache.notice == ""
        folders = {str(song(number).parent) for number in range(0, 300_000, 20)}
        numbers = [int(Path(n).stem) for f in folders for n in cache.known(f, LISTENING)]
        assert len(numbers) > 30
        assert all(whole(cache, number) for number in numbers)
        assert cache.info().hearings == len(numbers)
    with closing(sqlite3.connect(tmp_path / CACHE)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_two_processes_begin_and_fill_one_cache_at_once(tmp_path):
    writers = [process("fill", tmp_path, first, 400) for first in (0, 200)]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    assert [writer.communicate()[0].strip() for writer in writers] == ["", ""]
    with Cache.open(tmp_path) as cache:
        assert all(whole(cache, number) for number in range(600))
        assert (cache.info().files, cache.notice) == (600, "")


def test_what_another_process_pruned_is_written_anew(tmp_path):
    path = tmp_path / "gone.mp3"
    with Cache.open(tmp_path) as one, Cache.open(tmp_path) as other:
        one.keep(path, 1, 2, b"key", LISTENING, hearing(1))
        one._flush()
        assert other.prune().files == 1
        one.keep(path, 1, 2, b"key", LISTENING, hearing(1))
        one._flush()
        assert other.hearing(path, 1, 2, lambda: None, LISTENING)
        assert one.notice == other.notice == ""


# Damage


def zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def zeros_at_the_end(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-path.stat().st_size // 2, os.SEEK_END)
        file.write(bytes(path.stat().st_size // 2))


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 3)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def text(path: Path) -> None:
    path.write_text("dear diary\n" * 1000)


def folder_in_its_place(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "file").touch()


def other_database(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE film (title)")


def newer_format(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")


def table_missing(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE audio")


@pytest.mark.parametrize(
    "damage",
    [zeros, truncated, empty, text, folder_in_its_place, other_database, newer_format,
     table_missing],
)  # fmt: skip
def test_what_cannot_be_used_is_set_aside(tmp_path, damage):
    path = filled(tmp_path)
    damage(path)
    (tmp_path / DAMAGED).write_text("an older one")
    with Cache.open(tmp_path) as cache:
        why = "of another version of genretag" if damage is newer_format else (
            "not a file" if damage is folder_in_its_place else "damaged"
        )  # fmt: skip
        assert cache.notice == (
            f"the analysis cache was {why} and is begun anew; the old one is {tmp_path / DAMAGED}"
        )
        assert not whole(cache, 1)
        keep(cache, 1)
        assert whole(cache, 1)
    assert (tmp_path / DAMAGED).is_dir() or (tmp_path / DAMAGED).read_bytes() != b"an older one"
    with Cache.open(tmp_path) as cache:
        assert cache.notice == ""
        assert whole(cache, 1)


@pytest.mark.parametrize("damage", [zeros, zeros_at_the_end, truncated])
def test_damage_met_on_the_way_costs_no_more_than_time(tmp_path, damage):
    path = filled(tmp_path)
    with Cache.open(tmp_path) as cache:
        damage(path)
        for number in range(300):
            whole(cache, number)
        for number in range(300):
            keep(cache, number)
        cache._flush()
        assert "damaged and is begun anew" in cache.notice
        assert all(whole(cache, number) for number in range(300))
    assert (tmp_path / DAMAGED).is_file()
    with Cache.open(tmp_path) as cache:
        assert cache.notice == ""
        assert whole(cache, 299)


def test_damage_met_while_writing_loses_no_batch(tmp_path):
    path = filled(tmp_path)
    with Cache.open(tmp_path) as cache:
        zeros(path)
        keep(cache, 1000)
        cache._flush()
        assert "damaged and is begun anew" in cache.notice
        assert whole(cache, 1000)


def test_a_second_damage_ends_the_use_of_the_cache(tmp_path, monkeypatch):
    def malformed(*_: object) -> None:
        raise sqlite3.DatabaseError("a row makes no sense")

    filled(tmp_path)
    with Cache.open(tmp_path) as cache:
        with monkeypatch.context() as patch:
            patch.setattr(cache_module, "known_in", malformed)
            assert cache.known("/music", LISTENING) == {}
            assert "damaged and is begun anew" in cache.notice
            keep(cache, 1)
            assert whole(cache, 1)
            assert cache.known("/music", LISTENING) == {}
        assert cache.notice == "no analysis cache for this run: it is damaged"
        keep(cache, 2)
        assert cache.known(str(song(1).parent), LISTENING) == {}
        assert not whole(cache, 1)


def test_no_fault_of_ours_stops_a_run(tmp_path, monkeypatch):
    filled(tmp_path)
    with Cache.open(tmp_path) as cache:
        with monkeypatch.context() as patch:
            patch.setattr(cache_module, "known_in", lambda *_: [][0])
            assert cache.known("/music", LISTENING) == {}
        assert cache.notice == "no analysis cache for this run: list index out of range"
    with Cache.open(tmp_path) as cache:
        assert whole(cache, 1)


def test_no_flipped_byte_gets_far(tmp_path):
    """Whatever is damaged, nothing is raised, and no hearing comes back that is not one."""
    path = filled(tmp_path, 60)
    sound = path.read_bytes()
    instants = random.Random(5)
    lost = 0
    for _ in range(40):
        data = bytearray(sound)
        for _ in range(instants.choice([1, 3, 30])):
            data[instants.randrange(100, len(data))] ^= 1 << instants.randrange(8)
        for name in tmp_path.iterdir():
            name.unlink()
        path.write_bytes(data)
        with Cache.open(tmp_path) as cache:
            for number in range(60):
                state = (number + 1, 2 * number + 1)
                found = cache.hearing(song(number), *state, lambda: None, LISTENING)
                if isinstance(found, Hearing):
                    assert found.features.tobytes() == hearing(number).features.tobytes()
                lost += found is None
                cache.known(str(song(number).parent), LISTENING)
                cache.report(song(number))
                keep(cache, number)
    assert 0 < lost < 40 * 60


def test_a_log_that_was_left_behind_is_not_taken_for_the_new_ones(tmp_path):
    path = filled(tmp_path)
    with Cache.open(tmp_path) as cache:
        keep(cache, 1000)
        cache._flush()
        log = path.with_name(f"{CACHE}-wal").read_bytes()
    path.unlink()
    path.with_name(f"{CACHE}-wal").write_bytes(log)
    with Cache.open(tmp_path) as cache:
        assert cache.notice == ""
        assert cache.info().files == 0


def test_a_damaged_cache_that_another_process_uses_is_left_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_file, "_PATIENCE_S", 0.2)
    user = process("stay", tmp_path)
    assert user.stdout.readline() == "open\n"
    with closing(sqlite3.connect(tmp_path / CACHE, isolation_level=None)) as db:
        db.execute("PRAGMA user_version = 99")
    with Cache.open(tmp_path) as cache:
        assert cache.notice == (
            "no analysis cache for this run: another run uses it; run again when that one is done"
        )
        keep(cache, 3)
        assert not whole(cache, 3)
    with pytest.raises(InUseError):
        remove_file(tmp_path)
    assert json.loads(user.communicate("\n")[0]) == ["", 2]
    with Cache.open(tmp_path) as cache:
        assert "another version" in cache.notice


def test_two_that_find_it_damaged_share_the_new_one(tmp_path):
    text(filled(tmp_path))
    writers = [process("fill", tmp_path, first, 50) for first in (0, 50)]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    notices = sorted(writer.communicate()[0].strip() for writer in writers)
    assert notices[0] == ""
    assert "begun anew" in notices[1]
    with Cache.open(tmp_path) as cache:
        assert all(whole(cache, number) for number in range(100))


def test_what_cannot_be_set_aside_is_left_alone(tmp_path):
    text(filled(tmp_path))
    (tmp_path / DAMAGED).mkdir()
    (tmp_path / DAMAGED / "file").touch()
    with Cache.open(tmp_path) as cache:
        assert cache.notice.startswith("no analysis cache for this run: is a directory; check ")
        keep(cache, 1)
    assert (tmp_path / CACHE).read_text().startswith("dear diary")


# Removal


def test_removal(tmp_path):
    path = filled(tmp_path)
    (tmp_path / DAMAGED).write_bytes(bytes(1000))
    size = path.stat().st_size
    assert remove_file(tmp_path) == size + 1000
    assert [left.name for left in tmp_path.iterdir()] == ["cache.lock"]
    assert remove_file(tmp_path) == 0
    with Cache.open(tmp_path) as cache:
        assert not whole(cache, 1)
        assert cache.notice == ""


# Disks


@pytest.fixture
def mountpoint(tmp_path) -> Path:
    """A folder on which a name space of our own may mount something."""
    folder = tmp_path / "small"
    folder.mkdir()
    if not shutil.which("unshare") or not sys.platform.startswith("linux"):
        pytest.skip("needs unshare")
    mount = ["sh", "-c", 'mount -t tmpfs -o size=1m none "$0"', str(folder)]
    if subprocess.run([*_UNSHARE, *mount], capture_output=True).returncode:
        pytest.skip("may not mount anything here")
    return folder


def on_small_disk(mountpoint: Path, job: str) -> list[object]:
    script = 'mount -t tmpfs -o size=1m none "$0" && exec "$@"'
    before = (*_UNSHARE, "sh", "-c", script, str(mountpoint))
    found: list[object] = json.loads(process(job, mountpoint, before=before).communicate()[0])
    return found


def test_a_full_disk(mountpoint):
    notice, later, files = on_small_disk(mountpoint, "full")
    full = f"no analysis cache for this run: the disk is full; make room in {mountpoint}"
    assert notice == full
    assert later in ("", full)
    assert 50 < files < 3000


def test_no_room_for_a_cache(mountpoint):
    notice, left = on_small_disk(mountpoint, "no_room")
    assert notice == f"no analysis cache for this run: the disk is full; make room in {mountpoint}"
    assert left == ["ballast", "cache.lock"]


def test_a_disk_mounted_read_only(mountpoint):
    why = f"no analysis cache for this run: read-only file system; check {mountpoint}"
    assert on_small_disk(mountpoint, "read_only") == [f"{why}/old", f"{why}/new"]


def test_a_folder_is_made(tmp_path):
    assert filled(tmp_path / "a" / "b", 1).exists()
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "cache"
    with Cache.open(folder) as cache:
        keep(cache, 1)
        assert cache.hearing(song(1), 1, 2, lambda: key_of(1), LISTENING) is None
        assert cache.notice.startswith(
            f"no analysis cache for this run: {folder}: the cache folder cannot be made: "
        )
        assert "\n" not in cache.notice


def test_what_a_killed_beginning_left_is_no_obstacle(tmp_path):
    for suffix in (".new", ".new-wal", ".new-shm"):
        (tmp_path / f"{CACHE}{suffix}").write_bytes(b"half a file" * 1000)
    filled(tmp_path, 5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache.lock", CACHE]
