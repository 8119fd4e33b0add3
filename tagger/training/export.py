"""Writing a model bundle, and proving that it answers as what it was made from."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.analysis.version import ANALYSIS_VERSION
from tagger.engine.quiet import native_stderr_hidden
from tagger.models.bundle import FORMAT, MANIFEST, Bundle, load_bundle
from tagger.models.cnn import Cnn
from tagger.models.ensemble import Ensemble

__all__ = ["TOLERANCE", "check_runtimes", "to_tflite", "write_bundle"]

TOLERANCE: Final = 1e-4
"""Largest difference of a probability between a runtime and what was trained."""


def to_tflite(network: Any) -> bytes:
    """A float32 Keras network as a LiteRT file with a free batch size.

    One with an embedding (:func:`~tagger.training.embedding.with_embedding`) keeps both outputs;
    their names, not their order.
    """
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder, native_stderr_hidden():
        # Through a saved model: it keeps the batch dimension free.
        network.export(folder, format="tf_saved_model", verbose=False)
        return bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())


def write_bundle(bundle: Bundle, folder: Path) -> Bundle:
    """Write weights and manifest into ``folder``, read them back and verify them.

    The manifest is written last and at once, so that an interrupted export leaves the former
    bundle or one that fails verification, never a mixture that passes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in bundle.weights.items():
        (folder / name).write_bytes(data)
    partial = folder / f".{MANIFEST}.partial"
    partial.write_text(json.dumps(_manifest(bundle), indent=1) + "\n", encoding="utf-8")
    partial.replace(folder / MANIFEST)
    return load_bundle(folder)


def check_runtimes(
    bundle: Bundle,
    patches: npt.NDArray[np.float32],
    network_probs: npt.NDArray[np.float32],
    features: npt.NDArray[np.float32],
    ensemble_probs: npt.NDArray[np.float64],
    embeddings: npt.NDArray[np.float32] | None = None,
) -> dict[str, float]:
    """Compare LiteRT with Keras and ONNX with scikit-learn.

    Args:
        bundle: the model.
        patches: float32, shape (n, N_MELS, columns, 1).
        network_probs: what Keras makes of them, shape (n, n_labels).
        features: shape (n_tracks, n_features).
        ensemble_probs: what scikit-learn makes of them, shape (n_tracks, n_labels).
        embeddings: Keras' embeddings of the patches, shape (n, n_dims), where there are any.

    Returns:
        The largest difference of any probability, for each runtime; for the embedding that of
        any component, in units of the components' standard deviation.

    Raises:
        ValueError: one of them is above :data:`TOLERANCE`.
    """
    with native_stderr_hidden():  # LiteRT names its delegate
        look = Cnn(bundle).look(patches)
    differences = {
        "litert": float(np.abs(np.exp(look.log_probs) - network_probs).max()),
        "onnx": float(np.abs(Ensemble(bundle).probabilities(features) - ensemble_probs).max()),
    }
    if embeddings is not None:
        difference = np.abs(look.embeddings - embeddings).max() / embeddings.std()
        differences["litert's embedding"] = float(difference)
    for runtime, difference in differences.items():
        if not difference <= TOLERANCE:
            raise ValueError(f"{runtime} differs by {difference:.2g} from what was trained")
    return differences


def _manifest(bundle: Bundle) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": bundle.name,
        "version": bundle.version,
        "labels": bundle.labels,
        "analysis": {
            "version": ANALYSIS_VERSION,
            "excerpts": asdict(bundle.excerpts),
            "features": bundle.features,
        },
        "ensemble": {"members": [asdict(member) for member in bundle.members]},
        "cnn": asdict(bundle.cnn),
        "fusion": asdict(bundle.fusion),
        "thresholds": dict(bundle.thresholds),
        "clusters": asdict(bundle.clusters) if bundle.clusters else None,
        "music": asdict(bundle.music) if bundle.music else None,
        "similarity": asdict(bundle.similarity) if bundle.similarity else None,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in bundle.weights.items()},
    }
