"""What a model is to be: light, so that a wrong choice is refused before TensorFlow loads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Balance", "ModelSettings"]

Balance = Literal["none", "weights", "sampling"]
"""What is done about genres of which there are few tracks: nothing, a greater weight in the
loss, or more frequent draws."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What to fit.

    Attributes:
        name, version: of the bundle.
        network: name of the network.
        options: its own, such as where its pretrained weights come from.
        epochs: passes over the tracks, at most.
        balance: what is done about genres of few tracks.
        seed: decides splits, first weights and augmentation.
    """

    name: str
    version: str = "1"
    network: str = "resnet"
    options: tuple[tuple[str, Any], ...] = ()
    epochs: int = 120
    balance: Balance = "none"
    seed: int = 0
