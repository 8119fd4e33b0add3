from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example as with_example
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.training.examples import Example
from tagger.training.splits import folds, groups_of, hold_out, with_copies

if not importlib.util.find_spec("sklearn"):
    pytest.skip("no scikit-learn", allow_module_level=True)


def example(path: str, genre: str = "Rock", artist: str = "", album: str = "") -> Example:
    return Example(Path("/music", path), genre, artist, album)


# --- groups -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("Bob", "bob", True),
        ("Béyoncé", "Beyonce", True),
        ("Bob feat. Eve", "Bob", True),
        ("Bob (ft. Eve)", "Bob Featuring Ann", True),
        ("Bob", "Eve", False),
        ("Left", "Le ft.", False),
        ("坂本", "細野", False),
        ("Various Artists", "Various Artists", False),
        ("VA", "VA", False),
        ("Unknown Artist", "Unknown Artist", False),
        ("", "", False),
    ],
)
def test_artists(one: str, other: str, together: bool) -> None:
    groups, _, _ = groups_of([example("a.mp3", artist=one), example("b.mp3", artist=other)])
    assert (groups[0] == groups[1]) == together


def test_each_track_goes_by_what_is_known() -> None:
    groups, unit, notes = groups_of(
        [
            example("x/1.mp3", artist="Bob", album="First"),
            example("x/2.mp3", artist="bob"),
            example("x/3.mp3", artist="Various Artists", album="Hits"),
            example("y/4.mp3", album="hits"),
            example("y/5.mp3", artist="Hits"),
            *(example(f"deep/album/{i}.mp3") for i in (6, 7)),
            example("z.mp3", "Jazz"),
            example("zz.mp3", "Jazz"),
        ]
    )
    bob, bob_2, hits, hits_2, artist_hits, album, album_2, z, zz = groups
    assert bob == bob_2
    assert hits == hits_2 != artist_hits
    assert album == album_2
    assert z != zz
    assert len(set(groups)) == 6
    assert unit == "artist"
    assert notes == ("3 of 9 tracks split by artist, 2 by album, 2 by folder, 2 by track",)


@pytest.mark.parametrize(
    ("paths", "unit"),
    [
        # The folder of a genre is no group: it is all there is of it.
        (["rock/1", "rock/2", "jazz/1", "jazz/2"], "track"),
        (["rock/a/1", "rock/a/2", "rock/b/1", "jazz/c/1", "jazz/d/2"], "folder"),
        # Nor is one that has folders in it.
        (["rock/1", "rock/2", "rock/3", "rock/a/1", "jazz/1", "jazz/b/2"], "track"),
    ],
)
def test_folders(paths: list[str], unit: str) -> None:
    _, found, _ = groups_of([example(path, genre=path.split("/")[0]) for path in paths])
    assert found == unit


def test_a_folder_of_all_sorts_is_no_group() -> None:
    mixed = [example(f"all/{i}.mp3", genre) for i, genre in enumerate(("Rock", "Jazz", "Rock"))]
    _, unit, _ = groups_of([*mixed, example("rock/1.mp3"), example("jazz/1.mp3", "Jazz")])
    assert unit == "track"


def test_a_genre_that_is_one_artist_is_said() -> None:
    many = [example(f"r{i}.mp3", "Rock", f"a{i}") for i in range(3)]
    zouk = [example(f"z{i}.mp3", "Zouk", "Kassav") for i in range(3)]
    assert groups_of([*many, *zouk])[2] == (
        "Zouk is one artist: it is learned, but nothing can say how well",
    )
    fado = [example(f"f{i}.mp3", "Fado", "Amália") for i in range(2)]
    assert groups_of([*many, *zouk, *fado])[2] == (
        "Fado, Zouk are one artist each: they are learned, but nothing can say how well",
    )
    # Without an artist's name, its folder may still tell.
    album = [example(f"e{i}.mp3", "Enka", album="Best of") for i in range(2)]
    assert groups_of([*many, *album])[2] == (
        "3 of 5 tracks split by artist, 2 by album",
        "Enka is one album: it is learned, but nothing can say how well",
    )


# --- splits -----------------------------------------------------------------------------

seeds = st.integers(0, 2**31)


@st.composite
def tracks(draw, single: bool) -> tuple[np.ndarray, np.ndarray]:
    """Groups and genres of some tracks; if ``single``, a group is of one genre."""
    n_groups = draw(st.integers(1, 14))
    n_genres = draw(st.integers(1, 5))
    of_group = draw(st.lists(st.integers(0, n_genres - 1), min_size=n_groups, max_size=n_groups))
    groups = draw(st.lists(st.integers(0, n_groups - 1), min_size=1, max_size=50))
    if single:
        genres = [of_group[group] for group in groups]
    else:
        genres = [draw(st.integers(0, n_genres - 1)) for _ in groups]
    return np.array([f"a{g}" for g in groups]), np.array([f"g{g}" for g in genres])


def alone(groups: np.ndarray, genres: np.ndarray) -> set[str]:
    """Genres that are one group."""
    return {g for g in set(genres.tolist()) if len(set(groups[genres == g])) == 1}


