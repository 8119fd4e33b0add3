"""The vectors of all tracks that the cache knows, made where they are missing.

With each is kept how probable the model says that each genre is: a search in what is known then
runs no model, whose runtime alone takes longer to start than 100,000 vectors to be compared.

A model whose bundle has no space of its own gets one from the tracks that it has heard: fitted on
some of them, kept with the vectors, and fitted anew once there are twice as many.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.domain import Hearing, Prediction
from tagger.errors import ModelError
from tagger.library.vector_store import VectorStore
from tagger.models.bundle import Bundle
from tagger.models.schema import Node
from tagger.models.similarity import Space, fit_space, read_space, space_of, widths_of
from tagger.models.similarity_spec import read_similarity
from tagger.workflows.fingerprints import decision_fingerprint

__all__ = ["Compared", "Predict", "compared", "recalled", "vectors_of"]

_FIT_ON: Final = 2000
_BATCH: Final = 1024
_SLOW: Final = 5000  # vectors that take longer to make than somebody waits without a word

Progress = Callable[[int, int], None]
Predict = Callable[[Sequence[Hearing]], list[Prediction]]


@dataclass(frozen=True, slots=True)
class Compared:
    """Tracks that can be compared.

    Attributes:
        space: what the vectors are in.
        digest: what they are kept under.
        files: number of each file in the cache.
        vectors: int8, shape (n, n_dims).
        chances: probability of each label of the model, float32, shape (n, n_labels).
    """

    space: Space
    digest: bytes
    files: Sequence[int]
    vectors: npt.NDArray[np.int8]
    chances: npt.NDArray[np.float32]


def compared(
    store: VectorStore,
    bundle: Bundle,
    predict: Predict,
    folders: Collection[int] | None,
    progress: Progress,
    say: Callable[[str], None],
) -> Compared | None:
    """The vectors of the tracks that a model has heard and takes for music.

    Args:
        store: where hearings and vectors are kept; vectors that are missing are made and kept.
        bundle: the model.
        predict: what it makes of hearings; asked for vectors that are missing.
        folders: numbers of the folders to look in; None for all.
        progress: told how many of how many missing vectors are made.
        say: told if that takes long.

    Returns:
        None if the model has heard too few tracks to tell what sets them apart.

    Raises:
        UsageError: the cache cannot be used.
        ModelError: the bundle's space is damaged.
    """
    digest = decision_fingerprint(bundle)
    space = _space(store, bundle, predict, digest)
    if space is None:
        return None
    kept = _kept(space, bundle)
    found = store.vectors(digest, kept.itemsize, folders)
    if not found.complete and (missing := store.missing(digest, kept.itemsize, folders)):
        if len(missing) > _SLOW:
            say(f"Preparing {len(missing):,} tracks for comparison; this is done once")
        for at in range(0, len(missing), _BATCH):
            hearings = store.hearings(missing[at : at + _BATCH])
            store.keep_vectors(digest, _bodies(space, bundle, predict, hearings))
            progress(at + len(hearings), len(missing))
        found = store.vectors(digest, kept.itemsize, folders)
    rows = np.frombuffer(found.bodies, kept)
    return Compared(space, digest, found.files, rows["vector"], rows["chances"])


def recalled(
    store: VectorStore, bundle: Bundle, others: Compared, path: Path
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]] | None:
    """Vector and probabilities of what a file held when it was heard last.

    Returns:
        shapes (n_dims,) and (n_labels,); None if they are not kept, or it is no music.
    """
    body = store.vector(others.digest, path)
    kept = _kept(others.space, bundle)
    if body is None or len(body) != kept.itemsize:
        return None
    [row] = np.frombuffer(body, kept)
    return row["vector"], row["chances"]


def vectors_of(
    space: Space, bundle: Bundle, hearings: Sequence[Hearing], predictions: Sequence[Prediction]
) -> npt.NDArray[np.int8]:
    """The vector of each hearing, int8, shape (n, n_dims)."""
    return space.vectors(*_arrays(bundle, hearings, predictions))


def _arrays(
    bundle: Bundle, hearings: Sequence[Hearing], predictions: Sequence[Prediction]
) -> tuple[npt.NDArray[np.float32], ...]:
    chances = [dict(prediction.genres) for prediction in predictions]
    return (
        np.stack([hearing.features for hearing in hearings]),
        np.stack([hearing.embedding for hearing in hearings]),
        np.array([[p[label] for label in bundle.labels] for p in chances], dtype=np.float32),
    )


def _kept(space: Space, bundle: Bundle) -> np.dtype[np.void]:
    """What is kept of each audio, but for those that sound like no music."""
    return np.dtype([("vector", "i1", space.n_dims), ("chances", "<f4", len(bundle.labels))])


def _bodies(
    space: Space, bundle: Bundle, predict: Predict, hearings: dict[int, Hearing]
) -> dict[int, bytes]:
    """The bytes to keep of each audio: none if it sounds like no music."""
    if not hearings:
        return {}
    some = list(hearings.values())
    predictions = predict(some)
    features, embeddings, chances = _arrays(bundle, some, predictions)
    rows = np.empty(len(some), _kept(space, bundle))
    rows["vector"] = space.vectors(features, embeddings, chances)
    rows["chances"] = chances
    return {
        audio: b"" if prediction.objection else row.tobytes()
        for audio, row, prediction in zip(hearings, rows, predictions, strict=True)
    }


def _space(store: VectorStore, bundle: Bundle, predict: Predict, digest: bytes) -> Space | None:
    """The space to compare in. Where it is not the one that is kept, it takes its place."""
    own = space_of(bundle)
    kept = store.space(digest)
    if own:
        if kept is None:
            store.keep_space(digest, _packed(own, 0))
        return own
    known = _unpacked(kept, bundle) if kept else None
    made = store.audios(digest)
    if known and 2 * known[1] > min(len(made), _FIT_ON):
        return known[0]
    heard = made or store.heard()  # of what is made, all is music
    some = np.linspace(0, len(heard) - 1, min(len(heard), _FIT_ON)).astype(int)
    hearings = list(store.hearings([heard[i] for i in some]).values())
    predictions = predict(hearings)
    music = [
        (hearing, prediction)
        for hearing, prediction in zip(hearings, predictions, strict=True)
        if not prediction.objection
    ]
    if len(music) < 2:
        return None
    space = fit_space(*_arrays(bundle, *zip(*music, strict=True)))
    store.keep_space(digest, _packed(space, len(music)))
    return space


def _packed(space: Space, fitted_on: int) -> bytes:
    head = {"fitted_on": fitted_on, "similarity": asdict(space.spec)}
    return json.dumps(head).encode() + b"\n" + space.weights()


def _unpacked(body: bytes, bundle: Bundle) -> tuple[Space, int] | None:
    """A space and on how many tracks it was fitted; None if that makes no sense."""
    head, _, weights = body.partition(b"\n")
    try:
        root = Node(json.loads(head), "a space")
        fitted_on = root.integer("fitted_on", low=0)
        spec = read_similarity(root.at("similarity"))
        return read_space(spec, widths_of(bundle), weights, "the cache"), fitted_on
    except (ModelError, ValueError):
        return None
