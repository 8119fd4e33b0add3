from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from training.labelled_samples import track

from tagger.errors import UsageError
from tagger.training.examples import Example, Labelled
from tagger.training.sources import read_labelled


def genres(found: Labelled) -> dict[str, int]:
    return dict(Counter(example.genre for example in found.examples))


def fill(folder: Path, **counts: int) -> Path:
    """Untagged tracks, some a genre, in a folder a genre."""
    for genre, n in counts.items():
        for i in range(n):
            track(folder / genre / f"{i:02d}.flac")
    return folder


# --- folders ----------------------------------------------------------------------------


def test_the_folders_of_gtzan(tmp_path: Path) -> None:
    found = read_labelled(fill(tmp_path, jazz=2, blues=3))
    assert [str(e.path.relative_to(tmp_path)) for e in found.examples] == [
        *("blues/00.flac", "blues/01.flac", "blues/02.flac"),
        *("jazz/00.flac", "jazz/01.flac"),
    ]
    assert genres(found) == {"blues": 3, "jazz": 2}
    assert {(e.artist, e.album) for e in found.examples} == {("", "")}
    assert read_labelled(tmp_path, "folders").examples == found.examples


def test_artist_and_album_of_a_folder(tmp_path: Path) -> None:
    fill(tmp_path, jazz=2)
    paths = {
        "tagged": track(tmp_path / "Rock/X/Y/1.flac", ARTIST="Bob feat. Eve", ALBUM="First"),
        "album artist": track(tmp_path / "Rock/2.flac", ARTIST="Eve", ALBUMARTIST="Bob"),
        "compilation": track(
            tmp_path / "Rock/3.flac", ARTIST="Eve", ALBUMARTIST="Various Artists", ALBUM="Hits"
        ),
        "two folders": track(tmp_path / "Rock/Ann/Second/4.flac"),
        "album in tags": track(tmp_path / "Rock/Ann/x/cd 1/5.flac", ALBUM="Third"),
        "one folder": track(tmp_path / "Rock/Ann/6.flac"),
        "not audio": tmp_path / "Rock/7.mp3",
    }
    paths["not audio"].write_bytes(b"no audio at all")
    made = {e.path: (e.genre, e.artist, e.album) for e in read_labelled(tmp_path).examples}
    assert {name: made[path] for name, path in paths.items()} == {
        "tagged": ("Rock", "Bob feat. Eve", "First"),
        "album artist": ("Rock", "Bob", ""),
        "compilation": ("Rock", "Eve", "Hits"),
        "two folders": ("Rock", "Ann", "Second"),
        "album in tags": ("Rock", "Ann", "Third"),
        "one folder": ("Rock", "", ""),
        "not audio": ("Rock", "", ""),  # whether it can be heard is for the hearing to say
    }


def test_folders_are_walked_as_by_a_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, jazz=2, blues=2, locked=2)
    for litter in (".hidden/1.flac", "jazz/@eaDir/1.flac", "jazz/.1.flac", "blues/cover.jpg"):
        track(tmp_path / litter)
    track(tmp_path / "beside.flac")
    scandir = os.scandir

    def refusing(path: str):  # a folder's mode would not stop root
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = read_labelled(tmp_path, "folders")
    assert genres(found) == {"jazz": 2, "blues": 2}
    assert found.notes == (
        f"{tmp_path / 'locked'}: cannot be read: Permission denied",
        "1 file beside the folders of the genres: left out",
    )


# --- which source -----------------------------------------------------------------------


def test_auto_tells_folders_from_tags(tmp_path: Path) -> None:
    for i, genre in enumerate(("Rock", "Rock", "Jazz", "Jazz")):
        track(tmp_path / "flat" / f"{i}.flac", GENRE=genre)
        track(tmp_path / "nested" / ("ab"[i % 2]) / f"{i}.flac", GENRE=genre)
    flat, nested = read_labelled(tmp_path / "flat"), read_labelled(tmp_path / "nested")
    assert genres(flat) == {"Rock": 2, "Jazz": 2}
    assert "those in the files' tags" in flat.notes[0]
    assert genres(nested) == {"a": 2, "b": 2}
    assert "names of the folders" in nested.notes[0]
    assert genres(read_labelled(tmp_path / "nested", "tags")) == {"Rock": 2, "Jazz": 2}


@pytest.mark.parametrize("labels", ["auto", "folders", "tags"])
def test_no_such_folder(tmp_path: Path, labels) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        read_labelled(tmp_path / "absent", labels)


