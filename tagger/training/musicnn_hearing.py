"""What the published MusiCNN hears in a recording: what its copy for pictures learns to hear."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.audio.samples import SAMPLE_RATE, Samples
from tagger.training.musicnn import (
    LEVEL_DB,
    N_BANDS,
    PUBLISHED_SAMPLE_RATE,
    Arrays,
    log_power,
)
from tagger.training.networks_musicnn import PUBLISHED_FRAMES, published

__all__ = ["Published", "published_activations"]

_PLAN: Final = ExcerptPlan(count=1, seconds=30.0)  # what a data set's picture is made of
_PATCHES: Final = 10  # of 3 s, in a clip


def published_activations(arrays: Arrays, paths: Iterable[Path]) -> npt.NDArray[np.float32]:
    """What it hears in some recordings.

    Args:
        arrays: from :func:`tagger.training.musicnn.read_wheel`.
        paths: recordings; of a long one the 30 s that a picture of it shows.

    Returns:
        shape (n, 2, n_activations), as :meth:`Published.activations`.
    """
    network = Published(arrays)
    return np.stack([network.activations(_clip(path)) for path in paths])


class Published:
    """The published network, as a teacher of its copy for pictures.

    It hears every clip at one level, since the copy cannot tell what the level is: of what it
    answers a tenth of the variance over Emotify's clips was the level alone.

    Args:
        arrays: from :func:`tagger.training.musicnn.read_wheel`.
    """

    def __init__(self, arrays: Arrays) -> None:
        import tensorflow as tf

        self._network = tf.function(published(arrays), reduce_retracing=True)

    def activations(self, y: Samples) -> npt.NDArray[np.float32]:
        """Mean activations over the patches of 3 s in each half of a clip of 30 s.

        Args:
            y: mono, at :data:`~tagger.audio.samples.SAMPLE_RATE`; a shorter one repeats.

        Returns:
            shape (2, n_activations).
        """
        import soxr

        frames = log_power(soxr.resample(y, SAMPLE_RATE, PUBLISHED_SAMPLE_RATE), LEVEL_DB)
        whole = np.resize(frames, (_PATCHES, PUBLISHED_FRAMES, N_BANDS))
        answers = np.asarray(self._network(whole, training=False))
        halves = answers.reshape(2, _PATCHES // 2, -1).mean(axis=1)
        return np.asarray(halves, dtype=np.float32)


def _clip(path: Path) -> Samples:
    return read_signal(path, _PLAN).excerpts[0].y
