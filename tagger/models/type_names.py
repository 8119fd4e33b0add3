"""What a music type is called, and how it is described, from where it lies on the axes of words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.models.axes import AXES, Axis

__all__ = ["BALANCED", "described", "names_for", "words_of"]

BALANCED: Final = "balanced"
"""Name of a type that nothing sets apart from the average."""

_LEAST: Final = 0.2  # standard deviations on an axis that are worth a word
_STRONG: Final = 1.0
_WEAK: Final = 0.5

Scores = Sequence[float] | npt.NDArray[np.float64]


def words_of(scores: Scores) -> dict[str, float]:
    """The words for a type, strongest first, each with its distance from the average.

    Args:
        scores: the type's mean on each of :data:`~tagger.models.axes.AXES`, in standard
            deviations.
    """
    return {axis.above if z >= 0 else axis.below: abs(z) for axis, z in _strongest(scores)}


def described(scores: Scores) -> str:
    """What sets a type apart, in plain words: ``much brighter, a little calmer``.

    Args:
        scores: as for :func:`words_of`.
    """
    said = []
    for axis, z in _strongest(scores):
        if abs(z) >= _LEAST:
            much = "much " if abs(z) >= _STRONG else "" if abs(z) >= _WEAK else "a little "
            said.append(much + (axis.more if z > 0 else axis.less))
    return ", ".join(said) or "close to the average in everything"


def names_for(types: Iterable[Scores], taken: Collection[str] = ()) -> tuple[str, ...]:
    """Name some types so that no two, and none of those that have a name already, are called
    the same.

    Two words a type, its strongest ones; a third where two would be called the same, and a number
    where all words are. There is no ``;``, ``/`` or ``,`` in a name: servers split a tag's value
    at these.

    Args:
        types: scores of each type, as for :func:`words_of`; the first has the first choice.
        taken: names that are not to be given.
    """
    used = {frozenset(name.split(" and ")) for name in taken}
    names: list[str] = []
    for scores in types:
        words = [word for word, z in words_of(scores).items() if z >= _LEAST] or [BALANCED]
        choices = [words[:n] for n in range(min(2, len(words)), len(words) + 1)]
        free = next((choice for choice in choices if frozenset(choice) not in used), None)
        number = 2
        while free is None:
            numbered = [*choices[0][:-1], f"{choices[0][-1]} {number}"]
            free = None if frozenset(numbered) in used else numbered
            number += 1
        used.add(frozenset(free))
        names.append(" and ".join(free))
    return tuple(names)


def _strongest(scores: Scores) -> list[tuple[Axis, float]]:
    pairs = [(axis, float(z)) for axis, z in zip(AXES, scores, strict=True)]
    return sorted(pairs, key=lambda pair: -abs(pair[1]))
