"""In plain words, what two tracks have in common and how they differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.models.axes import AXES

__all__ = ["likeness"]

_APART: Final = 0.5  # standard deviations on an axis that are worth a word
_ALIKE: Final = 0.3
_MOST_ALIKE: Final = 2
_MOST_APART: Final = 2
_GENRE: Final = 0.2  # least probability of a genre that both are said to be

Genres = Sequence[tuple[str, float]]


def likeness(
    seed: npt.NDArray[np.float64],
    other: npt.NDArray[np.float64],
    seed_genres: Genres = (),
    other_genres: Genres = (),
) -> tuple[str, ...]:
    """What is to be said of a track beside another one, such as ``both Rock``, ``brighter``.

    Args:
        seed: where the one lies on each of :data:`~tagger.models.axes.AXES`, in standard
            deviations.
        other: the same of the track that is spoken of.
        seed_genres: labels with their probabilities.
        other_genres: the same of the track that is spoken of.

    Returns:
        Genres that both are likely to be, then what sets both apart from most music alike, then
        how the other differs; each the strongest first. Never empty.
    """
    words = []
    chances = dict(seed_genres)
    both = {label: min(p, chances.get(label, 0.0)) for label, p in other_genres}
    shared = sorted((label for label, p in both.items() if p >= _GENRE), key=lambda g: -both[g])
    if shared:
        words.append(f"both {' and '.join(shared[:_MOST_ALIKE])}")
    differs = other - seed
    pronounced = np.minimum(np.abs(seed), np.abs(other)) * (np.sign(seed) == np.sign(other))
    alike = [
        i
        for i in np.argsort(-pronounced, kind="stable")
        if pronounced[i] >= _APART and abs(differs[i]) < _ALIKE
    ]
    words += [f"as {AXES[i].above if seed[i] > 0 else AXES[i].below}" for i in alike[:_MOST_ALIKE]]
    apart = [i for i in np.argsort(-np.abs(differs), kind="stable") if abs(differs[i]) >= _APART]
    words += [AXES[i].more if differs[i] > 0 else AXES[i].less for i in apart[:_MOST_APART]]
    return tuple(words) or ("much the same",)
