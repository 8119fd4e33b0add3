"""The log-mel picture that the network looks at.

``power_to_db(mel, ref=max)`` with an 80 dB floor, scaled per track from its minimum to its
maximum onto 0..255, one column every 77.5 ms. Of the N frames of an excerpt with C columns,
column k is frame ``floor((k + 0.5) * N / (C + 0.5))``: a plain pick, no average. For 30 s,
C is 387, the width of the spectrograms that the default model was trained on. For networks
that look closer, a picture may show every frame: one column every 23.2 ms.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.analysis.filters import AMIN, TOP_DB
from tagger.analysis.picture import COLUMN_S, Picture
from tagger.analysis.spectrum import HOP_LENGTH, Spectrum

__all__ = ["column_frames", "log_mel_picture"]

CLIP_S: Final = 30.0
"""Length of the clips that the pinned recipe speaks of."""


def column_frames(n_frames: int, sr: int) -> npt.NDArray[np.intp]:
    """Which frames of ``n_frames`` are the columns of the picture: one every 77.5 ms, rising.

    Args:
        n_frames: of one excerpt, ``HOP_LENGTH`` samples apart.
        sr: its sample rate in Hz.
    """
    seconds = n_frames * HOP_LENGTH / sr
    if abs(seconds - CLIP_S) < 0.5:  # clips sold as 30 s run to 30.2 s; their width stays 387
        seconds = CLIP_S
    n_columns = max(1, int(seconds / COLUMN_S))
    exact = (np.arange(n_columns) + 0.5) * n_frames / (n_columns + 0.5)
    return np.asarray(np.floor(exact), dtype=np.intp)


def log_mel_picture(spectrum: Spectrum, *, every_frame: bool = False) -> Picture:
    """Draw the picture of each excerpt; loudest and quietest are those of the whole track.

    Args:
        spectrum: of the track.
        every_frame: a column for each frame, instead of one every 77.5 ms.
    """
    top = _db(max(float(spectrum.mel.max()), AMIN))
    # The scale comes from all frames, the columns are picked afterwards.
    low = max(_db(max(float(spectrum.mel.min()), AMIN)) - top, -TOP_DB)
    scale = 255.0 / max(-low, 1e-9)
    parts = []
    for mel in spectrum.per_excerpt(spectrum.mel):
        columns = mel if every_frame else mel[:, column_frames(mel.shape[1], spectrum.sr)]
        db = np.maximum(_db(np.maximum(columns, AMIN)) - top, low)
        parts.append(np.rint((db - low) * scale).clip(0, 255).astype(np.uint8))
    return Picture(tuple(parts))


def _db(power: Any) -> Any:
    return 10.0 * np.log10(power)
