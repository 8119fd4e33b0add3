"""Makes the model in ``models/default``: ``python -m tagger.training.default_model DATA``.

Three stages, kept in a work folder; a stopped run goes on by naming those that remain:

develop   fits the network on GTZAN's training part and four fifths of Emotify's artists, and
          keeps its answers for the rest: artists that nothing was fitted on.
final     fits it by the same recipe on everything: the weights that ship.
bundle    fits the ensemble on the same two sets of clips; fusion, temperature, bias and
          thresholds on what both say of the rest, where all published figures come from;
          the music types, the network's embedding, and the space in which similar tracks
          are found. Exports, checks the runtimes against what was trained, and
          writes the bundle with its card and plots.

Stages ``develop`` and ``final`` do not need each other and can run side by side. What the model
takes for no music is added afterwards, by :mod:`tagger.training.non_music`.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from tagger.audio.excerpts import ExcerptPlan
from tagger.models.bundle import Bundle, CnnSpec, FusionSpec, MemberSpec
from tagger.models.fusion import fuse
from tagger.models.similarity import fit_space
from tagger.training.calibration import (
    cross_fitted,
    fit_fusion,
    fit_thresholds,
    selective_curve,
)
from tagger.training.datasets import ENSEMBLE_FEATURES, TrackSet, load_emotify, load_gtzan
from tagger.training.ensemble import fit_members, fit_vote_weights, soft_vote, to_onnx
from tagger.training.genre_statistics import STATISTICS, GenreStatistics
from tagger.training.metrics import judge
from tagger.training.music_types import fit_music_types

__all__ = ["LABELS", "main"]

VERSION: Final = "1.0.0"

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
"""GTZAN never says electronic and Emotify never anything but its four: nothing in the training
weighs electronic against hip-hop or reggae, so that its odds are set by calibration."""

SPEC: Final = CnnSpec(file="cnn.tflite", columns=192, offset=0.45, scale=4.0)
EXCERPTS: Final = ExcerptPlan(count=2, seconds=15.0)
_PARTS: Final = 5  # of the cross-validation that weighs the ensemble's votes

Targets = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Data:
    tracks: TrackSet
    targets: Targets
    held: npt.NDArray[np.bool_]


def main(arguments: list[str] | None = None) -> None:
    """Run some stages; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder that holds gtzan/ and emotify/")
    parser.add_argument("stages", nargs="*", default=["develop", "final", "bundle"])
    parser.add_argument("--out", type=Path, default=Path("models/default"))
    parser.add_argument("--work", type=Path, default=Path("build/default-model"))
    parser.add_argument("--epochs", type=int, default=180)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="for TensorFlow; 0: all cores")
    options = parser.parse_args(arguments)
    unknown = set(options.stages) - {"develop", "final", "bundle"}
    if unknown:
        parser.error(f"unknown stage {unknown.pop()}")
    options.work.mkdir(parents=True, exist_ok=True)
    data = _load(options.data)
    print(f"{len(data.tracks)} clips, {data.held.sum()} of them held out", flush=True)
    if "develop" in options.stages:
        _fit(data, ~data.held, "develop", options)
    if "final" in options.stages:
        _fit(data, np.ones(len(data.tracks), dtype=bool), "final", options)
    if "bundle" in options.stages:
        _bundle(data, options)


def _load(folder: Path) -> _Data:
    tracks = TrackSet.joined([load_gtzan(folder / "gtzan"), load_emotify(folder / "emotify")])
    targets = np.array([list(LABELS).index(genre) for genre in tracks.genres])
    held = tracks.held_out.copy()
    emotify = np.flatnonzero(tracks.source == "emotify")
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    _, fifth = next(folds.split(emotify, targets[emotify], tracks.groups[emotify]))
    held[emotify[fifth]] = True
    shared = set(tracks.groups[held]) & set(tracks.groups[~held])
    if shared:
        raise SystemExit(f"artists on both sides of the split: {sorted(shared)[:5]}")
    return _Data(tracks, targets, held)


