from __future__ import annotations

import pytest

from tagger.errors import UsageError
from tagger.models.vocabulary import DEFAULT_ALIASES, Vocabulary
from tagger.training.genre_tree import DEFAULT_PARENTS, GenreTree
from tagger.words import comparable


@pytest.mark.parametrize(
    ("genre", "top"),
    [
        ("Techno", "Electronic"),
        ("minimal techno", "Electronic"),
        ("Psy-Trance", "Electronic"),
        ("Drum'n'Bass", "Drum'n'Bass"),  # an alias, which is the vocabulary's matter
        ("Bebop", "Jazz"),
        ("PUNK", "Rock"),
        ("Post Punk", "Rock"),
        ("Trap", "Hip-Hop"),
        ("Death Metal", "Metal"),
        ("Soul", "R&B"),
        ("Ska", "Reggae"),
        ("Opera", "Classical"),
        ("Rock", "Rock"),
        ("Metal", "Metal"),
        ("Zouk", "Zouk"),
        ("never heard of", "never heard of"),
        ("", ""),
    ],
)
def test_top_of_a_genre(genre: str, top: str) -> None:
    assert GenreTree().top(genre) == top


def test_way_up_begins_with_the_genre_as_it_is_spelled() -> None:
    assert GenreTree().way_up("minimal techno") == ("minimal techno", "Techno", "Electronic")


def test_the_users_parents_go_first() -> None:
    tree = GenreTree({"techno": "Dance Music", "Metal": "Rock", "Zouk": "Caribbean"})
    assert tree.top("Acid Techno") == "Dance Music"
    assert tree.top("Doom Metal") == "Rock"
    assert tree.top("Zouk") == "Caribbean"
    assert tree.top("House") == "Electronic"


def test_a_default_that_would_close_a_circle_does_not_apply() -> None:
    tree = GenreTree({"Electronic": "Techno", "Jazz": "Swing"})
    for genre in ("Techno", "Electronic", "House"):
        assert tree.top(genre) == "Techno"
    for genre in ("Swing", "Jazz", "Bebop"):
        assert tree.top(genre) == "Swing"


def test_the_users_own_circle_is_refused() -> None:
    with pytest.raises(UsageError, match="circle"):
        GenreTree({"A": "B", "B": "C", "C": "a"})


def test_defaults_come_in_the_users_spelling() -> None:
    words = {"Electronic": "Elektronik", "Techno": "Tekkno", "House": "Elektronik"}
    tree = GenreTree(spelled=lambda word: words.get(word, word))
    assert tree.way_up("Tekkno") == ("Tekkno", "Elektronik")
    assert tree.way_up("Hard Techno") == ("Hard Techno", "Tekkno", "Elektronik")
    assert tree.top("Deep House") == "Elektronik"
    assert tree.top("Elektronik") == "Elektronik"


def test_the_default_tree_is_sound() -> None:
    keys = [comparable(genre) for genre in DEFAULT_PARENTS]
    assert len(set(keys)) == len(keys) >= 150
    Vocabulary(parents=DEFAULT_PARENTS)  # words that may stand in tags, no circle
    tree = GenreTree()
    for genre, parent in DEFAULT_PARENTS.items():
        assert tree.way_up(genre)[1] == parent  # none was dropped
        # What the vocabulary makes of a word of the tree must be in the tree as well.
        for word in (genre, parent):
            spelled = DEFAULT_ALIASES.get(comparable(word), word)
            assert tree.top(spelled) == tree.top(word), word


@pytest.mark.parametrize(
    "label",
    ["Blues", "Classical", "Country", "Disco", "Electronic", "Hip-Hop", "Jazz", "Metal", "Pop",
     "Reggae", "Rock"],
)  # fmt: skip
def test_labels_of_the_default_model_stand_at_the_top(label: str) -> None:
    assert GenreTree().top(label) == label
