"""Figures of the model card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt

__all__ = ["plot_calibration", "plot_confusion", "plot_elbow", "plot_learning"]

_DPI = 130


def plot_confusion(matrix: Sequence[Sequence[int]], labels: Sequence[str], path: Path) -> None:
    """Confusion matrix: true genre down, predicted across; colour is the share of the row."""
    counts = np.asarray(matrix)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = plt.subplots(figsize=(7.5, 6.5), layout="constrained")
    image = axes.imshow(share, cmap="cividis", vmin=0, vmax=1)
    for i, j in np.ndindex(*counts.shape):
        if counts[i, j]:
            colour = "black" if share[i, j] > 0.5 else "white"
            axes.text(j, i, str(counts[i, j]), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="predicted genre", ylabel="true genre", title="Tracks of held-out artists")
    figure.colorbar(image, label="share of the true genre")
    _save(figure, path)


def plot_learning(history: Sequence[dict[str, float]], path: Path) -> None:
    """Training loss and held-out accuracy of the averaged network, by epoch."""
    epochs = [look["epoch"] for look in history]
    figure, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    axes.plot(epochs, [look["loss"] for look in history], color="#0072b2", marker="o", ms=3)
    axes.set(xlabel="epoch", title="Training of the network")
    axes.set_ylabel("training loss (mixed, smoothed targets)", color="#0072b2")
    right = axes.twinx()
    accuracy = [100 * look["accuracy"] for look in history]
    right.plot(epochs, accuracy, color="#d55e00", marker="s", ms=3)
    right.set_ylabel("accuracy on held-out artists (%)", color="#d55e00")
    axes.grid(alpha=0.3)
    _save(figure, path)


def plot_calibration(curve: Sequence[dict[str, float]], path: Path) -> None:
    """Accuracy and share of the tracks at least so sure, by confidence threshold."""
    thresholds = [100 * point["threshold"] for point in curve]
    figure, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
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
    _save(figure, path)


def plot_elbow(elbow: Sequence[dict[str, float]], path: Path) -> None:
    """Inertia and silhouette by the number of music types."""
    ks = [point["k"] for point in elbow]
    figure, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    axes.plot(ks, [point["inertia"] for point in elbow], "o-", ms=4, color="#0072b2")
    axes.set(xlabel="number of types k", title="How many music types?")
    axes.set_ylabel("inertia (squared z-score)", color="#0072b2")
    right = axes.twinx()
    right.plot(ks, [point["silhouette"] for point in elbow], "s--", ms=4, color="#d55e00")
    right.set_ylabel("mean silhouette", color="#d55e00")
    axes.grid(alpha=0.3)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    # No date in the file: the same figures give the same bytes.
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    plt.close(figure)
