"""The default model's network: MusiCNN for pictures, and a last layer of its own.

Nothing of it is left to chance but the order of the clips in which it is adapted: the last layer is
a logistic regression on what the network hears in a clip, the one best fit that there is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.models.bundle import CnnSpec
from tagger.models.fusion import log_softmax, mean_patches
from tagger.training.default_data import LABELS, DefaultData
from tagger.training.masked import fit_masked_regression
from tagger.training.musicnn import Arrays, standardised
from tagger.training.musicnn_adapt import AdaptSettings, Found, adapt, heard_in
from tagger.training.networks_musicnn import musicnn

__all__ = ["SPEC", "FittedNetwork", "fit_default_network"]

SPEC: Final = CnnSpec(file="cnn.tflite", columns=192, offset=0.45, scale=4.0)

_C: Final = 0.03
"""Inverse strength of the last layer's penalty. From 0.01 to 0.1 little changes."""

Rows = npt.NDArray[np.bool_]


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

    def log_probs(self, found: Found) -> npt.NDArray[np.float64]:
        """Log of the mean probability over a clip's patches, shape (n, n_labels).

        Args:
            found: what the first convolutions find in them, from
                :func:`tagger.training.musicnn_adapt.found_in`.
        """
        activations = heard_in(self.arrays, SPEC, found)
        x = activations * self.arrays["standard.scale"] + self.arrays["standard.shift"]
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


def fit_default_network(
    begin: Arrays,
    data: DefaultData,
    found: Found,
    wanted: npt.NDArray[np.float32],
    rows: Rows,
    settings: AdaptSettings,
) -> FittedNetwork:
    """Adapt the body on Emotify's clips and fit the last layer on all, of some rows.

    Args:
        begin: the published weights, from :func:`tagger.training.musicnn.at_columns`.
        data: all clips.
        found: what the first convolutions find in each of them.
        wanted: what the published network hears in Emotify's, in their order, shape
            (n_emotify, n_activations).
        rows: the clips to fit on; of the others the history alone tells.
    """
    begun = time.monotonic()
    of_emotify = data.of_emotify
    on, apart = rows[of_emotify], ~rows[of_emotify]
    body = adapt(
        begin,
        SPEC,
        found[of_emotify & rows],
        wanted[on],
        settings,
        (found[of_emotify & ~rows], wanted[apart]) if apart.any() else None,
    )
    activations = heard_in(body.arrays, SPEC, found[rows]).mean(axis=1)
    arrays = _with_last_layer(body.arrays, data.take(rows), activations)
    return FittedNetwork(
        arrays,
        {
            "settings": asdict(settings),
            "clips": int(rows.sum()),
            "adapted_on": int(on.sum()),
            "parameters": sum(values.size for values in arrays.values()),
            "history": list(body.history),
            "seconds": time.monotonic() - begun,
        },
    )


def _with_last_layer(
    body: Arrays, data: DefaultData, activations: npt.NDArray[np.float32]
) -> Arrays:
    arrays = standardised(body, activations)
    fitted = fit_masked_regression(
        (activations * arrays["standard.scale"] + arrays["standard.shift"]).astype(np.float64),
        data.targets,
        data.told,
        np.ones(len(data.targets)),
        _C,
    )
    return {
        **arrays,
        "logits.kernel": fitted.coef_.T.astype(np.float32),
        "logits.bias": fitted.intercept_.astype(np.float32),
    }
