"""The networks that can be trained, by name. Nothing heavy is loaded before one is built."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from tagger.analysis.picture import COLUMN_S, FRAME_S
from tagger.models.bundle import CnnSpec
from tagger.training.augment import Augmentation

__all__ = ["AUTOENCODER", "NETWORKS", "OFFSET", "SCALE", "NetworkKind"]

OFFSET: Final = 0.45
SCALE: Final = 4.0
"""Normalisation of every network's input: ``(grey - OFFSET) * SCALE``, grey in 0..1."""

AUTOENCODER: Final = "autoencoder"
"""What learns codes instead of genres goes by this name beside the networks'."""

_FIFTEEN_S: Final = 192
_THREE_S: Final = 130  # frames


@dataclass(frozen=True, slots=True)
class NetworkKind:
    """A kind of network and what it wants.

    Attributes:
        name: as the user gives it.
        description: one line.
        builder: ``module:function``, called as ``(n_labels, columns, **options)``.
        columns: width of its patches.
        every_frame: its pictures have a column for each frame (23.2 ms), instead of one every
            77.5 ms.
        augmentation: how its patches are changed in training, unless the user says otherwise.
        takes_weights: ``weights`` is one of its options: ``imagenet``, a file, or None.
        begins_with_model: ``begin`` is one of its options: a model whose body it takes.
    """

    name: str
    description: str
    builder: str
    columns: int = _FIFTEEN_S
    every_frame: bool = False
    augmentation: Augmentation = field(default_factory=Augmentation)
    takes_weights: bool = False
    begins_with_model: bool = False

    def spec(self, file: str = "cnn.tflite") -> CnnSpec:
        """How a bundle describes its input."""
        return CnnSpec(file, self.columns, OFFSET, SCALE, FRAME_S if self.every_frame else COLUMN_S)

    def build(self, n_labels: int, **options: Any) -> Any:
        """A fresh Keras network: patches of ``columns`` columns, to logits.

        Raises:
            UsageError: the weights that it is to begin with cannot be had.
        """
        return pkgutil.resolve_name(self.builder)(n_labels, self.columns, **options)


_ROOM: Final = "tagger.training"

_KINDS: Final = (
    NetworkKind(
        "resnet",
        "small residual network on 15 s",
        f"{_ROOM}.transfer_musicnn:begun_network",
        begins_with_model=True,
    ),
    NetworkKind(
        "dense-mfcc",
        "six dense layers on the mean of 40 MFCC",
        f"{_ROOM}.networks_recurrent:dense_mfcc",
    ),
    NetworkKind(
        "segment-cnn",
        "three blocks of convolutions on 3 s, every frame, stretched in time",
        f"{_ROOM}.networks:segment_cnn",
        columns=_THREE_S,
        every_frame=True,
        augmentation=Augmentation(stretch=1.0),
    ),
    NetworkKind(
        "lstm",
        "two LSTM layers over 13 MFCC of 3 s, every frame",
        f"{_ROOM}.networks_recurrent:lstm",
        columns=_THREE_S,
        every_frame=True,
    ),
    NetworkKind(
        "crnn",
        "convolutions into a GRU of both directions, on 15 s",
        f"{_ROOM}.networks_recurrent:crnn",
    ),
    NetworkKind(
        "vgg16",
        "VGG16 that learned on ImageNet, two new dense layers",
        f"{_ROOM}.networks_transfer:vgg16",
        takes_weights=True,
    ),
    NetworkKind(
        "xception",
        "Xception that learned on ImageNet, a new dense layer",
        f"{_ROOM}.networks_transfer:xception",
        takes_weights=True,
    ),
    NetworkKind(
        "mobilenetv2",
        "MobileNetV2 that learned on ImageNet, a new dense layer",
        f"{_ROOM}.networks_transfer:mobilenetv2",
        takes_weights=True,
    ),
)

NETWORKS: Final[Mapping[str, NetworkKind]] = MappingProxyType({kind.name: kind for kind in _KINDS})
"""Every kind by its name, the default first."""