@settings(max_examples=50, deadline=None)
@given(st.booleans().flatmap(tracks), st.sampled_from([0.1, 0.2, 0.3, 0.5]), seeds)
def test_nobody_is_on_both_sides(made, share: float, seed: int) -> None:
    groups, genres = made
    held = hold_out(groups, genres, share, seed)
    assert held.shape == groups.shape
    assert held.dtype == bool
    assert not set(groups[held]) & set(groups[~held])
    assert set(genres[~held]) == set(genres)  # everything can be learned
    assert not set(genres[held]) & alone(groups, genres)
    assert np.array_equal(held, hold_out(groups, genres, share, seed))


@settings(max_examples=50, deadline=None)
@given(tracks(single=True), st.sampled_from([0.1, 0.2, 0.3, 0.5]), seeds)
def test_every_genre_of_two_artists_is_held_out_too(made, share: float, seed: int) -> None:
    groups, genres = made
    held = hold_out(groups, genres, share, seed)
    assert set(genres[held]) == set(genres) - alone(groups, genres)


@settings(max_examples=50, deadline=None)
@given(st.booleans().flatmap(tracks), st.integers(2, 6), seeds)
@with_example((np.array([*"bcdbcdbab"]), np.array([*"xyxxyxxxy"])), 4, 0)  # a part is left empty
def test_folds_keep_groups_whole(made, k: int, seed: int) -> None:
    groups, genres = made
    numbers = folds(groups, genres, k, seed)
    for group in set(groups):
        assert len(set(numbers[groups == group])) == 1
    parts = set(numbers.tolist()) - {-1}
    assert parts == set(range(len(parts)))
    assert len(parts) <= k
    for genre in alone(groups, genres):
        assert (numbers[genres == genre] == -1).all()
    assert np.array_equal(numbers, folds(groups, genres, k, seed))


@settings(max_examples=50, deadline=None)
@given(st.booleans().flatmap(tracks), st.integers(2, 6), seeds)
@with_example((np.array([*"daaebe"]), np.array([*"yyxxyx"])), 3, 0)  # all x drawn into one part
def test_no_fold_tests_on_what_it_has_not_learned(made, k: int, seed: int) -> None:
    groups, genres = made
    numbers = folds(groups, genres, k, seed)
    for number in set(numbers.tolist()) - {-1}:
        assert set(genres[numbers == number]) <= set(genres[numbers != number])


@settings(max_examples=50, deadline=None)
@given(tracks(single=True), st.integers(2, 6), seeds)
def test_all_that_can_be_tested_on_is(made, k: int, seed: int) -> None:
    groups, genres = made
    several = np.isin(genres, list(alone(groups, genres)), invert=True)
    assert (folds(groups, genres, k, seed)[several] >= 0).all()


def test_shares_are_kept_within_each_genre() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 300, 2000)
    genres = np.array([f"g{group % 4}" for group in groups])
    names = np.array([f"a{group}" for group in groups])
    held = hold_out(names, genres, 0.2, 0)
    for genre in set(genres):
        assert held[genres == genre].mean() == pytest.approx(0.2, abs=0.03)
    sizes = np.bincount(folds(names, genres, 5, 0))
    assert sizes.min() > 0.9 * sizes.max()
    assert not np.array_equal(held, hold_out(names, genres, 0.2, 1))


def test_two_hundred_genres_of_two_artists() -> None:
    groups = np.repeat([f"a{i}" for i in range(400)], 2)
    genres = np.repeat([f"g{i}" for i in range(200)], 4)
    held = hold_out(groups, genres, 0.2, 0)
    assert set(genres[held]) == set(genres[~held]) == set(genres)


@pytest.mark.parametrize(
    ("groups", "genres"),
    [([], []), (["a"], ["x"]), (["a", "a", "b"], ["x", "x", "y"]), (["a", "a"], ["x", "y"])],
)
def test_where_nothing_can_be_held_out_nothing_is(groups: list[str], genres: list[str]) -> None:
    made = np.array(groups, dtype=str), np.array(genres, dtype=str)
    assert not hold_out(*made, 0.2, 0).any()
    assert folds(*made, 3, 0).tolist() == [-1] * len(groups)


@pytest.mark.parametrize("share", [0.0, -0.1, 0.51, 1.0])
def test_shares_out_of_range(share: float) -> None:
    with pytest.raises(ValueError, match="cannot be held out"):
        hold_out(np.array(["a", "b"]), np.array(["x", "x"]), share, 0)


def test_reading_labels_loads_nothing_heavy() -> None:
    code = (
        "import sys, tagger.training.sources, tagger.training.splits\n"
        "print(*{'tensorflow', 'keras', 'sklearn', 'matplotlib', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_copies_stay_on_one_side():
    groups = np.array(["a", "b", "c", "d", "b", "e"])
    #                  1    2    3    1    3    4: a and d are copies, and c of b's second
    features = np.array([1, 2, 3, 1, 3, 4], dtype=np.float32).reshape(-1, 1)
    joined, copies = with_copies(groups, features)
    assert copies == 2
    assert joined[0] == joined[3]
    assert joined[1] == joined[2] == joined[4]
    assert len(set(joined.tolist())) == 3


def test_without_copies_groups_are_what_they_were():
    groups = np.array(["a", "b", "a"])
    joined, copies = with_copies(groups, np.arange(6, dtype=np.float32).reshape(3, 2))
    assert copies == 0
    assert joined.tolist() == groups.tolist()
