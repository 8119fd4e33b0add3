"""All weights of a bundle looked at without loading any."""

from __future__ import annotations

from tagger.models.bundle import Bundle
from tagger.models.onnx_file import check_onnx
from tagger.models.tflite_file import check_tflite

__all__ = ["check_weights"]


def check_weights(bundle: Bundle) -> None:
    """Check what the runtimes would be given.

    Raises:
        ModelError: a file is damaged, or holds what has no place in a model.
    """
    for member in bundle.members:
        check_onnx(bundle.weights[member.file], f"{bundle.folder / member.file}")
    check_tflite(bundle.weights[bundle.cnn.file], f"{bundle.folder / bundle.cnn.file}")
