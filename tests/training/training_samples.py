"""Tiny made-up music for the training room: pictures and features that arithmetic can tell apart.

Nothing here needs the ``train`` extra.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.analysis.picture import N_MELS
from tagger.audio.excerpts import ExcerptPlan
from tagger.models.bundle import Bundle, CnnSpec, FusionSpec, MemberSpec

__all__ = ["LABELS", "N_FEATURES", "SPEC", "WIDTHS", "Blobs", "blobs", "bundle", "striped_pictures"]

LABELS: Final = ("Held", "Beaten", "Noisy")
SPEC: Final = CnnSpec(file="cnn.tflite", columns=16, offset=0.45, scale=4.0)
WIDTHS: Final = (4, 8)
N_FEATURES: Final = 12


def striped_pictures(
    targets: npt.NDArray[np.intp], columns: int = 40, seed: int = 0
) -> npt.NDArray[np.uint8]:
    """Held tones (label 0), beats (1) or neither (2), in noise; each at a place of its own."""
    rng = np.random.default_rng(seed)
    pictures = rng.integers(40, 120, (len(targets), N_MELS, columns))
    for picture, label in zip(pictures, targets, strict=True):
        if label == 0:
            picture[rng.integers(8) :: 8] += 110
        elif label == 1:
            picture[:, rng.integers(5) :: 5] += 110
    return pictures.astype(np.uint8)


@dataclass(frozen=True)
class Blobs:
    """Rows around one centre a label."""

    features: npt.NDArray[np.float32]
    targets: npt.NDArray[np.intp]
    centres: npt.NDArray[np.float32]


def blobs(per_label: int, *, spread: float = 1.0, seed: int = 0) -> Blobs:
    """Normal clouds; label i lies at +3 on features 4i to 4i + 3. The last label comes first."""
    rng = np.random.default_rng(seed)
    centres = np.repeat(3.0 * np.eye(len(LABELS)), N_FEATURES // len(LABELS), axis=1)
    targets = np.repeat(np.arange(len(LABELS))[::-1], per_label)
    features = centres[targets] + rng.normal(0, spread, (len(targets), N_FEATURES))
    # Far from standardised, as real features are.
    units = 10.0 ** np.linspace(-2, 3, N_FEATURES)
    return Blobs(
        (features * units).astype(np.float32), targets, (centres * units).astype(np.float32)
    )


def bundle(folder: Path, weights: dict[str, bytes], **changes: object) -> Bundle:
    """A bundle of some weights, every ``.onnx`` among them a member."""
    made = Bundle(
        name="mini",
        version="0.1",
        folder=folder,
        labels=LABELS,
        features=tuple(f"f{i}" for i in range(N_FEATURES)),
        excerpts=ExcerptPlan(3, 12.5),
        members=tuple(
            MemberSpec(Path(file).stem, file, 1.0) for file in weights if file.endswith(".onnx")
        ),
        cnn=SPEC,
        fusion=FusionSpec(0.3, 0.7, 1.25),
        thresholds={"Held": 0.4, "Beaten": 0.5, "Noisy": 0.6},
        clusters=None,
        weights=weights,
    )
    return replace(made, **changes)  # type: ignore[arg-type]
