"""Free music: packages unpacked, and recordings heard."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import synth

from tagger.errors import UsageError
from tagger.training import free_music
from tagger.training.free_music import PACKAGES, fetch, main, unpack

needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not here")


def package_of(tmp_path: Path, files: dict[str, bytes], name: str = "game") -> Path:
    """A real package of some files."""
    root = tmp_path / "root"
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: d\n"
    )
    made = tmp_path / f"{name}_1_all.deb"
    subprocess.run(["dpkg-deb", "-b", root, made], check=True, capture_output=True)
    shutil.rmtree(root)
    return made


def recording(tmp_path: Path) -> bytes:
    path = tmp_path / "song.ogg"
    synth.write(path, np.tile(synth.song(5.0, seed=1), 13).astype(np.float32))
    assert path.stat().st_size > free_music._LEAST_BYTES
    return path.read_bytes()


@needs_dpkg
def test_of_a_package_its_recordings_are_kept_and_its_statement(tmp_path: Path) -> None:
    song = recording(tmp_path)
    archive = tmp_path / "data.pk3"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("sound/cdtracks/other.ogg", song)
        packed.writestr("sound/shot.ogg", b"bang")
    package = package_of(
        tmp_path,
        {
            "usr/share/games/game/music/theme.OGG": song,
            "usr/share/games/game/sounds/click.ogg": song[:1000],
            "usr/share/games/game/data.pk3": archive.read_bytes(),
            "usr/share/games/game/map.bin": bytes(300_000),
            "usr/share/doc/game/copyright": b"free as in music",
        },
    )
    folder = tmp_path / "free" / "game"
    assert unpack(package, folder) == 2
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(kept) == {"001-other.ogg", "002-theme.OGG", "copyright"}
    assert kept["001-other.ogg"] == kept["002-theme.OGG"] == song
    assert kept["copyright"] == b"free as in music"
    assert [path.name for path in folder.parent.iterdir()] == ["game"]


@needs_dpkg
def test_what_is_no_package_leaves_nothing(tmp_path: Path) -> None:
    package = tmp_path / "game_1_all.deb"
    package.write_bytes(b"no package")
    with pytest.raises(UsageError, match=r"game_1_all\.deb: no package"):
        unpack(package, tmp_path / "free" / "game")
    assert not list((tmp_path / "free").iterdir())


@needs_dpkg
def test_packages_are_fetched_once_and_missing_ones_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With an ``apt-get`` whose sources have one of the packages."""
    known = PACKAGES[3]
    package = package_of(tmp_path, {"usr/games/a.ogg": recording(tmp_path)}, known)
    commands = tmp_path / "bin"
    commands.mkdir()
    log = tmp_path / "log"
    silent = PACKAGES[5]
    (commands / "apt-get").write_text(
        f'#!/bin/sh\necho "$3" >> {log}\n[ "$3" = {known} ] && cp {package} . && exit\n'
        f'[ "$3" = {silent} ] || echo "W: old\nE: Unable to locate package $3" >&2\nexit 100\n'
    )
    (commands / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    others = len(PACKAGES) - 1
    with pytest.raises(SystemExit, match=f"{others} of {len(PACKAGES)} packages are not there"):
        main([str(tmp_path / "free")])
    said = capsys.readouterr().out.splitlines()
    assert len(said) == len(PACKAGES)
    assert f"{known}: recordings: 1" in said
    assert f"{PACKAGES[0]}: not fetched: Unable to locate package {PACKAGES[0]}" in said
    assert f"{silent}: not fetched: apt-get ended with 100" in said
    assert log.read_text().split() == list(PACKAGES)
    with pytest.raises(SystemExit, match="packages are not there"):
        main([str(tmp_path / "free")])
    assert log.read_text().split()[len(PACKAGES) :] == [p for p in PACKAGES if p != known]


def test_a_system_without_packages_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="apt-get: not found"):
        fetch("game", tmp_path / "free")
    with pytest.raises(SystemExit, match="apt-get: not found; Debian and its relatives"):
        main([str(tmp_path / "free")])


def test_a_folder_without_recordings_is_told(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    from tagger.training.free_hearing import hear_free_music

    (tmp_path / "notes.txt").write_text("no music")
    with pytest.raises(UsageError, match="no recording that can be heard"):
        hear_free_music({}, tmp_path)
