from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tagger.errors import LibraryGoneError
from tagger.library import presence
from tagger.library.presence import Roots

REPOSITORY = Path(__file__).parents[2]
ADVICE = "what was done is kept, run again when it is back"


@pytest.fixture
def music(tmp_path) -> Path:
    folder = tmp_path / "music"
    (folder / "album").mkdir(parents=True)
    (folder / "album" / "song.mp3").touch()
    (folder / "@eaDir").mkdir()
    return folder


def lost(roots: Roots) -> str:
    """The line to end the run with; empty if all is there."""
    try:
        roots.check()
    except LibraryGoneError as error:
        return str(error)
    return ""


def gone(folder: Path) -> str:
    return f"the library {folder} is gone (unmounted?); {ADVICE}"


def test_what_is_there_is_there(music):
    roots = Roots([music])
    assert lost(roots) == ""
    shutil.rmtree(music / "album")
    (music / "other").mkdir()
    assert lost(roots) == ""


def test_no_roots():
    assert lost(Roots([])) == ""


def test_a_folder_that_was_moved_away(music):
    roots = Roots([music])
    music.rename(music.with_name("elsewhere"))
    assert lost(roots) == gone(music)
    music.with_name("elsewhere").rename(music)
    assert lost(roots) == ""


def test_an_empty_folder_in_its_place(music):
    roots = Roots([music])
    music.rename(music.with_name("elsewhere"))
    music.mkdir()
    assert lost(roots) == gone(music)
    (music / "@eaDir").mkdir()  # what the system puts into any folder
    (music / ".Trash").mkdir()
    assert lost(roots) == gone(music)


def test_something_else_in_its_place(music):
    roots = Roots([music])
    music.rename(music.with_name("elsewhere"))
    music.mkdir()
    (music / "documents").mkdir()
    assert lost(roots) == gone(music)
    shutil.rmtree(music)
    music.touch()
    assert lost(roots) == gone(music)


def test_the_same_under_another_number_is_there(music):
    roots = Roots([music])
    shutil.copytree(music, music.with_name("copy"))
    music.rename(music.with_name("elsewhere"))
    music.with_name("copy").rename(music)
    assert lost(roots) == ""


def test_all_that_was_in_it_is_gone(music):
    roots = Roots([music])
    shutil.rmtree(music / "album")
    assert lost(roots) == gone(music)


def test_a_folder_that_was_empty(tmp_path):
    roots = Roots([tmp_path])
    assert lost(roots) == ""
    (tmp_path / "new").mkdir()
    assert lost(roots) == ""


def test_each_of_several_is_looked_at(music, tmp_path):
    second = tmp_path / "second"
    (second / "album").mkdir(parents=True)
    roots = Roots([music, second])
    shutil.rmtree(second)
    assert lost(roots) == gone(second)


def test_a_file_stands_for_its_folder(music):
    song = music / "album" / "song.mp3"
    roots = Roots([song])
    song.with_name("new").touch()
    song.with_name("new").replace(song)  # as a write does
    assert lost(roots) == ""
    song.unlink()
    (music / "album" / "other.mp3").touch()
    assert lost(roots) == ""  # that is the one track's problem
    shutil.rmtree(music / "album")
    assert lost(roots) == gone(music / "album")


