"""Features with planted music types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

PLANTED: Final[tuple[dict[str, float], ...]] = (
    {"log_mel_edges_time.mean.": 4.0, "spectral_centroid.mean.": 3.0},
    {"log_mel_edges_frequency.mean.": 4.0, "log_mel.mean.": -3.0},
    {"log_mel_edges_time.mean.": -4.0, "chroma_stft.std.": -8.0},
    {"log_mel_edges_frequency.mean.": -4.0, "log_mel.mean.": 4.0},
)
"""What sets each type apart: features by prefix, and by how many standard deviations."""


def planted(
    kinds: Sequence[int], names: Sequence[str], *, seed: int = 0
) -> npt.NDArray[np.float32]:
    """Features of some tracks, each of a kind of :data:`PLANTED`; shape (n, n_features).

    Units differ by orders of magnitude, as those of real features, and not with the seed.
    """
    x = np.random.default_rng(seed).normal(0, 1, (len(kinds), len(names)))
    for i, moved in enumerate(PLANTED):
        for prefix, by in moved.items():
            columns = [j for j, name in enumerate(names) if name.startswith(prefix)]
            assert columns, prefix
            x[np.ix_(np.asarray(kinds) == i, columns)] += by
    units = 10.0 ** np.random.default_rng(99).uniform(-3, 3, len(names))
    return (x * units).astype(np.float32)
