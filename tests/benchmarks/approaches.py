"""The approaches on one split by artist: ``python tests/benchmarks/approaches.py DATA``.

DATA holds ``emotify/`` (audio with ``tracks.csv``) and ``gtzan/`` (spectrogram archive and feature
table). Every approach is fitted on the same tracks and judged on the same others, no artist of
which it has heard: a fifth of Emotify's artists (four genres), and the published artist-filtered
partition of GTZAN (ten genres, train → valid) where a network can look at an archive's columns.

A second table shows why figures that are told of such approaches are higher: the same classifier
on the same tracks, judged on single segments of three seconds and on whole tracks, with the split
by segment, by track and by artist.

``from-default`` is a new last layer for the default model's network, as ``train --from default``
fits it. The others are trained for a few epochs only, on one seed; each line is printed when it is
known. What was learned on ImageNet has to be downloaded, so that vgg16, xception and mobilenetv2
are left out unless ``--approaches`` names them.
"""

from __future__ import annotations

import os

for _name in (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
):
    os.environ.setdefault(_name, "1")  # before numpy loads

import argparse
import csv
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import cohen_kappa_score, f1_score
from sklearn.model_selection import StratifiedKFold

from tagger.training.autoencoder import mfcc_of
from tagger.training.classifiers import CLASSIFIERS, make_classifier
from tagger.training.datasets import ENSEMBLE_FEATURES, TrackSet, load_gtzan
from tagger.training.examples import Example
from tagger.training.hearing import Recipe, as_wide, hear_examples
from tagger.training.networks_registry import NETWORKS
from tagger.training.splits import folds, hold_out

CLASSICAL: Final = ("logistic-regression", "knn", "svc", "random-forest", "mlp")
TRAINED: Final = ("dense-mfcc", "lstm", "segment-cnn", "crnn", "resnet")
BEGUN: Final = "from-default"
SEGMENT: Final = 39  # columns of 77.5 ms: 3 s
N_MFCC: Final = 40

