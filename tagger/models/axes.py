"""Plain words for what music sounds like, from its features: the axes along which tracks and
music types are described and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["AXES", "Axis", "axis_scores"]


@dataclass(frozen=True, slots=True)
class Axis:
    """One way in which music differs.

    Attributes:
        prefix: the features whose mean z-score places a track on it begin with this.
        above: word for what lies above the average.
        below: word for what lies below.
        more: comparative of ``above``.
        less: comparative of ``below``.
    """

    prefix: str
    above: str
    below: str
    more: str
    less: str


AXES: Final = (
    Axis("log_mel_edges_time.mean.", "rhythmic", "flowing", "more rhythmic", "more flowing"),
    Axis("log_mel.mean.", "energetic", "sparse", "more energetic", "calmer"),
    Axis("spectral_centroid.mean.", "bright", "mellow", "brighter", "mellower"),
    Axis("log_mel_edges_frequency.mean.", "melodic", "dense", "more melodic", "denser"),
    Axis("chroma_stft.std.", "harmonic", "percussive", "more harmonic", "more percussive"),
)
"""In the order in which a tie is broken."""


def axis_scores(z: npt.NDArray[np.floating], names: Sequence[str]) -> npt.NDArray[np.float64]:
    """Where tracks lie on each of :data:`AXES`.

    Args:
        z: standardised features, shape (n_tracks, n_features).
        names: the features' names.

    Returns:
        shape (n_tracks, len(AXES)), in standard deviations; 0 on an axis of which none of the
        features is there.
    """
    scores = np.zeros((len(z), len(AXES)))
    for i, axis in enumerate(AXES):
        columns = [j for j, name in enumerate(names) if name.startswith(axis.prefix)]
        if columns:
            scores[:, i] = z[:, columns].mean(axis=1)
    return scores
