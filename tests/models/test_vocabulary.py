from __future__ import annotations

import itertools

import mutagen.id3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.domain import Candidate
from tagger.errors import UsageError
from tagger.models.bundle import find_bundle, load_bundle
from tagger.models.vocabulary import DEFAULT_ALIASES, Thresholds, Vocabulary
from tagger.words import comparable

HALF = Thresholds({})


def words(vocabulary: Vocabulary, **genres: float) -> list[tuple[str, float]]:
    heard = [(label.replace("_", " "), p) for label, p in genres.items()]
    return [(c.word, c.probability) for c in vocabulary.candidates(heard, HALF)]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("hip hop", "Hip-Hop", True),
        ("Música", "musica", True),
        ("R'n'B", "RNB", True),
        ("Rock", "Rocks", False),
        ("???", "!!!", False),
        ("摇滚", "民谣", False),
    ],
)
def test_comparable(one, other, same):
    assert (comparable(one) == comparable(other)) is same


@pytest.mark.parametrize(
    ("label", "word"),
    [
        ("hiphop", "Hip-Hop"), ("hip hop", "Hip-Hop"), ("HIP_HOP", "Hip-Hop"), ("rap", "Hip-Hop"),
        ("Hip-Hop/Rap", "Hip-Hop"), ("rnb", "R&B"), ("R&B/Soul", "R&B"),
        ("rhythm and blues", "R&B"), ("drum and bass", "Drum & Bass"), ("dnb", "Drum & Bass"),
        ("drum'n'bass", "Drum & Bass"), ("edm", "Electronic"), ("electronica", "Electronic"),
        ("classic", "Classical"), ("synth-pop", "Synthpop"), ("metal", "Metal"),
        # What no table knows stays, free of what would split it.
        ("Zydeco", "Zydeco"), ("Pop/Rock", "Pop Rock"), ("Funk / Soul", "Funk Soul"),
        ("Folk, World, & Country", "Folk World & Country"), ("a;b", "a b"), ("摇滚", "摇滚"),
        ("///", None), ("17", None),
    ],
)  # fmt: skip
def test_a_vocabulary_without_tables_gives_names_that_players_know(label, word):
    assert Vocabulary().route(label).word == word


def test_the_default_models_labels_stay():
    labels = load_bundle(find_bundle("default")).labels
    routes = [Vocabulary().route(label) for label in labels]
    assert [(route.word, route.steps) for route in routes] == [(label, ()) for label in labels]


def test_default_words_stand_in_the_id3_list_and_lead_nowhere_else():
    assert set(DEFAULT_ALIASES.values()) <= set(mutagen.id3.TCON.GENRES)
    for word in DEFAULT_ALIASES.values():
        assert DEFAULT_ALIASES[comparable(word)] == word


TREE = Vocabulary(
    aliases={"disco": "Dance", "Reggae": "reggae music"},
    ignore=frozenset({"POP", "rap"}),
    parents={"dance": "Electronic", "Metal": "Hard Rock", "hard rock": "Rock"},
    whitelist=("Electronic", "rock", "Hip Hop", "Reggae music"),
)


@pytest.mark.parametrize(
    ("label", "steps", "word", "dropped"),
    [
        ("Disco", (("alias", "Dance"), ("parent", "Electronic")), "Electronic", ""),
        ("Metal", (("parent", "Hard Rock"), ("parent", "rock")), "rock", ""),
        ("Rock", (("spelling", "rock"),), "rock", ""),
        ("Hip-Hop", (("spelling", "Hip Hop"),), "Hip Hop", ""),
        ("Electronic", (), "Electronic", ""),
        ("EDM", (("alias", "Electronic"),), "Electronic", ""),
        ("Reggae", (("alias", "Reggae music"),), "Reggae music", ""),
        ("Pop", (), None, "ignored"),
        ("Pop Music", (("alias", "Pop"),), None, "ignored"),
        ("Rap", (("alias", "Hip Hop"),), None, "ignored"),
        ("Country", (), None, "not on the whitelist"),
        ("Country Music", (("alias", "Country"),), None, "not on the whitelist"),
    ],
)
def test_route(label, steps, word, dropped):
    route = TREE.route(label)
    assert (route.label, route.steps, route.word, route.dropped) == (label, steps, word, dropped)


