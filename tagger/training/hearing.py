"""Hearing labelled tracks with the scan's own workers, as trainings and comparisons need them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from tagger.analysis.picture import N_MELS
from tagger.analysis.version import ANALYSIS_VERSION
from tagger.engine.base import Failure
from tagger.engine.pool import LocalPool
from tagger.library.folders import cache_folder
from tagger.training.examples import Example
from tagger.training.sound_store import Sound, SoundStore
from tagger.workflows.recall import audio_key_of

__all__ = ["HeardExamples", "Recipe", "hear_examples"]

_CLIP_S: Final = 30.0
_BATCH: Final = 32
_TIME_LIMIT_S: Final = 120.0
_PRELOAD: Final = ("tagger.audio.decode", "tagger.analysis.analyse")


class Recipe(NamedTuple):
    """What is to be heard of each track.

    Attributes:
        features: names of the features.
        every_frame: pictures with a column for each frame, instead of one every 77.5 ms.
        seconds: length of the one excerpt, from the middle of the track.
    """

    features: tuple[str, ...]
    every_frame: bool = False
    seconds: float = _CLIP_S

    @property
    def digest(self) -> bytes:
        """Fingerprint of all that a sound depends on beside the audio."""
        text = repr((ANALYSIS_VERSION, *self))
        return hashlib.blake2b(text.encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class HeardExamples:
    """Examples that could be heard, and what was heard of each; and why others could not.

    Attributes:
        recalled: how many were known from an earlier run.
    """

    examples: tuple[Example, ...]
    sounds: tuple[Sound, ...]
    problems: tuple[tuple[Path, str], ...]
    recalled: int


def hear_examples(
    examples: Iterable[Example],
    recipe: Recipe,
    *,
    jobs: int,
    progress: Callable[[int], None] = lambda n: None,
) -> HeardExamples:
    """Hear each example, or recall it.

    Args:
        examples: the tracks.
        recipe: what is to be heard.
        jobs: worker processes.
        progress: told after each batch how many tracks are done.

    Raises:
        UsageError: the cache folder cannot be used.
    """
    by_path = {example.path: example for example in examples}
    keys: dict[Path, bytes | None] = {}
    heard: list[Example] = []
    sounds: list[Sound] = []
    problems: list[tuple[Path, str]] = []
    recalled: set[Path] = set()
    with ExitStack() as stack:
        store = stack.enter_context(SoundStore(cache_folder()))
        pool: LocalPool[Path, Sound] = stack.enter_context(
            LocalPool(
                _hear,
                initializer=_start,
                initargs=(recipe,),
                jobs=max(1, min(jobs, len(by_path))),
                time_limit_s=_TIME_LIMIT_S,
                preload=_PRELOAD,
            )
        )

        def recall(path: Path) -> Sound | None:
            key = keys[path] = audio_key_of(path)
            known = store.get(key, recipe.digest) if key else None
            if known:
                recalled.add(path)
            return known

        done = 0
        for batch in pool.results(by_path, most=_BATCH, ready=recall):
            for path, outcome in batch:
                if isinstance(outcome, Failure):
                    problems.append((path, str(outcome.error)))
                elif not np.isfinite(outcome.features).all():
                    problems.append((path, "its analysis gives no number"))
                else:
                    heard.append(by_path[path])
                    sounds.append(outcome)
                    if (key := keys[path]) and path not in recalled:
                        store.put(key, recipe.digest, outcome)
            done += len(batch)
            progress(done)
    return HeardExamples(tuple(heard), tuple(sounds), tuple(problems), len(recalled))


_recipe: Recipe | None = None  # of this worker process


def _start(recipe: Recipe) -> None:
    global _recipe
    _recipe = recipe


def _hear(path: Path) -> Sound:
    # Not at the top: the parent, which only counts, does without the analysis.
    from tagger.analysis.analyse import analyse
    from tagger.audio.decode import read_signal
    from tagger.audio.excerpts import ExcerptPlan

    if _recipe is None:
        raise RuntimeError("_start was not called in this process")
    signal = read_signal(path, ExcerptPlan(count=1, seconds=_recipe.seconds))
    analysis = analyse(signal, _recipe.features, every_frame=_recipe.every_frame)
    (picture,) = analysis.picture.parts
    return Sound(signal.duration_s, analysis.features, picture)


def as_wide(pictures: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Pictures of one width: shorter ones are repeated, longer ones cut.

    Returns:
        uint8, shape (n, N_MELS, columns).
    """
    wide = np.empty((len(pictures), N_MELS, columns), dtype=np.uint8)
    for row, picture in zip(wide, pictures, strict=True):  # no second copy of a whole library
        row[:] = np.tile(picture, -(-columns // picture.shape[1]))[:, :columns]
    return wide
