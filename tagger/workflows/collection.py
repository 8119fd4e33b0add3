"""What is known of the tracks below some paths, together: kept from earlier runs, or heard now.

Music types, playlists and neighbours are found in it. Nothing is written to the music.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.domain import Hearing, Status, TrackReport
from tagger.engine.pool import default_jobs
from tagger.library.cache import Cache
from tagger.library.folders import cache_folder
from tagger.library.presence import Roots
from tagger.library.walk import walk_folders
from tagger.models.bundle import BUILTIN_MODEL, Bundle, find_bundle, load_bundle
from tagger.models.classifier import Classifier
from tagger.models.fusion import mean_patches
from tagger.workflows.described import Described, describe
from tagger.workflows.listening import JOB_BYTES, Outcome, hearing_of, last_word, workers
from tagger.workflows.own_types import with_own_types
from tagger.workflows.recall import Recall, Recalled, recall_of
from tagger.workflows.survey import survey
from tagger.workflows.worker import Track, model_digest

__all__ = ["CollectOptions", "CollectedTrack", "Collection", "collect", "outcomes"]

_BATCH: Final = 32
_CLASSIFIED: Final = 1024  # tracks at a time


@dataclass(frozen=True, slots=True)
class CollectOptions:
    """What to collect, as the user asked for it.

    Attributes:
        paths: files and folders of music.
        model: name or folder.
        jobs: processes that hear what no earlier run has heard; None for what the machine allows.
        exclude: shell patterns of names and paths to leave out.
        tags: read the tags of each file, too, which costs a millisecond a file and more on a
            network drive; without it the tracks' genre, artist, album and title are empty.
    """

    paths: tuple[Path, ...]
    model: str = BUILTIN_MODEL
    jobs: int | None = None
    exclude: tuple[str, ...] = ()
    tags: bool = True


@dataclass(frozen=True, slots=True)
class CollectedTrack:
    """One track of a collection.

    Attributes:
        path: the file, below the path that the user named.
        duration_s: its length in seconds.
        genres: every label of the model with its probability, most probable first.
        cluster: its music type, or None if there are none.
        tags: what stands in the file.
    """

    path: Path
    duration_s: float
    genres: tuple[tuple[str, float], ...]
    cluster: str | None
    tags: Described


@dataclass(frozen=True, slots=True)
class Collection:
    """Tracks in the order of the walk, and what was heard of them, a row a track.

    Attributes:
        bundle: the model that they were heard with; its ``features`` and ``labels`` name the
            columns of the arrays.
        tracks: those that could be heard and sound like music.
        features: float32, shape (n, n_features).
        embeddings: float32, shape (n, n_dims); n_dims is 0 where the network has none.
        log_probs: float32, shape (n, n_labels), the network's log-probabilities for the whole
            track; those of the ensemble are not in them (see ``genres`` for both, fused).
        left_out: the others, each with the reason.
        notice: what went wrong with the cache or the music types, in one line; empty if nothing
            did.
    """

    bundle: Bundle
    tracks: tuple[CollectedTrack, ...]
    features: npt.NDArray[np.float32]
    embeddings: npt.NDArray[np.float32]
    log_probs: npt.NDArray[np.float32]
    left_out: tuple[TrackReport, ...] = ()
    notice: str = ""

    def __len__(self) -> int:
        return len(self.tracks)


def collect(
    options: CollectOptions, progress: Callable[[int, int], None] = lambda done, total: None
) -> Collection:
    """Collect what is known of some tracks, and hear those of which nothing is.

    What is heard is kept for every later run.

    Args:
        options: which tracks.
        progress: told how many of how many tracks are done.

    Raises:
        UsageError: a path does not exist.
        LibraryGoneError: the library does not answer, or vanished.
        ModelError: the model cannot be used.
    """
    folder = find_bundle(options.model)
    digest = model_digest(folder)
    bundle, no_types = with_own_types(load_bundle(folder))
    roots = Roots(options.paths)
    left_out: list[TrackReport] = []

    def unread(path: Path, reason: str) -> None:
        left_out.append(TrackReport(path, Status.FAILED, reason))

    paths: list[Path] = []
    hearings: list[Hearing] = []
    with ExitStack() as stack:
        cache = stack.enter_context(closing(Cache.open(cache_folder(create=False))))
        recall = recall_of(bundle, cache)
        tracks, _ = survey(
            walk_folders(options.paths, exclude=options.exclude, problem=unread),
            cache,
            decision=b"",
            whole_folders=False,
            each=True,
        )
        heard = outcomes(tracks, bundle, options.model, digest, recall, jobs=options.jobs)
        for done, (track, outcome) in enumerate(heard, 1):
            if hearing := hearing_of(outcome):
                paths.append(Path(track.path))
                hearings.append(hearing)
            else:
                if not isinstance(outcome, Recalled):
                    roots.check()
                left_out.append(last_word(Path(track.path), outcome))
            progress(done, len(tracks))
    found = _collection(bundle, paths, hearings, left_out, tags=options.tags)
    return replace(found, notice="; ".join(filter(None, (cache.notice, no_types))))


def outcomes(
    tracks: list[Track],
    bundle: Bundle,
    model: str,
    digest: str,
    recall: Recall,
    *,
    jobs: int | None,
) -> Iterator[tuple[Track, Outcome]]:
    """What came of each track, recalled or heard by workers, in the order of the tracks."""
    count = max(1, min(jobs or default_jobs(JOB_BYTES), len(tracks)))
    with workers(bundle, model, digest, jobs=count, dask=None) as pool:
        for batch in pool.results(tracks, most=_BATCH, ready=recall.ready):
            for track, outcome in batch:
                if not isinstance(outcome, Recalled):
                    recall.keep(track, outcome)
                recall.is_what_was_heard(track, None)
                yield track, outcome


def _collection(
    bundle: Bundle,
    paths: list[Path],
    hearings: list[Hearing],
    left_out: list[TrackReport],
    *,
    tags: bool,
) -> Collection:
    classifier = Classifier(bundle)
    tracks: list[CollectedTrack] = []
    kept: list[Hearing] = []
    for at in range(0, len(paths), _CLASSIFIED):
        some = hearings[at : at + _CLASSIFIED]
        predictions = classifier.predict(some)
        for path, hearing, prediction in zip(paths[at:], some, predictions, strict=False):
            if prediction.objection:
                left_out.append(TrackReport(path, Status.SKIPPED, prediction.objection))
                continue
            described = describe(path) if tags else Described()
            tracks.append(
                CollectedTrack(
                    path, hearing.duration_s, prediction.genres, prediction.cluster, described
                )
            )
            kept.append(hearing)
    return Collection(
        bundle,
        tuple(tracks),
        features=_rows((h.features for h in kept), len(kept), len(bundle.features)),
        embeddings=_rows((h.embedding for h in kept), len(kept), bundle.cnn.embedding),
        log_probs=_rows(
            (mean_patches(h.patch_log_probs) for h in kept), len(kept), len(bundle.labels)
        ),
        left_out=tuple(left_out),
    )


def _rows(rows: Iterable[npt.NDArray[np.floating]], n: int, width: int) -> npt.NDArray[np.float32]:
    table = np.zeros((n, width), dtype=np.float32)
    for i, row in enumerate(rows):
        table[i] = row
    return table