def _fit(data: _Data, rows: npt.NDArray[np.bool_], stage: str, options: argparse.Namespace) -> None:
    """Fit the network on some rows; keep its weights, and its answers for the others."""
    import tensorflow as tf

    from tagger.training.answers import picture_log_probs
    from tagger.training.fit import FitSettings, fit_network
    from tagger.training.networks import resnet

    if options.threads:
        tf.config.threading.set_intra_op_parallelism_threads(options.threads)
        tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    seed = options.seed + (0 if stage == "develop" else 1000)
    fitted_on, others = data.tracks.take(rows), data.tracks.take(~rows)
    # As many steps as development took: more clips need no longer a run.
    epochs = round(options.epochs * (~data.held).sum() / len(fitted_on))
    settings = FitSettings(epochs=epochs, seed=seed)
    begun = time.monotonic()
    fitted = fit_network(
        lambda: resnet(len(LABELS), SPEC.columns),
        SPEC,
        fitted_on.pictures,
        data.targets[rows],
        _possible(fitted_on),
        settings,
        validation=(others.pictures, data.targets[~rows]) if len(others) else None,
    )
    seconds = time.monotonic() - begun
    fitted.network.save_weights(options.work / f"{stage}.weights.h5")
    record = {
        "settings": asdict(settings),
        "seconds": seconds,
        "clips": len(fitted_on),
        "parameters": int(fitted.network.count_params()),
        "history": list(fitted.history),
    }
    (options.work / f"{stage}.json").write_text(json.dumps(record, indent=1) + "\n")
    if len(others):
        np.save(
            options.work / f"{stage}.npy",
            picture_log_probs(fitted.network, SPEC, others.pictures),
        )


def _possible(tracks: TrackSet) -> npt.NDArray[np.bool_]:
    """Which labels each clip could have been given, shape (n, n_labels)."""
    choice = np.isin(list(LABELS), EMOTIFY_CHOICE)
    return np.where((tracks.source == "emotify")[:, None], choice, True)


def _fit_members(tracks: TrackSet, targets: Targets, seed: int) -> dict[str, Any]:
    return fit_members(tracks.features, targets, _possible(tracks), _catch_all(tracks), seed)


def _parts(tracks: TrackSet, targets: Targets, seed: int) -> Targets:
    """Parts for cross-validation, no artist in two of them."""
    parts = np.zeros(len(tracks), dtype=np.intp)
    folds = StratifiedGroupKFold(_PARTS, shuffle=True, random_state=seed)
    for i, (_, judged) in enumerate(folds.split(tracks.features, targets, tracks.groups)):
        parts[judged] = i
    return parts


def _catch_all(tracks: TrackSet) -> npt.NDArray[np.bool_]:
    """Emotify's pop and rock: what is neither classical nor electronic stands under them."""
    return np.asarray((tracks.source == "emotify") & np.isin(tracks.genres, ["pop", "rock"]))


