from __future__ import annotations

import os
from pathlib import Path

import pytest

from tagger.errors import UsageError
from tagger.library import walk as walk_module
from tagger.library.walk import AUDIO_SUFFIXES, FoundFile, walk, walk_folders


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(*roots: Path, base: Path | None = None, **options: object) -> list[str]:
    """Paths below the first root (or ``base``), as the walk yields them."""
    return [str(path.relative_to(base or roots[0])) for path in walk(roots, **options)]


def test_order_is_that_of_the_bytes_of_names(tmp_path):
    touch(tmp_path, "b.mp3", "B.mp3", "a/2.mp3", "a/10.mp3", "ä.mp3", "z.mp3", "Z/1.mp3")
    expected = ["B.mp3", "b.mp3", "z.mp3", "ä.mp3", "Z/1.mp3", "a/10.mp3", "a/2.mp3"]
    assert found(tmp_path) == expected
    assert found(tmp_path) == expected


def test_order_does_not_follow_the_file_system(tmp_path, monkeypatch):
    touch(tmp_path, "a.mp3", "b.mp3", "c.mp3")
    scandir = os.scandir

    class Backwards:
        def __init__(self, folder):
            with scandir(folder) as entries:
                self._entries = sorted(entries, key=lambda e: e.name, reverse=True)

        def __enter__(self):
            return iter(self._entries)

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(walk_module.os, "scandir", Backwards)
    assert found(tmp_path) == ["a.mp3", "b.mp3", "c.mp3"]


@pytest.mark.parametrize("suffix", sorted(AUDIO_SUFFIXES))
def test_suffixes_in_any_case(tmp_path, suffix):
    names = [f"1{suffix}", f"2{suffix.upper()}", f"3{suffix.title()}"]
    touch(tmp_path, *names)
    assert found(tmp_path) == names


def test_suffixes_are_those_of_the_containers_we_write():
    assert {".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".wav", ".aiff"} <= AUDIO_SUFFIXES


def test_other_files_are_not_audio(tmp_path):
    touch(tmp_path, "cover.jpg", "mp3", "list.m3u", "song.mp3.part", "noise.mp3~", "x.mp3/y.txt")
    os.mkfifo(tmp_path / "pipe.mp3")
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    "litter",
    [".hidden.mp3", "._song.mp3", ".trash/a.mp3", ".AppleDouble/a.mp3", "@eaDir/a.mp3",
     "#recycle/a.mp3", "@Recycle/a.mp3", "#snapshot/d/a.mp3", "$RECYCLE.BIN/a.mp3",
     "lost+found/a.mp3", "System Volume Information/a.mp3",
     ".genretag-0123456789abcdef.tmp", ".genretag-0123456789abcdef.mp3"],
)  # fmt: skip
def test_litter_is_passed_over_at_any_depth(tmp_path, litter):
    touch(tmp_path, litter, f"album/{litter}", "album/song.mp3")
    assert found(tmp_path) == ["album/song.mp3"]


def test_a_folder_that_only_looks_like_litter_is_walked(tmp_path):
    touch(tmp_path, "eaDir/a.mp3", "recycle/b.mp3", "_.mp3")
    assert found(tmp_path) == ["_.mp3", "eaDir/a.mp3", "recycle/b.mp3"]


def test_a_hidden_root_is_walked(tmp_path):
    touch(tmp_path, ".music/a.mp3")
    assert found(tmp_path / ".music") == ["a.mp3"]


def test_a_link_out_of_the_root_is_not_followed(tmp_path):
    touch(tmp_path, "outside/a.mp3", "library-2/b.mp3", "library/c.mp3")
    library = tmp_path / "library"
    (library / "folder").symlink_to(tmp_path / "outside")
    (library / "file.mp3").symlink_to(tmp_path / "outside/a.mp3")
    (library / "sibling").symlink_to("../library-2")  # whose name begins like the root's
    (library / "up").symlink_to("..")
    assert found(library) == ["c.mp3"]


def test_a_link_that_leaves_and_comes_back_stays(tmp_path):
    touch(tmp_path, "library/sub/a.mp3")
    (tmp_path / "way").symlink_to("library/sub")
    (tmp_path / "library/link").symlink_to("../way")
    assert found(tmp_path / "library") == ["link/a.mp3"]


