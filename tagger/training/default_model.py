"""Makes the model in ``models/default``: ``python -m tagger.training.default_model DATA``.

Stages, kept in a work folder; a stopped run goes on by naming those that remain:

listen    reads the published MusiCNN from its authors' package (``--musicnn``), and keeps what it
          hears in free music (``--music``) and in Emotify's recordings.
adapt     teaches its copy for pictures, for three seeds, to answer to the free music as it does,
          and keeps what the copy hears in all clips. No clip that has a label is learned from.
develop   fits last layer and ensemble on GTZAN's training part and four fifths of Emotify's
          artists, for three seeds, and keeps their answers for the rest: artists that nothing
          was fitted on.
final     fits the last layer by the same recipe on everything: the weights that ship.
cross     fits last layer and ensemble fifteen times, on four fifths of all artists each, and
          keeps their answers for the last fifth, and for another master of each of its clips:
          five parts, for three seeds.
bundle    fits the ensemble on the same two sets of clips as the network, and on copies of them;
          fusion, temperature, bias and thresholds on the first seed of ``cross``; the music
          types, the network's embedding, and the space in which similar tracks are found.
          Exports, checks the runtimes against what was trained, and writes the bundle with its
          card and plots.
held-out  writes the model of the development split to the work folder, as ``development``,
          and tables of the held-out clips that there is audio of: what
          :mod:`tagger.training.robustness` judges. Not made unless it is named. Only fusion,
          temperature, bias and thresholds were fitted on those clips, and what the model in
          ``--out`` takes for no music, which goes with it. What it says of them
          (``--out``) goes into the card where it lies in the work folder when ``bundle`` runs,
          as ``robustness_emotify.json`` and ``robustness_gtzan.json``.

Stages ``develop``, ``final`` and ``cross`` do not need each other and can run side by side. What
the model takes for no music is added afterwards, by :mod:`tagger.training.non_music`; it is kept
of a model that is replaced and looks at the same features.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.audio.excerpts import ExcerptPlan
from tagger.errors import ModelError
from tagger.models.bundle import Bundle, FusionSpec, MemberSpec, load_bundle
from tagger.models.fusion import fuse
from tagger.models.similarity import fit_space
from tagger.training.calibration import cross_fitted, fit_fusion, fit_thresholds
from tagger.training.datasets import ENSEMBLE_FEATURES
from tagger.training.default_data import (
    BIASED,
    LABELS,
    DefaultData,
    load_default_data,
)
from tagger.training.default_figures import cross_figures, development_figures, repeat_figures
from tagger.training.default_stages import (
    adapt_bodies,
    cross,
    develop,
    final,
    fit_default_members,
    fit_default_votes,
    listen,
)
from tagger.training.ensemble import soft_vote, to_onnx
from tagger.training.genre_statistics import STATISTICS, GenreStatistics
from tagger.training.held_out import write_held_out
from tagger.training.music_types import MusicTypes, fit_music_types

__all__ = ["main"]

VERSION: Final = "1.4.0"

EXCERPTS: Final = ExcerptPlan(count=2, seconds=15.0)

Probabilities = npt.NDArray[np.float64]

_STAGES: Final = ("listen", "adapt", "develop", "final", "cross", "bundle")


def main(arguments: list[str] | None = None) -> None:
    """Run some stages; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder that holds gtzan/ and emotify/")
    parser.add_argument("stages", nargs="*", default=list(_STAGES))
    parser.add_argument("--musicnn", type=Path, help="musicnn-0.1.0-py3-none-any.whl")
    parser.add_argument("--music", type=Path, help="recordings, of tagger.training.free_music")
    parser.add_argument("--out", type=Path, default=Path("models/default"))
    parser.add_argument("--work", type=Path, default=Path("build/default-model"))
    parser.add_argument("--epochs", type=int, default=8, help="in which the network is adapted")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    unknown = set(options.stages) - {*_STAGES, "held-out"}
    if unknown:
        parser.error(f"unknown stage {unknown.pop()}")
    if options.musicnn is None and "listen" in options.stages:
        parser.error(
            "--musicnn: needed; `pip download --no-deps musicnn==0.1.0` brings the file to name"
        )
    if options.music is None and "listen" in options.stages:
        parser.error(
            "--music: needed; `python -m tagger.training.free_music FOLDER` fetches what to name"
        )
    options.work.mkdir(parents=True, exist_ok=True)
    data = load_default_data(options.data)
    print(f"{len(data.tracks)} clips, {data.held.sum()} of them held out", flush=True)
    stages = {
        "listen": listen,
        "adapt": adapt_bodies,
        "develop": develop,
        "final": final,
        "cross": cross,
        "bundle": _bundle,
        "held-out": _held_out,
    }
    for name, stage in stages.items():
        if name in options.stages:
            print(name, flush=True)
            stage(data, options)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What was fitted on answers for artists that were not heard, and figures of them."""

    votes: dict[str, float]
    fusion: FusionSpec
    thresholds: dict[str, float]
    figures: dict[str, Any]


def _judged(data: DefaultData, options: argparse.Namespace) -> _Judged:
    """Vote weights, fusion and thresholds, from the development split, and its figures."""
    from tagger.training.default_network import FittedNetwork

    development, held = data.take(~data.held), data.take(data.held)
    with np.load(options.work / "held.npz", allow_pickle=False) as answers:
        repeats = answers["ensemble"], answers["cnn_log"]
    cnn_log = repeats[1][0]
    votes = fit_default_votes(development, options.seed)
    members = fit_default_members(development, options.seed)
    ensemble = soft_vote(members, votes, held.tracks.features)
    fusion = fit_fusion(ensemble, cnn_log, held.targets, BIASED)
    singly = {name: m.predict_proba(held.tracks.features) for name, m in members.items()}
    figures, fused = development_figures(held, ensemble, cnn_log, singly, fusion)
    figures["repeats"] = repeat_figures(held, *repeats)
    for stage in ("develop", "final"):
        figures[stage] = dict(FittedNetwork.load(options.work / stage).record)
    thresholds = fit_thresholds(fused, held.targets, tuple(LABELS.values()))
    return _Judged(votes, fusion, thresholds, figures)


def _bundle(data: DefaultData, options: argparse.Namespace) -> None:
    from tagger.training.card import write_card
    from tagger.training.export import write_bundle

    data = data.with_copies(options.seed)
    judged = _judged(data, options)
    figures = judged.figures
    with np.load(options.work / "cross.npz", allow_pickle=False) as archive:
        answers = dict(archive)
    figures["cross"] = cross_figures(data, answers)
    judged = _chosen_by_all(judged, data, answers["ensemble"][0], answers["cnn_log"][0])
    types = fit_music_types(data.tracks.features, ENSEMBLE_FEATURES, seed=options.seed)
    bundle, figures["runtimes"] = _exported(data, "final", judged, types, options.out, options)
    figures["bytes"] = sum(len(weights) for weights in bundle.weights.values())
    figures["types"] = {
        "names": list(types.spec.names),
        "sizes": list(types.sizes),
        "words": list(types.words),
        "elbow": list(types.elbow),
    }
    figures["robustness"] = {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name in ("emotify", "gtzan")
        for path in [options.work / f"robustness_{name}.json"]
        if path.exists()
    }
    bundle, known = _with_former_judge(bundle, options.out)
    figures |= known
    # Not before it has been checked: a bundle in this folder is used.
    bundle = write_bundle(bundle, options.out)
    write_card(bundle, figures, options.out)
    print(f"{bundle.identity} written to {options.out}")


def _chosen_by_all(
    judged: _Judged, data: DefaultData, ensemble: Probabilities, cnn_log: Probabilities
) -> _Judged:
    """With fusion and thresholds by the answers for all clips, of one cross-validation."""
    groups = data.tracks.groups
    fused = cross_fitted(ensemble, cnn_log, data.targets, groups, BIASED)
    return replace(
        judged,
        fusion=fit_fusion(ensemble, cnn_log, data.targets, BIASED),
        thresholds=fit_thresholds(fused, data.targets, tuple(LABELS.values())),
    )


def _with_former_judge(bundle: Bundle, folder: Path) -> tuple[Bundle, dict[str, Any]]:
    """With what the model in a folder takes for no music, and its figures of that, if it looks at
    the same features: nothing else of a model is in it."""
    try:
        former = load_bundle(folder)
        known = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    except (ModelError, OSError, ValueError):
        return bundle, {}  # there is none, or none that can be used
    if former.music is None or former.features != bundle.features or "non_music" not in known:
        return bundle, {}
    return replace(bundle, music=former.music), {"non_music": known["non_music"]}


def _held_out(data: DefaultData, options: argparse.Namespace) -> None:
    from tagger.training.export import write_bundle

    data = data.with_copies(options.seed)
    judged = _judged(data, options)
    fitted_on = data.take(~data.held)
    types = fit_music_types(fitted_on.tracks.features, ENSEMBLE_FEATURES, seed=options.seed)
    folder = options.work / "development"
    bundle, _ = _exported(fitted_on, "develop", judged, types, folder, options)
    bundle, _ = _with_former_judge(bundle, options.out)
    write_bundle(bundle, folder)
    tables = write_held_out(options.data, set(data.tracks.groups[data.held]), options.work)
    print(f"written to {folder}, with " + ", ".join(str(table) for table in tables))


def _exported(
    data: DefaultData,
    stage: str,
    judged: _Judged,
    types: MusicTypes,
    folder: Path,
    options: argparse.Namespace,
) -> tuple[Bundle, dict[str, float]]:
    """A bundle of a stage's network and an ensemble fitted on the same clips, checked."""
    from tagger.training.answers import both_answers
    from tagger.training.default_network import SPEC, FittedNetwork
    from tagger.training.embedding import cut_all, embed
    from tagger.training.export import check_runtimes, to_tflite
    from tagger.training.transfer_musicnn import packed_body

    tracks = data.tracks
    members = fit_default_members(data, options.seed)
    fitted = FittedNetwork.load(options.work / stage)
    listener = embed(fitted.network(), SPEC, tracks.pictures)
    bundle = Bundle(
        name="default",
        version=VERSION,
        folder=folder,
        labels=tuple(LABELS.values()),
        features=ENSEMBLE_FEATURES,
        excerpts=EXCERPTS,
        members=tuple(MemberSpec(name, f"{name}.onnx", judged.votes[name]) for name in members),
        cnn=listener.spec,
        fusion=judged.fusion,
        thresholds=judged.thresholds,
        clusters=types.spec,
        weights={
            SPEC.file: to_tflite(listener.network),
            **packed_body(fitted.network()),
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
    ensemble = soft_vote(members, judged.votes, tracks.features)
    runtimes = check_runtimes(
        bundle, patches, np.exp(log_probs), tracks.features, ensemble, embeddings
    )
    rows = listener.rows
    heard = fuse(ensemble[rows], listener.log_probs, judged.fusion)
    space = fit_space(tracks.features[rows], listener.embeddings, heard)
    weights = {**bundle.weights, space.spec.file: space.weights()}
    return replace(bundle, similarity=space.spec, weights=weights), runtimes


if __name__ == "__main__":
    main()
