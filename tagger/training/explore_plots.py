"""Figures of labelled tracks: how many there are, how long, and what they look like."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import librosa.display
import numpy as np
import numpy.typing as npt
from matplotlib.ticker import MaxNLocator

from tagger.analysis.spectrum import HOP_LENGTH, Spectrum
from tagger.training.explore_groups import SHOWN_GENRES
from tagger.training.plots import new_figure, save_figure, shown

__all__ = ["Sample", "plot_balance", "plot_spread", "plot_tracks"]

_SR: Final = 22_050
_BALANCE_ROWS: Final = 40
_BINS: Final = 31  # odd: tracks that are all alike stand in the middle
_WAVE_POINTS: Final = 1000
_LONG_S: Final = 180.0  # a median beyond is read in minutes
_SKEWED: Final = 10.0  # times the median, beyond which a scale is logarithmic
_BLUE: Final = "#0072b2"

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """A track to look at.

    Attributes:
        title: what to call it.
        y: its signal at 22,050 Hz, float32, shape (n,), n at least 2048.
    """

    title: str
    y: npt.NDArray[np.float32]


def plot_balance(counts: Mapping[str, int], n_unlabelled: int, path: Path) -> None:
    """Tracks by genre, and the files without a label.

    Args:
        counts: tracks by genre, the largest first.
        n_unlabelled: files without a label.
        path: PNG to write.
    """
    n = sum(counts.values())
    names = [shown(name) for name in counts][:_BALANCE_ROWS]
    sizes = list(counts.values())[:_BALANCE_ROWS]
    colours = [_BLUE] * len(names)
    title = f"{n} labelled tracks in {len(counts)} genres"
    if rest := list(counts.values())[_BALANCE_ROWS:]:
        title += f"\n(the {_BALANCE_ROWS} largest; {sum(rest)} tracks in the other {len(rest)})"
    if n_unlabelled:
        names, sizes, colours = [*names, "no label"], [*sizes, n_unlabelled], [*colours, "white"]
    figure, axes = new_figure((7.5, 1.3 + 0.25 * len(names)))
    bars = axes.barh(range(len(names)), sizes, color=colours, height=0.75)
    if n_unlabelled:
        bars[-1].set(hatch="///", edgecolor="#555555")
    total = n + n_unlabelled
    axes.bar_label(bars, [f"{s} ({100 * s / total:.1f} %)" for s in sizes], padding=3, size=8)
    axes.set_yticks(range(len(names)), names)
    axes.set(ylim=(len(names) - 0.4, -0.6), xlabel="tracks", title=title)
    axes.margins(x=0.18)
    axes.xaxis.set_major_locator(_whole_numbers())
    save_figure(figure, path)


def plot_spread(durations_s: Array, bit_rates_kbps: Array, path: Path) -> None:
    """Histograms of length and bit rate.

    Args:
        durations_s: seconds, NaN where unknown, shape (n,).
        bit_rates_kbps: kb/s, NaN where unknown, shape (n,).
        path: PNG to write.
    """
    long = np.nanmedian([*durations_s[np.isfinite(durations_s)], 0.0]) > _LONG_S
    figure, axes = new_figure((10, 3.8), 1, 2)
    _histogram(axes[0], durations_s / (60 if long else 1), "length", "min" if long else "s")
    _histogram(axes[1], bit_rates_kbps, "bit rate", "kb/s")
    save_figure(figure, path)


def _histogram(axes: Any, values: Array, what: str, unit: str) -> None:
    known = values[np.isfinite(values) & (values > 0)]
    unknown = len(values) - len(known)
    axes.set(xlabel=f"{what} ({unit})", ylabel="tracks")
    said = [f"unknown for {unknown} of {len(values)}"] * bool(unknown)
    if len(known):
        median = float(np.median(known))
        low, high = float(known.min()), float(known.max())
        if high > _SKEWED * median:
            edges = np.geomspace(low, high, _BINS + 1)
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:g}")
        else:
            # All tracks alike still need a bar of some width.
            room = max(high - low, 0.02 * median)
            middle = (low + high) / 2
            edges = np.linspace(middle - room / 2, middle + room / 2, _BINS + 1)
        axes.hist(known, edges, color=_BLUE)
        axes.axvline(median, color="#d55e00", ls="--", lw=1.2)
        spread = f"{low:.3g}" if low == high else f"median {median:.3g}, {low:.3g} to {high:.3g}"
        said.insert(0, f"{spread} {unit}")
    axes.set_title(f"{what.capitalize()}: " + "; ".join(said), size=10)
    axes.yaxis.set_major_locator(_whole_numbers())


def _whole_numbers() -> MaxNLocator:
    return MaxNLocator(8, steps=(1, 2, 5, 10), integer=True)


def plot_tracks(samples: Mapping[str, Sample], n_genres: int, path: Path) -> None:
    """Waveform and mel spectrogram of one track for each genre.

    Args:
        samples: track by genre, the largest genre first; those beyond
            :data:`SHOWN_GENRES` are left out.
        n_genres: how many genres there are; the title says so where not all are shown.
        path: PNG to write.
    """
    pairs = list(samples.items())[:SHOWN_GENRES]
    columns = math.ceil(math.sqrt(len(pairs)))
    rows = -(-len(pairs) // columns)
    figure, grid = new_figure(
        (4.6 * columns + 1.0, 3.3 * rows + 0.6), 2 * rows, columns, squeeze=False,
        height_ratios=(1, 2.4) * rows,
    )  # fmt: skip
    waves, mels = grid[0::2].ravel(), grid[1::2].ravel()
    for wave, mel, (genre, sample) in zip(waves, mels, pairs, strict=False):
        image = _draw_track(wave, mel, sample)
        wave.set_title(f"{shown(genre)}: {shown(sample.title)}", size=10)
    for axes in (*waves[len(pairs) :], *mels[len(pairs) :]):
        axes.remove()
    figure.colorbar(image, ax=figure.axes, label="dB re the loudest", fraction=0.02, aspect=40)
    title = "One track of each genre"
    if len(pairs) < n_genres:
        title = f"One track of each of {len(pairs)} genres, the largest of {n_genres}"
    figure.suptitle(title)
    save_figure(figure, path)


def _draw_track(wave: Any, mel: Any, sample: Sample) -> Any:
    # Not librosa's waveshow: it draws the whole figure again at each turn.
    step = max(1, len(sample.y) // _WAVE_POINTS)
    starts = np.arange(0, len(sample.y), step)
    low, high = np.minimum.reduceat(sample.y, starts), np.maximum.reduceat(sample.y, starts)
    wave.fill_between(starts / _SR, low, high, color=_BLUE, lw=0.3)
    wave.set(ylim=(-1.05, 1.05), yticks=(-1, 0, 1), ylabel="amplitude")
    wave.tick_params(labelbottom=False)
    mel_db = Spectrum([sample.y], _SR).mel_db
    image = librosa.display.specshow(
        mel_db - mel_db.max(), sr=_SR, hop_length=HOP_LENGTH, x_axis="s", y_axis="mel",
        cmap="magma", vmin=-80, vmax=0, ax=mel,
    )  # fmt: skip
    mel.set(xlabel="time (s)", ylabel="Hz")
    wave.set_xlim(mel.get_xlim())
    return image
