"""Fitting one whole model on labelled tracks, and judging it on artists that it never heard.

Twice over, as the default model is made: a development run leaves a share of the artists out,
and everything that is said of the model's quality comes from them; the weights that go into the
bundle are then fitted on all tracks by the same recipe.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.audio.excerpts import ExcerptPlan
from tagger.errors import UsageError
from tagger.models.bundle import (
    BUILTIN_MODEL,
    Bundle,
    CnnSpec,
    MemberSpec,
    MusicSpec,
    find_bundle,
    load_bundle,
)
from tagger.models.fusion import fuse
from tagger.models.similarity import fit_space
from tagger.report.text import counted
from tagger.training.answers import both_answers, heard_log_probs, picture_log_probs
from tagger.training.calibration import fit_thresholds, selective_curve
from tagger.training.data import Data
from tagger.training.embedding import cut_all, embed
from tagger.training.ensemble import soft_vote, to_onnx
from tagger.training.export import check_runtimes, to_tflite
from tagger.training.fit import FitSettings, Fitted, fit_network
from tagger.training.genre_statistics import STATISTICS, GenreStatistics
from tagger.training.last_layer import copies_by_body, fit_last_layer, heard_by_body
from tagger.training.metrics import judge
from tagger.training.music_types import fit_music_types
from tagger.training.networks_musicnn import MUSICNN
from tagger.training.networks_registry import NETWORKS, NetworkKind
from tagger.training.own_ensemble import copies_for_ensemble, fit_own_ensemble
from tagger.training.own_fusion import fit_own_fusion
from tagger.training.settings import ModelSettings
from tagger.training.splits import hold_out
from tagger.training.transfer_musicnn import BODY, packed_body

__all__ = ["fit_model"]

_HELD_SHARE: Final = 0.2
_STOP_SHARE: Final = 0.15
_PATIENCE: Final = 4  # looks, of ten epochs each
_TUNED: Final = 0.01
"""Of the usual rate; at it a body learns that has learned before. At a tenth, ten epochs took the
default model's from 0.71 to 0.44 on artists kept apart; at this to 0.59."""
_EXCERPTS: Final = ExcerptPlan(count=2, seconds=15.0)

Rows = npt.NDArray[np.bool_]


