"""A first look at labelled music, before anything is fitted to it."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.errors import UsageError
from tagger.training import explore_attribute_plots as attribute_plots
from tagger.training import explore_plots as plots
from tagger.training.explore_attributes import (
    REDUNDANT_R,
    Drop,
    correlate,
    pick_separating,
    principal_components,
    separation,
    standardise,
    suggest_drops,
)
from tagger.training.explore_groups import SHOWN_GENRES, GenreGroups
from tagger.trust import opener

__all__ = ["ExploreSummary", "LabelledTracks", "explore"]

_SHOWN_ATTRIBUTES: Final = 12


@dataclass(frozen=True, slots=True)
class LabelledTracks:
    """What is known of some tracks that have a genre.

    Attributes:
        features: float32, shape (n, len(feature_names)); NaN where unknown.
        feature_names: what the columns are.
        genres: label of each track, shape (n,).
        durations_s: length of each track in seconds, NaN where unknown, shape (n,).
        bit_rates_kbps: in kb/s, NaN where unknown, shape (n,).
        n_unlabelled: how many files beside these have no label.
    """

    features: npt.NDArray[np.float32]
    feature_names: tuple[str, ...]
    genres: npt.NDArray[np.str_]
    durations_s: npt.NDArray[np.float64]
    bit_rates_kbps: npt.NDArray[np.float64]
    n_unlabelled: int = 0


@dataclass(frozen=True, slots=True)
class ExploreSummary:
    """What there was to see.

    Attributes:
        counts: tracks by genre, the largest genre first.
        n_unlabelled: files without a label.
        separating: the attributes that separate the genres best, and the share of their
            variance that lies between genres, 0 to 1, the best first.
        drops: attributes that say the same as another.
        constant: attributes that do not vary, which can go as well.
        explained: share of the variance that the first two principal components explain.
        files: what was written.
        notes: one line each for the report.
    """

    counts: Mapping[str, int]
    n_unlabelled: int
    separating: tuple[tuple[str, float], ...]
    drops: tuple[Drop, ...]
    constant: tuple[str, ...]
    explained: tuple[float, ...]
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def explore(
    tracks: LabelledTracks, samples: Mapping[str, plots.Sample], folder: Path
) -> ExploreSummary:
    """Draw everything into a folder, as PNG, and list the attributes to drop as CSV.

    Args:
        tracks: the labelled tracks.
        samples: one track of each genre to look at; a genre may be absent.
        folder: made where it is not there; what an earlier look wrote is replaced.

    Raises:
        UsageError: there are no tracks, or the folder cannot be written.
    """
    if not len(tracks.genres):
        raise UsageError("no labelled track to explore; check where the labels come from")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _explore(tracks, samples, folder)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror or error}") from error


def _explore(
    tracks: LabelledTracks, samples: Mapping[str, plots.Sample], folder: Path
) -> ExploreSummary:
    counts = dict(sorted(Counter(tracks.genres.tolist()).items(), key=lambda kv: (-kv[1], kv[0])))
    files = [folder / "class_balance.png", folder / "spread.png"]
    notes = _label_notes(counts, tracks.n_unlabelled)
    plots.plot_balance(counts, tracks.n_unlabelled, files[0])
    plots.plot_spread(tracks.durations_s, tracks.bit_rates_kbps, files[1])
    if heard := {genre: samples[genre] for genre in counts if genre in samples}:
        files.append(folder / "tracks.png")
        plots.plot_tracks(heard, len(counts), files[-1])
    if silent := [genre for genre in list(counts)[:SHOWN_GENRES] if genre not in heard]:
        notes.append(f"genres without a track to look at: {_some(silent)}")

    attributes = standardise(tracks.features, tracks.feature_names)
    names = attributes.names
    if attributes.incomplete:
        notes.append(
            f"attributes with missing values, for which the median stands: {attributes.incomplete}"
        )
    if attributes.constant:
        notes.append(f"attributes that do not vary and can go: {_some(attributes.constant)}")
    if len(names) < 2:
        notes.append("fewer than two attributes vary: no plots of attributes")
        return ExploreSummary(
            counts, tracks.n_unlabelled, (), (), attributes.constant, (), tuple(files), tuple(notes)
        )

    r = correlate(attributes.z)
    drops = suggest_drops(r, names)
    if drops:
        notes.append(
            f"attributes that say the same as another (|r| > {REDUNDANT_R}) and can go: "
            f"{_some([drop.name for drop in drops])}"
        )
    groups = GenreGroups.of(tracks.genres, counts)
    eta2 = separation(attributes.z, groups.told)
    best = pick_separating(eta2, r, _SHOWN_ATTRIBUTES)
    separating = tuple((names[i], float(eta2[i])) for i in best)
    if len(counts) < 2:
        notes.append("one genre only: nothing to separate, the attributes are in no order")
    scores, explained = principal_components(attributes.z, r)

    added = [
        folder / name
        for name in ("distributions.png", "boxes.png", "correlation.png", "components.png")
    ]
    attribute_plots.plot_distributions(attributes.values[:, best], separating, groups, added[0])
    attribute_plots.plot_boxes(attributes.values[:, best], separating, groups, added[1])
    attribute_plots.plot_correlation(r, names, {drop.name for drop in drops}, added[2])
    attribute_plots.plot_components(scores, explained, groups, added[3])
    added.append(folder / "drop.csv")
    _write_drops(drops, attributes.constant, added[-1])
    return ExploreSummary(
        counts=counts,
        n_unlabelled=tracks.n_unlabelled,
        separating=separating,
        drops=drops,
        constant=attributes.constant,
        explained=tuple(float(share) for share in explained),
        files=(*files, *added),
        notes=tuple(notes),
    )


def _label_notes(counts: Mapping[str, int], n_unlabelled: int) -> list[str]:
    *_, smallest = counts
    largest = next(iter(counts))
    n = sum(counts.values())
    notes = [
        f"tracks: {n}; genres: {len(counts)}, from {largest} ({counts[largest]}) "
        f"down to {smallest} ({counts[smallest]})"
    ]
    if n_unlabelled:
        share = 100 * n_unlabelled / (n + n_unlabelled)
        notes.append(f"files without a label: {n_unlabelled} ({share:.0f} %)")
    if alone := [genre for genre, count in counts.items() if count == 1]:
        notes.append(f"genres of a single track: {_some(alone)}")
    return notes


def _some(words: list[str] | tuple[str, ...], most: int = 5) -> str:
    rest = len(words) - most
    return ", ".join(words[:most]) + (f" and {rest} more" if rest > 0 else "")


def _write_drops(drops: tuple[Drop, ...], constant: tuple[str, ...], path: Path) -> None:
    with open(path, "w", newline="", encoding="utf-8", opener=opener) as stream:
        table = csv.writer(stream)
        table.writerow(["drop", "because", "instead", "r", "mean_abs_r"])
        table.writerows([name, "does not vary", "", "", ""] for name in constant)
        table.writerows(
            [d.name, "says the same", d.instead, f"{d.r:.4f}", f"{d.mean_r:.4f}"] for d in drops
        )
