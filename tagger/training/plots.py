"""Figures of the model card."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from tagger.trust import growing

mpl.use("Agg")
from matplotlib import pyplot as plt

mpl.rcdefaults()  # or what lies in the folder that the user is in would decide

__all__ = [
    "new_figure",
    "plot_calibration",
    "plot_confusion",
    "plot_elbow",
    "plot_learning",
    "plot_recall",
    "plot_reliability",
    "save_figure",
    "shown",
]

_DPI: Final = 130
_NUMBERED_LABELS: Final = 40
"""Most labels of a confusion matrix whose cells are numbered."""

_BINS: Final = 10  # of confidence, as those of the calibration error


def plot_confusion(matrix: Sequence[Sequence[int]], labels: Sequence[str], path: Path) -> None:
    """Confusion matrix: true genre down, predicted across; colour is the share of the row."""
    counts = np.asarray(matrix)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    n_labels = len(labels)
    cell = float(np.clip(6.0 / n_labels, 0.26, 1.2))  # inches
    names = [shown(label) for label in labels]
    margin = 0.075 * max(map(len, names)) + 0.6
    side = cell * n_labels + margin
    figure, axes = new_figure((side + 1.0, side), layout="compressed")
    image = axes.imshow(share, cmap="cividis", vmin=0, vmax=1)
    if n_labels <= _NUMBERED_LABELS:
        # A digit is about 0.6 of its size wide; a point is 1/72 inch.
        size = min(10.0, 0.85 * cell * 72 / (0.6 * max(2, len(str(counts.max())))))
        for i, j in np.argwhere(counts):
            colour = "black" if share[i, j] > 0.5 else "white"
            number = axes.text(
                j, i, counts[i, j], ha="center", va="center", color=colour, size=size
            )
            number.set_in_layout(False)  # it stays within its cell; measuring all takes seconds
    size = min(10.0, 0.6 * cell * 72)
    axes.set_xticks(
        range(n_labels), names, size=size, rotation=45 if cell > 0.4 else 90,
        rotation_mode="anchor", ha="right", va="center",
    )  # fmt: skip
    axes.set_yticks(range(n_labels), names, size=size)
    axes.set(xlabel="predicted genre", ylabel="true genre", title="Tracks of held-out artists")
    figure.colorbar(image, label="share of the true genre", shrink=0.8)
    save_figure(figure, path)


def plot_recall(per_genre: Mapping[str, float], counts: Mapping[str, int], path: Path) -> None:
    """Recall of each genre with its 95 % interval, the best on top.

    Intervals are Wilson's ("Probable Inference, the Law of Succession, and Statistical
    Inference", 1927): they hold for the handful of tracks that a genre often has.

    Args:
        per_genre: recall by genre, 0 to 1.
        counts: tracks by genre; a genre without any is named, without a bar.
    """
    names = sorted(counts, key=lambda name: (per_genre.get(name, -1.0), counts[name]))
    recalls, low, high, notes = [], [], [], []
    for name in names:
        n, recall = counts[name], per_genre.get(name, 0.0) if counts[name] else 0.0
        right = round(recall * n)
        span = binomtest(right, n).proportion_ci(method="wilson") if n else (0.0, 0.0)
        recalls.append(100 * recall)
        low.append(100 * (recall - span[0]))
        high.append(100 * (span[1] - recall))
        notes.append(f"{right} of {n}" if n else "no tracks")
    figure, axes = new_figure((7.5, 1.3 + 0.27 * len(names)))
    rows = range(len(names))
    axes.barh(rows, recalls, color="#56b4e9", height=0.7)
    # Rounding may leave a width of -1e-15.
    widths = np.maximum([low, high], 0.0)
    axes.errorbar(recalls, rows, xerr=widths, fmt="none", ecolor="#333333", capsize=2.5, lw=1)
    axes.set_yticks(rows, [shown(name) for name in names])
    axes.set(xlim=(0, 102), ylim=(-0.6, len(names) - 0.4))
    axes.set(xlabel="recall (%) and its 95 % interval (Wilson)", title="Recall by genre")
    right_axis = axes.secondary_yaxis("right")
    right_axis.set_yticks(rows, notes, size=8)
    right_axis.tick_params(length=0)
    axes.grid(axis="x", alpha=0.3)
    save_figure(figure, path)


def plot_reliability(
    probabilities: npt.NDArray[np.float64], targets: npt.NDArray[np.intp], path: Path
) -> None:
    """How often the most probable genre is right, by how probable it was said to be.

    Args:
        probabilities: shape (n, n_labels).
        targets: label indices, shape (n,).
    """
    from tagger.training.metrics import expected_calibration_error

    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    which = np.minimum((top * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(which, minlength=_BINS)
    said = [100 * top[which == b].mean() for b in np.flatnonzero(counts)]
    true = [100 * right[which == b].mean() for b in np.flatnonzero(counts)]
    spans = np.array(
        [
            binomtest(int(right[which == b].sum()), int(counts[b])).proportion_ci(method="wilson")
            for b in np.flatnonzero(counts)
        ]
    )
    widths = np.maximum([true - 100 * spans[:, 0], 100 * spans[:, 1] - true], 0.0)
    figure, (axes, below) = new_figure((6.5, 7), 2, 1, height_ratios=(3, 1), sharex=True)
    axes.plot([0, 100], [0, 100], color="#777777", ls=":", label="as it should be")
    axes.errorbar(
        said, true, yerr=widths, fmt="o-", color="#0072b2", ms=5, capsize=3, lw=1.2,
        label="tracks (95 % Wilson)",
    )  # fmt: skip
    error = expected_calibration_error(probabilities, targets)
    axes.set(ylim=(0, 102), ylabel="right (%)", title=f"Calibration (expected error {error:.3f})")
    axes.legend(loc="upper left")
    axes.grid(alpha=0.3)
    bars = below.bar(
        (np.arange(_BINS) + 0.5) * 100 / _BINS, counts, width=92 / _BINS, color="#56b4e9"
    )
    below.bar_label(bars, [str(n) if n else "" for n in counts], size=8, padding=1)
    below.set(xlim=(0, 100), xlabel="probability of the most probable genre (%)", ylabel="tracks")
    below.margins(y=0.18)
    save_figure(figure, path)


def plot_learning(
    history: Sequence[dict[str, float]], path: Path, distance: str | None = None
) -> None:
    """Training loss, and where it was measured the held-out accuracy, by epoch.

    Args:
        history: ``epoch`` and ``loss`` of each look, perhaps ``accuracy``.
        path: PNG to write.
        distance: what the loss is of a network that learns no genres; its ``validation_loss`` is
            the same on others, and drawn, too.
    """
    epochs = [look["epoch"] for look in history]
    figure, axes = new_figure((7.5, 4.2))
    losses = [look["loss"] for look in history]
    axes.plot(epochs, losses, color="#0072b2", marker="o", ms=3, label="artists learned from")
    axes.set(xlabel="epoch", title="Training of the network")
    axes.set_ylabel(distance or "training loss (mixed, smoothed targets)", color="#0072b2")
    if distance and all("validation_loss" in look for look in history):
        held_out = [look["validation_loss"] for look in history]
        axes.plot(epochs, held_out, "s--", color="#d55e00", ms=3, label="held-out artists")
        axes.yaxis.label.set_color("black")
        axes.set_ylim(bottom=0)
        axes.legend()
    if judged := [look for look in history if "accuracy" in look]:
        right = axes.twinx()
        accuracy = [100 * look["accuracy"] for look in judged]
        right.plot([look["epoch"] for look in judged], accuracy, color="#d55e00", marker="s", ms=3)
        right.set_ylabel("accuracy on held-out artists (%)", color="#d55e00")
    axes.grid(alpha=0.3)
    save_figure(figure, path)


def plot_calibration(curve: Sequence[dict[str, float]], path: Path) -> None:
    """Accuracy and share of the tracks at least so sure, by confidence threshold."""
    thresholds = [100 * point["threshold"] for point in curve]
    figure, axes = new_figure((7.5, 4.2))
    accuracy = [100 * point["accuracy"] for point in curve]
    share = [100 * point["share"] for point in curve]
    axes.plot(thresholds, accuracy, "o-", ms=3, color="#0072b2", label="right, of those spoken on")
    axes.plot(thresholds, share, "s--", ms=3, color="#d55e00", label="tracks spoken on")
    axes.set(
        xlabel="confidence threshold (%)",
        ylabel="% of tracks",
        ylim=(0, 102),
        title="What a threshold buys (held-out artists)",
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left")
    save_figure(figure, path)


def plot_elbow(elbow: Sequence[dict[str, float]], chosen: int, path: Path) -> None:
    """Inertia and silhouette by the number of music types, and which number was chosen."""
    ks = [point["k"] for point in elbow]
    figure, axes = new_figure((7.5, 4.2))
    axes.plot(ks, [point["inertia"] for point in elbow], "o-", ms=4, color="#0072b2")
    axes.set(xlabel="number of types k", title="How many music types?")
    axes.set_ylabel("inertia (mean squared z-score)", color="#0072b2")
    right = axes.twinx()
    right.plot(ks, [point["silhouette"] for point in elbow], "s--", ms=4, color="#d55e00")
    right.set_ylabel("mean silhouette", color="#d55e00")
    axes.axvline(chosen, color="#555555", ls=":", label=f"chosen: {chosen}")
    axes.legend(loc="upper right")
    axes.grid(alpha=0.3)
    save_figure(figure, path)


def shown(name: str, longest: int = 24) -> str:
    """A name as figures show it: not too long, and ``$`` taken for itself, not for a formula."""
    if len(name) > longest:
        # Names that are alike for long differ at the end.
        name = f"{name[: longest - 9].rstrip()}…{name[-8:].lstrip()}"
    return name.replace("$", r"\$")


def new_figure(
    size: tuple[float, float],
    rows: int = 1,
    columns: int = 1,
    layout: str = "constrained",
    **grid: Any,
) -> Any:
    """A figure and its axes, one or an array of them, as :func:`matplotlib.pyplot.subplots`.

    Args:
        size: width and height in inches.
        layout: "compressed" where the axes have an aspect of their own.
        grid: what else ``subplots`` takes.
    """
    return plt.subplots(rows, columns, figsize=size, layout=layout, **grid)


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure as PNG and let go of it."""
    with warnings.catch_warnings():
        # A script that the font lacks is drawn as boxes; a warning a letter helps nobody.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        # No date in the file: the same figures give the same bytes.
        with growing(path) as stream:
            figure.savefig(stream, format="png", dpi=_DPI, metadata={"Software": None})
    plt.close(figure)
