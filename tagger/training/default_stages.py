"""The stages of the default model's making that take time: what is heard, and what is fitted.

Each leaves its results in the work folder: ``listen.npz``; ``adapt0.npz`` and ``.json``, and
``heard0.npz`` with what that body hears, and so for each seed; ``develop.npz`` and ``.json``, with
answers for the held-out clips in ``held.npz``; ``final.npz`` and ``.json``; ``cross.npz``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from tagger.training.datasets import ENSEMBLE_FEATURES
from tagger.training.default_data import (
    LABELS,
    DefaultData,
    emotify_paths,
    parts_by_artist,
)
from tagger.training.ensemble import fit_members, fit_vote_weights, soft_vote
from tagger.training.feature_copies import features_of_changed
from tagger.training.remaster import AS_PLAYED, remastered

if TYPE_CHECKING:
    from tagger.training.default_network import FittedNetwork, Listened
    from tagger.training.musicnn_adapt import Adapted

__all__ = [
    "adapt_bodies",
    "cross",
    "develop",
    "final",
    "fit_default_members",
    "fit_default_votes",
    "listen",
]

_SEEDS: Final = 3  # of the body, the cross-validation and the development split
_NO_COPY: Final = 1_000  # in a seed: no copy that is learned from has this number

Features = npt.NDArray[np.float32]


def listen(data: DefaultData, options: argparse.Namespace) -> None:
    """Keep what the published network hears, in free music and in Emotify's recordings."""
    from tagger.training.free_hearing import hear_free_music
    from tagger.training.musicnn import at_columns, read_wheel
    from tagger.training.musicnn_hearing import published_activations

    arrays = read_wheel(options.musicnn)
    music = hear_free_music(arrays, options.music)
    paths = emotify_paths(options.data / "emotify")
    np.savez(
        options.work / "listen.npz",
        allow_pickle=False,
        pictures=music.pictures,
        wanted=music.wanted,
        recordings=music.recordings,
        wanted_of_emotify=published_activations(arrays, paths),
        **at_columns(arrays),
    )
    n = len(np.unique(music.recordings))
    print(f"{len(music.recordings)} excerpts of {n} recordings", flush=True)


def adapt_bodies(data: DefaultData, options: argparse.Namespace) -> None:
    """Teach the network for pictures to hear what the published one does, for three seeds."""
    from joblib import Parallel, delayed

    seeds = range(options.seed, options.seed + _SEEDS)
    Parallel(n_jobs=-1)(
        delayed(_adapt_body)(data, options, i, seed) for i, seed in enumerate(seeds)
    )


def _adapt_body(data: DefaultData, options: argparse.Namespace, i: int, seed: int) -> None:
    from tagger.training.default_network import SPEC, listen_with
    from tagger.training.musicnn_adapt import AdaptSettings, adapt

    with np.load(options.work / "listen.npz", allow_pickle=False) as archive:
        begin = dict(archive)
    names = "pictures", "wanted", "recordings", "wanted_of_emotify"
    pictures, wanted, recordings, of_emotify = (begin.pop(name) for name in names)
    settings = AdaptSettings(epochs=options.epochs, seed=seed)
    begun = time.monotonic()
    held_out = data.tracks.pictures[data.of_emotify], of_emotify
    body = adapt(begin, SPEC, pictures, wanted, settings, held_out)
    record = {
        "settings": asdict(settings),
        "excerpts": len(recordings),
        "recordings": len(np.unique(recordings)),
        "packages": sorted({str(name).partition("/")[0] for name in recordings}),
        "history": list(body.history),
        "seconds": time.monotonic() - begun,
    }
    stem = options.work / f"adapt{i}"
    np.savez(stem.with_suffix(".npz"), allow_pickle=False, **body.arrays)
    stem.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    heard = listen_with(body.arrays, data.tracks.pictures, np.random.default_rng(seed))
    np.savez(
        options.work / f"heard{i}.npz",
        allow_pickle=False,
        patches=heard.patches,
        copies=heard.copies,
    )
    print(f"seed {seed}: {body.history[-1]}", flush=True)


