"""The stages of the default model's making that take time: what is heard, and what is fitted.

Each leaves its results in the work folder: ``listen.npz``; ``develop.npz`` and ``.json``, with
answers for the held-out clips in ``held.npz``; ``final.npz`` and ``.json``; ``cross.npz``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from tagger.training.default_data import (
    LABELS,
    DefaultData,
    emotify_paths,
    parts_by_artist,
)
from tagger.training.ensemble import fit_members, fit_vote_weights, soft_vote

if TYPE_CHECKING:
    from tagger.training.default_network import FittedNetwork

__all__ = ["cross", "develop", "final", "fit_default_members", "fit_default_votes", "listen"]

_SEEDS: Final = 3  # of the cross-validation, and of the development split


def listen(data: DefaultData, options: argparse.Namespace) -> None:
    """Keep what is heard in the clips before anything is fitted."""
    from tagger.training.default_network import SPEC
    from tagger.training.musicnn import at_columns, read_wheel
    from tagger.training.musicnn_adapt import found_in
    from tagger.training.musicnn_hearing import published_activations
    from tagger.training.networks_musicnn import published

    arrays = read_wheel(options.musicnn)
    paths = emotify_paths(options.data / "emotify")
    wanted = published_activations(published(arrays), paths)
    begin = at_columns(arrays)
    np.savez(
        options.work / "listen.npz",
        allow_pickle=False,
        wanted=wanted,
        found=found_in(begin, SPEC, data.tracks.pictures),
        **begin,
    )


def develop(data: DefaultData, options: argparse.Namespace) -> None:
    """Fit network and ensemble on all but the held-out clips, and keep their answers for these.

    Three times over; the first network is kept, too.
    """
    heard, held = _Heard.load(options), data.held
    votes = fit_default_votes(data.take(~held), options.seed)
    shape = (_SEEDS, int(held.sum()), len(LABELS))
    ensemble, cnn_log = np.empty(shape), np.empty(shape)
    for i in range(_SEEDS):
        fitted = heard.fit(data, ~held, options.seed + i)
        if not i:
            fitted.save(options.work / "develop")
        cnn_log[i] = fitted.log_probs(heard.found[held])
        members = fit_default_members(data.take(~held), options.seed + i)
        ensemble[i] = soft_vote(members, votes, data.tracks.features[held])
    np.savez(options.work / "held.npz", ensemble=ensemble, cnn_log=cnn_log)


def final(data: DefaultData, options: argparse.Namespace) -> None:
    """Fit the network on everything."""
    everything = np.ones(len(data.tracks), dtype=bool)
    fitted = _Heard.load(options).fit(data, everything, options.seed + 1000)
    fitted.save(options.work / "final")


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the stage ``listen`` kept.

    Attributes:
        begin: weights of the network before it is adapted.
        found: what its first convolutions find in every clip.
        wanted: what the published network hears in Emotify's.
    """

    begin: Mapping[str, npt.NDArray[np.float32]]
    found: npt.NDArray[np.float16]
    wanted: npt.NDArray[np.float32]
    epochs: int

    @classmethod
    def load(cls, options: argparse.Namespace) -> _Heard:
        with np.load(options.work / "listen.npz", allow_pickle=False) as archive:
            arrays = dict(archive)
        found, wanted = arrays.pop("found"), arrays.pop("wanted")
        return cls(arrays, found, wanted, options.epochs)

    def fit(self, data: DefaultData, rows: npt.NDArray[np.bool_], seed: int) -> FittedNetwork:
        from tagger.training.default_network import fit_default_network
        from tagger.training.musicnn_adapt import AdaptSettings

        settings = AdaptSettings(epochs=self.epochs, seed=seed)
        return fit_default_network(self.begin, data, self.found, self.wanted, rows, settings)


def cross(data: DefaultData, options: argparse.Namespace) -> None:
    """Keep answers of both parts for every clip, by fits that saw nothing of its artist.

    But for the three weights of the vote: they are those of the development split.
    """
    heard = _Heard.load(options)
    votes = fit_default_votes(data.take(~data.held), options.seed)
    shape = (_SEEDS, len(data.tracks), len(LABELS))
    ensemble, cnn_log = np.empty(shape), np.empty(shape)
    for i in range(_SEEDS):
        seed = options.seed + i
        parts = parts_by_artist(data, seed)
        for part in range(parts.max() + 1):
            apart = parts == part
            fitted_on = data.take(~apart)
            members = fit_default_members(fitted_on, seed)
            ensemble[i, apart] = soft_vote(members, votes, data.tracks.features[apart])
            cnn_log[i, apart] = heard.fit(data, ~apart, seed).log_probs(heard.found[apart])
            print(f"seed {seed}, part {part + 1} of {parts.max() + 1}", flush=True)
    np.savez(options.work / "cross.npz", ensemble=ensemble, cnn_log=cnn_log)


def fit_default_members(data: DefaultData, seed: int) -> dict[str, Any]:
    """The classifiers of the ensemble, by name, fitted on some clips."""
    tracks = data.tracks
    return fit_members(tracks.features, data.targets, data.possible, data.catch_all, seed)


def fit_default_votes(data: DefaultData, seed: int) -> dict[str, float]:
    """Their weights in the vote, by cross-validation among the same clips."""
    return fit_vote_weights(
        data.tracks.features,
        data.targets,
        data.possible,
        data.catch_all,
        parts_by_artist(data, seed),
        seed,
    )