def test_a_relative_path_stays_the_same_folder(music, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    roots = Roots([Path("music")])
    monkeypatch.chdir("/")
    assert lost(roots) == ""
    shutil.rmtree(music)
    assert lost(roots) == gone(music)


def test_what_was_never_there_is_not_watched(tmp_path, music):
    roots = Roots([tmp_path / "no/such", music])
    assert lost(roots) == ""


def failing(monkeypatch: pytest.MonkeyPatch, code: int, what: str, name: str) -> None:
    """Let a call fail for entries of one name."""
    call = getattr(Path, what)

    def fail(path: Path, **more: object) -> object:
        if path.name == name:
            raise OSError(code, os.strerror(code))
        return call(path, **more)

    monkeypatch.setattr(Path, what, fail)


@pytest.mark.parametrize("what", ["stat", "lstat"])
@pytest.mark.parametrize(
    "code",
    [errno.ESTALE, errno.EIO, errno.ENOTCONN, errno.EHOSTDOWN, errno.ETIMEDOUT, errno.EACCES],
)
def test_a_system_that_fails(music, monkeypatch, code, what):
    roots = Roots([music])
    failing(monkeypatch, code, what, "music" if what == "stat" else "album")
    why = os.strerror(code).lower()
    assert lost(roots) == f"the library {music} cannot be reached any more ({why}); {ADVICE}"


@pytest.mark.parametrize("code", [errno.EACCES, errno.ESTALE])
def test_a_folder_that_cannot_be_looked_at_is_not_watched(music, monkeypatch, code):
    with monkeypatch.context() as patched:
        failing(patched, code, "stat", "music")
        roots = Roots([music])
    shutil.rmtree(music)
    assert lost(roots) == ""


def test_a_drive_that_does_not_answer(music, monkeypatch):
    never = threading.Event()
    stuck: list[threading.Thread] = []

    def wait(path: Path, **_: object) -> object:
        stuck.append(threading.current_thread())
        never.wait()
        raise OSError(errno.EIO, "")

    roots = Roots([music], limit_s=0.05)
    expected = f"the library {music} does not answer; {ADVICE}"
    with monkeypatch.context() as patched:
        patched.setattr(Path, "stat", wait)
        assert lost(roots) == expected
        with pytest.raises(LibraryGoneError) as caught:
            Roots([music], limit_s=0.05)
    assert str(caught.value) == expected
    assert [thread.daemon for thread in stuck] == [True, True]
    never.set()
    for thread in stuck:
        thread.join()


def test_a_slow_answer_is_one(music, monkeypatch):
    roots = Roots([music], limit_s=30.0)
    call = presence._lost
    monkeypatch.setattr(presence, "_lost", lambda root: (time.sleep(0.1), call(root))[1])
    assert lost(roots) == ""


def test_a_fault_of_ours_is_not_hidden(music, monkeypatch):
    def fault(_: object) -> str:
        raise KeyError("ours")

    roots = Roots([music])
    monkeypatch.setattr(presence, "_lost", fault)
    with pytest.raises(KeyError):
        roots.check()


def test_a_stuck_thread_does_not_keep_the_process():
    job = (
        "import sys, time; from pathlib import Path; from tagger.library.presence import Roots\n"
        "Path.stat = lambda self, **_: time.sleep(300)\n"
        "Roots([Path('/')], limit_s=0.05)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", job],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "the library / does not answer" in done.stderr


def test_ten_thousand_files_are_one_folder(music, monkeypatch):
    looked: list[Path] = []
    call = presence._remembered
    monkeypatch.setattr(presence, "_remembered", lambda f: (looked.append(f), call(f))[1])
    Roots([music / "album" / f"{i}.mp3" for i in range(10_000)])
    assert looked == [music / "album"]


# Real mounts, in a name space of our own.


@pytest.fixture
def mounted(tmp_path) -> Callable[[str], list[str]]:
    """Runs a job of this module on a drive that only it sees."""
    folder = tmp_path / "drive"
    folder.mkdir()
    if not shutil.which("unshare") or not sys.platform.startswith("linux"):
        pytest.skip("needs unshare")
    unshare = ["unshare", "--mount"] + (["--map-root-user"] if os.getuid() else [])
    mount = 'mount -t tmpfs -o size=1m none "$0"'
    if subprocess.run([*unshare, "sh", "-c", mount, folder], capture_output=True).returncode:
        pytest.skip("may not mount anything here")

    def run(job: str) -> list[str]:
        script = f'{mount} && exec "$1" "$2" {job} "$0"'
        done = subprocess.run(
            [*unshare, "sh", "-c", script, folder, sys.executable, __file__],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found: list[str] = json.loads(done.stdout)
        return [line.replace(str(folder), "DRIVE") for line in found]

    return run


@pytest.mark.parametrize("job", ["unmounted", "bind_unmounted", "another_drive"])
def test_a_drive_that_is_unmounted(mounted, job):
    assert mounted(job) == ["", gone(Path("DRIVE/music" if "bind" in job else "DRIVE"))]


def test_a_root_below_the_mount(mounted):
    assert mounted("below") == ["", gone(Path("DRIVE/music"))]


def test_a_drive_that_was_mounted_again(mounted):
    assert mounted("mounted_again") == ["", gone(Path("DRIVE")), ""]


def system(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True)


def unmounted(drive: Path) -> list[str]:
    (drive / "album").mkdir()
    roots = Roots([drive])
    with (drive / "album" / "open").open("w"):  # busy, as under a run
        before = lost(roots)
        system("umount", "-l", drive)
        return [before, lost(roots)]


def bind_unmounted(drive: Path) -> list[str]:
    """A folder that shows another of the same drive, so that the device stays the same."""
    (drive / "disk/album").mkdir(parents=True)
    (drive / "music").mkdir()
    system("mount", "--bind", drive / "disk", drive / "music")
    roots = Roots([drive / "music"])
    before = lost(roots)
    system("umount", drive / "music")
    return [before, lost(roots)]


def another_drive(drive: Path) -> list[str]:
    (drive / "album").mkdir()
    roots = Roots([drive])
    before = lost(roots)
    system("mount", "-t", "tmpfs", "-o", "size=1m", "none", drive)
    (drive / "documents").mkdir()
    return [before, lost(roots)]


def below(drive: Path) -> list[str]:
    (drive / "music/album").mkdir(parents=True)
    roots = Roots([drive / "music"])
    before = lost(roots)
    system("umount", "-l", drive)
    return [before, lost(roots)]


def mounted_again(drive: Path) -> list[str]:
    """As an automatic mount does it: the same, as another device."""
    (drive / "album").mkdir()
    roots = Roots([drive])
    device = drive.stat().st_dev
    found = [lost(roots)]
    system("umount", drive)
    found.append(lost(roots))
    other = drive.with_name("other")
    other.mkdir()
    for folder in (other, drive):  # the first takes the device's number
        system("mount", "-t", "tmpfs", "-o", "size=1m", "none", folder)
    (drive / "album").mkdir()
    assert drive.stat().st_dev != device
    return [*found, lost(roots)]


if __name__ == "__main__":
    jobs = {j.__name__: j for j in (unmounted, bind_unmounted, another_drive, below, mounted_again)}
    print(json.dumps(jobs[sys.argv[1]](Path(sys.argv[2]))))
