"""What others put under our names, or own: tried with another user, who plants, and root, who runs.

The other user is a process of its own that gives up being root (user 65534).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cli.running import attempt_here, genretag_here
from report.reports import tagged

from tagger.errors import UsageError
from tagger.library.cache import Cache
from tagger.library.cache_file import CACHE
from tagger.library.folders import cache_folder, state_folder
from tagger.library.journal import JOURNAL, Journal
from tagger.library.lock import LOCK, RunLock
from tagger.report.logfile import LogFile
from tagger.report.m3u import Entry, write_playlist
from tagger.report.records import open_records
from tagger.trust import distrust, growing, not_ours
from tagger.workflows.config import load_file
from tagger.workflows.own_types import load_types

OTHER = 65534
PRECIOUS = "precious"

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root, to be two users"
)


def as_other(script: str, *arguments: object, before: str = "pass") -> None:
    """Run Python as another user; what he may not be able to read is imported ``before``."""
    become = f"os.setgroups([]); os.setgid({OTHER}); os.setuid({OTHER})"
    give_up = f"import os, sys; {before}; {become}; "
    subprocess.run([sys.executable, "-c", give_up + script, *map(str, arguments)], check=True)


@pytest.fixture
def open_folder(tmp_path):
    """A folder like /tmp, which the other user can reach."""
    for place in (tmp_path, *tmp_path.parents[:-2]):
        place.chmod(place.stat().st_mode | 0o011)
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


@pytest.fixture
def victim(tmp_path):
    path = tmp_path / "victim"
    path.write_text(PRECIOUS)
    path.chmod(0o600)
    return path


@pytest.fixture
def home():
    """A folder below none that everybody may write to, as the usual one of tests is."""
    with TemporaryDirectory(dir=Path("~root").expanduser(), prefix="genretag-test-") as above:
        folder = Path(above) / "home"
        folder.mkdir()
        yield folder


def plant(link: Path, target: Path) -> None:
    """The other user puts a link there. Linux may know the trick, so that the link is moved."""
    as_other("os.symlink(sys.argv[1], sys.argv[2])", target, link)
    assert link.lstat().st_uid == OTHER


@pytest.fixture
def own_folder(tmp_path):
    """A folder without a sticky bit that both may write to: protected_symlinks is no help."""
    for place in (tmp_path, *tmp_path.parents[:-2]):
        place.chmod(place.stat().st_mode | 0o011)
    folder = tmp_path / "shared"
    folder.mkdir()
    os.chown(folder, 0, OTHER)
    folder.chmod(0o775)
    return folder


def log(path):
    with LogFile(path) as file:
        file.note("x")


def report(path):
    open_records(path).track(tagged("a.mp3"))


def playlist(path):
    write_playlist(path, [Entry(Path("/a.mp3"), 1.0)])


@pytest.mark.parametrize("there", [True, False], ids=["a file", "no file yet"])
@pytest.mark.parametrize(
    ("name", "deed"),
    [
        ("a.log", log),
        ("r.jsonl", report),
        ("r.csv", report),
        ("r.html", lambda path: open_records(path)),
    ],
)
def test_a_planted_link_is_not_written_through(own_folder, victim, name, deed, there):
    target = victim if there else victim.with_name("new")
    if there and name == "a.log":
        victim.write_text("2024-01-01T00:00:00+00:00 start\n")
    before = victim.read_text()
    plant(own_folder / name, target)
    with pytest.raises(UsageError, match="a link that somebody else put there"):
        deed(own_folder / name)
    assert victim.read_text() == before
    assert not victim.with_name("new").exists()


@pytest.mark.parametrize("name", ["cells.csv", "searched.csv", "cells.png"])
def test_what_a_comparison_writes(own_folder, victim, name):
    tables = pytest.importorskip("tagger.training.comparison_tables")
    searched = pytest.importorskip("tagger.training.searched")
    plant(own_folder / name, victim)
    if name.endswith(".csv"):
        write = tables.write_csv if name == "cells.csv" else searched.write_searched
        with pytest.raises(OSError, match="a link that somebody else put there"):
            write([], own_folder / name)
    else:
        cell = tables.Cell("mfcc", 2, "knn", 0.5, 0.0, 0.5, 0.1)
        tables.write_heat_map([cell], own_folder / name)
        assert (own_folder / name).read_bytes().startswith(b"\x89PNG")
    assert victim.read_text() == PRECIOUS


def test_a_link_that_the_user_made_is_followed(own_folder, victim):
    victim.unlink()
    (own_folder / "a.log").symlink_to(victim)
    log(own_folder / "a.log")
    assert victim.read_text().endswith(" x\n")


def test_a_log_that_becomes_a_link_when_it_is_rotated(own_folder, victim, monkeypatch):
    path = own_folder / "a.log"
    log(path)
    monkeypatch.setattr("tagger.report.logfile._MOST_BYTES", 1)
    rename = os.rename

    def planted(source, target):
        rename(source, target)
        if source == str(path):
            plant(path, victim)

    monkeypatch.setattr(os, "rename", planted)
    log(path)
    assert victim.read_text() == PRECIOUS


def test_a_playlist_takes_the_place_of_a_planted_link(own_folder, victim):
    victim.write_bytes(b"#EXTM3U\n# made by genretag, which may write it anew\n")
    before = victim.read_bytes()
    plant(own_folder / "a.m3u8", victim)
    playlist(own_folder / "a.m3u8")
    assert victim.read_bytes() == before
    assert not (own_folder / "a.m3u8").is_symlink()


def test_what_grows_does_so_under_a_name_that_nobody_knows(own_folder, victim):
    """Names of a process' number can all be planted at once."""
    path = own_folder / "types.json"
    for name in (f".{path.name}.{os.getpid()}.part", f".{path.name}.part"):
        plant(own_folder / name, victim)
    with growing(path) as stream:
        stream.write(b"x")
        (part,) = own_folder.glob(f".{path.name}.{'?' * 16}.part")
        assert not part.is_symlink()
    assert (path.read_text(), victim.read_text()) == ("x", PRECIOUS)


