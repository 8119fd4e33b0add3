"""Full disks and read-only mounts, real ones where this machine lets us mount them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from tags.tagging_samples import content, recorder

from tagger.domain import TagChange
from tagger.errors import TagError, UsageError
from tagger.library.identity import payload_digest_of
from tagger.tags import copying
from tagger.tags.leftovers import is_leftover
from tagger.tags.read import read_tags
from tagger.tags.writer import WriteSettings, restore, write_changes
from tagger.workflows.recording import RunRecorder

_UNSHARE = ["unshare", "--mount"] + (["--map-root-user"] if os.getuid() else [])
_TMPFS = 'mount -t tmpfs -o size=3m none "$0"'


@pytest.fixture
def mountpoint(tmp_path) -> Path:
    """A folder on which a name space of our own may mount something."""
    folder = tmp_path / "small"
    folder.mkdir()
    if not shutil.which("unshare") or not sys.platform.startswith("linux"):
        pytest.skip("needs unshare")
    if subprocess.run([*_UNSHARE, "sh", "-c", _TMPFS, folder], capture_output=True).returncode:
        pytest.skip("may not mount anything here")
    return folder


def inside(mountpoint: Path, job: str, state: Path, mount: str = _TMPFS) -> dict[str, int]:
    """Run a job of this module in a process of its own, on a small disk that only it sees."""
    here = Path(__file__)
    script = f'{mount} && exec "$1" "$2" {job} "$0"'
    paths = os.pathsep.join([str(here.parents[2]), str(here.parents[1])])
    done = subprocess.run(
        [*_UNSHARE, "sh", "-c", script, mountpoint, sys.executable, here],
        env={**os.environ, "PYTHONPATH": paths, "GENRETAG_STATE_DIR": str(state)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout)
    return found


def test_a_full_disk(mountpoint, tmp_path):
    found = inside(mountpoint, "full", tmp_path / "state")
    failed = "the tags cannot be written: the disk is full; make room and run again"
    # The small files have room for a copy, the WAV files have not; with room, all have.
    assert found == {"tagged": 9, failed: 3, "then tagged": 12}


def test_a_full_disk_in_place(mountpoint, tmp_path):
    found = inside(mountpoint, "full_in_place", tmp_path / "state")
    assert found == {"the tags cannot be written: the disk is full; make room and run again": 8}


def test_a_full_disk_under_the_journal(mountpoint, tmp_path):
    (found,) = inside(mountpoint, "full_journal", mountpoint / "state").items()
    assert "journal" in found[0]
    assert "full" in found[0]


def test_a_read_only_mount(mountpoint, tmp_path):
    found = inside(mountpoint, "read_only", tmp_path / "state")
    assert found == {"the file system is mounted read-only": 12}


@pytest.mark.parametrize("kind", ["btrfs", "xfs"])
def test_a_disk_that_shares_blocks(mountpoint, tmp_path, kind):
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(400 << 20)
    mount = f'mount -o loop "{image}" "$0"'
    script = f'mkfs.{kind} "{image}" && {mount}'
    if subprocess.run([*_UNSHARE, "sh", "-c", script, mountpoint], capture_output=True).returncode:
        pytest.skip(f"may not make and mount {kind} here")
    found = inside(mountpoint, "shared_blocks", tmp_path / "state", mount)
    assert found == {"grown": 3, "shared": 3, "restored": 3}


# What follows runs inside the name space.


def library(folder: Path, count: int = 12) -> dict[Path, bytes]:
    """Files of several formats and what they hold."""
    files = {}
    for i in range(count):
        name = ("opus", "wav", "mp3", "vorbis")[i % 4]
        path = folder / f"{i:03}.{name}"
        path.write_bytes(content(name))
        files[path] = content(name)
    return files


def try_to_tag(files: dict[Path, bytes], *, in_place: bool = False) -> dict[str, int]:
    """Tag all; count what happens, and check that what failed is as it was."""
    counts: Counter[str] = Counter()
    with closing(RunRecorder("scan", "m 1")) as recorder:
        for path, before in files.items():
            try:
                write_changes(
                    path,
                    [TagChange("GENRE", (), ("Rock",))],
                    payload_digest=payload_digest_of,
                    settings=WriteSettings(in_place=in_place),
                    recorded=recorder,
                )
                assert read_tags(path).values == {"GENRE": ("Rock",)}
                counts["tagged"] += 1
            except TagError as error:
                counts[str(error)] += 1
                assert path.read_bytes() == before, path
            left = [other for other in path.parent.iterdir() if is_leftover(other.name)]
            assert not left, left
    return dict(counts)


def fill(folder: Path, *, but: int) -> Path:
    """Fill the disk, but for some bytes."""
    disk = os.statvfs(folder)
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(disk.f_bavail * disk.f_frsize - but))
    return ballast


def full(folder: Path) -> dict[str, int]:
    files = library(folder)
    sizes = sorted(len(data) for data in files.values())
    ballast = fill(folder, but=sizes[-4] + 12_000)  # room for all but the WAV files
    assert sizes[-4] + 20_000 < sizes[-1]
    found = try_to_tag(files)
    ballast.unlink()
    for path in files:
        path.write_bytes(files[path])
    return {**found, "then tagged": try_to_tag(files)["tagged"]}


def full_in_place(folder: Path) -> dict[str, int]:
    files = {}
    for i in range(8):  # to the last byte of a page, so that none can grow
        data = content("mp3")
        path = folder / f"{i}.mp3"
        files[path] = data[: len(data) // 4096 * 4096]
        path.write_bytes(files[path])
    fill(folder, but=0)
    return try_to_tag(files, in_place=True)


def full_journal(folder: Path) -> dict[str, int]:
    fill(folder, but=0)
    music = folder.parent / "music"
    music.mkdir()
    try:
        return try_to_tag(library(music))
    except UsageError as error:
        return {str(error): 1}


def read_only(folder: Path) -> dict[str, int]:
    files = library(folder)
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    return try_to_tag(files)


def shared_blocks(folder: Path) -> dict[str, int]:
    """Grow tags, then change them in the room they have, which must not copy a file."""
    files = {}
    for name in ("mp3", "flac", "wav"):
        path = folder / f"song.{name}"
        path.write_bytes(content(name))
        if name == "mp3":
            path.write_bytes(content(name) * 50)
        files[path] = path.read_bytes()
    found = {"grown": try_to_tag(files)["tagged"], "shared": 0, "restored": 0}

    def refuse(*args: object) -> bool:
        raise AssertionError("the file was copied")

    copying._copy_in_kernel = refuse
    kept, recorded = recorder()
    for path in files:
        before = path.read_bytes()
        write_changes(
            path,
            [TagChange("GENRE", ("Rock",), ("Hip-Hop",))],
            payload_digest=payload_digest_of,
            recorded=recorded,
        )
        assert read_tags(path).values == {"GENRE": ("Hip-Hop",)}
        found["shared"] += 1
        found["restored"] += restore(kept[-1])
        assert path.read_bytes() == before
    return found


if __name__ == "__main__":
    jobs = {j.__name__: j for j in (full, full_in_place, full_journal, read_only, shared_blocks)}
    print(json.dumps(jobs[sys.argv[1]](Path(sys.argv[2]))))
