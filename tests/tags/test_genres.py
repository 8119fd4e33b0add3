from __future__ import annotations

import pytest

from tagger.tags.genres import comparable, from_id3, id3v1_index, is_generic, named, split


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["Rock"], ("Rock",)),
        (["17"], ("Rock",)),
        (["(17)"], ("Rock",)),
        (["(17)(20)"], ("Rock", "Alternative")),
        (["(4)Eurodisco"], ("Disco", "Eurodisco")),
        (["(17)Rock"], ("Rock",)),
        (["RX"], ("Remix",)),
        (["CR"], ("Cover",)),
        (["(RX)"], ("Remix",)),
        (["Rock; Pop"], ("Rock", "Pop")),
        (["Rock;Pop;"], ("Rock", "Pop")),
        (["17; (13)"], ("Rock", "Pop")),
        (["Rock", "Pop"], ("Rock", "Pop")),
        (["R&B/Soul"], ("R&B/Soul",)),
        (["Folk, World, & Country"], ("Folk, World, & Country",)),
        (["((Foo) Bar"], ("(Foo) Bar",)),
        (["1984"], ("1984",)),
        (["  Rock  "], ("Rock",)),
        ([""], ()),
        ([], ()),
    ],
)
def test_words_of_a_tcon_frame(texts, words):
    assert from_id3(texts) == words


def test_split_leaves_slashes_alone():
    assert split(["A/B; C , D", ""]) == ("A/B", "C , D")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("hip hop", "Hip-Hop", True),
        ("HIPHOP", "Hip-Hop", True),
        ("Música", "musica", True),
        ("Rock", "Rocks", False),
        ("???", "!!!", False),
        ("摇滚", "民谣", False),
    ],
)
def test_comparable(one, other, same):
    assert (comparable(one) == comparable(other)) is same


@pytest.mark.parametrize(
    "word",
    ["Other", "other", "UNKNOWN", "Misc", "Miscellaneous", "Genre", "None", "Default",
     "Undefined", "Unclassifiable", "Unknown Genre", "<unknown>", "12", "(12)", "", " - "],
)  # fmt: skip
def test_generic_words(word):
    assert is_generic(word)


@pytest.mark.parametrize("word", ["Rock", "17", "Otherworldly", "Nonesuch", "摇滚", "80s"])
def test_real_words(word):
    assert not is_generic(word)


def test_numbers_have_names():
    assert [named(w) for w in ("17", "(12)", "999", "Rock")] == ["Rock", "Other", "999", "Rock"]


def test_id3v1_list():
    assert id3v1_index("Rock") == 17
    assert id3v1_index("hip hop") == 7
    assert id3v1_index("Eurodisco, but new") == 255
