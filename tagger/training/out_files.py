"""Files that one training puts into its folder and another does not."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

__all__ = ["BODY", "CURVE", "PICTURES", "remove_former"]

BODY: Final = "musicnn.npz"
"""File of a bundle whose network is MusiCNN for pictures."""

CURVE: Final = "learning_curve.png"
"""The picture that a training without epochs does not make."""

PICTURES: Final = ("confusion.png", "recall.png", CURVE, "selective.png", "music_types.png")
"""What the card of a trained model shows."""


def remove_former(out: Path, made: Collection[str]) -> None:
    """Remove what a training before left in a folder, so that none of it lies beside another model.

    Args:
        out: folder of the new model.
        made: names of the files that were made now; they stay, and so do files that no training
            makes.
    """
    for name in {BODY, *PICTURES} - set(made):
        (out / name).unlink(missing_ok=True)
