"""Judges a model on the same clips stored in other ways: ``python -m tagger.training.robustness
DATA --model DIR``.

Each clip is re-encoded as every variant of :data:`tagger.training.recoding.VARIANTS` and heard as
a scan hears it. The figures, as JSON and as the model card's table, say how much is lost, how
often the answer changes, and how much of it is taken for no music. ``--seed-models`` names
models of the same recipe and other seeds: what they differ by is what an excerpt's position may
cost.

Meant for a model that was fitted on none of the clips' artists, such as the one that
``tagger.training.default_model`` writes for its development split; of others the accuracies say
nothing, the changes a little.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

from tagger.domain import Hearing
from tagger.engine.quiet import native_stderr_hidden
from tagger.errors import AudioError, GenretagError, NotMusicError, UsageError
from tagger.models.bundle import Bundle, find_bundle, load_bundle
from tagger.models.classifier import Classifier
from tagger.training.examples import Example
from tagger.training.genre_names import named_genre
from tagger.training.recoding import POSITIONS, VARIANTS, Variant, read_whole, write_variant
from tagger.training.robustness_figures import (
    Answers,
    compare_answers,
    disagreement,
    robustness_table,
)
from tagger.training.sources import read_labelled
from tagger.words import comparable
from tagger.workflows.hear import Listener

__all__ = ["judge_robustness", "main"]

_ORIGINAL: Final = "original"

Heard = Mapping[str, Hearing | None]


def main(arguments: list[str] | None = None) -> None:
    """Judge, and write figures and table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="a folder per genre, or a table of tracks (.csv)")
    parser.add_argument("--model", default="default", help="name or folder")
    parser.add_argument("--seed-models", nargs="+", default=[], metavar="DIR")
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--clips", type=int, default=0, help="at most so many, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("build/robustness"))
    parser.add_argument("--out", type=Path, help="figures as JSON")
    parser.add_argument("--table", type=Path, help="figures as Markdown")
    options = parser.parse_args(arguments)
    try:
        figures = judge_robustness(
            options.data,
            options.model,
            seed_models=options.seed_models,
            variants=options.variants,
            clips=options.clips,
            seed=options.seed,
            jobs=options.jobs,
            work=options.work,
        )
    except GenretagError as error:
        print(f"robustness: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    table = robustness_table(figures)
    for path, text in (
        (options.out, json.dumps(figures, indent=1) + "\n"),
        (options.table, table),
    ):
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    print(table, end="")


def judge_robustness(
    data: Path,
    model: str,
    *,
    seed_models: Sequence[str] = (),
    variants: Sequence[str] = tuple(VARIANTS),
    clips: int = 0,
    seed: int = 0,
    jobs: int = 1,
    work: Path,
) -> dict[str, Any]:
    """Hear every clip in every variant, and compare.

    Args:
        data: labelled clips: a folder per genre, or a table.
        model: name or folder.
        seed_models: models of the same recipe and other seeds.
        variants: names of :data:`~tagger.training.recoding.VARIANTS`.
        clips: at most so many of the clips, each genre by its share; 0: all.
        seed: which ones.
        jobs: processes.
        work: folder where re-encoded clips are kept whose encoding takes long, so that the
            next model is judged sooner.

    Returns:
        ``{"model", "n", "labels", "original", "variants", "positions", "seeds", "notes"}``.

    Raises:
        UsageError: the data cannot be used, or hold none of the model's genres.
        ModelError: a model cannot be used.
        AudioError: a clip cannot be re-encoded.
    """
    folders = [find_bundle(name) for name in (model, *seed_models)]
    bundles = [load_bundle(folder) for folder in folders]
    if any(bundle.labels != bundles[0].labels for bundle in bundles):
        raise UsageError("the models of other seeds must have the labels of the model")
    examples, targets, notes = _clips(data, bundles[0], clips, seed)
    work.mkdir(parents=True, exist_ok=True)
    heard: list[tuple[Heard, list[Hearing | None]]] = list(
        Parallel(n_jobs=jobs, return_as="generator")(
            delayed(_hear_clip)(example.path, folders, tuple(variants), work)
            for example in examples
        )
    )
    classifiers = [Classifier(bundle) for bundle in bundles]
    answers = {
        name: _answers(classifiers[0], [of[name] for of, _ in heard])
        for name in (_ORIGINAL, *variants)
    }
    original = answers[_ORIGINAL]
    if unheard := int((~original.heard).sum()):
        notes.append(f"{unheard} clips cannot be heard as they are: left out")
    first = compare_answers(original, original, targets)
    seeds = {bundles[0].identity: original} | {
        f"{bundle.identity}, model {i}": _answers(classifiers[i], [of[i - 1] for _, of in heard])
        for i, bundle in enumerate(bundles[1:], 1)
    }
    return {
        "model": bundles[0].identity,
        "n": len(examples),
        "labels": [bundles[0].labels[i] for i in np.unique(targets)],
        "original": {key: first[key] for key in ("n", "accuracy", "of_its_own", "refused")},
        "variants": {name: compare_answers(original, answers[name], targets) for name in variants},
        "positions": {
            length: disagreement({name: answers[name] for name in names}, targets)
            for length, names in POSITIONS.items()
            if set(names) <= set(variants)
        },
        "seeds": disagreement(seeds, targets) if len(seeds) > 1 else None,
        "notes": notes,
    }


def _clips(
    data: Path, bundle: Bundle, most: int, seed: int
) -> tuple[list[Example], npt.NDArray[np.intp], list[str]]:
    """Clips whose genre the model knows, and the indices of their labels."""
    found = read_labelled(data, min_per_genre=1, least_genres=1)
    index = {comparable(label): i for i, label in enumerate(bundle.labels)}
    named = [
        (example, index.get(comparable(named_genre(example.genre)))) for example in found.examples
    ]
    known = [(example, target) for example, target in named if target is not None]
    notes = list(found.notes)
    if not known:
        raise UsageError(f"{data}: none of its tracks has a genre that {bundle.identity} knows")
    if left := len(named) - len(known):
        notes.append(f"{left} tracks left out, as {bundle.identity} does not know their genre")
    if 0 < most < len(known):
        order = np.random.default_rng(seed).permutation(len(known))
        # By rank within its genre, so that each keeps its share.
        targets = np.array([target for _, target in known])
        rank = np.empty(len(known))
        for target in np.unique(targets):
            mine = order[targets[order] == target]
            rank[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
        known = [known[i] for i in sorted(np.argsort(rank, kind="stable")[:most])]
    return [e for e, _ in known], np.array([t for _, t in known], dtype=np.intp), notes


def _hear_clip(
    path: Path, models: Sequence[Path], variants: Sequence[str], work: Path
) -> tuple[dict[str, Hearing | None], list[Hearing | None]]:
    """What the first model hears in every variant, and the others in the clip as it is."""
    y, sr = read_whole(path)
    heard = {_ORIGINAL: _hear(models[0], path)}
    with tempfile.TemporaryDirectory(dir=work) as folder:
        for name in variants:
            variant = VARIANTS[name]
            place = _place(path, variant, work if variant.dear else Path(folder))
            if not place.is_file():
                # Whole or not at all: a kept file is used without another look.
                partial = Path(folder) / f"partial{place.suffix}"
                write_variant(partial, y, sr, variant)
                partial.replace(place)
            heard[name] = _hear(models[0], place)
    return heard, [_hear(model, path) for model in models[1:]]


def _place(path: Path, variant: Variant, folder: Path) -> Path:
    status = path.stat()
    stored = f"{variant.name}\0{variant.coding}"
    clip = f"{path.absolute()}\0{status.st_size}\0{status.st_mtime_ns}\0{stored}"
    digest = hashlib.sha256(os.fsencode(clip)).hexdigest()
    return folder / f"{digest[:24]}{variant.coding.suffix}"


@cache
def _listener(model: Path) -> Listener:
    with native_stderr_hidden():  # LiteRT names its delegate
        return Listener(load_bundle(model))


def _hear(model: Path, path: Path) -> Hearing | None:
    try:
        return _listener(model).hear(path)
    except NotMusicError:
        return None
    except AudioError as error:
        raise AudioError(f"{path}: {error}") from error


def _answers(classifier: Classifier, hearings: Sequence[Hearing | None]) -> Answers:
    labels = classifier.bundle.labels
    probabilities = np.full((len(hearings), len(labels)), np.nan)
    refused = np.ones(len(hearings), dtype=bool)
    rows = [i for i, hearing in enumerate(hearings) if hearing is not None]
    predictions = classifier.predict([h for h in hearings if h is not None])
    for row, prediction in zip(rows, predictions, strict=True):
        said = dict(prediction.genres)
        probabilities[row] = [said[label] for label in labels]
        refused[row] = bool(prediction.objection)
    return Answers(probabilities, refused)


if __name__ == "__main__":
    # Processes that help look their functions up by the module's name, which here is __main__.
    from tagger.training import robustness

    robustness.main()
