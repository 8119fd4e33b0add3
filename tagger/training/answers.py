"""What a Keras network says of patches and of whole pictures."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.analysis.picture import Picture
from tagger.models.bundle import CnnSpec
from tagger.models.cnn import EMBEDDING, LOGITS, cut_patches
from tagger.models.fusion import log_softmax, mean_patches

__all__ = ["both_answers", "heard_log_probs", "patch_log_probs", "picture_log_probs"]

_ANSWERED: Final = 8  # patches at a time


def picture_log_probs(
    network: Any, spec: CnnSpec, pictures: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float64]:
    """Log of the mean probability over a picture's patches, cut as a scan cuts them.

    Returns:
        shape (n, n_labels).
    """
    answers = []
    for picture in pictures:
        patches, _ = cut_patches(Picture((picture,)), (0.0,), spec)
        answers.append(mean_patches(patch_log_probs(network, patches)))
    return np.stack(answers)


def heard_log_probs(network: Any, heard: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """As :func:`picture_log_probs`, of pictures whose patches the network's body has heard.

    Args:
        network: it ends in one dense layer.
        heard: what that layer is given, shape (n, n_patches, n_units).
    """
    kernel, bias = network.layers[-1].get_weights()
    return np.stack([mean_patches(log_softmax(patches @ kernel + bias)) for patches in heard])


def patch_log_probs(network: Any, patches: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Log-probabilities of patches, shape (n, n_labels), computed a few at a time.

    Keras keeps what every layer makes of a batch until the last has answered: 17 MB a patch for
    the residual network.
    """
    answers = [
        np.asarray(network(patches[i : i + _ANSWERED], training=False), dtype=np.float32)
        for i in range(0, len(patches), _ANSWERED)
    ]
    return log_softmax(np.concatenate(answers))


def both_answers(
    network: Any, patches: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Log-probabilities and embeddings of patches by a network that has both outputs
    (:func:`~tagger.training.embedding.with_embedding`), computed a few at a time as well.

    Returns:
        shapes (n, n_labels) and (n, embedding).
    """
    answers = [
        network(patches[i : i + _ANSWERED], training=False)
        for i in range(0, len(patches), _ANSWERED)
    ]
    logits, embeddings = (
        np.concatenate([np.asarray(answer[name], dtype=np.float32) for answer in answers])
        for name in (LOGITS, EMBEDDING)
    )
    return log_softmax(logits), embeddings
