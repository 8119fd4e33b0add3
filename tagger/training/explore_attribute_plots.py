"""Figures of the attributes of labelled tracks, by genre and among themselves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.training.explore_groups import SHOWN_GENRES, GenreGroups
from tagger.training.plots import new_figure, save_figure, shown

__all__ = ["plot_boxes", "plot_components", "plot_correlation", "plot_distributions"]

_NAMED_ATTRIBUTES: Final = 40
_BINS: Final = 30
_IN_HERTZ: Final = ("spectral_centroid", "spectral_bandwidth", "spectral_rolloff")

Array = npt.NDArray[np.float64]


def plot_distributions(
    values: Array, attributes: Sequence[tuple[str, float]], groups: GenreGroups, path: Path
) -> None:
    """Histograms of attributes, genre under genre, each as high as its own fullest bin.

    Args:
        values: shape (n, len(attributes)).
        attributes: name and share of the variance between genres, the best first.
        groups: the tracks' genres.
        path: PNG to write.
    """
    n_rows = len(groups.names)
    figure, panels = _panels(len(attributes), 1.1 + 0.24 * n_rows, sharey=True)
    for axes, x, (name, eta2) in zip(panels, values.T, attributes, strict=True):
        # A few far tracks would squeeze all others into one bin; they stand in the last one.
        low, high = np.percentile(x, (0.5, 99.5))
        if low == high:
            low, high = x.min(), x.max()
        edges = np.linspace(low, high, _BINS + 1)
        for row, (members, (colour, _)) in enumerate(zip(groups.rows, groups.styles, strict=True)):
            heights = np.histogram(x[members].clip(low, high), edges)[0].astype(np.float64)
            heights *= 0.9 / heights.max()
            base = n_rows - 1 - row
            axes.stairs(base + heights, edges, baseline=base, fill=True, color=colour, alpha=0.75)
            axes.hlines(base, low, high, color="#555555", lw=0.4)
        axes.set_title(_titled(name, eta2), size=8.5)
        axes.tick_params(labelsize=8)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(-0.1, n_rows)
        axes.locator_params(axis="x", nbins=5)
    panels[0].set_yticks(
        np.arange(n_rows) + 0.3, [shown(name) for name in reversed(groups.names)], size=8
    )
    figure.suptitle(_about("Distributions of the attributes that separate genres best", groups))
    save_figure(figure, path)


def plot_boxes(
    values: Array, attributes: Sequence[tuple[str, float]], groups: GenreGroups, path: Path
) -> None:
    """Box plots of attributes by genre: quartiles, whiskers to 1.5 times their distance.

    Args:
        values: shape (n, len(attributes)).
        attributes: name and share of the variance between genres, the best first.
        groups: the tracks' genres.
        path: PNG to write.
    """
    figure, panels = _panels(len(attributes), 2.6, sharex=True)
    names = [shown(name) for name in groups.names]
    for axes, x, (name, eta2) in zip(panels, values.T, attributes, strict=True):
        drawn = axes.boxplot(
            [x[members] for members in groups.rows], patch_artist=True, widths=0.65,
            medianprops={"color": "black", "lw": 1.4},
            flierprops={"marker": ".", "ms": 2.5, "mfc": "#555555", "mec": "none"},
        )  # fmt: skip
        for box, (colour, _) in zip(drawn["boxes"], groups.styles, strict=True):
            box.set(facecolor=colour, alpha=0.75)
        axes.set_title(_titled(name, eta2), size=8.5)
        axes.tick_params(labelsize=8)
        axes.set_xticks(range(1, len(names) + 1), names, rotation=90)
        axes.grid(axis="y", alpha=0.3)
    figure.suptitle(_about("The attributes that separate genres best", groups))
    save_figure(figure, path)


def plot_correlation(r: Array, names: Sequence[str], drop: set[str], path: Path) -> None:
    """Correlation matrix; a strip beside it marks the attributes to drop.

    Args:
        r: shape (d, d), -1 to 1.
        names: attribute of each row, ``method.statistic.row``; many are named by method.
        drop: the ones to mark.
        path: PNG to write.
    """
    d = len(names)
    side = float(np.clip(0.22 * d, 4.0, 9.0))
    figure, axes = new_figure((side + 3.5, side + 0.8), layout="compressed")
    image = axes.imshow(r, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    strip = axes.inset_axes((-0.03, 0, 0.02, 1))
    marks = np.array([[name in drop] for name in names])
    strip.imshow(marks, cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    strip.set_xticks([0], ["drop"], size=8, rotation=90)
    strip.set_yticks([])
    axes.set_xticks([])
    blocks = [(shown(name, 34), 1) for name in names]
    if d <= _NAMED_ATTRIBUTES:
        axes.set_xticks(range(d), [name for name, _ in blocks], size=8, rotation=90)
    else:
        methods = groupby(names, lambda name: name.split(".")[0])
        sizes = [(method, len(list(of))) for method, of in methods]
        blocks = [(f"{shown(method, 34)} ({size})", size) for method, size in sizes]
    _name_blocks(axes, blocks, pad=0.03 * side * 72 + 16)
    figure.colorbar(image, ax=axes, label="Pearson's r", shrink=0.8)
    axes.set_title(f"Correlation of {d} attributes, {len(drop)} of them to drop")
    save_figure(figure, path)


def _name_blocks(axes: Any, blocks: Sequence[tuple[str, int]], pad: float) -> None:
    """Name blocks of rows, the names apart from one another however narrow the blocks are."""
    ends = np.cumsum([size for _, size in blocks])
    middles = [end - size / 2 - 0.5 for end, (_, size) in zip(ends, blocks, strict=True)]
    if len(blocks) < ends[-1]:
        for end in ends[:-1]:
            axes.axhline(end - 0.5, color="black", lw=0.3)
            axes.axvline(end - 0.5, color="black", lw=0.3)
    least = ends[-1] / 50  # of the height, for a line of text
    at = list(accumulate(middles, lambda above, middle: max(above + least, middle)))
    axes.set_yticks(at, [name for name, _ in blocks], size=8)
    axes.tick_params(axis="y", length=0, pad=pad)
    for middle, label in zip(middles, at, strict=True):
        axes.plot(
            (-0.035, -0.055), (middle, label), color="black", lw=0.5, clip_on=False,
            transform=axes.get_yaxis_transform(),
        )  # fmt: skip


def plot_components(scores: Array, explained: Array, groups: GenreGroups, path: Path) -> None:
    """The tracks on the first two principal components; a large mark is a genre's mean.

    Args:
        scores: shape (n, 2).
        explained: share of the variance, 0 to 1, shape (2,).
        groups: the tracks' genres.
        path: PNG to write.
    """
    figure, axes = new_figure((9, 6))
    size = float(np.clip(12_000 / len(scores), 4, 28))
    drawn = zip(groups.names, groups.rows, groups.styles, strict=True)
    for i, (name, members, (colour, marker)) in enumerate(drawn):
        under = 2 if i < len(groups.told) else 1
        x, y = scores[members].T
        axes.scatter(
            x, y, s=size, c=colour, marker=marker, alpha=0.6, ec="#333333", lw=0.2, zorder=under
        )
        axes.scatter(
            x.mean(), y.mean(), s=110, c=colour, marker=marker, ec="white", lw=1.2,
            zorder=under + 2, label=f"{shown(name)} ({len(members)})",
        )  # fmt: skip
    axes.set(
        xlabel=f"component 1 ({100 * explained[0]:.1f} % of the variance)",
        ylabel=f"component 2 ({100 * explained[1]:.1f} %)",
        title="First two principal components; large: mean of a genre",
    )
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", title="genre (tracks)", fontsize=9)
    save_figure(figure, path)


def _panels(n: int, height: float, **share: Any) -> tuple[Any, list[Any]]:
    columns = min(4, n)
    rows = -(-n // columns)
    figure, grid = new_figure((3.3 * columns + 0.8, height * rows + 0.8), rows, columns, **share)
    panels = list(np.ravel(grid))
    for axes in panels[n:]:
        axes.remove()
    return figure, panels[:n]


def _titled(name: str, eta2: float) -> str:
    unit = " (Hz)" if name.startswith(_IN_HERTZ) else ""
    return f"{shown(name, 34)}{unit}, η² {eta2:.2f}"


def _about(title: str, groups: GenreGroups) -> str:
    scale = "η²: share of the variance between genres"
    which = f"; the {SHOWN_GENRES} largest genres" if groups.n_others else ""
    return f"{title} ({scale}{which})"
