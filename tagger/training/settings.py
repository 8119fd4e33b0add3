"""What a model is to be: light, so that a wrong choice is refused before TensorFlow loads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Balance", "ModelSettings", "Tune"]

Balance = Literal["none", "weights", "sampling"]
"""What is done about genres of which there are few tracks: nothing, a greater weight in the
loss, or more frequent draws."""


Tune = Literal["head", "last", "all"]
"""What is trained of a network that begins with a model's: its new last layer, its last block of
convolutions as well, or all of them."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What to fit.

    Attributes:
        name, version: of the bundle.
        network: name of the network.
        options: its own, such as where its pretrained weights come from.
        tune: what is trained of a network that begins with a model's.
        epochs: passes over the tracks, at most; a last layer that is fitted alone takes none.
        balance: what is done about genres of few tracks.
        seed: decides splits, first weights and augmentation.
    """

    name: str
    version: str = "1"
    network: str = "resnet"
    options: tuple[tuple[str, Any], ...] = ()
    tune: Tune = "head"
    epochs: int = 120
    balance: Balance = "none"
    seed: int = 0

    @property
    def begins(self) -> bool:
        """Whether the network begins with a model's."""
        return "begin" in dict(self.options)

    @property
    def head_alone(self) -> bool:
        """Whether nothing is fitted but the last layer of such a network."""
        return self.begins and self.tune == "head"
