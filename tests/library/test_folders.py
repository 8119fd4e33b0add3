from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tagger.errors import UsageError
from tagger.library.folders import cache_folder, state_folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """A home folder of the test's own, and none of the variables set."""
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("GENRETAG_STATE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("GENRETAG_CACHE_DIR", raising=False)
    return home


def test_own_variable_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("GENRETAG_STATE_DIR", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert state_folder() == tmp_path / "own"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "own"]


def test_then_xdg(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert state_folder() == tmp_path / "xdg/genretag"
    assert state_folder().is_dir()


@pytest.mark.parametrize("xdg", [None, "", "relative/state"])
def test_then_home(home, monkeypatch, xdg):
    if xdg is not None:
        monkeypatch.setenv("XDG_STATE_HOME", xdg)
    monkeypatch.setenv("GENRETAG_STATE_DIR", "")
    assert state_folder() == home / ".local/state/genretag"


def test_all_that_is_made_is_for_the_owner_alone(home):
    folder = state_folder()
    assert [mode(p) for p in (folder, folder.parent, folder.parent.parent)] == [0o700] * 3
    assert mode(home) == 0o755


def test_a_folder_that_stands_keeps_its_mode(tmp_path, monkeypatch):
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(0o750)
    monkeypatch.setenv("GENRETAG_STATE_DIR", str(folder))
    assert state_folder() == folder
    assert mode(folder) == 0o750


def test_naming_it_makes_nothing(home):
    assert state_folder(create=False) == home / ".local/state/genretag"
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("path", ["state", "./state", "~/state"])
def test_a_relative_path_is_refused(monkeypatch, path):
    monkeypatch.setenv("GENRETAG_STATE_DIR", path)
    with pytest.raises(UsageError, match=r"^GENRETAG_STATE_DIR must be an absolute path, not .*$"):
        state_folder()


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_file_in_the_way(tmp_path, monkeypatch, below):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GENRETAG_STATE_DIR", str(tmp_path / "file" / below))
    with pytest.raises(UsageError, match=r"cannot be made: .*; set GENRETAG_STATE_DIR") as caught:
        state_folder()
    assert "\n" not in str(caught.value)


def test_no_home(monkeypatch):
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(UsageError, match="set GENRETAG_STATE_DIR"):
        state_folder()


def test_the_cache_has_a_folder_of_its_own(home, tmp_path, monkeypatch):
    assert cache_folder(create=False) == home / ".cache/genretag"
    assert list(home.iterdir()) == []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg/genretag"
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    assert mode(tmp_path / "own") == 0o700
    monkeypatch.setenv("GENRETAG_CACHE_DIR", "own")
    with pytest.raises(UsageError, match=r"^GENRETAG_CACHE_DIR must be an absolute path, not own$"):
        cache_folder()


def test_a_file_in_the_way_of_the_cache(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=r"the cache folder cannot be made: .*GENRETAG_CACHE_DIR"):
        cache_folder()