def develop(data: DefaultData, options: argparse.Namespace) -> None:
    """Fit network and ensemble on all but the held-out clips, and keep their answers for these.

    Three times over; the first network is kept, too.
    """
    held = data.held
    votes = fit_default_votes(data.with_copies(options.seed).take(~held), options.seed)
    shape = (_SEEDS, int(held.sum()), len(LABELS))
    ensemble, cnn_log = np.empty(shape), np.empty(shape)
    for i in range(_SEEDS):
        body = _Body.load(options, i)
        fitted = body.fit(data, ~held)
        if not i:
            fitted.save(options.work / "develop")
        cnn_log[i] = fitted.log_probs(body.listened.patches[held])
        seed = options.seed + i
        members = fit_default_members(data.with_copies(seed).take(~held), seed)
        ensemble[i] = soft_vote(members, votes, data.tracks.features[held])
    np.savez(options.work / "held.npz", ensemble=ensemble, cnn_log=cnn_log)


def final(data: DefaultData, options: argparse.Namespace) -> None:
    """Fit the network on everything."""
    everything = np.ones(len(data.tracks), dtype=bool)
    _Body.load(options, 0).fit(data, everything).save(options.work / "final")


@dataclass(frozen=True, slots=True)
class _Body:
    """What the stage ``adapt`` kept of one seed."""

    adapted: Adapted
    record: Mapping[str, Any]
    listened: Listened

    @classmethod
    def load(cls, options: argparse.Namespace, i: int) -> _Body:
        from tagger.training.default_network import Listened
        from tagger.training.musicnn_adapt import Adapted

        with np.load(options.work / f"adapt{i}.npz", allow_pickle=False) as archive:
            arrays = dict(archive)
        with np.load(options.work / f"heard{i}.npz", allow_pickle=False) as archive:
            listened = Listened(archive["patches"], archive["copies"])
        record = json.loads((options.work / f"adapt{i}.json").read_text())
        return cls(Adapted(arrays, tuple(record["history"])), record, listened)

    def fit(self, data: DefaultData, rows: npt.NDArray[np.bool_]) -> FittedNetwork:
        from tagger.training.default_network import fit_default_network

        fitted = fit_default_network(self.adapted, data.take(rows), self.listened.take(rows))
        return replace(fitted, record={**self.record, **fitted.record})

    def other_masters(self, data: DefaultData, seed: int) -> tuple[Features, Features]:
        """Features of another master of each clip, and what the body hears in its patches."""
        from tagger.training.default_network import SPEC
        from tagger.training.musicnn_adapt import heard_in

        tracks = data.tracks
        rng = np.random.default_rng([seed, _NO_COPY])
        changed = remastered(tracks.pictures, AS_PLAYED, rng)
        features = features_of_changed(ENSEMBLE_FEATURES, tracks.features, tracks.pictures, changed)
        return features, heard_in(self.adapted.arrays, SPEC, changed)


def cross(data: DefaultData, options: argparse.Namespace) -> None:
    """Keep answers of both parts for every clip, and for another master of each, by fits that saw
    nothing of its artist.

    But for the three weights of the vote: they are those of the development split.
    """
    votes = fit_default_votes(data.with_copies(options.seed).take(~data.held), options.seed)
    shape = (_SEEDS, len(data.tracks), len(LABELS))
    names = "ensemble", "cnn_log", "ensemble_other", "cnn_log_other"
    answers = {name: np.empty(shape) for name in names}
    for i in range(_SEEDS):
        seed, body = options.seed + i, _Body.load(options, i)
        parts = parts_by_artist(data, seed)
        made = data.with_copies(seed)
        features, patches = body.other_masters(data, seed)
        for part in range(parts.max() + 1):
            apart = parts == part
            members = fit_default_members(made.take(~apart), seed)
            fitted = body.fit(data, ~apart)
            of_part = (
                soft_vote(members, votes, data.tracks.features[apart]),
                fitted.log_probs(body.listened.patches[apart]),
                soft_vote(members, votes, features[apart]),
                fitted.log_probs(patches[apart]),
            )
            for name, said in zip(names, of_part, strict=True):
                answers[name][i, apart] = said
            print(f"seed {seed}, part {part + 1} of {parts.max() + 1}", flush=True)
    np.savez(options.work / "cross.npz", allow_pickle=False, **answers)


def fit_default_members(data: DefaultData, seed: int) -> dict[str, Any]:
    """The classifiers of the ensemble, by name, fitted on some clips."""
    tracks = data.tracks
    return fit_members(
        tracks.features, data.targets, data.possible, data.catch_all, seed, data.copies
    )


def fit_default_votes(data: DefaultData, seed: int) -> dict[str, float]:
    """Their weights in the vote, by cross-validation among the same clips."""
    return fit_vote_weights(
        data.tracks.features,
        data.targets,
        data.possible,
        data.catch_all,
        parts_by_artist(data, seed),
        seed,
        data.copies,
    )