Targets = npt.NDArray[np.intp]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--approaches", default=",".join((*CLASSICAL, *TRAINED, BEGUN)))
    parser.add_argument("--only", choices=("emotify", "gtzan"), help="one of the data sets")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    names = options.approaches.split(",")
    gtzan = load_gtzan(options.data / "gtzan")
    emotify = {
        wide: emotify_as_heard(options.data / "emotify", wide, options.jobs)
        for wide in {n in NETWORKS and NETWORKS[n].every_frame for n in names}
    }
    any_emotify = next(iter(emotify.values()))
    held = hold_out(any_emotify.groups, any_emotify.genres, 0.2, options.seed)
    print(
        f"Emotify: {np.sum(~held)} tracks fitted on, {held.sum()} judged; "
        f"GTZAN: {np.sum(~gtzan.held_out)} and {gtzan.held_out.sum()}",
        flush=True,
    )
    print("| approach | Emotify | kappa | macro F1 | GTZAN | kappa | macro F1 | fit |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name in names:
        wide = name in NETWORKS and NETWORKS[name].every_frame
        cells, seconds = [], 0.0
        for which, tracks, rows in (
            ("emotify", emotify[wide], held),
            ("gtzan", gtzan, gtzan.held_out),
        ):
            if options.only in (None, which) and not (wide and which == "gtzan"):
                more, longer = judged(name, tracks, rows, options)
                cells, seconds = cells + more, seconds + longer
            else:
                cells += ["–"] * 3
        print(f"| {name} | {' | '.join(cells)} | {seconds:.0f} s |", flush=True)
    if not options.only:
        leaks(gtzan, options.seed)
    return 0


def emotify_as_heard(folder: Path, every_frame: bool, jobs: int) -> TrackSet:
    """Emotify's tracks; the pictures with every frame for networks that look at all."""
    with (folder / "tracks.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    examples = [Example(folder / row["file"], row["genre"], row["artist"], "") for row in rows]
    heard = hear_examples(examples, Recipe(ENSEMBLE_FEATURES, every_frame), jobs=jobs)
    order = np.argsort([str(example.path) for example in heard.examples])
    sounds = [heard.sounds[i] for i in order]
    examples = [heard.examples[i] for i in order]
    return TrackSet(
        as_wide([s.picture for s in sounds], 1292 if every_frame else 387),
        np.stack([s.features for s in sounds]),
        np.array([e.genre for e in examples]),
        np.array([e.artist for e in examples]),
        np.zeros(len(examples), dtype=bool),
        np.full(len(examples), "emotify"),
    )


def judged(
    name: str, tracks: TrackSet, held: npt.NDArray[np.bool_], options: Any
) -> tuple[list[str], float]:
    """Accuracy, kappa and macro F1 on the tracks kept apart, and the seconds of the fit."""
    genres, targets = np.unique(tracks.genres, return_inverse=True)
    begun = time.perf_counter()
    if name == BEGUN:
        said = by_last_layer(tracks, targets, held, len(genres))
    elif name in NETWORKS:
        said = by_network(name, tracks, targets, held, len(genres), options)
    else:
        n_features = tracks.features.shape[1]
        model = make_classifier(name, options.seed, n_features, len(genres))
        model.fit(tracks.features[~held], targets[~held])
        said = model.predict(tracks.features[held])
    return figures(said, targets[held]), time.perf_counter() - begun


def figures(said: Targets, targets: Targets) -> list[str]:
    return [
        f"{value:.3f}"
        for value in (
            np.mean(said == targets),
            cohen_kappa_score(targets, said),
            f1_score(targets, said, average="macro", zero_division=0),
        )
    ]


def by_network(
    name: str,
    tracks: TrackSet,
    targets: Targets,
    held: npt.NDArray[np.bool_],
    n_labels: int,
    options: Any,
) -> Targets:
    from tagger.training.answers import picture_log_probs
    from tagger.training.fit import FitSettings, fit_network

    kind = NETWORKS[name]
    given = {"weights": None} if kind.takes_weights else {}
    fitted = fit_network(
        lambda: kind.build(n_labels, **given),
        kind.spec(),
        tracks.pictures[~held],
        targets[~held],
        np.ones((int(np.sum(~held)), n_labels), dtype=bool),
        FitSettings(
            epochs=options.epochs,
            balance="weights",
            seed=options.seed,
            augmentation=kind.augmentation,
        ),
    )
    return picture_log_probs(fitted.network, kind.spec(), tracks.pictures[held]).argmax(axis=1)


def by_last_layer(
    tracks: TrackSet, targets: Targets, held: npt.NDArray[np.bool_], n_labels: int
) -> Targets:
    """The default model's body, which learned from free music, not from Emotify."""
    import tagger.training.fit  # noqa: F401 - loads TensorFlow without its chatter
    from tagger.training.last_layer import copies_by_body, fit_last_layer, heard_by_body

    kind = NETWORKS["resnet"]
    begun = kind.build(n_labels, begin="default")
    heard = heard_by_body(begun, kind.spec(), tracks.pictures).mean(axis=1)
    copies = copies_by_body(begun, kind.spec(), tracks.pictures[~held], 0)
    kernel, bias = fit_last_layer(heard[~held], targets[~held], n_labels, "weights", copies)
    return (heard[held] @ kernel + bias).argmax(axis=1)


def leaks(gtzan: TrackSet, seed: int) -> None:
    """The same classifiers with the split by segment, by track and by artist."""
    _, targets = np.unique(gtzan.genres, return_inverse=True)
    n = gtzan.pictures.shape[2] // SEGMENT
    mfccs = [mfcc_of(picture[:, : n * SEGMENT], N_MFCC) for picture in gtzan.pictures]
    cut = np.stack(mfccs).reshape(len(mfccs), N_MFCC, n, SEGMENT).transpose(0, 2, 1, 3)
    segments = np.concatenate([cut.mean(axis=3), cut.std(axis=3)], axis=2).reshape(-1, 2 * N_MFCC)
    track = np.repeat(np.arange(len(targets)), n)
    by_track = parts_at_random(targets, seed)
    by_artist = folds(gtzan.groups, gtzan.genres, 5, seed)
    print(
        f"\nGTZAN, {len(targets)} tracks, five parts; segments: mean and spread of "
        f"{N_MFCC} MFCC over 3 s; tracks: {gtzan.features.shape[1]} features"
    )
    print(
        "| classifier | segments, split by segment | by track | by artist "
        "| tracks, split by track | by artist |"
    )
    print("|---|---|---|---|---|---|", flush=True)
    for name in ("knn", "svc", "random-forest"):
        cells = [
            cross_validated(name, segments, targets[track], parts, seed)
            for parts in (parts_at_random(targets[track], seed), by_track[track], by_artist[track])
        ]
        cells += [
            cross_validated(name, gtzan.features, targets, parts, seed)
            for parts in (by_track, by_artist)
        ]
        print(f"| {name} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |", flush=True)


def parts_at_random(targets: Targets, seed: int) -> Targets:
    parts = np.empty(len(targets), dtype=np.intp)
    for i, (_, rows) in enumerate(
        StratifiedKFold(5, shuffle=True, random_state=seed).split(targets, targets)
    ):
        parts[rows] = i
    return parts


def cross_validated(
    name: str, features: npt.NDArray[Any], targets: Targets, parts: Targets, seed: int
) -> float:
    """Accuracy over all rows that lie in a part, each judged by a fit on the other parts."""
    assert name in CLASSIFIERS
    right = []
    for part in range(parts.max() + 1):
        model = make_classifier(name, seed, features.shape[1], int(targets.max()) + 1)
        model.fit(features[parts != part], targets[parts != part])
        right.append(model.predict(features[parts == part]) == targets[parts == part])
    return float(np.concatenate(right).mean())


if __name__ == "__main__":
    sys.exit(main())
