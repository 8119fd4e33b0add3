from __future__ import annotations

import mutagen.id3
import pytest

from tagger.tags.genres import from_id3, id3v1_index, id3v1_name, is_generic, named, split
from tagger.words import comparable


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
        (["Hip-Hop/Rap"], ("Hip-Hop/Rap",)),
        (["Rock/Pop"], ("Rock", "Pop")),
        (["rock / Hip Hop"], ("rock", "Hip Hop")),
        (["Rock/Pop; Jazz"], ("Rock", "Pop", "Jazz")),
        (["(17)Rock/Pop"], ("Rock", "Pop")),
        (["(17)Rock; Pop"], ("Rock", "Pop")),
        (["Pop/Funk"], ("Pop/Funk",)),
        (["Folk/Rock"], ("Folk/Rock",)),
        (["Rock/"], ("Rock/",)),
        (["AC/DC", "Rock/Krautfolk"], ("AC/DC", "Rock/Krautfolk")),
        (["Folk, World, & Country"], ("Folk, World, & Country",)),
        (["Rock, Pop"], ("Rock, Pop",)),
        (["((Foo) Bar"], ("(Foo) Bar",)),
        (["(4)((I think)"], ("Disco", "(I think)")),
        (["(Foo) Bar"], ("(Foo) Bar",)),
        (["(RX)(17)"], ("Remix", "Rock")),
        (["Rock\0Pop\0\0"], ("Rock", "Pop")),
        (["255", "(200)"], ("Unknown",)),
        (["256", "1984", "(1984)"], ("256", "1984", "(1984)")),
        (["9" * 5000], ("9" * 5000,)),
        (["  Rock  "], ("Rock",)),
        (["Rock", "17", "Rock"], ("Rock",)),
        ([""], ()),
        ([], ()),
    ],
)
def test_words_of_a_tcon_frame(texts, words):
    assert from_id3(texts) == words


def test_words_of_other_formats():
    assert split(["A/B; C , D", "", "Rock/Pop"]) == ("A/B", "C , D", "Rock", "Pop")


def test_mutagen_agrees_on_what_the_standard_says():
    for text in ("Rock", "17", "(17)", "(17)(20)", "(4)Eurodisco", "RX", "(CR)", "((x)", "(4)((x)"):
        assert from_id3([text]) == tuple(mutagen.id3.TCON(encoding=3, text=[text]).genres)


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
    assert named("9" * 5000) == "9" * 5000


def test_id3v1_list():
    assert id3v1_index("Rock") == 17
    assert id3v1_index("hip hop") == 7
    assert id3v1_index("Eurodisco, but new") == 255
    assert (id3v1_name(17), id3v1_name(191), id3v1_name(192)) == ("Rock", "Psybient", "")
    assert [id3v1_index(id3v1_name(i)) for i in range(192)] == list(range(192))
