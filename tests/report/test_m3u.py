from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.errors import UsageError
from tagger.report.m3u import MARK, Entry, is_ours, write_playlist


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
        "# made by genretag, which may write it anew",
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
        MARK,
        rb"#EXTINF:2,A\n/etc/passwd - t\x1b[0m\xe9",
        b"caf\xe9.mp3",
        b"",
    ]


def test_a_playlist_takes_the_place_of_one(tmp_path):
    path = tmp_path / "x.m3u"
    for name in ("a", "b"):
        write_playlist(path, [Entry(tmp_path / f"{name}.mp3", 1)])
    assert path.read_text().splitlines()[-1] == "b.mp3"


@pytest.mark.parametrize("standing", [b"", b"#EXTM3U\nmine.mp3\n", MARK, b"#EXTM3U\r\n" + MARK])
def test_a_playlist_of_somebody_else_is_left_alone(tmp_path, standing):
    path = tmp_path / "x.m3u8"
    path.write_bytes(standing)
    with pytest.raises(UsageError, match="not made by genretag; it was left alone"):
        write_playlist(path, [Entry(tmp_path / "a.mp3", 1)])
    assert path.read_bytes() == standing
    assert not is_ours(path)


def as_a_player_reads(playlist: Path) -> list[str]:
    """The files that a playlist names, read the way mpd and VLC do."""
    lines = playlist.read_bytes().replace(b"\r", b"\n").split(b"\n")
    names = [line.lstrip() for line in lines if line.strip() and not line.startswith(b"#")]
    return [os.path.normpath(playlist.parent / os.fsdecode(name)) for name in names]


names = st.binary(min_size=1, max_size=12).filter(
    lambda name: b"/" not in name and b"\0" not in name and name.strip(b". \t\x0b\x0c\r\n")
)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.lists(names, min_size=1, max_size=3), max_size=5), st.text(max_size=9))
def test_every_path_comes_back_or_is_named_as_left_out(tmp_path_factory, parts, title):
    root = tmp_path_factory.getbasetemp()
    paths = [root / os.fsdecode(b"/".join(part) + b".mp3") for part in parts]
    playlist = root / "any.m3u8"
    left_out = write_playlist(playlist, [Entry(path, 1.0, title, title) for path in paths])
    assert all("\n" in os.fspath(path) or "\r" in os.fspath(path) for path in left_out)
    kept = [path for path in paths if path not in left_out]
    assert as_a_player_reads(playlist) == [os.path.normpath(path) for path in kept]


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
