from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synth

pytest.importorskip("matplotlib")

from training.figures import cut_off, kept_figures, texts

from tagger.errors import UsageError
from tagger.training.explore import LabelledTracks, explore
from tagger.training.explore_attribute_plots import plot_correlation
from tagger.training.explore_groups import GenreGroups
from tagger.training.explore_plots import Sample, plot_balance, plot_spread, plot_tracks

ALL = {
    "class_balance.png", "spread.png", "tracks.png", "distributions.png", "boxes.png",
    "correlation.png", "components.png", "drop.csv",
}  # fmt: skip


@pytest.fixture
def figures() -> Iterator[list[Any]]:
    with kept_figures() as kept:
        yield kept


def tracks(n_genres: int, per_genre: int = 4) -> LabelledTracks:
    """Attribute 0 tells the genres apart, 1 repeats it, 2 is constant, the rest is noise."""
    rng = np.random.RandomState(n_genres)
    codes = np.repeat(np.arange(n_genres), per_genre)
    n = len(codes)
    x = rng.standard_normal((n, 8)).astype(np.float32)
    x[:, 0] = codes + 0.01 * x[:, 0]
    x[:, 1] = -3 * x[:, 0]
    x[:, 2] = 5.0
    x[::3, 4] = np.nan
    x[1:2, 5] = np.inf
    return LabelledTracks(
        features=x,
        feature_names=tuple(f"mfcc.mean.{i:02d}" for i in range(8)),
        genres=np.array([f"genre {c:03d}" for c in codes]),
        durations_s=rng.uniform(100, 400, n),
        bit_rates_kbps=np.where(rng.rand(n) < 0.3, np.nan, 320.0),
        n_unlabelled=3,
    )


def sample(seconds: float = 1.0) -> Sample:
    return Sample("song.flac", synth.song(seconds))


@pytest.mark.parametrize("n_genres", [2, 60])
@pytest.mark.filterwarnings("error")
def test_everything_is_drawn_and_said(n_genres: int, tmp_path: Path, figures: list[Any]) -> None:
    given = tracks(n_genres)
    found = explore(given, {"genre 000": sample(), "genre 001": sample()}, tmp_path / "a" / "b")
    assert {path.name for path in found.files} == ALL
    assert all(path.stat().st_size for path in found.files)
    assert found.counts == {f"genre {i:03d}": 4 for i in range(n_genres)}
    assert found.n_unlabelled == 3
    assert found.constant == ("mfcc.mean.02",)
    assert {found.drops[0].name, found.drops[0].instead} == {"mfcc.mean.00", "mfcc.mean.01"}
    assert found.drops[0].r == pytest.approx(-1)
    assert found.separating[0][0] in {"mfcc.mean.00", "mfcc.mean.01"}
    assert found.separating[0][1] > 0.99
    assert len(found.separating) == 6  # of the two that are alike, one
    assert 1 > found.explained[0] >= found.explained[1] > 0
    assert len(found.notes) == len(set(found.notes))
    for figure in figures:
        assert cut_off(figure) == []


def test_the_table_of_what_to_drop(tmp_path: Path) -> None:
    found = explore(tracks(3), {"unknown genre": sample()}, tmp_path)
    with (tmp_path / "drop.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["drop"] for row in rows] == [*found.constant, *(d.name for d in found.drops)]
    assert [row["because"] for row in rows] == ["does not vary", "says the same"]
    assert rows[1]["instead"] == found.drops[0].instead
    assert float(rows[1]["r"]) == pytest.approx(found.drops[0].r, abs=1e-4)
    # Without a track to look at there is no such figure.
    assert {path.name for path in found.files} == ALL - {"tracks.png"}
    assert any("genre 000, genre 001, genre 002" in note for note in found.notes)


@pytest.mark.filterwarnings("error")
def test_where_nothing_varies_the_attributes_are_left_out(tmp_path: Path) -> None:
    given = replace(tracks(2), features=np.full((8, 8), np.nan, dtype=np.float32))
    found = explore(given, {}, tmp_path)
    assert {path.name for path in found.files} == {"class_balance.png", "spread.png"}
    assert found.constant == given.feature_names
    assert any("fewer than two attributes" in note for note in found.notes)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("n_genres", "per_genre"), [(1, 5), (5, 1), (1, 1)])
def test_one_genre_or_one_track_each(n_genres: int, per_genre: int, tmp_path: Path) -> None:
    found = explore(tracks(n_genres, per_genre), {}, tmp_path)
    assert (tmp_path / "class_balance.png").exists()
    assert any("one genre only" in note for note in found.notes) == (n_genres == 1 < per_genre)
    assert any("single track" in note for note in found.notes) == (per_genre == 1)


