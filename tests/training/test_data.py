from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import synth

pytest.importorskip("sklearn")

from tagger.errors import UsageError
from tagger.training import data
from tagger.training.data import load_data
from tagger.training.datasets import ENSEMBLE_FEATURES, TrackSet
from tagger.training.genre_names import named_genre


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("hiphop", "Hip-Hop"),
        ("zouk", "Zouk"),
        ("wind, rain", "Wind- Rain"),
        ("two\nlines", "Two Lines"),
        ("Red\x1b[31m", "Red\\x1b[31m"),
        ("Bad\udcff", "Bad\\xff"),
        ("日本", "日本"),
    ],
)
def test_a_genre_is_a_line_of_text(label: str, name: str) -> None:
    assert named_genre(label) == name


def test_why_nothing_is_left_is_said(tmp_path: Path) -> None:
    for genre in ("rock", "zouk"):
        (tmp_path / genre).mkdir()
        synth.write(tmp_path / genre / "1.wav", synth.silence(7.0))
    with pytest.raises(UsageError, match=r"1 track each are needed.*1\.wav: silent"):
        load_data(tmp_path, min_per_genre=1)


def archived(
    monkeypatch: pytest.MonkeyPatch, groups: list[str], genres: list[str], held: list[int]
) -> data.Data:
    n = len(genres)
    tracks = TrackSet(
        np.zeros((n, 2, 2), dtype=np.uint8),
        np.zeros((n, len(ENSEMBLE_FEATURES)), dtype=np.float32),
        np.array(genres),
        np.array(groups),
        np.array(held, dtype=bool),
        np.full(n, "x"),
    )
    monkeypatch.setattr(data, "load_archive", lambda npz, table: tracks)
    return load_data(Path("x.npz"), table=Path("x.csv"))


def test_an_archive_is_split_by_what_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    genres = ["a", "a", "b", "b", "rare"]
    by_artist = archived(monkeypatch, ["1", "1", "2", "3", "4"], genres, [0, 0, 0, 1, 0])
    assert by_artist.unit == "artist"
    assert by_artist.labels == ("A", "B")
    assert by_artist.notes == ("Rare: fewer than 2 tracks: left out",)
    unnamed = archived(monkeypatch, ["1", "2", "3", "4", "5"], genres, [0, 0, 0, 0, 0])
    assert unnamed.unit == "track"
    leaking = archived(monkeypatch, ["1", "1", "2", "2", "4"], genres, [0, 1, 0, 0, 0])
    assert leaking.unit == "track"
    assert "1 artist on both sides of the archive's own partition" in leaking.notes
    with pytest.raises(UsageError, match="two genres with 2 tracks"):
        archived(monkeypatch, ["1", "1"], ["a", "a"], [0, 0])


def test_copies_under_other_names_are_not_split(tmp_path: Path) -> None:
    lines = ["path,genre,artist"]
    for genre in ("rock", "zouk"):
        for i in range(3):
            path = tmp_path / f"{genre} {i}.wav"
            synth.write(path, synth.song(5.0, seed=i + 10 * len(lines)))
            lines.append(f"{path},{genre},{genre} {i}")
    shutil.copy(tmp_path / "rock 0.wav", tmp_path / "copy.wav")
    lines.append(f"{tmp_path / 'copy.wav'},rock,Various Artists")
    table = tmp_path / "table.csv"
    table.write_text("\n".join(lines))
    found = load_data(table, jobs=1)
    by_path = dict(zip((path.name for path in found.paths), found.tracks.groups, strict=True))
    assert by_path["copy.wav"] == by_path["rock 0.wav"]
    assert len(set(by_path.values())) == 6
    assert "copies of another track, kept on its side of a split: 1" in found.notes
