"""The vectors of all tracks that the cache knows, made where they are missing.

A model whose bundle has no space of its own gets one from the tracks that it has heard: fitted on
some of them, kept with the vectors, and fitted anew once there are twice as many.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.domain import Hearing, Prediction
from tagger.errors import ModelError
from tagger.library.vector_store import VectorStore
from tagger.models.bundle import Bundle
from tagger.models.classifier import Classifier
from tagger.models.schema import Node
from tagger.models.similarity import Space, fit_space, read_space, space_of, widths_of
from tagger.models.similarity_spec import read_similarity
from tagger.workflows.fingerprints import decision_fingerprint

__all__ = ["Compared", "compared", "vectors_of"]

_FIT_ON: Final = 2000
_BATCH: Final = 1024
_SLOW: Final = 5000  # vectors that take longer to make than somebody waits without a word

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Compared:
    """Tracks that can be compared.

    Attributes:
        space: what the vectors are in.
        files: number of each file in the cache.
        audios: number of what each holds.
        vectors: int8, shape (n, n_dims).
    """

    space: Space
    files: Sequence[int]
    audios: Sequence[int]
    vectors: npt.NDArray[np.int8]


def compared(
    store: VectorStore,
    classifier: Classifier,
    folders: Collection[int] | None,
    progress: Progress,
    say: Callable[[str], None],
) -> Compared | None:
    """The vectors of the tracks that a model has heard and takes for music.

    Args:
        store: where hearings and vectors are kept; vectors that are missing are made and kept.
        classifier: the model.
        folders: numbers of the folders to look in; None for all.
        progress: told how many of how many missing vectors are made.
        say: told if that takes long.

    Returns:
        None if the model has heard too few tracks to tell what sets them apart.

    Raises:
        UsageError: the cache cannot be used.
        ModelError: the bundle's space is damaged.
    """
    digest = decision_fingerprint(classifier.bundle)
    files = store.files(folders)
    bodies = store.vectors(digest)
    made = [audio for audio, body in bodies.items() if body]
    space, is_new = _space(store, classifier, digest, made)
    if space is None:
        return None
    if is_new:
        bodies = {}
    width = space.n_dims
    usual = (0, width)  # anything else was damaged
    missing = list(
        dict.fromkeys(
            a for a, _ in files if (body := bodies.get(a)) is None or len(body) not in usual
        )
    )
    if len(missing) > _SLOW:
        say(f"Preparing {len(missing):,} tracks for comparison; this is done once")
    for at in range(0, len(missing), _BATCH):
        hearings = store.hearings(missing[at : at + _BATCH])
        new = _bodies(space, classifier, hearings)
        store.keep_vectors(digest, new)
        bodies.update(new)
        progress(at + len(hearings), len(missing))
    usable = [pair for pair in files if len(bodies.get(pair[0], b"")) == width]
    joined = b"".join(bodies[audio] for audio, _ in usable)
    return Compared(
        space,
        files=[file for _, file in usable],
        audios=[audio for audio, _ in usable],
        vectors=np.frombuffer(joined, np.int8).reshape(len(usable), width),
    )


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


def _bodies(space: Space, classifier: Classifier, hearings: dict[int, Hearing]) -> dict[int, bytes]:
    """What is kept of each audio: its vector, or nothing if it sounds like no music."""
    if not hearings:
        return {}
    some = list(hearings.values())
    predictions = classifier.predict(some)
    vectors = vectors_of(space, classifier.bundle, some, predictions)
    return {
        audio: b"" if prediction.objection else vector.tobytes()
        for audio, vector, prediction in zip(hearings, vectors, predictions, strict=True)
    }


def _space(
    store: VectorStore, classifier: Classifier, digest: bytes, made: Sequence[int]
) -> tuple[Space | None, bool]:
    """The space to compare in, and whether the vectors that are kept, those of the audios ``made``,
    are not of it."""
    own = space_of(classifier.bundle)
    kept = store.space(digest)
    if own:
        if kept is None:
            store.keep_space(digest, _packed(own, 0))
        return own, kept is None
    known = _unpacked(kept, classifier.bundle) if kept else None
    if known and 2 * known[1] > min(len(made), _FIT_ON):
        return known[0], False
    heard = made or store.heard()  # of what is made, all is music
    some = np.linspace(0, len(heard) - 1, min(len(heard), _FIT_ON)).astype(int)
    hearings = list(store.hearings([heard[i] for i in some]).values())
    predictions = classifier.predict(hearings)
    music = [
        (hearing, prediction)
        for hearing, prediction in zip(hearings, predictions, strict=True)
        if not prediction.objection
    ]
    if len(music) < 2:
        return None, False
    space = fit_space(*_arrays(classifier.bundle, *zip(*music, strict=True)))
    store.keep_space(digest, _packed(space, len(music)))
    return space, True


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
