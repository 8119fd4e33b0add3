"""What a genre more costs: ``python tests/benchmarks/added_genre.py DATA [--work WORK]``.

DATA holds ``gtzan/``, ``emotify/``, ``zouk/``. Eleven genres are learned from the tracks that the
default model's development run is fitted on, and judged on those that it holds out (artists kept
apart); zouk is added with four fifths of its clips, and judged on the rest, five times over. Three
ways are compared:

- refitted: the ensemble learns all twelve from all tracks, at several biases of the new label;
- a judge of zouk against the old tracks themselves;
- a judge of zouk against tracks drawn from statistics of the old ones, as ``--add-to`` has it.

Of the default model it is the ensemble alone. For the 60 clips of zouk, which it never heard, the
whole model is asked, too. With ``--work``, the folder of ``tagger.training.default_model``, the
last way is measured on the tracks held out with a whole model as well: with that of its stage
``develop``, which heard none of them.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # before numpy loads

import argparse
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.engine.quiet import native_stderr_hidden
from tagger.models.added import add_genres
from tagger.models.bundle import Bundle, find_bundle, load_bundle
from tagger.models.classifier import Classifier
from tagger.models.cnn import Cnn
from tagger.models.ensemble import Ensemble
from tagger.models.fusion import fuse, mean_patches
from tagger.models.specs import AddedGenre
from tagger.training.add_genre import fit_added
from tagger.training.datasets import ENSEMBLE_FEATURES
from tagger.training.default_data import BIASED, LABELS, load_default_data
from tagger.training.embedding import cut_all
from tagger.training.ensemble import fit_members, soft_vote
from tagger.training.examples import Example
from tagger.training.genre_statistics import GenreStatistics
from tagger.training.hearing import Recipe, as_wide, hear_examples
from tagger.workflows.hear import Listener

VOTES: Final = {"logistic_regression": 0.63, "svm": 0.32, "extra_trees": 0.05}
BIAS: Final = 0.99  # of Electronic; votes and bias are the default model's
PARTS: Final = 5

Array = npt.NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    data = load_default_data(options.data)
    fitted_on, held = data.tracks.take(~data.held), data.tracks.take(data.held)
    targets, wanted = data.targets[~data.held], data.targets[data.held]
    possible, catch_all = (mask[~data.held] for mask in (data.possible, data.catch_all))
    paths = sorted((options.data / "zouk").glob("*.ogg"))
    examples = [Example(path, "zouk", "", "") for path in paths]
    heard = hear_examples(examples, Recipe(ENSEMBLE_FEATURES), jobs=1)
    zouk = np.stack([sound.features for sound in heard.sounds])
    part = np.random.default_rng(options.seed).permutation(len(zouk)) % PARTS

    members = fit_members(fitted_on.features, targets, possible, catch_all, options.seed)
    before, of_zouk = answers(members, held.features), answers(members, zouk)
    right = before.argmax(axis=1) == wanted
    print(f"{len(held)} tracks held out, {right.mean():.4f} right; {len(zouk)} clips of zouk")
    print("| way | zouk | taken for zouk | lost |\n|---|---|---|---|", flush=True)

    def report(way: str, found: list[Any], others: list[Array], right: Any = right) -> None:
        said = [answer.argmax(axis=1) for answer in others]
        zouks = np.mean(np.concatenate([a.argmax(axis=1) == len(LABELS) for a in found]))
        taken = np.mean([(s == len(LABELS)).mean() for s in said])
        lost = right.mean() - np.mean([(s == wanted).mean() for s in said])
        print(f"| {way} | {zouks:.3f} | {taken:.4f} | {lost:.4f} |", flush=True)

    refitted = []
    for k in range(PARTS):
        mine = zouk[part != k]
        n = len(mine)
        twelve = fit_members(
            np.concatenate([fitted_on.features, mine]),
            np.concatenate([targets, np.full(n, len(LABELS))]),
            np.vstack(
                [np.hstack([possible, possible.all(axis=1)[:, None]]), np.ones((n, 12), bool)]
            ),
            np.concatenate([catch_all, np.zeros(n, dtype=bool)]),
            options.seed,
        )
        refitted.append((answers(twelve, zouk[part == k]), answers(twelve, held.features)))
    for bias in (-1.0, -0.5, 0.0, 0.5):
        weight = np.append(np.ones(len(LABELS)), np.exp(bias))
        report(
            f"refitted, bias {bias:g}",
            [a * weight for a, _ in refitted],
            [b * weight for _, b in refitted],
        )

    statistics = GenreStatistics.measured(fitted_on.features, fitted_on.genres, fitted_on.source)
    real = statistics.standardised(fitted_on.features)
    none = np.zeros((0, len(ENSEMBLE_FEATURES)))
    ways = {"judge, real tracks": real, "judge, drawn tracks": none}
    for way, others in ways.items():
        judges = [
            fit_judge(zouk[part != k], others, statistics, options.seed) for k in range(PARTS)
        ]
        report(
            way,
            [
                add_genres(of_zouk[part == k], zouk[part == k], [judge])
                for k, judge in enumerate(judges)
            ],
            [add_genres(before, held.features, [judge]) for judge in judges],
        )
    if options.work:
        bundle = load_bundle(options.work / "development")
        before = whole_answers(bundle, held.features, held.pictures)
        pictures = as_wide([sound.picture for sound in heard.sounds], held.pictures.shape[2])
        of_zouk = whole_answers(bundle, zouk, pictures)
        right = before.argmax(axis=1) == wanted
        print(f"the whole model of {options.work}: {right.mean():.4f} of those held out right")
        report(
            "the whole model, drawn tracks",
            [
                add_genres(of_zouk[part == k], zouk[part == k], [judge])
                for k, judge in enumerate(judges)
            ],
            [add_genres(before, held.features, [judge]) for judge in judges],
            right,
        )
    print(f"zouk by the whole default model and the last judges: {whole(paths, part, judges):.3f}")


def fit_judge(
    tracks: npt.NDArray[np.float32], real: Array, statistics: GenreStatistics, seed: int
) -> AddedGenre:
    """Against real tracks where there are any, else against drawn ones."""
    if not len(real):
        return fit_added("zouk", tracks, real, statistics, seed)
    return fit_added("zouk", tracks, real, statistics, seed, drawn=0)


def answers(members: Any, features: npt.NDArray[np.float32]) -> Array:
    votes = soft_vote(members, VOTES, features)
    votes[:, list(BIASED)] *= np.exp(BIAS)
    return np.asarray(votes / votes.sum(axis=1, keepdims=True))


def whole_answers(
    bundle: Bundle, features: npt.NDArray[np.float32], pictures: npt.NDArray[np.uint8]
) -> Array:
    with native_stderr_hidden():
        cnn = Cnn(bundle)
    heard = [mean_patches(cnn.log_probs(cut_all([picture], bundle.cnn))) for picture in pictures]
    return fuse(Ensemble(bundle).probabilities(features), np.stack(heard), bundle.fusion)


def whole(paths: list[Path], part: npt.NDArray[np.intp], judges: list[AddedGenre]) -> float:
    bundle = load_bundle(find_bundle("default"))
    with native_stderr_hidden():
        listener = Listener(bundle)
        hearings = [listener.hear(path) for path in paths]
    names = list(bundle.labels)
    right = []
    for prediction, hearing, k in zip(
        Classifier(bundle).predict(hearings), hearings, part, strict=True
    ):
        genres = dict(prediction.genres)
        row = np.array([[genres[name] for name in names]])
        fused = add_genres(row, hearing.features[None], [judges[k]])
        right.append(fused.argmax() == len(names))
    return float(np.mean(right))


if __name__ == "__main__":
    main()
