from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.report.file_names import file_names


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Rock", "Rock"),
        ("Drum & Bass", "Drum & Bass"),
        ("R&B/Soul", "R&B Soul"),
        ("../../etc/passwd", "etc passwd"),
        (".hidden", "hidden"),
        ("Etc...", "Etc"),
        ("a\nb\x1b[0m\u202ec", "a b [0m c"),
        ("con", "con_"),
        ("LPT1.old", "LPT1.old_"),
        ("console", "console"),
        ("Électro", "Électro"),
        ("E\u0301lectro", "Électro"),
        ("\udce9", "unnamed"),
        ("  ", "unnamed"),
        ("é" * 100, "é" * 60),
    ],
)
def test_names(name, file):
    assert file_names([name], ".m3u8") == [f"{file}.m3u8"]


def test_no_two_are_the_same_on_a_file_system_without_case():
    names = ["Rock", "ROCK", "rock/", "Rock (2)", "Pop"]
    assert file_names(names, ".x") == ["Rock.x", "ROCK (2).x", "rock (3).x", "Rock (2) (2).x",
                                       "Pop.x"]  # fmt: skip


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.text(st.characters(), max_size=200), max_size=6))
def test_any_names_give_files_that_can_be_made(tmp_path_factory, names):
    files = file_names(names, ".m3u8")
    assert len({file.casefold() for file in files}) == len(names)
    for file in files:
        assert len(file.encode()) <= 140
        assert file.isprintable()
        assert not set(file) & set('<>:"/\\|?*')
        assert not file.startswith(".")
        assert file == file.strip()
    assert file_names(names, ".m3u8") == files