def _bundle(data: _Data, options: argparse.Namespace) -> None:
    from tagger.training.answers import both_answers
    from tagger.training.card import write_card
    from tagger.training.embedding import cut_all, embed
    from tagger.training.export import check_runtimes, to_tflite, write_bundle
    from tagger.training.networks import resnet

    tracks, labels = data.tracks, tuple(LABELS.values())
    figures, votes, fusion, thresholds = _figures(data, labels, options)
    members = _fit_members(tracks, data.targets, options.seed)
    network = resnet(len(LABELS), SPEC.columns)
    network.load_weights(options.work / "final.weights.h5")
    listener = embed(network, SPEC, tracks.pictures)
    types = fit_music_types(tracks.features, ENSEMBLE_FEATURES, seed=options.seed)
    bundle = Bundle(
        name="default",
        version=VERSION,
        folder=options.out,
        labels=labels,
        features=ENSEMBLE_FEATURES,
        excerpts=EXCERPTS,
        members=tuple(MemberSpec(name, f"{name}.onnx", votes[name]) for name in members),
        cnn=listener.spec,
        fusion=fusion,
        thresholds=thresholds,
        clusters=types.spec,
        weights={
            SPEC.file: to_tflite(listener.network),
            STATISTICS: GenreStatistics.measured(
                tracks.features, tracks.genres, tracks.source
            ).packed(),
            **{
                f"{name}.onnx": to_onnx(member, len(ENSEMBLE_FEATURES))
                for name, member in members.items()
            },
        },
    )
    patches = cut_all(tracks.pictures[::20], SPEC)
    log_probs, embeddings = both_answers(listener.network, patches)
    ensemble = soft_vote(members, votes, tracks.features)
    figures["runtimes"] = check_runtimes(
        bundle,
        patches,
        np.exp(log_probs),
        tracks.features,
        ensemble,
        embeddings,
    )
    rows = listener.rows
    heard = fuse(ensemble[rows], listener.log_probs, fusion)
    space = fit_space(tracks.features[rows], listener.embeddings, heard)
    bundle = replace(
        bundle,
        similarity=space.spec,
        weights={**bundle.weights, space.spec.file: space.weights()},
    )
    figures["bytes"] = sum(len(weights) for weights in bundle.weights.values())
    figures["types"] = {
        "names": list(types.spec.names),
        "sizes": list(types.sizes),
        "words": list(types.words),
        "elbow": list(types.elbow),
    }
    # Not before it has been checked: a bundle in this folder is used.
    bundle = write_bundle(bundle, options.out)
    write_card(bundle, figures, options.out)
    print(f"{bundle.identity} written to {options.out}")


def _figures(
    data: _Data, labels: tuple[str, ...], options: argparse.Namespace
) -> tuple[dict[str, Any], dict[str, float], FusionSpec, dict[str, float]]:
    """What the card says, from the predictions for held-out artists."""
    held = data.tracks.take(data.held)
    targets = data.targets[data.held]
    possible = _possible(held)
    cnn_log = np.load(options.work / "develop.npy")
    development = data.tracks.take(~data.held)
    members = _fit_members(development, data.targets[~data.held], options.seed)
    votes = fit_vote_weights(
        development.features,
        data.targets[~data.held],
        _possible(development),
        _catch_all(development),
        _parts(development, data.targets[~data.held], options.seed),
        options.seed,
    )
    ensemble = soft_vote(members, votes, held.features)
    fusion = fit_fusion(ensemble, cnn_log, targets, BIASED)
    fused = cross_fitted(ensemble, cnn_log, targets, held.groups, BIASED)
    thresholds = fit_thresholds(fused, targets, labels)
    said = fused.argmax(axis=1)
    spoken = fused.max(axis=1) >= np.array([thresholds[labels[i]] for i in said])
    parts = {"ensemble": ensemble, "cnn": np.exp(cnn_log), "fused": fused}
    parts |= {name: member.predict_proba(held.features) for name, member in members.items()}
    figures = {
        "sources": {
            source: {
                "n": int(rows.sum()),
                "parts": {
                    name: float((p[rows].argmax(axis=1) == targets[rows]).mean())
                    for name, p in parts.items()
                },
            }
            for source in ("gtzan", "emotify")
            for rows in [held.source == source]
        },
        "emotify_of_its_four": {
            name: float(
                (np.where(possible, p, 0).argmax(axis=1) == targets)[
                    held.source == "emotify"
                ].mean()
            )
            for name, p in parts.items()
        },
        "held_out": judge(fused, targets, labels),
        "uncrossed_accuracy": float(
            (fuse(ensemble, cnn_log, fusion).argmax(axis=1) == targets).mean()
        ),
        "selective": selective_curve(fused, targets),
        "written": {
            "share": float(spoken.mean()),
            "accuracy": float((said == targets)[spoken].mean()) if spoken.any() else None,
        },
        "develop": json.loads((options.work / "develop.json").read_text()),
        "final": json.loads((options.work / "final.json").read_text()),
    }
    return figures, votes, fusion, thresholds


if __name__ == "__main__":
    main()
