"""``genretag similar``: the tracks that sound most like one, and in which way.

A vector of each track (:mod:`tagger.models.similarity`) is kept in the cache. All are compared at
once; tags are read, and files looked for, of the nearest alone. Where all was heard before, no
model runs, nor is its runtime loaded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.domain import Hearing
from tagger.errors import UsageError
from tagger.library.cache import Cache
from tagger.library.cache_vectors import Placed
from tagger.library.folders import cache_folder
from tagger.library.vector_store import VectorStore
from tagger.models.axes import axis_scores
from tagger.models.bundle import BUILTIN_MODEL, Bundle, find_bundle, load_bundle
from tagger.models.classifier import Classifier, ranked
from tagger.models.similarity import Space, similarities
from tagger.tags.artists import artist_key
from tagger.workflows.described import Described, describe
from tagger.workflows.likeness import likeness
from tagger.workflows.recall import anchored, audio_key_of, recall_of
from tagger.workflows.vectors import Compared, Predict, compared, recalled, vectors_of
from tagger.workflows.within import Within, hear_within
from tagger.workflows.worker import Track, model_digest

__all__ = ["MOST_LOOKED_AT", "Neighbour", "Similar", "SimilarOptions", "similar"]

MOST_LOOKED_AT: Final = 2000
"""Of how many of the nearest tracks the tags are read, in search of artists not yet named."""

_MOST_GONE: Final = 20_000  # of the nearest files: the disk may not be mounted at all

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SimilarOptions:
    """What the user asked for.

    Attributes:
        file: the track whose neighbours are wanted.
        within: files and folders to look in; empty: all that the cache knows.
        n: how many neighbours.
        per_artist: most of one artist; 0: any number.
        model: name or folder.
        jobs: processes that hear what no earlier run has heard; None for what the machine allows.
    """

    file: Path
    within: tuple[Path, ...] = ()
    n: int = 20
    per_artist: int = 2
    model: str = BUILTIN_MODEL
    jobs: int | None = None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A track that sounds like another one.

    Attributes:
        path: the file.
        similarity: cosine of the angle between the two tracks' vectors, from -1 to 1.
        why: what the two have in common and how this one differs, in words.
        duration_s: its length in seconds.
        genres: every label of the model with its probability, most probable first.
        tags: what stands in the file.
    """

    path: Path
    similarity: float
    why: tuple[str, ...]
    duration_s: float
    genres: tuple[tuple[str, float], ...]
    tags: Described


@dataclass(frozen=True, slots=True)
class Similar:
    """A track and its neighbours.

    Attributes:
        path: the track.
        model: name and version of the model.
        genres: as for :class:`Neighbour`.
        objection: why the track may be no music; empty for music.
        compared: with how many other files it was compared.
        not_heard: how many files there are below the paths to look in that cannot be heard.
        neighbours: the nearest, nearest first.
        tags: what stands in the file.
        duration_s: its length in seconds.
    """

    path: Path
    model: str
    genres: tuple[tuple[str, float], ...]
    objection: str
    compared: int
    not_heard: int
    neighbours: tuple[Neighbour, ...]
    tags: Described
    duration_s: float


def similar(
    options: SimilarOptions,
    progress: Progress = lambda done, total: None,
    say: Callable[[str], None] = lambda line: None,
) -> Similar:
    """Find the neighbours of a track.

    The track itself is none, nor is any other file with the same audio. Files that are gone are
    passed over.

    Args:
        options: of which, and where.
        progress: told how many of how many tracks are heard, or prepared for comparison.
        say: told what takes long, a line at a time.

    Raises:
        UsageError: a path does not exist, the file cannot be heard, or the cache cannot be used.
        LibraryGoneError: a folder does not answer.
        ModelError: the model cannot be used.
    """
    seed = _track(options.file)
    folder = find_bundle(options.model)
    digest, bundle = model_digest(folder), load_bundle(folder)
    predict = _when_asked(bundle)
    with closing(Cache.open(cache_folder(create=False))) as cache:
        recall = recall_of(bundle, cache)
        if cache.notice:
            say(cache.notice)

        def hear(tracks: list[Track]) -> Iterator[tuple[Track, Hearing | None]]:
            # With it come pools of processes, and all that they are to hear with.
            from tagger.workflows.collection import outcomes
            from tagger.workflows.listening import hearing_of, last_word

            for track, outcome in outcomes(
                tracks, bundle, options.model, digest, recall, jobs=options.jobs
            ):
                if track is seed and hearing_of(outcome) is None:
                    raise UsageError(f"{track.path}: {last_word(options.file, outcome).reason}")
                yield track, hearing_of(outcome)

        known = recall.ready(seed)
        hearing = known.outcome if known and isinstance(known.outcome, Hearing) else None
        if hearing is None:
            known = None
            [(_, hearing)] = hear([seed])
            assert hearing is not None
        within = None
        if options.within:
            within = hear_within(options.within, cache, recall.listening, hear, progress)
        store = VectorStore(cache, recall.listening)
        folders = None if within is None else store.folders(within.names)
        others = compared(store, bundle, predict, folders, progress, say)
        path = Path(anchored(seed.path))
        kept = recalled(store, bundle, others, path) if known and others else None
        asked = _seed(hearing, kept, bundle, predict, others)
        search = _Search(options, store, within, path)
        found = search.neighbours(others, bundle, asked)
    return Similar(
        path=options.file,
        model=bundle.identity,
        genres=asked.genres,
        objection=asked.objection,
        compared=search.compared,
        not_heard=within.not_heard if within else 0,
        neighbours=tuple(found),
        tags=describe(options.file),
        duration_s=hearing.duration_s,
    )


