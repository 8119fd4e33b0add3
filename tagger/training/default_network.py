"""The default model's network: MusiCNN for pictures, and a last layer of its own.

Nothing of the last layer is left to chance: it is a logistic regression on what the network hears
in a clip and in the same clip as other masters would have it, the one best fit that there is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.models.bundle import CnnSpec
from tagger.models.fusion import log_softmax, mean_patches
from tagger.training.default_data import LABELS, DefaultData
from tagger.training.masked import fit_masked_regression, with_copies
from tagger.training.musicnn import STRIDES, Arrays, standardised
from tagger.training.musicnn_adapt import Adapted, heard_in
from tagger.training.networks_musicnn import musicnn
from tagger.training.remaster import AS_PLAYED, remastered

__all__ = ["SPEC", "FittedNetwork", "Listened", "fit_default_network", "listen_with"]

SPEC: Final = CnnSpec(file="cnn.tflite", columns=192, offset=0.45, scale=4.0)

_C: Final = 0.03
"""Inverse strength of the last layer's penalty. From 0.01 to 0.1 little changes."""

_COPIES: Final = 8
"""Of each clip, remastered, that the last layer learns from besides the clip."""

_AS_IT_IS: Final = 0.3
"""How much the clip itself counts of all that is learned from it."""

Rows = npt.NDArray[np.bool_]
Heard = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Listened:
    """What a body hears in clips.

    Attributes:
        patches: activations, shape (n, patches, n_activations).
        copies: mean activations over the patches of each clip's copies by other masters, shape
            (copies, n, n_activations).
    """

    patches: Heard
    copies: Heard

    def take(self, rows: Rows) -> Listened:
        """The clips of some rows."""
        return Listened(self.patches[rows], self.copies[:, rows])


@dataclass(frozen=True, slots=True)
class FittedNetwork:
    """A network and how it came to be.

    Attributes:
        arrays: the body's weights, and ``logits.kernel`` and ``logits.bias``.
        record: settings, clips, seconds, parameters, history: plain values.
    """

    arrays: Arrays
    record: Mapping[str, Any]

    def network(self) -> Any:
        """In Keras, patches to logits."""
        network = musicnn(len(LABELS), SPEC.columns, self.arrays)
        network.layers[-1].set_weights([self.arrays["logits.kernel"], self.arrays["logits.bias"]])
        return network

    def log_probs(self, patches: Heard) -> npt.NDArray[np.float64]:
        """Log of the mean probability over a clip's patches, shape (n, n_labels).

        Args:
            patches: what the body hears in them, as in :class:`Listened`.
        """
        x = patches * self.arrays["standard.scale"] + self.arrays["standard.shift"]
        logits = x @ self.arrays["logits.kernel"] + self.arrays["logits.bias"]
        return np.stack([mean_patches(log_softmax(of_clip)) for of_clip in logits])

    def save(self, stem: Path) -> None:
        """Write ``<stem>.npz`` and ``<stem>.json``."""
        np.savez(stem.with_suffix(".npz"), allow_pickle=False, **self.arrays)
        stem.with_suffix(".json").write_text(json.dumps(self.record, indent=1) + "\n")

    @classmethod
    def load(cls, stem: Path) -> FittedNetwork:
        """What :meth:`save` wrote."""
        with np.load(stem.with_suffix(".npz"), allow_pickle=False) as arrays:
            return cls(dict(arrays), json.loads(stem.with_suffix(".json").read_text()))


def listen_with(
    body: Arrays, pictures: npt.NDArray[np.uint8], rng: np.random.Generator
) -> Listened:
    """What an adapted body hears in clips, and in copies of them by other masters."""
    copies = [
        heard_in(body, SPEC, remastered(pictures, AS_PLAYED, rng)).mean(axis=1)
        for _ in range(_COPIES)
    ]
    return Listened(heard_in(body, SPEC, pictures), np.stack(copies))


def fit_default_network(body: Adapted, data: DefaultData, listened: Listened) -> FittedNetwork:
    """Fit the last layer behind an adapted body.

    Args:
        data: the clips to fit on.
        listened: what the body hears in them.
    """
    clips = listened.patches.mean(axis=1)
    arrays = standardised(body.arrays, clips)
    n_copies = len(listened.copies)
    x, weights = with_copies(clips, listened.copies, _AS_IT_IS)
    fitted = fit_masked_regression(
        (x * arrays["standard.scale"] + arrays["standard.shift"]).astype(np.float64),
        np.tile(data.targets, 1 + n_copies),
        np.tile(data.told, (1 + n_copies, 1)),
        weights,
        _C,
    )
    arrays = {
        **arrays,
        "logits.kernel": fitted.coef_.T.astype(np.float32),
        "logits.bias": fitted.intercept_.astype(np.float32),
    }
    record = {
        "clips": len(clips),
        "copies": n_copies,
        "parameters": sum(v.size for name, v in arrays.items() if name != STRIDES),
    }
    return FittedNetwork(arrays, record)