@pytest.mark.parametrize("folder", [state_folder, cache_folder])
def test_a_folder_of_another_user(tmp_path, monkeypatch, folder):
    os.chown(tmp_path, OTHER, OTHER)
    for name in ("STATE", "CACHE"):
        monkeypatch.setenv(f"GENRETAG_{name}_DIR", str(tmp_path))
    with pytest.raises(UsageError, match=r"belongs to nobody, who could replace.*run as nobody"):
        folder()


def test_a_folder_that_is_a_link(own_folder, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    plant(own_folder / "state", tmp_path / "elsewhere")
    monkeypatch.setenv("GENRETAG_STATE_DIR", str(own_folder / "state" / "genretag"))
    with pytest.raises(UsageError, match="state is a link that somebody else put there"):
        state_folder()
    (own_folder / "state").unlink()
    (own_folder / "state").symlink_to(tmp_path / "elsewhere")
    assert state_folder().is_dir()


def test_a_folder_below_one_that_everybody_may_write_to(tmp_path, monkeypatch):
    """A NAS shows that mode, whatever its own rules are: to name the folder is enough."""
    tmp_path.chmod(0o777)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(UsageError, match=f"{tmp_path} can be written by everybody.*chmod o-w"):
        state_folder()
    monkeypatch.setenv("GENRETAG_STATE_DIR", str(tmp_path / "genretag"))
    assert state_folder() == tmp_path / "genretag"
    monkeypatch.delenv("GENRETAG_STATE_DIR")
    tmp_path.chmod(0o1777)
    assert state_folder() == tmp_path / "genretag"


def test_a_folder_of_another_user_that_was_named(home, monkeypatch):
    """Root, as in a container, with a folder of whoever runs the container."""
    os.chown(home, OTHER, OTHER)
    monkeypatch.setenv("GENRETAG_STATE_DIR", str(home))
    Journal.open(state_folder()).close()
    os.chown(home / JOURNAL, OTHER, OTHER)
    Journal.open(state_folder()).close()
    os.chown(home / JOURNAL, OTHER - 1, OTHER)
    with pytest.raises(UsageError, match="it belongs to user 65533"):
        Journal.open(state_folder())
    monkeypatch.delenv("GENRETAG_STATE_DIR")
    monkeypatch.setenv("XDG_STATE_HOME", str(home.parent))
    home.rename(home.with_name("genretag"))
    with pytest.raises(UsageError, match="belongs to nobody, who could replace what is in it"):
        state_folder()


def test_an_undo_asks_whose_the_journal_is(tmp_path):
    os.chown(tmp_path, OTHER, OTHER)
    run = genretag_here("undo", "--list", GENRETAG_STATE_DIR=str(tmp_path), code=2)
    assert "belongs to nobody" in run.stderr


def test_without_a_cache_that_others_can_change_a_run_goes_on(open_folder):
    open_folder.chmod(0o777)
    with Cache.open(open_folder) as cache:
        assert "can be written by everybody" in cache.notice
    assert list(open_folder.iterdir()) == []


def test_a_cache_that_somebody_else_began(open_folder):
    with Cache.open(open_folder) as cache:
        assert not cache.notice
    os.chown(open_folder / "cache.sqlite3", OTHER, OTHER)
    with Cache.open(open_folder) as cache:
        assert "it belongs to nobody" in cache.notice
    assert (open_folder / "cache.sqlite3").stat().st_uid == 0


@pytest.mark.parametrize("what", ["link", "file"])
def test_a_journal_that_somebody_else_put_there(open_folder, tmp_path, what):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    Journal.open(elsewhere).close()
    if what == "link":
        plant(open_folder / JOURNAL, elsewhere / JOURNAL)
    else:
        (elsewhere / JOURNAL).rename(open_folder / JOURNAL)
        os.chown(open_folder / JOURNAL, OTHER, OTHER)
    with pytest.raises(UsageError, match="is not this user's: "):
        Journal.open(open_folder)


@pytest.mark.parametrize("log", ["-wal", "-journal"])
def test_a_log_beside_a_database_that_somebody_else_put_there(open_folder, log):
    """SQLite would play it back, and so write into the database."""
    for open_one in (Journal.open, Cache.open):
        open_one(open_folder).close()
    for name in (JOURNAL, CACHE):
        as_other("open(sys.argv[1], 'x').close()", f"{open_folder / name}{log}")
    with pytest.raises(UsageError, match=f"{JOURNAL}{log}: it belongs to nobody"):
        Journal.open(open_folder)
    with Cache.open(open_folder) as cache:
        assert f"{CACHE}{log}: it belongs to nobody" in cache.notice


def test_a_lock_that_is_a_link(own_folder, victim):
    plant(own_folder / LOCK, victim)
    with pytest.raises(UsageError, match="cannot be locked"), RunLock(own_folder, "genretag scan"):
        pass
    assert victim.read_text() == PRECIOUS


def test_a_lock_of_the_cache_that_is_a_link(own_folder, victim):
    plant(own_folder / "cache.lock", victim.with_name("new"))
    with Cache.open(own_folder) as cache:
        assert cache.notice
    assert not victim.with_name("new").exists()


@pytest.mark.parametrize("name", ["config.toml", "types.json"])
def test_a_configuration_of_another_user(tmp_path, monkeypatch, name):
    """It says where a log is written, and which model is loaded."""
    folder = tmp_path / "genretag"
    folder.mkdir()
    (folder / name).write_text("")
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    read = load_file if name == "config.toml" else load_types
    os.chown(folder / name, OTHER, OTHER)
    with pytest.raises(UsageError, match="not obeyed: it belongs to nobody"):
        read(environment)
    os.chown(folder / name, 0, 0)
    (folder / name).chmod(0o666)
    with pytest.raises(UsageError, match="not obeyed: everybody can write to it"):
        read(environment)


def test_a_configuration_that_was_named(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("")
    os.chown(path, OTHER, OTHER)
    assert load_file({"GENRETAG_CONFIG": str(path)}).found


def test_what_belongs_to_this_user_or_to_root(tmp_path):
    file = tmp_path / "file"
    file.touch()
    tmp_path.chmod(0o755)
    for place in tmp_path.parents[:-2]:
        place.chmod(place.stat().st_mode | 0o011)
    assert (distrust(tmp_path), not_ours(file)) == (None, "")
    root = str(Path(__file__).parents[2])
    as_other(
        "folder = Path(sys.argv[1]); assert distrust(folder) is None, distrust(folder);"
        " assert not not_ours(folder / 'file')",
        tmp_path,
        before=f"sys.path.insert(0, {root!r}); from pathlib import Path;"
        " from tagger.trust import distrust, not_ours",
    )


def test_a_scan_with_a_planted_log(own_folder, victim, tmp_path):
    plant(own_folder / "a.log", victim)
    run = attempt_here("scan", "-n", tmp_path, "--log", own_folder / "a.log")
    assert run.returncode == 2
    assert run.stderr.startswith("genretag: --log ")
    assert victim.read_text() == PRECIOUS
