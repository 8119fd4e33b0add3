"""Which tracks are decided together."""

from __future__ import annotations

import pytest

from tagger.domain import CurrentTags
from tagger.models.fusion import pool_tracks
from tagger.workflows.albums import albums


def track(album="", album_artist="", artist="", compilation=""):
    fields = {
        "ALBUM": album,
        "ALBUMARTIST": album_artist,
        "ARTIST": artist,
        "COMPILATION": compilation,
    }
    return CurrentTags("FLAC", {}, {name: (value,) for name, value in fields.items() if value})


@pytest.mark.parametrize(
    ("tracks", "groups"),
    [
        ([track("A", "X"), track("A", "X"), track("B", "X"), track("B", "X")], [[0, 1], [2, 3]]),
        ([track("A", "X"), track("a ", "x"), track("A", "Y")], [[0, 1]]),
        ([track("A", "X", "One"), track("A", "X", "Two")], [[0, 1]]),
        ([track("A", "", "One"), track("A", "", "One (feat. Two)"), None], [[0, 1]]),
        ([track("A", "", "One"), track("A", "", "Two")], []),
        ([track("A", "Various Artists"), track("A", "Various Artists")], []),
        ([track("A", "X"), track("A", "X", compilation="1")], []),
        ([track("A", "X"), track("A", "X", compilation="0")], [[0, 1]]),
        ([track(), track(), track("", "X"), track("", "X")], []),
        ([track("A", "X")], []),
        ([None, None], []),
        ([], []),
    ],
)
def test_albums(tracks, groups):
    assert albums(tracks) == groups


def test_tracks_are_pooled_by_their_summed_log_probabilities():
    sure = (("Jazz", 0.9), ("Rock", 0.1))
    unsure = (("Rock", 0.55), ("Jazz", 0.45))
    pooled = dict(pool_tracks([sure, unsure, unsure]))
    # (0.9 * 0.45^2)^(1/3) = 0.567, (0.1 * 0.55^2)^(1/3) = 0.312
    assert pooled["Jazz"] == pytest.approx(0.5668 / (0.5668 + 0.3116), abs=1e-3)
    assert sum(pooled.values()) == pytest.approx(1)
    assert list(pool_tracks([sure])) == [pytest.approx(pair) for pair in sure]


def test_one_track_has_no_veto():
    never = (("Rock", 1.0), ("Jazz", 0.0))
    often = (("Jazz", 0.99), ("Rock", 0.01))
    assert pool_tracks([never, *[often] * 5])[0][0] == "Jazz"