def test_a_climb_that_reaches_no_allowed_word_is_shown():
    route = Vocabulary(parents={"Metal": "Rock"}, whitelist=("Jazz",)).route("Metal")
    assert (route.steps, route.dropped) == ((("parent", "Rock"),), "not on the whitelist")


def test_parents_do_nothing_without_a_whitelist():
    assert Vocabulary(parents={"Metal": "Rock"}).route("Metal").word == "Metal"


@pytest.mark.parametrize(
    ("aliases", "whitelist", "label", "word"),
    [
        ({"Hip-Hop": "Rap"}, (), "hiphop", "Rap"),
        ({"Hip-Hop": "Rap"}, (), "rap", "Rap"),
        ({"R&B": "Soul"}, (), "rnb", "Soul"),  # what is another name of it goes along
        ({"EDM": "EDM"}, (), "edm", "EDM"),
        ({"EDM": "Dance"}, (), "Electronic", "Electronic"),
        ({"Cajun": "zydeco"}, (), "Zydeco", "zydeco"),  # one word, one spelling
        ({"Rock": "Pop", "Pop": "Rock"}, (), "Rock", "Pop"),
        ({}, ("Rap",), "Rap", "Rap"),
        ({"Techno": "Rave"}, ("RAVE",), "Techno", "RAVE"),
    ],
)
def test_the_users_words_go_before_the_default_ones(aliases, whitelist, label, word):
    assert Vocabulary(aliases=aliases, whitelist=whitelist).route(label).word == word


def test_labels_that_become_one_word_add_up_and_rank_anew():
    dance = Vocabulary(aliases={"Disco": "Dance", "House": "Dance"})
    assert words(dance, Rock=0.4, Disco=0.35, House=0.25) == [
        ("Dance", pytest.approx(0.6)),
        ("Rock", 0.4),
    ]
    climbed = Vocabulary(parents={"Metal": "Rock"}, whitelist=("Rock", "Jazz"))
    assert words(climbed, Metal=0.3, Jazz=0.45, Rock=0.2, Pop=0.05) == [
        ("Rock", pytest.approx(0.5)),
        ("Jazz", 0.45),
    ]


def test_one_word_in_two_spellings_of_the_model_is_one():
    heard = [("zydeco", 0.25), ("Zydeco", 0.5)]
    assert Vocabulary().candidates(heard, HALF) == (
        Candidate("Zydeco", 0.75, 0.5, ("Zydeco", "zydeco")),
    )


def test_ignored_words_leave_their_probability_to_nobody():
    assert words(Vocabulary(ignore=frozenset({"Pop"})), Pop=0.7, Rock=0.3) == [("Rock", 0.3)]
    assert words(Vocabulary(whitelist=("Jazz",)), Pop=0.7, Rock=0.3) == []


@pytest.mark.parametrize(
    ("thresholds", "least"),
    [
        (Thresholds({}), 0.5),
        (Thresholds({"Disco": 0.6, "House": 0.9}), 0.6),
        (Thresholds({"Disco": 0.6}, {"dance": 0.7, "disco": 0.1}), 0.7),
        (Thresholds({"Disco": 0.6}, {"dance": 0.7}, 0.2), 0.2),
        (Thresholds({"Disco": 0.6}, {"dance": 0.7}, 0.0), 0.0),
    ],
)
def test_the_threshold_of_a_word(thresholds, least):
    dance = Vocabulary(aliases={"Disco": "Dance", "House": "Dance"})
    heard = [("House", 0.25), ("Disco", 0.5)]
    assert dance.candidates(heard, thresholds) == (
        Candidate("Dance", 0.75, least, ("Disco", "House")),
    )


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"aliases": {"Pop": "Pop/Rock"}}, "vocabulary.aliases: 'Pop/Rock' holds '/'"),
        ({"parents": {"Pop": "A, B"}}, "vocabulary.parents: 'A, B' holds ','"),
        ({"whitelist": ("A; B",)}, "vocabulary.whitelist: 'A; B' holds ';'"),
        ({"whitelist": ("",)}, "vocabulary.whitelist: '' must be one line with a letter"),
        ({"aliases": {"Pop": "17"}}, "'17' must be one line with a letter"),
        ({"aliases": {"Pop": " Pop"}}, "' Pop' must be one line with a letter"),
        ({"parents": {"Pop": "Po\np"}}, r"'Po\\np' must be one line with a letter"),
        ({"parents": {"A": "A"}}, "vocabulary.parents: 'A' → 'A' is a circle"),
        ({"parents": {"A": "B", "b": "C c", "C-C": "a"}}, "→ .* → .* → .* is a circle"),
        ({"whitelist": ("Hip-Hop", "hip hop")}, "'Hip-Hop' and 'hip hop' are the same word"),
        ({"aliases": {"A": "Dance", "B": "dance"}}, "'Dance' and 'dance' are the same word"),
        ({"aliases": {"A b": "X", "A-b": "Y"}}, "'A b' and 'A-b' are the same word"),
        ({"parents": {"A b": "X", "A-b": "Y"}}, "'A b' and 'A-b' are the same word"),
        ({"ignore": frozenset({"pop"}), "whitelist": ("Pop",)}, "'pop' stands in ignore and in"),
    ],
)
def test_what_cannot_be_meant_is_refused(tables, message):
    with pytest.raises(UsageError, match=message) as caught:
        Vocabulary(**tables)
    assert "\n" not in str(caught.value)


