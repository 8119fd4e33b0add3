"""A bundle's answer for tracks that were heard: music or not, genres, music type."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tagger.domain import Hearing, Prediction
from tagger.errors import ModelError
from tagger.models.added import add_genres
from tagger.models.bundle import Bundle
from tagger.models.clusters import assign
from tagger.models.ensemble import Ensemble
from tagger.models.fusion import fuse, mean_patches
from tagger.models.music import UNJUDGED, sounds

__all__ = ["Classifier", "ranked"]


class Classifier:
    """Turns hearings into predictions, many at a time."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._ensemble = Ensemble(bundle)

    def predict(self, hearings: Sequence[Hearing]) -> list[Prediction]:
        """One prediction per hearing, in order."""
        if not hearings:
            return []
        features = np.stack([h.features for h in hearings])
        cnn_log = np.stack([mean_patches(h.patch_log_probs) for h in hearings])
        probabilities = self._fused(features, cnn_log)
        spec, music = self.bundle.clusters, self.bundle.music
        types: Sequence[str | None] = assign(features, spec) if spec else [None] * len(hearings)
        heard = sounds(features, music) if music else [UNJUDGED] * len(hearings)
        return [
            Prediction(self._ranked(row), cluster, sound.music, sound.objection)
            for row, cluster, sound in zip(probabilities, types, heard, strict=True)
        ]

    def predict_patches(self, hearing: Hearing) -> list[Prediction]:
        """The same for each patch of one track: its own network output, the track's features."""
        features = np.repeat(hearing.features[None], len(hearing.patch_log_probs), axis=0)
        probabilities = self._fused(features, hearing.patch_log_probs.astype(np.float64))
        return [Prediction(self._ranked(row), None) for row in probabilities]

    def _fused(self, features: np.ndarray, cnn_log: np.ndarray) -> np.ndarray:
        fused = fuse(self._ensemble.probabilities(features), cnn_log, self.bundle.fusion)
        return add_genres(fused, features, self.bundle.added)

    def _ranked(self, row: np.ndarray) -> tuple[tuple[str, float], ...]:
        if not np.isfinite(row).all():
            raise ModelError(f"{self.bundle.folder}: the model answers with what is no number")
        return ranked(self.bundle.labels, row)


def ranked(labels: Sequence[str], row: npt.NDArray[np.floating]) -> tuple[tuple[str, float], ...]:
    """Labels with their probabilities, most probable first."""
    return tuple((labels[i], float(row[i])) for i in np.argsort(-row, kind="stable"))