def test_link_loops_end(tmp_path):
    touch(tmp_path, "a/b/song.mp3")
    (tmp_path / "a/b/up").symlink_to("..")
    (tmp_path / "a/root").symlink_to(tmp_path)
    (tmp_path / "a/self.mp3").symlink_to("self.mp3")
    (tmp_path / "a/ping.mp3").symlink_to("pong.mp3")
    (tmp_path / "a/pong.mp3").symlink_to("ping.mp3")
    assert found(tmp_path) == ["a/b/song.mp3"]


def test_links_inside_are_followed_once(tmp_path):
    touch(tmp_path, "b/song.mp3", "b/other.mp3")
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "c.mp3").symlink_to("b/song.mp3")
    assert found(tmp_path) == ["c.mp3", "a/other.mp3"]


def test_a_link_to_nothing_is_passed_over(tmp_path):
    (tmp_path / "gone.mp3").symlink_to("nowhere.mp3")
    touch(tmp_path, "here.mp3")
    assert found(tmp_path) == ["here.mp3"]


def test_a_root_that_is_a_link_is_walked(tmp_path):
    touch(tmp_path, "disk/sub/a.mp3")
    (tmp_path / "music").symlink_to("disk")
    (tmp_path / "disk/more").symlink_to("sub")
    assert found(tmp_path / "music") == ["more/a.mp3"]


def test_hard_links_once(tmp_path):
    touch(tmp_path, "b.mp3")
    (tmp_path / "a").mkdir()
    os.link(tmp_path / "b.mp3", tmp_path / "a/z.mp3")
    os.link(tmp_path / "b.mp3", tmp_path / "c.mp3")
    assert found(tmp_path) == ["b.mp3"]


def test_overlapping_roots_once(tmp_path):
    touch(tmp_path, "a/1.mp3", "a/2.mp3", "b.mp3")
    roots = (tmp_path / "a/2.mp3", tmp_path / "a", tmp_path, tmp_path / "a", tmp_path / "b.mp3")
    assert found(*roots, base=tmp_path) == ["a/2.mp3", "a/1.mp3", "b.mp3"]


def test_a_root_that_is_a_file_counts_whatever_its_name(tmp_path):
    touch(tmp_path, ".recording")
    assert list(walk([tmp_path / ".recording"])) == [tmp_path / ".recording"]


def test_names_that_are_not_utf8_survive(tmp_path):
    raw = os.path.join(os.fsencode(tmp_path), b"caf\xe9")  # noqa: PTH118 (pathlib has no bytes)
    os.mkdir(raw)  # noqa: PTH102
    with open(os.path.join(raw, b"\xff\xfe.mp3"), "wb"):  # noqa: PTH118, PTH123
        pass
    (path,) = walk([tmp_path])
    assert os.fsencode(path).endswith(b"/caf\xe9/\xff\xfe.mp3")
    assert path.is_file()
    assert found(tmp_path, exclude=["*nothing*"]) == [str(path.relative_to(tmp_path))]


@pytest.mark.parametrize(
    ("globs", "left"),
    [
        ([], ["a.flac", "Pod/2.mp3", "Pod/sub/1.mp3", "live/2.mp3"]),
        (["Pod"], ["a.flac", "live/2.mp3"]),
        (["Pod/*"], ["a.flac", "live/2.mp3"]),
        (["Pod/sub"], ["a.flac", "Pod/2.mp3", "live/2.mp3"]),
        (["2.*"], ["a.flac", "Pod/sub/1.mp3"]),
        (["*.flac", "[lP]*"], []),
        (["pod", "*/3.mp3"], ["a.flac", "Pod/2.mp3", "Pod/sub/1.mp3", "live/2.mp3"]),
    ],
)
def test_exclude(tmp_path, globs, left):
    touch(tmp_path, "Pod/2.mp3", "Pod/sub/1.mp3", "a.flac", "live/2.mp3")
    assert found(tmp_path, exclude=globs) == left


def test_exclude_is_not_matched_above_the_root(tmp_path):
    touch(tmp_path, "Pod/a.mp3")
    assert found(tmp_path / "Pod", exclude=["Pod", "Pod/*"]) == ["a.mp3"]


