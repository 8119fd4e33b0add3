from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")

from matplotlib.image import AxesImage
from training.figures import cut_off, kept_figures, texts

from tagger.training.plots import (
    plot_confusion,
    plot_elbow,
    plot_learning,
    plot_recall,
    plot_reliability,
    shown,
)

PNG = b"\x89PNG"


@pytest.fixture
def figures() -> Iterator[list[Any]]:
    with kept_figures() as kept:
        yield kept


def names(n: int) -> list[str]:
    long = "a genre whose name is far too long for any figure"
    return [f"{long} {i}" if i % 7 == 3 else f"genre {i}" for i in range(n)]


@pytest.mark.parametrize("n", [2, 11, 22, 41])
@pytest.mark.filterwarnings("error")
def test_a_confusion_matrix_of_any_size_can_be_read(
    n: int, tmp_path: Path, figures: list[Any]
) -> None:
    matrix = np.random.RandomState(0).randint(1, 900, (n, n))
    plot_confusion(matrix.tolist(), names(n), tmp_path / "c.png")
    assert (tmp_path / "c.png").read_bytes().startswith(PNG)
    (figure,) = figures
    axes = figure.axes[0]
    assert cut_off(figure) == []
    # Names of neighbouring columns and rows do not touch, nor do they reach into the cells.
    for labels, low, high in (
        (axes.get_yticklabels(), "y0", "y1"),
        (axes.get_xticklabels() if n > 20 else [], "x0", "x1"),
    ):
        boxes = sorted((b := t.get_window_extent(), getattr(b, low))[::-1] for t in labels)
        for (_, one), (_, other) in pairwise(boxes):
            assert getattr(one, high) <= getattr(other, low) + 1
    cells = axes.get_window_extent()
    assert all(t.get_window_extent().y1 <= cells.y0 for t in axes.get_xticklabels())
    # A number stays within its cell.
    width = cells.width / n
    numbers = axes.texts
    assert len(numbers) == (n * n if n <= 40 else 0)
    assert all(t.get_window_extent().width <= width for t in numbers)


def test_a_confusion_matrix_says_the_counts_and_colours_the_shares(
    tmp_path: Path, figures: list[Any]
) -> None:
    plot_confusion([[3, 1], [0, 0]], ["A", "B"], tmp_path / "c.png")
    (image,) = figures[0].axes[0].findobj(AxesImage)
    assert image.get_array().tolist() == [[0.75, 0.25], [0, 0]]
    assert [t.get_text() for t in figures[0].axes[0].texts] == ["3", "1"]


def test_recall_is_drawn_with_its_interval(tmp_path: Path, figures: list[Any]) -> None:
    plot_recall(
        {"Jazz": 0.5, "Rock": 1.0, "Zouk": 0.0},
        {"Jazz": 10, "Rock": 4, "Zouk": 5, "Blues": 0},
        tmp_path / "r.png",
    )
    axes = figures[0].axes[0]
    order = [t.get_text() for t in axes.get_yticklabels()]
    assert order == ["Blues", "Zouk", "Jazz", "Rock"]  # the best on top
    assert [bar.get_width() for bar in axes.patches] == [0, 0, 50, 100]
    words = texts(figures[0])
    assert {"no tracks", "0 of 5", "5 of 10", "4 of 4"} <= set(words)
    (lines,) = axes.collections
    spans = [segment[:, 0].tolist() for segment in lines.get_segments()]
    # Wilson's 95 % interval of 5 in 10, and of 4 in 4 (z² / (n + z²) = 0.4899).
    assert spans[2] == pytest.approx([23.66, 76.34], abs=0.01)
    assert spans[3] == pytest.approx([51.01, 100], abs=0.01)
    assert spans[0] == [0, 0]


@pytest.mark.parametrize("n", [1, 2, 30])
def test_recall_of_any_number_of_genres(n: int, tmp_path: Path, figures: list[Any]) -> None:
    plot_recall(dict.fromkeys(names(n), 0.4), dict.fromkeys(names(n), 12_345), tmp_path / "r.png")
    assert cut_off(figures[0]) == []
    boxes = [t.get_window_extent() for t in figures[0].axes[0].get_yticklabels()]
    assert all(a.y1 <= b.y0 for a, b in pairwise(boxes))


def test_reliability_by_hand(tmp_path: Path, figures: list[Any]) -> None:
    # Five said to be 85 % sure, three of them right; one 100 % sure and right.
    probabilities = np.array([[0.85, 0.15]] * 5 + [[0.0, 1.0]])
    plot_reliability(probabilities, np.array([0, 0, 0, 1, 1, 1]), tmp_path / "r.png")
    axes, below = figures[0].axes
    curve = axes.containers[0].lines[0]
    assert curve.get_xdata() == pytest.approx([85, 100])
    assert curve.get_ydata() == pytest.approx([60, 100])
    assert [bar.get_height() for bar in below.patches] == [0] * 8 + [5, 1]
    assert "Calibration (expected error 0.208)" in texts(figures[0])  # 5/6 of 0.25
    assert cut_off(figures[0]) == []


def test_learning_with_and_without_accuracy(tmp_path: Path, figures: list[Any]) -> None:
    losses = [{"epoch": float(e), "loss": 1 / e} for e in (1, 2, 3)]
    plot_learning(losses, tmp_path / "a.png")
    plot_learning([*losses[:2], {**losses[2], "accuracy": 0.5}], tmp_path / "b.png")
    without, with_accuracy = figures
    assert len(without.axes) == 1
    assert with_accuracy.axes[1].lines[0].get_xydata().tolist() == [[3, 50]]


def test_learning_of_what_is_no_genre(tmp_path: Path, figures: list[Any]) -> None:
    looks = [{"epoch": float(e), "loss": 1 / e, "validation_loss": 2 / e} for e in (1, 2, 3)]
    plot_learning(looks, tmp_path / "a.png", "distance")
    plot_learning(looks, tmp_path / "b.png")
    plot_learning([{"epoch": 1.0, "loss": 0.5}], tmp_path / "c.png", "distance")
    both, of_genres, alone = figures
    assert [line.get_ydata().tolist() for line in both.axes[0].lines] == [
        [1, 1 / 2, 1 / 3],
        [2, 1, 2 / 3],
    ]
    assert both.axes[0].get_ylabel() == "distance"
    assert "held-out artists" in texts(both)
    assert cut_off(both) == []
    assert [len(figure.axes[0].lines) for figure in (of_genres, alone)] == [1, 1]


def test_the_number_of_types_that_was_chosen_is_marked(tmp_path: Path, figures: list[Any]) -> None:
    elbow = [{"k": k, "inertia": 9.0 / k, "silhouette": 0.2 / k} for k in range(2, 6)]
    plot_elbow(elbow, 3, tmp_path / "a.png")
    assert figures[0].axes[0].lines[1].get_xdata() == [3, 3]
    assert "chosen: 3" in texts(figures[0])
    assert cut_off(figures[0]) == []


def test_the_same_figures_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        plot_confusion([[3, 1], [0, 2]], ["A", "B"], tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Rock", "Rock"),
        ("x" * 24, "x" * 24),
        ("Rock and Roll of the Fifties", "Rock and Roll o…Fifties"),
        ("$uicide and A$AP", r"\$uicide and A\$AP"),
    ],
)
def test_names_as_shown(name: str, expected: str) -> None:
    assert shown(name) == expected


def test_a_dollar_starts_no_formula(tmp_path: Path, figures: list[Any]) -> None:
    plot_recall({"A$AP_{ $": 1.0}, {"A$AP_{ $": 3}, tmp_path / "r.png")
    assert cut_off(figures[0]) == []
