"""``genretag train --add-to MODEL``: genres more for a model, without the tracks it was fitted on.

Ensemble and network stay as they are. Each new genre gets a judge that tells it from all others:
a logistic regression between the user's tracks and tracks that are drawn from the statistics of
the model's own genres (:mod:`tagger.training.genre_statistics`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.errors import UsageError
from tagger.models.added import judged
from tagger.models.bundle import Bundle, find_bundle, load_bundle
from tagger.models.specs import AddedGenre
from tagger.models.vocabulary import Vocabulary
from tagger.report.text import counted
from tagger.training.data import LabelSource, unheard
from tagger.training.examples import Example
from tagger.training.genre_names import named_genre
from tagger.training.genre_statistics import LIMIT, STATISTICS, GenreStatistics, statistics_of
from tagger.training.hearing import Recipe, hear_examples
from tagger.training.out_files import remove_former
from tagger.training.sources import read_labelled
from tagger.training.splits import folds, groups_of
from tagger.words import comparable

__all__ = ["AddOptions", "Added", "add_to_model", "fit_added"]

_DRAWN: Final = 100  # tracks for each centre
_COPIES: Final = 8
_SPREAD: Final = 0.4  # of the copies, in units of a genre's own
_PENALTY: Final = 1.0
_SHIFT: Final = -0.5
"""What the judge says must be worth a little more than even odds, as most tracks are of none of
the new genres. These five were chosen on 60 clips of zouk, beside tracks that the default model
holds out; of the 60 settings that were read there, each found 70 to 88 % of the clips and cost
the other genres 0 to 2.7 points."""

_FOLDS: Final = 5
_MISTAKEN: Final = 0.01  # share of drawn tracks that may be written as the new genre

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AddOptions:
    """What to add to what.

    Attributes:
        data: labelled tracks of the new genres.
        out: folder of the new model.
        model: name or folder of the model that is added to.
        name: of the new model.
        labels: where the genres stand.
        min_per_genre: genres of fewer tracks are left out.
        vocabulary: the user's words for genres that stand in tags.
        seed: decides draws and folds.
        jobs: worker processes.
    """

    data: Path
    out: Path
    model: str
    name: str
    labels: LabelSource = "auto"
    min_per_genre: int = 5
    vocabulary: Vocabulary | None = None
    seed: int = 0
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Added:
    """The new model, and for each new genre its figures: ``label``, ``tracks``, ``unit``,
    ``recall`` (None if it could not be measured), ``mistaken``, ``threshold``."""

    bundle: Bundle
    genres: tuple[dict[str, Any], ...]
    seconds: float


def add_to_model(
    options: AddOptions,
    *,
    say: Callable[[str], None] = lambda line: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Added:
    """Hear the tracks, fit a judge for each new genre, and write the model with them.

    Args:
        options: model and tracks.
        say: told what is left out, a line at a time.
        progress: told how many tracks of how many are heard.

    Raises:
        UsageError: there is no new genre in the data, or the model does not hold what its own
            genres sound like.
        ModelError: the model cannot be used.
    """
    # Not at the top: it is of a room's other commands, which load more.
    from tagger.training.export import write_bundle
    from tagger.training.train import check_out

    begun = time.monotonic()
    check_out(options.out)
    bundle = load_bundle(find_bundle(options.model))
    statistics = statistics_of(bundle)
    if statistics is None:
        raise UsageError(
            f"--add-to {options.model}: the model does not hold what its genres sound like; only "
            "those trained with this version do"
        )
    examples, features, notes = _heard(options, bundle, progress)
    genres = np.array([named_genre(example.genre) for example in examples])
    groups, unit, group_notes = groups_of(examples)
    notes += group_notes
    for note in notes:
        say(note)
    labels = sorted(set(genres.tolist()))
    added, figures = [], []
    for label in labels:
        mine = genres == label
        others = statistics.standardised(features[~mine])
        genre = fit_added(label, features[mine], others, statistics, options.seed)
        found = _judged(genre, features[mine], groups[mine], others, statistics, options.seed)
        added.append(genre)
        figures.append({"label": label, "tracks": int(mine.sum()), "unit": unit, **found})
    for label in labels:
        statistics = statistics.with_centre(features[genres == label])
    made = replace(
        bundle,
        name=options.name,
        version="1",
        folder=options.out,
        labels=(*bundle.labels, *labels),
        added=(*bundle.added, *added),
        thresholds={**bundle.thresholds, **{f["label"]: f["threshold"] for f in figures}},
        weights={**bundle.weights, STATISTICS: statistics.packed()},
    )
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        _write_card(options.out, bundle, figures, notes, options.seed)
        written = write_bundle(made, options.out)
        remove_former(options.out, made.weights)
    except OSError as error:
        raise UsageError(f"--out {options.out}: cannot be written: {error.strerror}") from error
    return Added(written, tuple(figures), time.monotonic() - begun)


def fit_added(
    label: str,
    features: npt.NDArray[np.float32],
    others: Array,
    statistics: GenreStatistics,
    seed: int,
    *,
    drawn: int = _DRAWN,
) -> AddedGenre:
    """The judge of one genre.

    Args:
        label: the genre.
        features: of its tracks, shape (n, n_features).
        others: standardised features of tracks that are of other new genres; may be none.
        statistics: of the model's genres.
        seed: of what is drawn.
        drawn: how many tracks stand in for each genre of the model.
    """
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(seed)
    tracks = statistics.standardised(features)
    near = [tracks + _SPREAD * statistics.deviations(len(tracks), rng) for _ in range(_COPIES)]
    mine = np.concatenate([tracks, *near])
    rest = np.concatenate([statistics.drawn(drawn, rng), others])
    fitted = LogisticRegression(C=_PENALTY, class_weight="balanced", max_iter=3000).fit(
        np.concatenate([mine, rest]), np.arange(len(mine) + len(rest)) < len(mine)
    )
    return AddedGenre(
        label,
        _rounded(statistics.mean),
        _rounded(statistics.scale),
        LIMIT,
        _rounded(fitted.coef_[0]),
        float(fitted.intercept_[0]) + _SHIFT,
    )


def _judged(
    genre: AddedGenre,
    features: npt.NDArray[np.float32],
    groups: npt.NDArray[np.str_],
    others: Array,
    statistics: GenreStatistics,
    seed: int,
) -> dict[str, Any]:
    """How much of the genre is found by fits that do not know its artist; how much else is taken
    for it; and the least probability at which it is written."""
    parts = _parts(groups, seed)
    sure = np.full(len(features), np.nan)
    for part in range(parts.max() + 1):
        rows = parts == part
        fitted = fit_added(genre.label, features[~rows], others, statistics, seed)
        sure[rows] = judged(fitted, features[rows])
    known = sure[np.isfinite(sure)]
    drawn = statistics.drawn(_DRAWN, np.random.default_rng(seed + 1))
    back = (drawn * statistics.scale + statistics.mean).astype(np.float32)
    mistaken = judged(genre, back)
    grid = np.arange(50, 100) / 100
    threshold = next((t for t in grid if (mistaken >= t).mean() <= _MISTAKEN), 0.99)
    return {
        # Where one genre has half of all probability, no other has more.
        "recall": float((known >= 0.5).mean()) if len(known) else None,
        "mistaken": float((mistaken >= 0.5).mean()),
        "threshold": float(threshold),
    }


def _parts(groups: npt.NDArray[np.str_], seed: int) -> npt.NDArray[np.intp]:
    """Parts of tracks of one genre, nobody in two of them."""
    if len(set(groups.tolist())) < 2:
        return np.full(len(groups), -1)
    return folds(groups, np.full(len(groups), "one"), _FOLDS, seed)


def _heard(
    options: AddOptions, bundle: Bundle, progress: Callable[[int, int], None]
) -> tuple[list[Example], npt.NDArray[np.float32], list[str]]:
    """The tracks of genres that the model does not know."""
    found = read_labelled(
        options.data,
        options.labels,
        min_per_genre=options.min_per_genre,
        least_genres=1,
        vocabulary=options.vocabulary,
        seed=options.seed,
    )
    known = {comparable(label): label for label in bundle.labels}
    notes = list(found.notes)
    wanted: list[Example] = []
    left: dict[str, int] = {}
    for example in found.examples:
        name = named_genre(example.genre)
        if comparable(name) in known:
            left[name] = left.get(name, 0) + 1
        else:
            wanted.append(example)
    notes += [
        f"{name}: {counted(n, 'track')} left out, as {bundle.identity} knows it already"
        for name, n in sorted(left.items())
    ]
    if not wanted:
        raise UsageError(f"{options.data}: {bundle.identity} knows all of its genres already")
    heard = hear_examples(
        wanted,
        Recipe(bundle.features),
        jobs=options.jobs,
        progress=lambda done: progress(done, len(wanted)),
    )
    notes += unheard(heard.problems)
    examples = _enough(heard.examples, options.min_per_genre)
    if not examples:
        raise UsageError(
            f"{options.data}: {counted(options.min_per_genre, 'track')} of a genre are needed to "
            f"learn it ({'; '.join(notes)})"
        )
    features = {e.path: s.features for e, s in zip(heard.examples, heard.sounds, strict=True)}
    return examples, np.stack([features[example.path] for example in examples]), notes


def _enough(examples: Sequence[Example], least: int) -> list[Example]:
    names = [named_genre(example.genre) for example in examples]
    return [e for e, name in zip(examples, names, strict=True) if names.count(name) >= least]


def _write_card(
    folder: Path, base: Bundle, figures: list[dict[str, Any]], notes: list[str], seed: int
) -> None:
    rows = "\n".join(
        f"| {f['label'].replace('|', chr(92) + '|')} | {f['tracks']} | "
        f"{'not measured' if f['recall'] is None else format(f['recall'], '.2f')} | "
        f"{f['mistaken']:.3f} | {f['threshold']:.2f} |"
        for f in figures
    )
    told = "\n".join(f"- {note}" for note in notes) or "- nothing"
    (folder / "MODEL_CARD.md").write_text(
        f"""# Model card: {folder.resolve().name}

The model {base.identity} with {counted(len(figures), "genre")} more, added by
`genretag train --add-to` (seed {seed}). What it says of its other genres is what {base.identity}
says, less what it now takes for a new one.

| genre | tracks | recall | taken for it | threshold |
|---|---|---|---|---|
{rows}

Recall: share of the tracks that a fit recognised which did not know their {figures[0]["unit"]}.
Taken for it: share of tracks of the other genres. No recordings of these were at hand: they were
drawn from the statistics that {base.identity} holds, so that more may be taken for it among real
ones. `genretag evaluate` says how much in a library of yours.

## What was left out or decided

{told}
""",
        encoding="utf-8",
    )
    text = json.dumps({"added_to": base.identity, "seed": seed, "genres": figures}, indent=1)
    (folder / "figures.json").write_text(text + "\n", encoding="utf-8")


def _rounded(values: Array) -> tuple[float, ...]:
    return tuple(float(f"{value:.6g}") for value in values)
