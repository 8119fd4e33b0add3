from __future__ import annotations

import pytest

from tagger.models.axes import AXES
from tagger.models.type_names import BALANCED, described, names_for, words_of

# rhythmic, energetic, bright, melodic, harmonic
FIRST = (1.2, 0.1, 0.9, -0.4, 0.3)
LIKE_IT = (1.1, -0.3, 0.8, 0.5, 0.1)
TURNED = (0.8, -0.3, 1.1, 0.5, 0.1)
OTHER = (-0.9, -0.4, -1.3, 0.1, 0.2)
NOTHING = (0.1, -0.1, 0.0, 0.15, -0.05)


@pytest.mark.parametrize(
    ("types", "names"),
    [
        ([FIRST, OTHER], ("rhythmic and bright", "mellow and flowing")),
        ([FIRST, LIKE_IT], ("rhythmic and bright", "rhythmic and bright and melodic")),
        # the same two the other way round tell nobody anything
        ([FIRST, TURNED], ("rhythmic and bright", "bright and rhythmic and melodic")),
        ([NOTHING], (BALANCED,)),
        ([NOTHING, NOTHING, NOTHING], (BALANCED, "balanced 2", "balanced 3")),
        ([(0.3, 0.1, 0.0, 0.0, 0.0), (0.4, 0.0, 0.1, 0.0, 0.0)], ("rhythmic", "rhythmic 2")),
        ([], ()),
    ],
    ids=["two words", "a third", "turned round", "average", "all average", "one word", "none"],
)
def test_names(types, names):
    assert names_for(types) == names


def test_names_that_are_taken_are_not_given_again():
    taken = ("bright and rhythmic", BALANCED)
    assert names_for([FIRST, NOTHING], taken) == ("rhythmic and bright and dense", "balanced 2")
    assert names_for([OTHER], taken) == ("mellow and flowing",)


def test_no_two_names_are_alike_however_many_types_there_are():
    types = [(z, -z / 2, z / 3, z / 4, -z / 5) for z in (0.5, 1.0, -0.5, -1.0)] * 8
    names = names_for(types)
    assert len({frozenset(name.split(" and ")) for name in names}) == len(types)
    assert not set("".join(names)) & set(";/,")


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (FIRST, "much more rhythmic, brighter, a little denser, a little more harmonic"),
        (OTHER, "much mellower, more flowing, a little calmer, a little more harmonic"),
        (NOTHING, "close to the average in everything"),
    ],
)
def test_descriptions(scores, said):
    assert described(scores) == said


def test_words_come_strongest_first():
    words = words_of(OTHER)
    assert list(words) == ["mellow", "flowing", "sparse", "harmonic", "melodic"]
    assert list(words.values()) == sorted(words.values(), reverse=True)
    assert len(words) == len(AXES)