def test_a_circle_is_told_from_below_to_above():
    with pytest.raises(UsageError) as caught:
        Vocabulary(parents={"Metal": "Rock", "Rock": "Pop", "Pop": "Metal"})
    way = str(caught.value).removeprefix("vocabulary.parents: ").partition(" is a circle")[0]
    steps = [word.strip("'") for word in way.split(" → ")]
    assert len(steps) == 4
    above = {"Metal": "Rock", "Rock": "Pop", "Pop": "Metal"}
    assert steps[1:] == [above[step] for step in steps[:-1]]


NAMES = st.sampled_from(
    ["Rock", "rock", "Pop/Rock", "Hip-Hop", "hip hop", "rap", "EDM", "House", "Disco", "a;b,c",
     "Folk, World", "摇滚", "R&B", "  ", "12", "Zydeco"]
)  # fmt: skip
WORDS = st.sampled_from(["Dance", "Rock", "House", "Electronic", "Rap", "Zydeco", "Folk"])


IGNORED = st.sampled_from(["Disco", "EDM", "r&b", "Pop Rock", "hip hop"])


@st.composite
def vocabularies(draw):
    tree = draw(st.permutations(["House", "Disco", "Dance", "Electronic", "Rock"]))
    steps = list(itertools.pairwise(tree))
    return Vocabulary(
        aliases=draw(st.dictionaries(st.sampled_from(["Disco", "Rock", "EDM"]), WORDS)),
        ignore=frozenset(draw(st.sets(IGNORED, max_size=2))),
        parents=dict(steps[: draw(st.integers(0, len(steps)))]),
        whitelist=tuple(draw(st.lists(WORDS, unique=True, max_size=4))),
    )


@settings(max_examples=40, derandomize=True, deadline=None)
@given(
    vocabularies(),
    st.dictionaries(NAMES, st.floats(0, 1), min_size=1).filter(lambda d: sum(d.values()) > 0.01),
)
def test_what_holds_for_every_vocabulary(vocabulary, weights):
    total = sum(weights.values())
    genres = [(label, weight / total) for label, weight in weights.items()]
    found = vocabulary.candidates(genres, HALF)
    assert sum(c.probability for c in found) <= 1 + 1e-9
    assert all(0 <= c.probability <= 1 for c in found)
    assert [c.probability for c in found] == sorted((c.probability for c in found), reverse=True)
    assert not any(set(";/,") & set(c.word) for c in found)
    assert len({comparable(c.word) for c in found}) == len(found)
    allowed = set(vocabulary.whitelist)
    assert not allowed or {c.word for c in found} <= allowed
    kept = [label for label, _ in genres if vocabulary.route(label).word is not None]
    assert sorted(label for c in found for label in c.labels) == sorted(kept)
    ignored = {comparable(word) for word in vocabulary.ignore}
    assert ignored.isdisjoint(comparable(name) for c in found for name in (c.word, *c.labels))
