"""Music types as pictures: how many, where they lie, which genres are in them.

Colours are those of Okabe and Ito ("Color Universal Design", 2008) and cividis, which people with
any kind of colour vision tell apart; each type has a mark of its own, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tagger.errors import UsageError
from tagger.report.text import counted, one_line
from tagger.report.timeline_plot import write_picture
from tagger.report.types import LookLike, SeenTypes, TypeMap

__all__ = ["check_plots_folder", "draw_counts", "draw_genres", "draw_map", "plot_types"]

_COLOURS: Final = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#5a5a5a", "#b8a800",
)  # fmt: skip
_MARKS: Final = "osD^vPX*<>hp"
_ELBOW: Final = "#0072b2"
_SILHOUETTE: Final = "#d55e00"
_CHOSEN: Final = "#5a5a5a"
_DPI: Final = 120
_MOST_GENRES: Final = 16
_LONGEST: Final = 34


def check_plots_folder(folder: Path) -> None:
    """Make sure that plots may be written, before work is done for them.

    Raises:
        UsageError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--plots {folder}: cannot be made: {error.strerror}") from error


def plot_types(seen: SeenTypes, laid_out: TypeMap, folder: Path) -> tuple[Path, ...]:
    """Draw all that there is to see of the types of a library.

    Returns:
        the files, in the order in which they are best looked at.

    Raises:
        UsageError: one cannot be written.
    """
    figures = {
        "how_many_types.png": draw_counts(seen.looks, seen.choice.k),
        "types_map.png": draw_map(seen, laid_out),
        "genre_mix.png": draw_genres(seen),
    }
    for name, figure in figures.items():
        write_picture(figure, folder / name, "--plots")
    return tuple(folder / name for name in figures)


def draw_counts(looks: Sequence[LookLike], chosen: int | None = None) -> Figure:
    """Inertia and silhouette by the number of types.

    Args:
        looks: at 1, 2, 3… types.
        chosen: the number that was taken; None for none.
    """
    figure = _figure(9.0, 4.2)
    left, right = figure.subplots(1, 2)
    k = [look.k for look in looks]
    left.plot(k, [look.inertia for look in looks], "o-", ms=4, color=_ELBOW)
    left.set(
        title="Elbow: how tight the types are",
        ylabel="inertia (mean squared distance\nfrom the centroid, z-scores²)",
        ylim=(0, None),
    )
    several = [look for look in looks if look.k > 1]
    heights = [look.silhouette for look in several]
    right.plot([look.k for look in several], heights, "s-", ms=4, color=_SILHOUETTE)
    right.set(
        title="Silhouette: how far apart they are",
        ylabel="mean silhouette (1: far apart, 0: touching)",
        ylim=(min(0.0, *heights), None),
    )
    for axes in (left, right):
        axes.set_xlabel("number of types k")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        if chosen is not None:
            axes.axvline(chosen, color=_CHOSEN, ls="--", lw=1, label=f"chosen: {chosen}")
            axes.legend(loc="best", frameon=False)
    return figure


def draw_map(seen: SeenTypes, laid_out: TypeMap) -> Figure:
    """The tracks on the two directions in which they vary most, by type."""
    figure = _figure(10.0, 6.2)
    axes = figure.subplots()
    size = float(np.clip(4_000 / max(1, len(laid_out.points)), 2.0, 26.0))
    for i, kind in enumerate(seen.types):
        mine = laid_out.points[laid_out.labels == i]
        colour, mark = _COLOURS[i % len(_COLOURS)], _MARKS[i % len(_MARKS)]
        label = f"{kind.number}  {_short(kind.name)} ({kind.tracks:,})"
        axes.scatter(mine[:, 0], mine[:, 1], s=size, c=colour, marker=mark, alpha=0.8, lw=0)
        axes.scatter([], [], s=30, c=colour, marker=mark, label=label, lw=0)
    for i, kind in enumerate(seen.types):
        mine = laid_out.points[laid_out.labels == i]
        if len(mine):
            x, y = mine.mean(axis=0)
            colour = _COLOURS[i % len(_COLOURS)]
            axes.annotate(
                str(kind.number), (x, y), ha="center", va="center", weight="bold", size=11,
                bbox={"boxstyle": "circle", "fc": "white", "ec": colour, "lw": 2},
            )  # fmt: skip
    axes.set(
        xlabel=_direction("First", laid_out, 0),
        ylabel=_direction("Second", laid_out, 1),
        title=f"{counted(seen.tracks, 'track')}, by music type",
    )
    axes.grid(alpha=0.3)
    axes.legend(
        loc="upper left", bbox_to_anchor=(1.01, 1.0), borderpad=0, frameon=False,
        title="music type (tracks)", alignment="left",
    )  # fmt: skip
    return figure


def draw_genres(seen: SeenTypes) -> Figure:
    """Which genres are heard in each type, as shares of its tracks."""
    weights: dict[str, float] = {}
    for kind in seen.types:
        for genre, share in kind.genres:
            weights[genre] = weights.get(genre, 0.0) + share * kind.tracks
    genres = sorted(weights, key=lambda genre: -weights[genre])[:_MOST_GENRES]
    shares = np.array([[dict(kind.genres).get(g, 0.0) for g in genres] for kind in seen.types])
    shares = 100 * shares.reshape(len(seen.types), len(genres))
    figure = _figure(3.6 + 0.62 * max(3, len(genres)), 1.9 + 0.5 * len(seen.types))
    axes = figure.subplots()
    top = max(1.0, float(shares.max(initial=0.0)))
    if not genres:  # of no tracks
        shares, genres = np.zeros((len(seen.types), 1)), ["—"]
    image = axes.imshow(shares, cmap="cividis", vmin=0, vmax=top, aspect="auto")
    for i, j in np.argwhere(shares >= 0.5):
        colour = "black" if shares[i, j] > top / 2 else "white"
        axes.text(j, i, f"{shares[i, j]:.0f}", ha="center", va="center", color=colour, size=9)
    names = [f"{kind.number}  {_short(kind.name)} ({kind.tracks:,})" for kind in seen.types]
    axes.set_yticks(range(len(names)), names)
    axes.set_xticks(
        range(len(genres)), [_short(g) for g in genres], rotation=45, rotation_mode="anchor",
        ha="right", va="center",
    )  # fmt: skip
    axes.set(
        xlabel="most probable genre", ylabel="music type (tracks)",
        title="Genres heard in each music type",
    )  # fmt: skip
    figure.colorbar(image, label="% of the type's tracks")
    return figure


def _figure(width_in: float, height_in: float) -> Figure:
    figure = Figure(figsize=(width_in, height_in), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _direction(name: str, laid_out: TypeMap, i: int) -> str:
    ends = laid_out.ends[i]
    words = f"\n{ends[0]}  ←   →  {ends[1]}" if ends else ""
    share = 100 * laid_out.shares[i]
    return f"{name} principal component (z-scores; {share:.0f} % of the variance){words}"


def _short(name: str) -> str:
    """A name as figures show it: on one line, and ``$`` taken for itself, not for a formula."""
    name = one_line(name)
    if len(name) > _LONGEST:
        name = f"{name[: _LONGEST - 9].rstrip()}…{name[-8:].lstrip()}"
    return name.replace("$", r"\$")