def fit_model(
    data: Data, settings: ModelSettings, work: Path, say: Callable[[str], None]
) -> tuple[Bundle, dict[str, Any]]:
    """Fit and judge a model.

    Args:
        data: labelled tracks.
        settings: what to fit.
        work: folder for checkpoints; a stopped run of the same goes on from them.
        say: told what is being done, a line at a time.

    Returns:
        The bundle, not yet written, and the figures for its card.

    Raises:
        UsageError: the tracks cannot be split.
    """
    begun = time.monotonic()
    labels, tracks, targets = data.labels, data.tracks, data.targets
    kind = NETWORKS[settings.network]
    spec = kind.spec()
    held = _held_out(data, settings.seed)
    fit_on = ~held
    stop = np.zeros(len(held), dtype=bool)
    heard = copies = None
    if settings.begins:
        say(f"what the body hears of {counted(len(held), 'track')}")
        begun_with = kind.build(len(labels), **dict(settings.options))
        heard = heard_by_body(begun_with, spec, tracks.pictures)
        copies = copies_by_body(begun_with, spec, tracks.pictures, settings.seed)
    if not settings.head_alone:
        stop[fit_on] = hold_out(
            tracks.groups[fit_on], tracks.genres[fit_on], _STOP_SHARE, settings.seed + 1
        )
    say(
        f"development: fitted on {np.sum(fit_on & ~stop)} tracks, "
        + (f"ended by {stop.sum()}, " if stop.any() else "")
        + f"judged on {held.sum()}"
    )
    # Where each genre has but one artist left, none can be spared: it runs to its end.
    ended_by = stop if stop.any() else None
    develop = _fit(
        data, spec, kind, settings, fit_on & ~stop, ended_by, work / "develop.npz", heard, copies
    )
    left = settings.begins and not develop.epoch
    if left and not settings.head_alone:
        say("development: fitting its body on made it worse; that stays as it was")
    say("development: ensemble")
    others = copies_for_ensemble(data, settings.seed)
    members, votes = fit_own_ensemble(data, fit_on, settings, others)
    ensemble = soft_vote(members, votes, tracks.features[held])
    cnn_log = (
        picture_log_probs(develop.network, spec, tracks.pictures[held])
        if heard is None or develop.epoch
        else heard_log_probs(develop.network, heard[held])
    )
    own = fit_own_fusion(
        ensemble, cnn_log, targets[held], tracks.groups[held], labels, _begun_with(settings)
    )
    fusion, fused = own.spec, own.fused
    if own.new:
        say(f"held back a little, as the model begun with does not know it: {', '.join(own.new)}")
    thresholds = fit_thresholds(fused, targets[held], labels)
    parts = {"ensemble": ensemble, "cnn": np.exp(cnn_log), "fused": fused}

    everything = np.ones(len(held), dtype=bool)
    # As many steps as development needed: more tracks need no longer a run.
    epochs = 0 if left else max(1, round(develop.epoch * np.sum(fit_on & ~stop) / len(held)))
    say(
        f"final: fitted on all {len(held)} tracks"
        + (f", {counted(epochs, 'epoch')}" if epochs else "")
    )
    final = _fit(
        data,
        spec,
        kind,
        replace(settings, epochs=epochs, seed=settings.seed + 1000),
        everything,
        None,
        work / "final.npz",
        heard,
        copies,
    )
    members, _ = fit_own_ensemble(data, everything, settings, others)
    listener = embed(final.network, spec, tracks.pictures, None if final.epoch else heard)
    types = fit_music_types(tracks.features, data.features, seed=settings.seed)
    bundle = Bundle(
        name=settings.name,
        version=settings.version,
        folder=work,
        labels=labels,
        features=data.features,
        excerpts=_EXCERPTS,
        members=tuple(MemberSpec(name, f"{name}.onnx", votes[name]) for name in members),
        cnn=listener.spec,
        fusion=fusion,
        thresholds=thresholds,
        clusters=types.spec,
        music=_judge_of_music(data.features),
        weights={
            spec.file: to_tflite(listener.network),
            **packed_body(final.network),
            STATISTICS: GenreStatistics.measured(
                tracks.features, tracks.genres, tracks.source
            ).packed(),
            **{
                f"{name}.onnx": to_onnx(member, len(data.features))
                for name, member in members.items()
            },
        },
    )
    some = tracks.pictures[:: max(1, len(tracks) // 40)]
    patches = cut_all(some, spec)
    log_probs, embeddings = both_answers(listener.network, patches)
    votes_of_all = soft_vote(members, votes, tracks.features)
    runtimes = check_runtimes(
        bundle,
        patches,
        np.exp(log_probs),
        tracks.features,
        votes_of_all,
        embeddings,
    )
    rows = listener.rows
    said = fuse(votes_of_all[rows], listener.log_probs, fusion)
    space = fit_space(tracks.features[rows], listener.embeddings, said)
    bundle = replace(
        bundle,
        similarity=space.spec,
        weights={**bundle.weights, space.spec.file: space.weights()},
    )
    spoken = fused.max(axis=1) >= np.array([thresholds[labels[i]] for i in fused.argmax(axis=1)])
    right = fused.argmax(axis=1) == targets[held]
    figures = {
        "tracks": len(held),
        "unit": data.unit,
        "notes": list(data.notes),
        "settings": asdict(settings),
        # What a network begins with decides its kind.
        "network": MUSICNN if BODY in bundle.weights else settings.network,
        "parameters": int(final.network.count_params()),
        "runtimes": runtimes,
        "bytes": sum(len(weights) for weights in bundle.weights.values()),
        "development": {
            "fitted_on": int(np.sum(fit_on & ~stop)),
            "ended_by": int(stop.sum()),
            "epoch": develop.epoch,
            "history": list(develop.history),
        },
        "held_out": judge(fused, targets[held], labels)
        | {
            "parts": {
                n: float((p.argmax(axis=1) == targets[held]).mean()) for n, p in parts.items()
            }
        },
        "cross_fitted": own.crossed,
        "selective": selective_curve(fused, targets[held]),
        "written": {
            "share": float(spoken.mean()),
            "accuracy": float(right[spoken].mean()) if spoken.any() else None,
        },
        "types": {
            "names": list(types.spec.names),
            "sizes": list(types.sizes),
            "words": list(types.words),
            "elbow": list(types.elbow),
        },
        "seconds": time.monotonic() - begun,
    }
    return bundle, figures


def _begun_with(settings: ModelSettings) -> Bundle | None:
    """The model with whose network the training begins."""
    begin = dict(settings.options).get("begin")
    return None if begin is None else load_bundle(find_bundle(begin))


def _judge_of_music(features: tuple[str, ...]) -> MusicSpec | None:
    """The default model's, which knows what is no music, if it looks at the same features."""
    default = load_bundle(find_bundle(BUILTIN_MODEL))
    return default.music if default.features == features else None


def _held_out(data: Data, seed: int) -> Rows:
    """The archive's own partition, or a fifth of the artists."""
    held = data.tracks.held_out
    if not held.any():
        held = hold_out(data.tracks.groups, data.tracks.genres, _HELD_SHARE, seed)
    if not held.any():
        raise UsageError(
            f"there are too few {data.unit}s to keep some apart for judging: a genre needs two "
            "or more"
        )
    if len(set(data.targets[~held])) < len(data.labels):
        raise UsageError("a genre has no track but those that are kept apart for judging")
    return held


def _fit(
    data: Data,
    spec: CnnSpec,
    kind: NetworkKind,
    settings: ModelSettings,
    rows: Rows,
    stop: Rows | None,
    checkpoint: Path,
    heard: npt.NDArray[np.float32] | None = None,
    copies: npt.NDArray[np.float32] | None = None,
) -> Fitted:
    n_labels = len(data.labels)
    given = dict(settings.options)
    # A new layer at random would shake the body that it stands on: it is fitted first, alone.
    layer = (
        None
        if heard is None
        else fit_last_layer(
            heard[rows].mean(axis=1),
            data.targets[rows],
            n_labels,
            settings.balance,
            None if copies is None else copies[:, rows],
        )
    )

    def build() -> Any:
        if layer is None:
            return kind.build(n_labels, **given)
        network = kind.build(n_labels, **given, tune=settings.tune)
        network.layers[-1].set_weights(layer)
        return network

    if settings.head_alone or not settings.epochs:
        return Fitted(build(), (), 0)
    how = FitSettings(
        epochs=settings.epochs,
        balance=settings.balance,
        patience=_PATIENCE if stop is not None else 0,
        seed=settings.seed,
        augmentation=kind.augmentation,
    )
    if layer is not None:
        how = replace(how, peak_rate=how.peak_rate * _TUNED)
    apart = None if stop is None else (data.tracks.pictures[stop], data.targets[stop])
    fitted = fit_network(
        build,
        spec,
        data.tracks.pictures[rows],
        data.targets[rows],
        np.ones((int(rows.sum()), n_labels), dtype=bool),
        how,
        validation=apart,
        checkpoint=checkpoint,
    )
    if heard is not None and stop is not None:
        begun = build()
        answers = heard_log_probs(begun, heard[stop])
        loss = -float(answers[np.arange(len(answers)), data.targets[stop]].mean())
        if loss <= min(look["validation_loss"] for look in fitted.history):
            return Fitted(begun, fitted.history, 0)
    return fitted
