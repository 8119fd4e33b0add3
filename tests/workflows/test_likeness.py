from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.models.axes import AXES
from tagger.workflows.likeness import likeness

WORDS = [axis.above for axis in AXES]


def place(**scores: float) -> np.ndarray:
    return np.array([scores.get(word, 0.0) for word in WORDS])


@pytest.mark.parametrize(
    ("seed", "other", "said"),
    [
        (place(), place(), ("much the same",)),
        (place(rhythmic=1.0), place(rhythmic=1.1), ("as rhythmic",)),
        (place(bright=-1.0), place(bright=-0.9), ("as mellow",)),
        (place(bright=0.2), place(bright=-0.9), ("mellower",)),
        (place(rhythmic=1.0), place(rhythmic=1.1, bright=2.0), ("as rhythmic", "brighter")),
        (place(energetic=1.0), place(energetic=3.0), ("more energetic",)),
        # no more than two differences, the greatest first
        (
            place(),
            place(rhythmic=0.6, energetic=-3.0, bright=1.0),
            ("calmer", "brighter"),
        ),
    ],
)
def test_words_for_places(seed, other, said):
    assert likeness(seed, other) == said


def test_shared_genres_come_first():
    seed = (("Rock", 0.5), ("Disco", 0.3), ("Pop", 0.2))
    other = (("Disco", 0.6), ("Rock", 0.25), ("Pop", 0.15))
    said = likeness(place(), place(bright=1.0), seed, other)
    assert said == ("both Disco and Rock", "brighter")
    assert likeness(place(), place(), seed, (("Jazz", 1.0),)) == ("much the same",)


scores = st.lists(st.floats(-5, 5), min_size=len(AXES), max_size=len(AXES)).map(np.array)


@given(scores, scores)
def test_what_is_said_one_way_round_is_said_the_other_way_round(seed, other):
    opposite = {axis.more: axis.less for axis in AXES} | {axis.less: axis.more for axis in AXES}
    there = [word for word in likeness(seed, other) if word in opposite]
    back = [word for word in likeness(other, seed) if word in opposite]
    assert [opposite[word] for word in there] == back
    assert likeness(seed, other)
