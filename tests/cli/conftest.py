from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import mutagen
import mutagen.id3
import pytest
import synth

SONGS = ("a.mp3", "b.flac", "c.ogg", "d.opus", "e.wav", "f.aiff", os.fsdecode(b"caf\xe9.wav"),
         "line\nbreak \x1b[31mred.flac")  # fmt: skip
SKIPPED = {"silent.wav": "silent", "short.wav": "too short"}
FAILED = ("text.mp3", "truncated.flac", "zero.mp3")
STANDING = {"b.flac": "Zydeco", "c.ogg": "Other"}
"""Genres in files before any scan; the model knows neither."""

Library = Callable[..., Path]


def _set_title(path: Path) -> None:
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    if isinstance(file.tags, mutagen.id3.ID3):
        file.tags.add(mutagen.id3.TIT2(encoding=3, text=[f"Title of {path.suffix}"]))
    else:
        file["title"] = [f"Title of {path.suffix}"]
        if path.name in STANDING:
            file["genre"] = [STANDING[path.name]]
    file.save()


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Songs in every container, and what is found beside them in real libraries; not to be
    written to."""
    folder = tmp_path_factory.mktemp("pristine")
    for seed, name in enumerate(SONGS):
        sr = 48_000 if name.endswith(".opus") else 22_050
        plain = synth.write(folder / f"new{Path(name).suffix}", synth.song(3.6, sr, seed=seed), sr)
        _set_title(plain.rename(folder / name))
    synth.write(folder / "silent.wav", synth.silence(5.0))
    synth.write(folder / "short.wav", synth.song(1.0))
    (folder / "text.mp3").write_text("This is no music.\n" * 100)
    whole = (folder / "b.flac").read_bytes()
    (folder / "truncated.flac").write_bytes(whole[: len(whole) // 3])
    (folder / "zero.mp3").touch()
    (folder / "notes.txt").write_text("not to be looked at")
    return folder


@pytest.fixture
def library(pristine: Path, tmp_path: Path) -> Library:
    """Makes a copy of some of the files, or of all, to be scanned."""

    def make(*names: str) -> Path:
        folder = tmp_path / "library"
        folder.mkdir()
        for name in names or [path.name for path in pristine.iterdir()]:
            shutil.copy2(pristine / name, folder / name)
        return folder

    return make
