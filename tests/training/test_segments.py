from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.training.segments import decide_tracks

Array = npt.NDArray[np.float64]


def logs(rows: Sequence[Sequence[float]]) -> Array:
    with np.errstate(divide="ignore"):
        return np.log(np.array(rows, dtype=np.float64))


@st.composite
def parts(draw: st.DrawFn, n_labels: int, most_segments: int = 8) -> list[list[int]]:
    """A track's segments; the probability of a label is its number over their sum."""
    segment = st.lists(st.integers(0, 9), min_size=n_labels, max_size=n_labels).filter(any)
    return draw(st.lists(segment, min_size=1, max_size=most_segments))


tracks_of_parts = st.integers(1, 5).flatmap(lambda n: st.lists(parts(n), min_size=1, max_size=6))


def shares(track: list[list[int]]) -> Array:
    return logs([[value / sum(row) for value in row] for row in track])


def test_both_rules_by_hand() -> None:
    # Two barely sure segments outvote one that is certain; the sum says otherwise.
    track = logs([[0.51, 0.49], [0.51, 0.49], [0.01, 0.99]])
    found = decide_tracks([track])
    assert found.by_votes.tolist() == [0]
    assert found.by_sum.tolist() == [1]
    assert found.votes.tolist() == [[2, 1]]
    assert found.probabilities == pytest.approx(np.array([[1.03 / 3, 1.97 / 3]]))
    assert found.tied.tolist() == [False]
    assert found.agreement == 0


def test_a_tie_in_votes_goes_to_the_larger_sum_among_the_tied() -> None:
    # Labels 1 and 2 have a vote each; label 0 has the largest sum, but no vote.
    track = logs([[0.48, 0.02, 0.50], [0.49, 0.51, 0.0]])
    found = decide_tracks([track])
    assert found.tied.tolist() == [True]
    assert found.by_votes.tolist() == [1]  # 0.53 against 0.50
    assert found.by_sum.tolist() == [0]


def test_tracks_of_different_lengths_and_their_agreement() -> None:
    short, long = logs([[0.9, 0.1]]), logs([[0.2, 0.8]] * 5)
    torn = logs([[0.51, 0.49], [0.51, 0.49], [0.0, 1.0]])
    found = decide_tracks([short, long, torn, short.astype(np.float32)])
    assert found.by_votes.tolist() == [0, 1, 0, 0]
    assert found.by_sum.tolist() == [0, 1, 1, 0]
    assert found.votes.sum(axis=1).tolist() == [1, 5, 3, 1]
    assert found.agreement == 0.75
    assert decide_tracks([short.astype(np.float32)]).probabilities.dtype == np.float64


@given(tracks_of_parts)
def test_against_counting_with_fractions(tracks: list[list[list[int]]]) -> None:
    found = decide_tracks([shares(track) for track in tracks])
    for i, track in enumerate(tracks):
        n_labels = len(track[0])
        exact = [
            sum((Fraction(row[j], sum(row)) for row in track), Fraction(0)) for j in range(n_labels)
        ]
        counted = [sum(row.index(max(row)) == j for row in track) for j in range(n_labels)]
        leading = [j for j in range(n_labels) if counted[j] == max(counted)]
        assert found.votes[i].tolist() == counted
        assert found.tied[i] == (len(leading) > 1)
        assert found.by_votes[i] in leading
        # Sums that are equal in fractions may differ in the last bit.
        for chosen, among in ((found.by_votes[i], leading), (found.by_sum[i], range(n_labels))):
            assert float(exact[chosen]) == pytest.approx(float(max(exact[j] for j in among)))
        assert found.probabilities[i] == pytest.approx([float(e / len(track)) for e in exact])
        assert found.probabilities[i].sum() == pytest.approx(1)


@given(tracks_of_parts, st.integers(0, 1000))
def test_the_order_of_segments_and_of_tracks_does_not_matter(
    tracks: list[list[list[int]]], seed: int
) -> None:
    arrays = [shares(track) for track in tracks]
    rng = np.random.RandomState(seed)
    order = rng.permutation(len(arrays))
    plain = decide_tracks(arrays)
    mixed = decide_tracks([rng.permutation(arrays[i]) for i in order])
    assert mixed.votes.tolist() == plain.votes[order].tolist()
    assert mixed.tied.tolist() == plain.tied[order].tolist()
    assert mixed.probabilities == pytest.approx(plain.probabilities[order])


@given(tracks_of_parts)
def test_one_segment_leaves_nothing_to_disagree_about(tracks: list[list[list[int]]]) -> None:
    found = decide_tracks([shares(track[:1]) for track in tracks])
    assert found.by_votes.tolist() == found.by_sum.tolist()
    assert found.agreement == 1
    assert not found.tied.any()


@pytest.mark.parametrize(
    "tracks",
    [
        [],
        [np.zeros((0, 3))],
        [np.zeros(3)],
        [np.zeros((2, 0))],
        [np.zeros((2, 3)), np.zeros((2, 4))],
        [np.full((2, 3), np.nan)],
        [np.full((2, 3), 0.9)],  # probabilities in place of their logarithms
    ],
    ids=["no track", "no segment", "flat", "no label", "widths", "nan", "probabilities"],
)
def test_what_is_no_list_of_log_probabilities_is_refused(tracks: list[Array]) -> None:
    with pytest.raises(ValueError, match=r"tracks|track \d|shape"):
        decide_tracks(tracks)
