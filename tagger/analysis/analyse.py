"""Signal in, analysis out: the pure middle of a worker's job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tagger.analysis.features import compute_features
from tagger.analysis.logmel import log_mel_picture
from tagger.analysis.picture import Picture
from tagger.analysis.spectrum import Spectrum
from tagger.audio.decode import Signal

__all__ = ["Analysis", "analyse", "analyse_spectrum"]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a model needs to know of a track.

    Attributes:
        features: float32, shape (n_features,), in the order they were asked for.
        picture: the log-mel picture of each excerpt, for the network.
        part_starts_s: where each part of the picture begins in the track, in seconds.
    """

    features: npt.NDArray[np.float32]
    picture: Picture
    part_starts_s: tuple[float, ...]


def analyse(signal: Signal, feature_names: Sequence[str], *, every_frame: bool = False) -> Analysis:
    """Compute the features asked for and the log-mel picture from one spectrum.

    Args:
        signal: the excerpts.
        feature_names: features to compute.
        every_frame: the picture gets a column for each frame. Features do not depend on it:
            those of the picture are always told from one column every 77.5 ms.
    """
    spectrum = Spectrum([e.y for e in signal.excerpts], signal.sr)
    starts_s = tuple(e.start_s for e in signal.excerpts)
    return analyse_spectrum(spectrum, starts_s, feature_names, every_frame=every_frame)


def analyse_spectrum(
    spectrum: Spectrum,
    part_starts_s: tuple[float, ...],
    feature_names: Sequence[str],
    *,
    every_frame: bool = False,
) -> Analysis:
    """The same from a spectrum that is there already, its excerpts starting where it is said."""
    picture = log_mel_picture(spectrum)
    return Analysis(
        features=compute_features(feature_names, spectrum, picture),
        picture=log_mel_picture(spectrum, every_frame=True) if every_frame else picture,
        part_starts_s=part_starts_s,
    )
