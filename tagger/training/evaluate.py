"""How good a model is on labelled music: heard as a scan hears it, with the same cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tagger.analysis.picture import Picture
from tagger.domain import Hearing
from tagger.engine.base import Failure
from tagger.engine.quiet import native_stderr_hidden
from tagger.errors import UsageError
from tagger.library.cache import Cache, Problem
from tagger.library.folders import cache_folder
from tagger.models.added import add_genres
from tagger.models.bundle import Bundle, find_bundle, load_bundle
from tagger.models.cnn import Cnn, cut_patches
from tagger.models.ensemble import Ensemble
from tagger.models.fusion import fuse, mean_patches
from tagger.models.vocabulary import Vocabulary
from tagger.report.text import counted, shown
from tagger.training.calibration import selective_curve
from tagger.training.data import LabelSource, unheard
from tagger.training.datasets import ENSEMBLE_FEATURES, load_archive
from tagger.training.examples import Example
from tagger.training.genre_names import named_genre
from tagger.training.metrics import judge
from tagger.training.segments import decide_tracks
from tagger.training.sources import read_labelled
from tagger.words import comparable
from tagger.workflows.fingerprints import listening_fingerprint
from tagger.workflows.listening import workers
from tagger.workflows.recall import Recall, Recalled
from tagger.workflows.worker import Track, model_digest

__all__ = ["EvaluateOptions", "Evaluation", "evaluate"]

_BATCH = 32

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """What to evaluate.

    Attributes:
        data: labelled music, as for a training.
        labels: where its genres stand.
        table: feature table, if ``data`` is a spectrogram archive.
        model: name or folder of the model.
        held_out: of an archive, only the part that it keeps for validation.
    """

    data: Path
    labels: LabelSource = "auto"
    table: Path | None = None
    model: str = "default"
    held_out: bool = False
    vocabulary: Vocabulary | None = None
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of it.

    Attributes:
        model: name and version.
        figures: what :func:`~tagger.training.metrics.judge` says of the fused answers, with
            ``parts`` (accuracy of ensemble, cnn, fused), ``segments`` (accuracy of whole
            tracks by majority vote and by summed probability) and ``selective``.
        probabilities: fused, shape (n, n_labels).
        targets: label indices, shape (n,).
        notes: what was left out, a line each.
    """

    model: str
    figures: dict[str, Any]
    probabilities: Probabilities
    targets: npt.NDArray[np.intp]
    notes: tuple[str, ...]


def evaluate(
    options: EvaluateOptions, progress: Callable[[int, int], None] = lambda done, total: None
) -> Evaluation:
    """Judge a model.

    Args:
        options: model and data.
        progress: told how many tracks of how many are heard.

    Raises:
        UsageError: the data cannot be used, or hold none of the model's genres.
        ModelError: the model cannot be used.
    """
    folder = find_bundle(options.model)
    bundle = load_bundle(folder)
    if options.data.suffix.lower() == ".npz":
        genres, hearings, notes = _from_archive(options, bundle)
    else:
        genres, hearings, notes = _from_files(options, bundle, model_digest(folder), progress)
    index = {comparable(label): i for i, label in enumerate(bundle.labels)}
    if not genres:
        raise UsageError(
            f"{options.data}: none of its tracks has a genre that {bundle.identity} knows: "
            + ", ".join(bundle.labels)
        )
    targets = np.array([index[comparable(genre)] for genre in genres])
    ensemble = Ensemble(bundle).probabilities(np.stack([h.features for h in hearings]))
    patches = [hearing.patch_log_probs for hearing in hearings]
    cnn_log = np.stack([mean_patches(p) for p in patches])
    features = np.stack([h.features for h in hearings])
    fused = add_genres(fuse(ensemble, cnn_log, bundle.fusion), features, bundle.added)
    parts = {"ensemble": ensemble, "cnn": cnn_log, "fused": fused}
    whole = decide_tracks(patches)
    figures = judge(fused, targets, bundle.labels) | {
        "parts": {name: float((p.argmax(axis=1) == targets).mean()) for name, p in parts.items()},
        "segments": {
            "segments": int(sum(len(p) for p in patches)),
            "majority_vote": float((whole.by_votes == targets).mean()),
            "summed_probability": float((whole.by_sum == targets).mean()),
            "agree": whole.agreement,
            "ties": int(whole.tied.sum()),
        },
        "selective": selective_curve(fused, targets),
    }
    return Evaluation(bundle.identity, figures, fused, targets, tuple(notes))


