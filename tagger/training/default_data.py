"""What the default model is fitted on: GTZAN and Emotify, as one set of eleven labels."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from tagger.training.datasets import ENSEMBLE_FEATURES, TrackSet, load_emotify, load_gtzan
from tagger.training.feature_copies import features_of_copies

__all__ = [
    "BIASED",
    "EMOTIFY_CHOICE",
    "LABELS",
    "DefaultData",
    "emotify_paths",
    "load_default_data",
    "parts_by_artist",
]

LABELS: Final = {
    "blues": "Blues",
    "classical": "Classical",
    "country": "Country",
    "disco": "Disco",
    "electronic": "Electronic",
    "hiphop": "Hip-Hop",
    "jazz": "Jazz",
    "metal": "Metal",
    "pop": "Pop",
    "reggae": "Reggae",
    "rock": "Rock",
}
"""Genres as the data sets name them, and as players know them."""

EMOTIFY_CHOICE: Final = ("classical", "electronic", "pop", "rock")
"""What Emotify's clips could be called: a blues there stands under one of these."""

BIASED: Final = (list(LABELS).index("electronic"),)
"""GTZAN never says electronic and Emotify never anything but its four: little in the training
weighs electronic against hip-hop or reggae, so that its odds are set by calibration."""

_PARTS: Final = 5  # of a cross-validation
_HELD_ONE_IN: Final = 5  # of Emotify's artists
_COPIES: Final = 8  # of each clip, by other masters

Rows = npt.NDArray[np.bool_]
Targets = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class DefaultData:
    """The clips of both sets.

    Attributes:
        targets: index of each clip's genre in :data:`LABELS`, shape (n,).
        held: GTZAN's validation part, and a fifth of Emotify's artists, shape (n,).
        copies: features of the clips by other masters, shape (copies, n, n_features), where they
            have been made.
    """

    tracks: TrackSet
    targets: Targets
    held: Rows
    copies: npt.NDArray[np.float32] | None = None

    @property
    def of_emotify(self) -> Rows:
        """Which clips are Emotify's."""
        return np.asarray(self.tracks.source == "emotify")

    @property
    def possible(self) -> Rows:
        """Which labels each clip could have been given, shape (n, n_labels)."""
        choice = np.isin(list(LABELS), EMOTIFY_CHOICE)
        return np.where(self.of_emotify[:, None], choice, True)

    @property
    def catch_all(self) -> Rows:
        """Emotify's pop and rock: what is neither classical nor electronic stands under them."""
        return self.of_emotify & np.isin(self.tracks.genres, ["pop", "rock"])

    @property
    def told(self) -> Rows:
        """Of which labels each clip says something, shape (n, n_labels): of those that were
        possible where it stands under a catch-all; that a clip is classical says that it is
        nothing else."""
        return np.where(self.catch_all[:, None], self.possible, True)

    def take(self, rows: Rows) -> DefaultData:
        """The clips of some rows."""
        copies = None if self.copies is None else self.copies[:, rows]
        return DefaultData(self.tracks.take(rows), self.targets[rows], self.held[rows], copies)

    def with_copies(self, seed: int) -> DefaultData:
        """With copies of the clips by other masters, the same of the same seed."""
        tracks = self.tracks
        copies = features_of_copies(
            ENSEMBLE_FEATURES, tracks.features, tracks.pictures, _COPIES, seed, jobs=-1
        )
        return replace(self, copies=copies)


def load_default_data(folder: Path) -> DefaultData:
    """Both sets, from a folder that holds ``gtzan/`` and ``emotify/``.

    Raises:
        SystemExit: an artist is on both sides of the split.
        UsageError: as :func:`tagger.training.datasets.load_archive`.
    """
    tracks = TrackSet.joined([load_gtzan(folder / "gtzan"), load_emotify(folder / "emotify")])
    targets = np.array([list(LABELS).index(genre) for genre in tracks.genres])
    held = tracks.held_out.copy()
    emotify = np.flatnonzero(tracks.source == "emotify")
    parts = _parts(targets[emotify], tracks.groups[emotify], _HELD_ONE_IN, 0)
    held[emotify[parts == 0]] = True
    shared = set(tracks.groups[held]) & set(tracks.groups[~held])
    if shared:
        raise SystemExit(f"artists on both sides of the split: {sorted(shared)[:5]}")
    return DefaultData(tracks, targets, held)


def parts_by_artist(data: DefaultData, seed: int) -> Targets:
    """Parts for cross-validation, no artist in two of them, shape (n,).

    Each has about as much of each set's genres.
    """
    tracks = data.tracks
    kinds = np.char.add(np.char.add(tracks.source, "/"), tracks.genres)
    return _parts(kinds, tracks.groups, _PARTS, seed)


def emotify_paths(folder: Path) -> list[Path]:
    """Emotify's recordings in the order of :func:`~tagger.training.datasets.load_emotify`."""
    with (folder / "tracks.csv").open(newline="", encoding="utf-8") as stream:
        return [folder / row["file"] for row in csv.DictReader(stream)]


def _parts(
    kinds: npt.NDArray[np.str_] | Targets, groups: npt.NDArray[np.str_], n_parts: int, seed: int
) -> Targets:
    parts = np.zeros(len(kinds), dtype=np.intp)
    folds = StratifiedGroupKFold(n_parts, shuffle=True, random_state=seed)
    for i, (_, judged) in enumerate(folds.split(kinds, kinds, groups)):
        parts[judged] = i
    return parts