def test_no_tracks_or_no_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no labelled track"):
        explore(tracks(0), {}, tmp_path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match=r"file: cannot be written: .*exists"):
        explore(tracks(2), {}, tmp_path / "file")


# --- single figures ---------------------------------------------------------------------


def test_balance_names_what_has_no_label(tmp_path: Path, figures: list[Any]) -> None:
    plot_balance({"Rock": 6, "Jazz": 2}, 2, tmp_path / "b.png")
    words = texts(figures[0])
    assert {"Rock", "Jazz", "no label", "6 (60.0 %)", "2 (20.0 %)"} <= set(words)
    plot_balance({"Rock": 6, "Jazz": 2}, 0, tmp_path / "b.png")
    assert "no label" not in texts(figures[1])
    assert "6 (75.0 %)" in texts(figures[1])


def test_balance_of_many_genres_says_what_it_leaves_out(tmp_path: Path, figures: list[Any]) -> None:
    plot_balance({f"g{i}": 200 - i for i in range(200)}, 1, tmp_path / "b.png")
    assert len(figures[0].axes[0].patches) == 41
    title = figures[0].axes[0].get_title()
    assert f"{sum(range(1, 161))} tracks in the other 160" in title


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("durations", "unit", "scale", "said"),
    [
        ([30.0] * 5, "s", "linear", "Length: 30 s"),
        ([200.0, 240.0, 280.0], "min", "linear", "Length: median 4, 3.33 to 4.67 min"),
        ([20.0, 30.0, 9000.0], "s", "log", "Length: median 30, 20 to 9e+03 s"),
        ([60.0, np.nan, 0.0], "s", "linear", "Length: 60 s; unknown for 2 of 3"),
        ([np.nan, np.nan], "s", "linear", "Length: unknown for 2 of 2"),
    ],
)
def test_spread(
    durations: list[float], unit: str, scale: str, said: str, tmp_path: Path, figures: list[Any]
) -> None:
    plot_spread(np.array(durations), np.full(len(durations), np.nan), tmp_path / "s.png")
    axes = figures[0].axes[0]
    assert axes.get_title() == said
    assert axes.get_xlabel() == f"length ({unit})"
    assert axes.get_xscale() == scale
    known = [d for d in durations if d > 0]
    assert sum(bar.get_height() for bar in axes.patches) == len(known)


@pytest.mark.parametrize("n", [1, 14])
def test_panels_of_tracks(n: int, tmp_path: Path, figures: list[Any]) -> None:
    y = synth.sine(1000.0, 1.0)
    plot_tracks({f"g{i}": Sample("a.mp3", y) for i in range(n)}, n, tmp_path / "t.png")
    (figure,) = figures
    mels = [axes for axes in figure.axes if axes.get_ylabel() == "Hz"]
    assert len(mels) == min(n, 12)
    assert ("the largest of 14" in figure.get_suptitle()) == (n == 14)
    assert cut_off(figure) == []
    # The loudest band is the one that holds the tone, at 0 dB.
    (mesh,) = mels[0].collections
    db = mesh.get_array().reshape(128, -1)
    assert db.max() == 0
    loud = mesh.get_coordinates()[db.max(axis=1).argmax(), 0, 1]
    assert loud == pytest.approx(1000, rel=0.05)


@pytest.mark.parametrize("d", [2, 40, 41, 100])
def test_correlation_names_every_attribute_or_every_method(
    d: int, tmp_path: Path, figures: list[Any]
) -> None:
    # Eight methods of one attribute each, whose names would stand on one another.
    names = [f"a_narrow_method_{min(i, 8)}.mean.{i:02d}" for i in range(d)]
    plot_correlation(np.eye(d), names, {names[1]}, tmp_path / "c.png")
    (figure,) = figures
    assert cut_off(figure) == []
    labels = figure.axes[0].get_yticklabels()
    assert len(labels) == (d if d <= 40 else 9)
    boxes = [label.get_window_extent() for label in labels]
    assert all(a.y0 >= b.y1 - 1 for a, b in pairwise(boxes))


def test_genres_that_are_told_apart_and_the_others() -> None:
    genres = np.array([f"g{i:02d}" for i in range(20)] * 2 + ["g07"])
    counts = {"g07": 3} | {f"g{i:02d}": 2 for i in range(20) if i != 7}
    groups = GenreGroups.of(genres, counts)
    assert len(groups.names) == len(groups.rows) == len(groups.styles) == 13
    assert groups.names[0] == "g07"
    assert groups.names[-1] == "others (8 genres)"
    assert groups.rows[0].tolist() == [7, 27, 40]
    assert sorted(np.concatenate(groups.rows)) == list(range(41))
    assert len(groups.told) == 12
    assert len(set(groups.styles)) == 13  # each has a look of its own