def _known(genres: Iterable[str], bundle: Bundle) -> tuple[npt.NDArray[np.bool_], list[str]]:
    """Which genres the model knows, and a line for each that it does not."""
    labels = {comparable(label) for label in bundle.labels}
    named = [named_genre(genre) for genre in genres]
    known = np.array([comparable(name) in labels for name in named], dtype=bool)
    unknown: dict[str, int] = {}
    for name, is_known in zip(named, known, strict=True):
        if not is_known:
            unknown[name] = unknown.get(name, 0) + 1
    return known, [
        f"{name}: {n} tracks left out, as {bundle.identity} does not know it"
        for name, n in sorted(unknown.items())
    ]


def _from_archive(
    options: EvaluateOptions, bundle: Bundle
) -> tuple[list[str], list[Hearing], list[str]]:
    if options.table is None:
        raise UsageError(f"{options.data}: an archive needs its table, as --features TABLE.csv")
    if bundle.features != ENSEMBLE_FEATURES or bundle.cnn.every_frame:
        raise UsageError(
            f"{options.data}: an archive does not hold what {bundle.identity} listens to; "
            "give audio files"
        )
    tracks = load_archive(options.data, options.table)
    if options.held_out:
        tracks = tracks.take(tracks.held_out)
    known, notes = _known(tracks.genres, bundle)
    tracks = tracks.take(known)
    hearings = []
    with native_stderr_hidden():  # LiteRT names its delegate
        cnn = Cnn(bundle)
        for picture, features in zip(tracks.pictures, tracks.features, strict=True):
            patches, starts_s = cut_patches(Picture((picture,)), (0.0,), bundle.cnn)
            hearings.append(Hearing(30.0, 30.0, features, cnn.log_probs(patches), starts_s))
    return [named_genre(genre) for genre in tracks.genres], hearings, notes


def _from_files(
    options: EvaluateOptions, bundle: Bundle, digest: str, progress: Callable[[int, int], None]
) -> tuple[list[str], list[Hearing], list[str]]:
    if options.held_out or options.table:
        raise UsageError("--held-out and --features go with a spectrogram archive (.npz)")
    found = read_labelled(
        options.data,
        options.labels,
        min_per_genre=1,
        least_genres=1,  # how much of one genre a model recognises is worth asking
        vocabulary=options.vocabulary,
    )
    known, unknown = _known((example.genre for example in found.examples), bundle)
    notes = [*found.notes, *unknown]
    problems: list[tuple[Path, str]] = []
    wanted = [example for example, is_known in zip(found.examples, known, strict=True) if is_known]
    genres, hearings = [], []
    for example, outcome in _hearings(wanted, options, bundle, digest, progress):
        if isinstance(outcome, Hearing):
            genres.append(named_genre(example.genre))
            hearings.append(outcome)
        else:
            problems.append((example.path, outcome))
    if wanted and not genres:
        first, reason = problems[0]
        raise UsageError(
            f"{options.data}: none of {counted(len(wanted), 'track')} could be heard (the first: "
            f"{shown(first)}: {reason})"
        )
    return genres, hearings, notes + unheard(problems)


def _hearings(
    examples: list[Example],
    options: EvaluateOptions,
    bundle: Bundle,
    digest: str,
    progress: Callable[[int, int], None],
) -> Iterable[tuple[Example, Hearing | str]]:
    """What a scan hears in each track, or why it hears nothing."""
    if not examples:
        return
    by_path = {str(example.path): example for example in examples}
    tracks = [_track(path) for path in by_path]
    done = 0
    with Cache.open(cache_folder(create=False)) as cache:
        recall = Recall(cache, listening=listening_fingerprint(bundle), decision=b"")
        jobs = min(options.jobs, len(tracks))
        with workers(bundle, options.model, digest, jobs=jobs, dask=None) as pool:
            for batch in pool.results(tracks, most=_BATCH, ready=recall.ready):
                for track, outcome in batch:
                    if not isinstance(outcome, Recalled):
                        recall.keep(track, outcome)
                    recall.is_what_was_heard(track, None)
                    yield by_path[track.path], _heard(outcome)
                done += len(batch)
                progress(done, len(tracks))


def _heard(outcome: Hearing | Recalled | Failure) -> Hearing | str:
    if isinstance(outcome, Failure):
        return str(outcome.error)
    known = outcome.outcome if isinstance(outcome, Recalled) else outcome
    return known.text if isinstance(known, Problem) else known if isinstance(known, Hearing) else ""


def _track(path: str) -> Track:
    status = Path(path).stat()
    return Track(path, status.st_size, status.st_mtime_ns)
