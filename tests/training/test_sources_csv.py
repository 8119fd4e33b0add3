from __future__ import annotations

from pathlib import Path

import pytest
from training.labelled_samples import track

from tagger.errors import UsageError
from tagger.training.sources import read_labelled
from tagger.training.sources_csv import read_csv
from tagger.training.tables import read_table


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for name in ("r1", "r2", "j1", "j2"):
        track(tmp_path / f"{name}.flac", ARTIST=f"tagged {name}", ALBUM="tagged album")
    return tmp_path


def table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "tracks.csv"
    path.write_bytes(text.encode(encoding))
    return path


def rows(path: Path, folder: Path | None = None) -> list[tuple[str, str, str, str]]:
    return [(e.path.name, e.genre, e.artist, e.album) for e in read_csv(path, folder).examples]


@pytest.mark.parametrize("column", ["path", "file", "filename", "File", " PATH "])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tables_as_they_come(
    music: Path, column: str, delimiter: str, encoding: str, end: str
) -> None:
    lines = [
        [column, "genre", "artist", "album"],
        ["r1.flac", "Röck", "Bob", "First"],
        [],
        ["j1.flac", '"Jazz, Soul; etc."', "", " "],
    ]
    text = end.join(delimiter.join(line) for line in lines)
    assert rows(table(music, text, encoding)) == [
        ("r1.flac", "Röck", "Bob", "First"),
        ("j1.flac", "Jazz, Soul; etc.", "tagged j1", "tagged album"),
    ]


def test_tags_say_what_the_table_leaves_open(music: Path) -> None:
    assert rows(table(music, "path,genre\nr1.flac,Rock\n")) == [
        ("r1.flac", "Rock", "tagged r1", "tagged album")
    ]
    (music / "broken.flac").write_bytes(b"")
    assert rows(table(music, "path,genre,artist\nbroken.flac,Rock,Bob\n")) == [
        ("broken.flac", "Rock", "Bob", "")
    ]


def test_paths_are_absolute_or_relative_to_the_table_or_else_the_folder(music: Path) -> None:
    other = track(music / "other" / "o.flac")
    inside = track(music / "lists" / "r1.flac", ARTIST="beside the table")
    text = f"path,genre\n{other},Rock\nr1.flac,Rock\nj1.flac,Jazz\n"
    listed = table(inside.parent, text)
    assert [e.path for e in read_csv(listed, music).examples] == [other, inside, music / "j1.flac"]
    assert [e.path for e in read_csv(listed).examples] == [other, inside]
    (music / "lists/j1.flac").symlink_to(music / "j1.flac")
    found = read_labelled(music, listed, min_per_genre=1)
    assert {e.path for e in found.examples} == {other, inside, music / "lists/j1.flac"}


def test_what_is_left_out(music: Path) -> None:
    text = (
        "path,genre\nr1.flac,Rock\nr2.flac,\nnone.flac,Rock\ngone/x.flac,Jazz\n"
        f"j1.flac,Jazz\n../{music.name}/j1.flac,Rock\n"
        f"j2.flac,Jazz\nj2.flac,jazz\n{'x' * 300}.flac,Jazz\n"
    )
    found = read_csv(table(music, text))
    assert [(e.path.name, e.genre) for e in found.examples] == [
        ("r1.flac", "Rock"),
        ("j2.flac", "Jazz"),
    ]
    assert found.notes == (
        "3 files of tracks.csv not found: left out (the first: none.flac)",
        "1 track without a genre: left out",
        f"1 file named twice with different genres: left out (the first: {music / 'j1.flac'})",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the table is empty"),
        ("\n ,\n", "the table is empty"),
        ("path,style\na,b\n", "line 1: the header has no column genre; it has path, style"),
        ("\nname,genre\na,b\n", "line 2: the header has no column path or file or filename; it"),
        ("r1.flac\nr2.flac\n", "no column path or file or filename, genre; it has r1.flac"),
        ("path,file,genre\na,b,c\n", "line 1: path and file both name the file"),
        ("path,genre,Genre\na,b,c\n", "two columns are called genre"),
        ("path,genre\nr1.flac,Rock\nr2.flac\n", "line 3 has 1 value for 2 columns"),
        ("path,genre\nr1.flac,Rock, Pop\n", "line 2 has 3 values for 2 columns; put in quotes"),
        ("path,genre\n,Rock\n", "line 2 names no file"),
        ('path,genre\nr1.flac,"Rock\n', "line 2: unexpected end of data"),
        ('path,genre\n"r1.flac"x,Rock\n', "line 2: "),
    ],
)
def test_tables_that_are_refused(music: Path, text: str, said: str) -> None:
    path = table(music, text)
    with pytest.raises(UsageError) as caught:
        read_csv(path)
    message = str(caught.value)
    assert said in message
    assert message.startswith(f"{path}: ")
    assert "\n" not in message


def test_tables_that_are_no_text(music: Path) -> None:
    with pytest.raises(UsageError, match="line 2 is not UTF-8 text"):
        read_csv(table(music, "path,genre\nr1.flac,Röck\n", "latin-1"))
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_csv(music / "absent.csv")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_csv(music)


def test_names_of_files_may_be_any_bytes(music: Path) -> None:
    name = "r\udcff\udce9\n\x1b[31m.flac"
    (music / "r1.flac").rename(music / name)
    path = music / "tracks.csv"
    path.write_bytes(b'genre,path\nR\xc3\xb6ck,"r\xff\xe9\n\x1b[31m.flac"\n')
    assert rows(path) == [(name, "Röck", "tagged r1", "tagged album")]
    (music / name).unlink()
    with pytest.raises(UsageError, match="line 3 is not UTF-8 text"):
        read_csv(path)


def test_a_line_in_quotes_may_have_breaks(tmp_path: Path) -> None:
    path = table(tmp_path, 'file,genre,note\na.mp3,Rock,"one\ntwo"\nb.mp3,Jazz,\n')
    assert read_table(path, ("genre",)) == [
        (3, {"path": "a.mp3", "genre": "Rock", "note": "one\ntwo"}),
        (4, {"path": "b.mp3", "genre": "Jazz", "note": ""}),
    ]