def test_an_unreadable_folder_is_reported_and_the_rest_walked(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.mp3", "bad/2.mp3", "c/3.mp3")
    scandir = os.scandir

    def refuse(folder):  # root may read anything, so that a mode would prove nothing
        if Path(folder).name == "bad":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(walk_module.os, "scandir", refuse)
    problems: list[tuple[Path, str]] = []
    assert found(tmp_path, problem=lambda *said: problems.append(said)) == ["a/1.mp3", "c/3.mp3"]
    assert problems == [(tmp_path / "bad", "cannot be read: Permission denied")]
    assert found(tmp_path) == ["a/1.mp3", "c/3.mp3"]


def test_a_folder_that_vanishes_is_reported(tmp_path):
    touch(tmp_path, "a.mp3", "b/c.mp3")
    problems: list[tuple[Path, str]] = []
    names = walk([tmp_path], problem=lambda *said: problems.append(said))
    assert next(names).name == "a.mp3"
    (tmp_path / "b/c.mp3").unlink()
    (tmp_path / "b").rmdir()
    assert list(names) == []
    assert problems == [(tmp_path / "b", "cannot be read: No such file or directory")]


def test_a_file_that_vanishes_is_left_to_its_reader(tmp_path):
    touch(tmp_path, "a.mp3", "b.mp3")
    names = walk([tmp_path])
    next(names)
    (tmp_path / "b.mp3").unlink()
    assert [path.name for path in names] == ["b.mp3"]


def test_files_that_are_named_one_by_one_lie_in_one_folder(tmp_path):
    touch(tmp_path, "a/1.mp3", "a/2.mp3", "b/3.mp3")
    roots = [tmp_path / "a/1.mp3", tmp_path / "a/2.mp3", tmp_path / "b/3.mp3", tmp_path / "b"]
    folders = [(f.path, [file.name for file in f.files]) for f in walk_folders(roots)]
    assert folders == [(f"{tmp_path}/a", ["1.mp3", "2.mp3"]), (f"{tmp_path}/b", ["3.mp3"])]


def test_a_root_that_is_neither(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp3")
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        list(walk([tmp_path / "pipe.mp3"]))


def test_no_depth_is_too_deep(tmp_path):
    deepest = tmp_path.joinpath(*["d"] * 1200)
    try:
        made = tmp_path
        for _ in range(1200):
            made /= "d"
            made.mkdir()
        touch(deepest, "song.mp3")
        assert [path.name for path in walk([tmp_path])] == ["song.mp3"]
    finally:  # pytest's own cleaning does recurse
        (deepest / "song.mp3").unlink(missing_ok=True)
        os.removedirs(deepest)
        tmp_path.mkdir(parents=True, exist_ok=True)


@pytest.mark.parametrize("name", ["gone", "file.mp3/below", "n" * 300])
def test_a_root_that_does_not_exist(tmp_path, name):
    touch(tmp_path, "file.mp3")
    with pytest.raises(UsageError, match=name):
        list(walk([tmp_path, tmp_path / name]))


def test_all_roots_are_checked_before_anything_is_yielded(tmp_path):
    touch(tmp_path, "a.mp3")
    with pytest.raises(UsageError):
        next(walk([tmp_path, tmp_path / "gone"]))


def test_folders_hold_what_a_stat_says(tmp_path):
    touch(tmp_path, "b/2.mp3", "b/1.mp3", "b/c/3.mp3", "empty/notes.txt", "0.mp3")
    (tmp_path / "b/1.mp3").write_bytes(b"12345")
    os.utime(tmp_path / "b/1.mp3", ns=(7, 7))
    folders = list(walk_folders([tmp_path, tmp_path / "0.mp3"]))
    assert [f.path for f in folders] == [str(tmp_path), f"{tmp_path}/b", f"{tmp_path}/b/c"]
    assert folders[1].files[0] == FoundFile("1.mp3", 5, 7)
    assert [file.name for file in folders[1].files] == ["1.mp3", "2.mp3"]


def test_a_file_that_vanishes_amid_a_folder(tmp_path, monkeypatch):
    touch(tmp_path, "a.mp3")

    class Entry:
        name, path = "gone.mp3", f"{tmp_path}/gone.mp3"
        is_symlink = is_dir = staticmethod(lambda: False)
        is_file = staticmethod(lambda follow_symlinks=True: True)

        def stat(self):
            raise FileNotFoundError(2, "No such file or directory")

    class Scandir:
        def __init__(self, folder):
            pass

        def __enter__(self):
            return [Entry()]

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(walk_module.os, "scandir", Scandir)
    (folder,) = walk_folders([tmp_path])
    assert folder.files == [FoundFile("gone.mp3", -1, 0)]
