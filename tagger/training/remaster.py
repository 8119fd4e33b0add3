"""The same music from another master: a clip's picture as it would look after an equaliser, through
a narrower band, a little faster, or a little higher.

On a log-mel picture an equaliser is an addition, a change of speed another choice of columns, and
a change of key nearly a shift along the bands (mel bands lie evenly in pitch from 1 kHz on; below
that they lie evenly in frequency). So no recording is needed, and GTZAN's clips can be changed, of
most of which there are pictures alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.analysis.filters import TOP_DB
from tagger.analysis.picture import N_MELS

__all__ = ["AS_PLAYED", "AS_STORED", "Remaster", "remastered"]

Pictures = npt.NDArray[np.uint8]

_KNOTS: Final = 6  # of an equaliser's curve
_WHITE: Final = 255
_EDGE_DB: Final = 8.0  # a band, above a band limit


@dataclass(frozen=True, slots=True)
class Remaster:
    """How much is changed, at random.

    Attributes:
        equaliser_db: standard deviation of a curve through six points over the bands.
        tilt_db: standard deviation of what the highest band gains, and the lowest loses.
        band_limit: share of clips that lose what lies above a band of the upper third.
        stretch: largest factor by which a clip is faster or slower, at least 1.
        pitch_bins: largest shift along the bands, up or down.
    """

    equaliser_db: float = 3.0
    tilt_db: float = 3.0
    band_limit: float = 0.4
    stretch: float = 1.0
    pitch_bins: int = 0


AS_STORED: Final = Remaster()
"""What a medium does to a recording, which stays what it was."""

AS_PLAYED: Final = Remaster(stretch=1.15, pitch_bins=2)
"""And what another band would do: the genre stays what it was."""


def remastered(pictures: Pictures, how: Remaster, rng: np.random.Generator) -> Pictures:
    """Each picture changed in its own way.

    Args:
        pictures: shape (n, N_MELS, columns), as :func:`tagger.analysis.picture.make_picture`
            makes them.

    Returns:
        pictures of the same shape; the loudest point of each is white, as it is in theirs.
    """
    changed = np.empty_like(pictures)
    for i, picture in enumerate(pictures):
        changed[i] = _changed(picture, how, rng)
    return changed


def _changed(
    picture: npt.NDArray[np.uint8], how: Remaster, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    bands, columns = np.arange(N_MELS), np.arange(picture.shape[1])
    rate = how.stretch ** rng.uniform(-1, 1)
    # From anywhere on, and round to the start again: it is as long as it was.
    begin = rng.uniform(0, len(columns)) if rate != 1 else 0.0
    shift = int(rng.integers(-how.pitch_bins, how.pitch_bins + 1))
    # The outermost band is repeated where the shift leaves a gap.
    rows = (bands - shift).clip(0, N_MELS - 1)
    db = picture[rows][:, (begin + columns * rate).astype(int) % len(columns)] * (TOP_DB / _WHITE)
    knots = np.concatenate([[0], np.sort(rng.uniform(0, N_MELS - 1, _KNOTS - 2)), [N_MELS - 1]])
    gain = np.interp(bands, knots, rng.normal(0, how.equaliser_db, _KNOTS))
    gain += rng.normal(0, how.tilt_db) * np.linspace(-1, 1, N_MELS)
    if rng.random() < how.band_limit:
        gain -= _EDGE_DB * (bands - rng.uniform(2 / 3, 1) * N_MELS).clip(0)
    db += gain[:, None]
    db = (db - db.max() + TOP_DB).clip(0)
    return np.asarray((db * (_WHITE / TOP_DB)).round(), dtype=np.uint8)
