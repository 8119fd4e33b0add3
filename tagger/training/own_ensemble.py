"""The ensemble of a model of one's own."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.training.data import Data
from tagger.training.ensemble import fit_members, fit_vote_weights
from tagger.training.feature_copies import can_be_copied, features_of_copies
from tagger.training.settings import ModelSettings
from tagger.training.splits import folds

__all__ = ["copies_for_ensemble", "fit_own_ensemble"]

_COPIES: Final = 3  # of each track, by other masters
_FOLDS: Final = 5

Features = npt.NDArray[np.float32]


def copies_for_ensemble(data: Data, seed: int) -> Features | None:
    """Features of copies of all tracks by other masters, shape (copies, n, n_features); None where
    a picture does not tell how they all would change."""
    if not can_be_copied(data.features):
        return None
    tracks = data.tracks
    return features_of_copies(data.features, tracks.features, tracks.pictures, _COPIES, seed)


def fit_own_ensemble(
    data: Data, rows: npt.NDArray[np.bool_], settings: ModelSettings, copies: Features | None
) -> tuple[dict[str, Any], dict[str, float]]:
    """Members fitted on some of the tracks, and their votes.

    Args:
        rows: the tracks to fit on, shape (n,).
        copies: of all tracks, from :func:`copies_for_ensemble`.

    Returns:
        both by the members' names.
    """
    features, targets = data.tracks.features[rows], data.targets[rows]
    possible = np.ones((len(targets), len(data.labels)), dtype=bool)
    none = np.zeros(len(targets), dtype=bool)
    if copies is not None:
        copies = copies[:, rows]
    members = fit_members(features, targets, possible, none, settings.seed, copies)
    if settings.begins:  # who begins with a model has few tracks: fitted votes are no better
        return members, dict.fromkeys(members, 1 / len(members))
    parts = folds(data.tracks.groups[rows], data.tracks.genres[rows], _FOLDS, settings.seed)
    votes = fit_vote_weights(features, targets, possible, none, parts, settings.seed, copies)
    return members, votes
