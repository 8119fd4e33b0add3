"""What the published MusiCNN hears in a recording: what its copy for pictures learns to hear."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.audio.samples import SAMPLE_RATE, Samples
from tagger.training.musicnn import N_BANDS, PUBLISHED_SAMPLE_RATE, log_power
from tagger.training.networks_musicnn import PUBLISHED_FRAMES

__all__ = ["clip_activations", "published_activations"]

_PLAN: Final = ExcerptPlan(count=1, seconds=30.0)  # what a data set's picture is made of


def published_activations(network: Any, paths: Iterable[Path]) -> npt.NDArray[np.float32]:
    """Mean activations over a recording's patches of 3 s, one after the other.

    Args:
        network: from :func:`tagger.training.networks_musicnn.published`.
        paths: recordings; of a long one the 30 s that a picture of it shows.

    Returns:
        shape (n, n_activations).
    """
    return np.stack([clip_activations(network, _clip(path)) for path in paths])


def clip_activations(network: Any, y: Samples) -> npt.NDArray[np.float32]:
    """Mean activations over a clip's patches of 3 s, shape (n_activations,).

    Args:
        network: as for :func:`published_activations`.
        y: mono, at :data:`~tagger.audio.samples.SAMPLE_RATE`; one of under 3 s repeats.
    """
    import soxr

    frames = log_power(soxr.resample(y, SAMPLE_RATE, PUBLISHED_SAMPLE_RATE))
    n_patches = max(1, len(frames) // PUBLISHED_FRAMES)
    whole = np.resize(frames, (n_patches * PUBLISHED_FRAMES, N_BANDS))
    answers = network(whole.reshape(n_patches, PUBLISHED_FRAMES, N_BANDS), training=False)
    return np.asarray(np.asarray(answers).mean(axis=0), dtype=np.float32)


def _clip(path: Path) -> Samples:
    return read_signal(path, _PLAN).excerpts[0].y
