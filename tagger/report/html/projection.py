"""The map of a library: tracks that the model hears alike lie side by side.

A track is its genre probabilities, compared by Hellinger distance (the Euclidean distance of
their square roots), which neither drowns in labels near zero, as logarithms do, nor sees only
the first genre. Some hundred tracks, the landmarks, are laid out by t-SNE (van der Maaten and
Hinton, "Visualizing data using t-SNE", JMLR 9, 2008), begun from their principal components; every
other track is put between the landmarks nearest to it. So cost and memory grow with the number
of landmarks, and a large library merely adds a weighted mean a track.

On 293 Emotify clips as the default model 1.3.0 hears them, of the ten nearest on the map 0.81 have
the clip's own genre (by chance 0.25; by all probabilities 0.82). Principal components of the roots
reach 0.73. With an earlier model, where the map reached 0.76 and they 0.70: principal components of
the logarithms 0.64; labels laid out by their correlation, with tracks at probability-weighted
means, 0.70, and on a circle 0.66; t-SNE of the logarithms 0.71.

Everything is deterministic: the same tracks give the same map, in whatever order they come. And
nearly the same tracks give nearly the same map. Attraction is not exaggerated at first, as t-SNE
mostly does it: that draws the tracks together until rounding errors decide where each goes, and
the map is no better for it. What is left and what is up is decided by the labels, not by axes whose
signs hang on a hair.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["LANDMARKS", "TrackMap", "draw_landmarks", "fit_map"]

Floats: TypeAlias = npt.NDArray[np.float64]

LANDMARKS: Final = 600
"""Most tracks that are laid out by t-SNE itself, whose cost grows with their square."""

_FEW: Final = 8  # below it there are no neighbourhoods, and principal components do
_PERPLEXITY: Final = 30.0
_ITERATIONS: Final = 400
_RATE: Final = 1 / 12  # of learning, a landmark
_LEAST_RATE: Final = 12.5
_MOMENTUM: Final = 0.8
_NEIGHBOURS: Final = 5  # landmarks that a further track is put between
_NEAR: Final = 1e-9  # squared distance at which a track is where its landmark is
_SEED: Final = 7


def draw_landmarks(blocks: Iterable[Floats]) -> Floats:
    """Draw landmarks: all tracks if they are few, else as if by chance, but the same ones in
    whatever order they come. Shape (n_landmarks, n_labels).

    Args:
        blocks: probabilities of some tracks at a time, shape (n, n_labels).
    """
    drawn: list[Floats] = []
    keys = np.empty(0, np.uint32)
    for block in blocks:
        new = np.array([zlib.crc32(track.tobytes()) for track in block], np.uint32)
        keys = np.concatenate([keys, new])
        drawn.extend(block.copy())
        if len(drawn) > LANDMARKS:
            least = np.argsort(keys, kind="stable")[:LANDMARKS]
            keys, drawn = keys[least], [drawn[k] for k in least]
    return np.array(drawn)


@dataclass(frozen=True, slots=True)
class TrackMap:
    """A map that tracks can be put on.

    Attributes:
        known: shape (n_landmarks, n_labels), the landmarks as roots of probabilities, in an
            order of their own.
        places: shape (n_landmarks, 2), where they lie, each axis from 0 to 1.
    """

    known: Floats
    places: Floats

    def place(self, probabilities: npt.ArrayLike) -> Floats:
        """Where tracks lie: shape (n, 2), each axis from 0 to 1.

        Args:
            probabilities: shape (n, n_labels), rows as the map was fitted to.
        """
        roots = _roots(probabilities)
        apart = _squared_distances(roots, self.known)
        k = min(_NEIGHBOURS, len(self.known))
        nearest = np.argpartition(apart, k - 1, axis=1)[:, :k]
        weights = (np.take_along_axis(apart, nearest, axis=1) + _NEAR) ** -2
        weights /= weights.sum(axis=1, keepdims=True)
        between: Floats = np.einsum("nk,nkd->nd", weights, self.places[nearest])
        return between


def fit_map(probabilities: npt.ArrayLike) -> TrackMap:
    """Lay landmarks out.

    Args:
        probabilities: shape (n_landmarks, n_labels), n_landmarks > 0.
    """
    roots = _roots(probabilities)
    roots = roots[np.lexsort(roots.T)]  # the map must not depend on who came first
    places = _principal(roots)
    if len(roots) >= _FEW:
        places = _tsne(roots, places)
    places = _turned(places, roots**2)
    low, high = places.min(axis=0), places.max(axis=0)
    wide = np.where(high - low > 0, high - low, 1.0)
    places = np.where(high - low > 0, (places - low) / wide, 0.5)
    return TrackMap(roots, places)


def _roots(probabilities: npt.ArrayLike) -> Floats:
    return np.sqrt(np.clip(np.asarray(probabilities, dtype=np.float64), 0.0, 1.0))


def _squared_distances(a: Floats, b: Floats) -> Floats:
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2.0 * a @ b.T
    apart: Floats = np.maximum(squares, 0.0)
    return apart


def _principal(roots: Floats) -> Floats:
    """The two principal components, shape (n, 2), each signed by its largest loading."""
    centred = roots - roots.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    flat: Floats = centred @ (axes * np.where(largest < 0, -1.0, 1.0)).T
    return np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))


def _turned(places: Floats, probabilities: Floats) -> Floats:
    """A map turned and mirrored so that it comes nearest to a fixed one, on which the labels lie
    on a circle in their order and each track between them, by its probabilities: the orthogonal
    Procrustes problem (Schönemann, Psychometrika 31, 1966). A genre stays on its side of the map
    from one run to the next, also when tracks were added.
    """
    angles = 2.0 * np.pi * np.arange(probabilities.shape[1]) / probabilities.shape[1]
    fixed = probabilities @ np.stack([np.cos(angles), np.sin(angles)], axis=1)
    u, _, v = np.linalg.svd(places.T @ (fixed - fixed.mean(axis=0)))
    turned: Floats = places @ (u @ v)
    return turned


def _tsne(roots: Floats, start: Floats) -> Floats:
    n = len(roots)
    likeness = _likeness(_squared_distances(roots, roots))
    spread = start.std(axis=0).max()
    # Equal tracks must come apart, and no two runs may differ.
    jitter = np.random.default_rng(_SEED).normal(size=(n, 2))
    places = 1e-4 * (start / spread if spread > 0 else start) + 1e-6 * jitter
    speed, gain = np.zeros_like(places), np.ones_like(places)
    rate = max(n * _RATE, _LEAST_RATE)
    # Single precision and no new arrays of n by n: this loop is all that the map costs.
    likeness, places = likeness.astype(np.float32), places.astype(np.float32)
    speed, gain = speed.astype(np.float32), gain.astype(np.float32)
    near, pull = np.empty_like(likeness), np.empty_like(likeness)
    for _ in range(_ITERATIONS):
        np.square(np.subtract.outer(places[:, 0], places[:, 0], out=near), out=near)
        np.square(np.subtract.outer(places[:, 1], places[:, 1], out=pull), out=pull)
        near += pull
        near += 1.0
        np.reciprocal(near, out=near)
        np.fill_diagonal(near, 0.0)
        np.multiply(near, -1.0 / near.sum(), out=pull)
        pull += likeness
        pull *= near
        pulled = np.einsum("nm,md->nd", pull, places)  # BLAS would only spin its threads on it
        slope = 4.0 * (pull.sum(axis=1)[:, None] * places - pulled)
        # Larger steps where the direction stays (Jacobs 1988), as in the paper's own programme.
        gain = np.maximum(np.where((slope > 0) == (speed > 0), 0.8 * gain, gain + 0.2), 0.01)
        speed = _MOMENTUM * speed - rate * gain * slope
        places = places + speed
        places -= places.mean(axis=0)
    return places.astype(np.float64)


def _likeness(apart: Floats) -> Floats:
    """Joint probabilities of neighbours, each track's bandwidth found by bisection such that the
    perplexity of its neighbours is the one asked for."""
    n = len(apart)
    wanted = np.log(min(_PERPLEXITY, (n - 1) / 3.0))
    nearest = np.where(np.eye(n, dtype=bool), np.inf, apart).min(axis=1)
    further = apart - nearest[:, None]  # which no bandwidth makes vanish for all neighbours
    np.fill_diagonal(further, 0.0)
    low, high = np.full(n, -15.0), np.full(n, 25.0)  # of log(1 / (2 sigma^2))
    for _ in range(40):
        middle = (low + high) / 2.0
        precision = np.exp(middle)
        weights = np.exp(-further * precision[:, None])
        np.fill_diagonal(weights, 0.0)
        total = weights.sum(axis=1)
        entropy = np.log(total) + precision * (further * weights).sum(axis=1) / total
        wide = entropy > wanted
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    conditional = weights / total[:, None]
    joint: Floats = (conditional + conditional.T) / (2.0 * n)
    return joint
