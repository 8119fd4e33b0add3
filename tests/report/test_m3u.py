from __future__ import annotations

import os
from pathlib import Path

import pytest

from tagger.errors import UsageError
from tagger.report.m3u import Entry, write_playlist


def test_a_playlist_is_relative_to_where_it_lies(tmp_path):
    music = tmp_path / "music" / "Ann"
    music.mkdir(parents=True)
    path = tmp_path / "lists" / "mine.m3u8"
    path.parent.mkdir()
    entries = [
        Entry(music / "café.mp3", 200.4, "Ann", "Über"),
        Entry(music / "b.mp3", 61.5, "", ""),
        Entry(path.parent / "#1 hit.mp3", 3.0, "", "One"),
    ]
    assert write_playlist(path, entries) == []
    assert path.read_text("utf-8").splitlines() == [
        "#EXTM3U",
        "#EXTINF:200,Ann - Über",
        "../music/Ann/café.mp3",
        "#EXTINF:62,b",
        "../music/Ann/b.mp3",
        "#EXTINF:3,One",
        "./#1 hit.mp3",
    ]
    assert [p.name for p in path.parent.iterdir()] == ["mine.m3u8"]


def test_hostile_names(tmp_path):
    raw = tmp_path / os.fsdecode(b"caf\xe9.mp3")
    broken = tmp_path / "a\n#EXTINF:0\r.mp3"
    path = tmp_path / "x.m3u8"
    entries = [Entry(broken, 1), Entry(raw, 2, "A\n/etc/passwd", "t\x1b[0m\udce9")]
    assert write_playlist(path, entries) == [broken]
    assert path.read_bytes().split(b"\n") == [
        b"#EXTM3U",
        rb"#EXTINF:2,A\n/etc/passwd - t\x1b[0m\xe9",
        b"caf\xe9.mp3",
        b"",
    ]


def test_a_playlist_takes_the_place_of_one(tmp_path):
    path = tmp_path / "x.m3u"
    for name in ("a", "b"):
        write_playlist(path, [Entry(tmp_path / f"{name}.mp3", 1)])
    assert path.read_text().splitlines()[-1] == "b.mp3"


@pytest.mark.parametrize(
    ("name", "said"),
    [("song.mp3", "must end in"), ("no/x.m3u8", "cannot be written"), ("f.m3u8", "is a folder")],
)
def test_what_cannot_be_written(tmp_path: Path, name, said):
    (tmp_path / "f.m3u8").mkdir()
    (tmp_path / "song.mp3").write_bytes(b"audio")
    with pytest.raises(UsageError, match=said):
        write_playlist(tmp_path / name, [Entry(tmp_path / "a.mp3", 1)])
    assert (tmp_path / "song.mp3").read_bytes() == b"audio"
