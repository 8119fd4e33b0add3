"""What is heard along a track: values that travel from the workflow to plots and pages.

Every room may import this module, as it may import the domain's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tagger.domain import Prediction

__all__ = ["Stretch", "Timeline"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a track, and what was heard in the window around its middle.

    Attributes:
        start_s, end_s: the stretch, in seconds from the start of the track.
        heard_start_s, heard_end_s: the window.
        prediction: the model's answer for the window, or None where there was nothing to
            classify.
        problem: why there is no answer, or why its genres mean nothing (it sounds like no
            music); empty where they do.
    """

    start_s: float
    end_s: float
    heard_start_s: float
    heard_end_s: float
    prediction: Prediction | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """A track from its start to its end.

    Attributes:
        path: the file.
        model: name and version of the model.
        labels: the model's genres, in its order.
        duration_s: length of the track in seconds.
        stretches: they follow each other without gaps; all are equally long. If the file is
            damaged, they end where it cannot be read any more.
        envelope: float32, shape (2, n_points), lowest and highest sample of equal parts of
            the stretches, full scale 1.
        mel_db: float32, shape (n_mels, n_columns), log-mel spectrogram in dB re its loudest
            value, 80 dB deep, one column for each equal part of the stretches.
        mel_hz: float64, shape (n_mels,), the bands' centre frequencies, rising.
        damage: what could not be read, for people; empty if nothing.
    """

    path: Path
    model: str
    labels: tuple[str, ...]
    duration_s: float
    stretches: tuple[Stretch, ...]
    envelope: npt.NDArray[np.float32]
    mel_db: npt.NDArray[np.float32]
    mel_hz: npt.NDArray[np.float64]
    damage: str = ""

    @property
    def end_s(self) -> float:
        """Where the last stretch ends, in seconds."""
        return self.stretches[-1].end_s

    @property
    def stretch_s(self) -> float:
        """Length of a stretch in seconds."""
        return self.stretches[0].end_s - self.stretches[0].start_s

    @property
    def window_s(self) -> float:
        """Seconds listened to for a stretch."""
        return self.stretches[0].heard_end_s - self.stretches[0].heard_start_s