def _track(file: Path) -> Track:
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{file}: no such file") from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    if file.is_dir():
        raise UsageError(f"{file}: is a folder; name one audio file")
    return Track(str(file), status.st_size, status.st_mtime_ns)


def _when_asked(bundle: Bundle) -> Predict:
    """A model's predictions. Its runtime is loaded for the first of them, if there is any."""

    @cache
    def classifier() -> Classifier:
        return Classifier(bundle)

    return lambda hearings: classifier().predict(hearings)


@dataclass(frozen=True, slots=True)
class _Seed:
    """The track whose neighbours are wanted, and its vector where there are others."""

    hearing: Hearing
    genres: tuple[tuple[str, float], ...]
    objection: str
    vector: npt.NDArray[np.int8] | None


def _seed(
    hearing: Hearing,
    kept: tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]] | None,
    bundle: Bundle,
    predict: Predict,
    others: Compared | None,
) -> _Seed:
    if kept:
        vector, chances = kept
        return _Seed(hearing, ranked(bundle.labels, chances), "", vector)
    [prediction] = predictions = predict([hearing])
    made = vectors_of(others.space, bundle, [hearing], predictions)[0] if others else None
    return _Seed(hearing, prediction.genres, prediction.objection, made)


class _Search:
    """One search for neighbours."""

    def __init__(
        self, options: SimilarOptions, store: VectorStore, within: Within | None, path: Path
    ) -> None:
        self._options = options
        self._store = store
        self._within = within
        self._path = path
        self.compared = 0

    def neighbours(self, others: Compared | None, bundle: Bundle, seed: _Seed) -> list[Neighbour]:
        if others is None or seed.vector is None:
            return []
        near = similarities(seed.vector, others.vectors)
        self.compared = len(near)
        chosen = list(self._nearest(others, near))
        heard = self._store.hearings([place.audio for _, place, _ in chosen])
        chosen = [item for item in chosen if item[1].audio in heard]
        hearings = [heard[place.audio] for _, place, _ in chosen]
        if not hearings:
            return []
        axes = _on_axes(bundle, others.space, [seed.hearing, *hearings])
        genres = [ranked(bundle.labels, others.chances[row]) for row, _, _ in chosen]
        return [
            Neighbour(
                path=place.path,
                similarity=float(near[row]),
                why=likeness(axes[0], its_axes, seed.genres, its_genres),
                duration_s=neighbour.duration_s,
                genres=its_genres,
                tags=tags,
            )
            for (row, place, tags), its_axes, neighbour, its_genres in zip(
                chosen, axes[1:], hearings, genres, strict=True
            )
        ]

    def _nearest(
        self, others: Compared, near: npt.NDArray[np.float32]
    ) -> Iterator[tuple[int, Placed, Described]]:
        """The rows to show, nearest first, with where they are and their tags."""
        own_key = audio_key_of(self._path)
        keys = {own_key} if own_key else set()
        by_artist: Counter[str] = Counter()
        shown = looked_at = gone = 0
        for row in np.argsort(-near, kind="stable").tolist():
            if shown == self._options.n or looked_at == MOST_LOOKED_AT or gone == _MOST_GONE:
                return
            place = self._store.placed(others.files[row])
            if place is not None and place.path == self._path:
                self.compared -= 1  # of all, it comes first or nearly so
                continue
            if place is None or place.key in keys:
                continue
            if self._within is not None and place.path not in self._within:
                continue
            if not _there(place):
                gone += 1
                continue
            looked_at += 1
            tags = describe(place.path)
            artist = artist_key(tags.artist) or f"folder {place.path.parent}"
            if 0 < self._options.per_artist <= by_artist[artist]:
                continue
            by_artist[artist] += 1
            shown += 1
            if place.key:
                keys.add(place.key)
            yield row, place, tags


def _on_axes(bundle: Bundle, space: Space, hearings: list[Hearing]) -> npt.NDArray[np.float64]:
    """Where tracks lie on the axes of words, shape (n, n_axes)."""
    z = space.standardised(np.stack([hearing.features for hearing in hearings]))
    if z is None:
        z = np.zeros((len(hearings), 0))
    return axis_scores(z, bundle.features[: z.shape[1]])


def _there(place: Placed) -> bool:
    """Whether a file still holds the audio that was heard in it."""
    if place.is_as_it_was():
        return True
    return place.key is not None and audio_key_of(place.path) == place.key