def test_what_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "spectrograms.npz").write_bytes(b"")
    with pytest.raises(UsageError, match=r"spectrograms\.npz: an archive"):
        read_labelled(tmp_path / "spectrograms.npz")
    song = track(tmp_path / "song.flac", GENRE="Rock")
    with pytest.raises(UsageError, match="neither a folder of music nor a table"):
        read_labelled(song)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no audio files"):
        read_labelled(tmp_path / "empty")
    with pytest.raises(UsageError, match="holds its own labels"):
        read_labelled(tmp_path / "tracks.csv", "tags")


# --- what is left out -------------------------------------------------------------------


def test_rare_genres_are_left_out(tmp_path: Path) -> None:
    fill(tmp_path, Rock=4, Jazz=3, Zouk=1)
    found = read_labelled(tmp_path, "folders")
    assert genres(found) == {"Rock": 4, "Jazz": 3}
    assert found.notes == ("Zouk has 1 track, 2 are needed: left out",)
    assert genres(read_labelled(tmp_path, "folders", min_per_genre=1)) == {
        "Rock": 4,
        "Jazz": 3,
        "Zouk": 1,
    }


def test_many_rare_genres_are_one_line(tmp_path: Path) -> None:
    fill(tmp_path, Rock=3, Jazz=3, **{f"g{i:02d}": 1 for i in range(10)})
    found = read_labelled(tmp_path, "folders", min_per_genre=3)
    assert found.notes == (
        "10 genres have fewer than 3 tracks: left out "
        "(g00, g01, g02, g03, g04, g05, g06, g07 and 2 more)",
    )


@pytest.mark.parametrize(
    ("counts", "said"),
    [({"Rock": 3}, "Rock is the only genre"), ({"Rock": 3, "Zouk": 1}, "Zouk has 1 track")],
)
def test_one_genre_is_too_few(tmp_path: Path, counts: dict[str, int], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        read_labelled(fill(tmp_path, **counts))
    assert "two are needed" in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_genre_is_enough_to_judge_by(tmp_path: Path) -> None:
    found = read_labelled(fill(tmp_path, Rock=2), min_per_genre=1, least_genres=1)
    assert genres(found) == {"Rock": 2}


def test_spellings_of_one_genre_are_one(tmp_path: Path) -> None:
    fill(tmp_path, **{"hip hop": 2, "Hip-Hop": 3, "Jazz": 2})
    found = read_labelled(tmp_path, "folders")
    assert genres(found) == {"Hip-Hop": 5, "Jazz": 2}
    assert found.notes == ("'hip hop' is counted as 'Hip-Hop': 2 tracks",)


def test_names_of_one_genre_are_one_before_they_are_counted(tmp_path: Path) -> None:
    fill(tmp_path, **{"Rap": 2, "hiphop": 3, "Jazz": 5, "Jazz Music": 1})
    found = read_labelled(tmp_path, "folders", min_per_genre=5)
    assert genres(found) == {"hiphop": 5, "Jazz": 6}
    assert found.notes == (
        "'Rap' is counted as 'hiphop': 2 tracks",
        "'Jazz Music' is counted as 'Jazz': 1 track",
    )


def test_two_hundred_genres(tmp_path: Path) -> None:
    table = tmp_path / "tracks.csv"
    rows = [f"{track(tmp_path / f'{i}.flac').name},genre {i % 200:03d},a,b" for i in range(400)]
    table.write_text("\n".join(["path,genre,artist,album", *rows]))
    assert genres(read_labelled(table)) == {f"genre {i:03d}": 2 for i in range(200)}


def test_order_is_that_of_the_paths_as_text(tmp_path: Path) -> None:
    names = ("b/1.flac", "b/a/1.flac", "b-/1.flac", "é/1.flac", "z/1.flac", "B/1.flac")
    for name in names:
        track(tmp_path / name)
    found = read_labelled(tmp_path, "folders", min_per_genre=1)
    paths = [str(example.path) for example in found.examples]
    assert paths == sorted(paths)
    assert len(paths) == len(names)


def test_the_real_folders(data: Path) -> None:
    by_folder, by_table = (read_labelled(data / name) for name in ("emotify", "emotify/tracks.csv"))
    assert genres(by_folder) == genres(by_table)
    assert [(e.path, e.genre) for e in by_folder.examples] == [
        (e.path, e.genre) for e in by_table.examples
    ]
    assert all(isinstance(e, Example) and e.artist for e in by_folder.examples)
    by_tags = read_labelled(data / "emotify", "tags")
    assert set(genres(by_tags)) >= {"Classical", "Electronic", "Rock"}
    for name in ("zouk", "gtzan/audio"):
        with pytest.raises(UsageError, match="tracks without a genre"):
            read_labelled(data / name)
