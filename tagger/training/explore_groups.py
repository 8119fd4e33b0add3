"""Tracks by genre, as far as a figure can tell genres apart.

Colours are those of Okabe and Ito ("Color Universal Design", 2008), which all common kinds of
colour vision tell apart; each genre has a shape beside its colour, and where there are more
genres than colours only both together are its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["SHOWN_GENRES", "GenreGroups"]

SHOWN_GENRES: Final = 12
"""Most genres that a figure tells apart; what is beyond stands together as "others"."""

# Yellow and black last: the one is faint on white, the other looks like the axes.
_COLOURS: Final = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#000000",
)  # fmt: skip
_MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "p", "h")
_OTHERS: Final = ("#999999", ".")


@dataclass(frozen=True, slots=True)
class GenreGroups:
    """Tracks by genre, as far as a figure can tell them apart.

    Attributes:
        names: the largest genres, and last the others together where there are more.
        rows: indices of each name's tracks.
        n_others: how many genres the others are; 0 where all are shown.
    """

    names: tuple[str, ...]
    rows: tuple[npt.NDArray[np.intp], ...]
    n_others: int

    @staticmethod
    def of(genres: npt.NDArray[np.str_], counts: Mapping[str, int]) -> GenreGroups:
        """Group tracks by genre.

        Args:
            genres: label of each track, shape (n,).
            counts: tracks by genre, the largest first.
        """
        names = list(counts)[:SHOWN_GENRES]
        rows = [np.flatnonzero(genres == name) for name in names]
        n_others = len(counts) - len(names)
        if n_others:
            names.append(f"others ({n_others} genres)")
            rows.append(np.flatnonzero(~np.isin(genres, names)))
        return GenreGroups(tuple(names), tuple(rows), n_others)

    @property
    def told(self) -> tuple[npt.NDArray[np.intp], ...]:
        """Indices of the tracks of each genre that is told apart."""
        return self.rows[: len(self.names) - bool(self.n_others)]

    @property
    def styles(self) -> list[tuple[str, str]]:
        """Colour and marker of each name."""
        styles = [
            (_COLOURS[i % len(_COLOURS)], _MARKERS[i % len(_MARKERS)])
            for i in range(len(self.told))
        ]
        return styles + [_OTHERS] * bool(self.n_others)
