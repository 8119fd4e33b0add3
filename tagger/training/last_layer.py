"""A new last layer for a body that stays as it is: what it hears is computed once, and no more.

Such a layer is a multinomial logistic regression, the one best fit that there is. Found by passes
over augmented patches it would take the whole network in each of them. It learns from each picture
and from a few copies as other masters would have them. Of GTZAN's clips by artists that it did not
hear the default model's network alone then names 0.728 in place of 0.714, and of further such
copies of them 0.698 in place of 0.656; of Emotify's, which come from one catalogue, 0.739 in
place of 0.744, and 0.725 in place of 0.717 (two seeds of five parts).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.analysis.picture import N_MELS
from tagger.engine.quiet import native_stderr_hidden
from tagger.models.bundle import CnnSpec
from tagger.training.embedding import cut_all
from tagger.training.export import to_tflite
from tagger.training.masked import fit_masked_regression, with_copies
from tagger.training.remaster import AS_PLAYED, remastered
from tagger.training.settings import Balance

__all__ = ["copies_by_body", "fit_last_layer", "heard_by_body"]

_C: Final = 0.03
"""Inverse strength of the penalty, as the default model's last layer has it. With a tenth of it the
share of zouk that is recognised falls by 0.06 to 0.11; ten times as much changes little."""

_LEAST_SPREAD: Final = 1e-3

_COPIES: Final = 3
"""Of each picture, by other masters."""

_AS_IT_IS: Final = 0.5
"""How much the picture itself counts of all that is learned from it."""

Rows = npt.NDArray[np.float32]


def heard_by_body(network: Any, spec: CnnSpec, pictures: npt.NDArray[np.uint8]) -> Rows:
    """What a network's last layer is given of each patch of some pictures.

    Args:
        network: in Keras; it ends in one dense layer.
        spec: how pictures are cut.
        pictures: uint8, shape (n, N_MELS, columns).

    Returns:
        shape (n, n_patches, n_units).
    """
    return np.stack(list(_heard(network, spec, pictures, pictures.shape[2])))


def copies_by_body(network: Any, spec: CnnSpec, pictures: npt.NDArray[np.uint8], seed: int) -> Rows:
    """What a network's last layer is given of copies of the pictures by other masters.

    Args:
        network, spec, pictures: as for :func:`heard_by_body`.
        seed: of what is changed.

    Returns:
        the mean over each copy's patches, shape (copies, n, n_units).
    """
    rng = np.random.default_rng(seed)
    changed = (  # one at a time: all at once would be three times as large as the pictures
        remastered(picture[None], AS_PLAYED, rng)[0] for _ in range(_COPIES) for picture in pictures
    )
    means = [heard.mean(axis=0) for heard in _heard(network, spec, changed, pictures.shape[2])]
    return np.stack(means).reshape(_COPIES, len(pictures), -1)


def fit_last_layer(
    heard: Rows,
    targets: npt.NDArray[np.intp],
    n_labels: int,
    balance: Balance,
    copies: Rows | None = None,
) -> tuple[Rows, Rows]:
    """A dense layer that tells labels apart by what a body hears.

    Args:
        heard: from :func:`heard_by_body`, the mean over each picture's patches, shape (n, n_units).
        targets: label index of each row, shape (n,); every label must occur.
        n_labels: number of logits.
        balance: what is done about labels of few rows; drawing them more often and giving them a
            greater weight are one thing here.
        copies: from :func:`copies_by_body`, of the same pictures; they count half of all.

    Returns:
        kernel, shape (n_units, n_labels), and bias, shape (n_labels,).
    """
    mean = heard.mean(axis=0, dtype=np.float64)
    spread = np.maximum(heard.std(axis=0, dtype=np.float64), _LEAST_SPREAD)
    counts = np.bincount(targets, minlength=n_labels)
    weights = np.ones(len(targets))
    if balance != "none":
        weights = len(targets) / (n_labels * counts[targets])
    if copies is not None:
        heard, shares = with_copies(heard, copies, _AS_IT_IS)
        weights = shares * np.tile(weights, 1 + len(copies))
        targets = np.tile(targets, 1 + len(copies))
    fitted = fit_masked_regression(
        (heard - mean) / spread,
        targets,
        np.ones((len(targets), n_labels), dtype=bool),
        weights,
        _C,
    )
    coefficients, bias = fitted.coef_, fitted.intercept_
    if n_labels == 2:  # one row: the second label against the first
        coefficients = np.concatenate([-coefficients, coefficients]) / 2
        bias = np.concatenate([-bias, bias]) / 2
    kernel = (coefficients / spread).T
    return kernel.astype(np.float32), (bias - mean @ kernel).astype(np.float32)


def _heard(
    network: Any, spec: CnnSpec, pictures: Iterable[npt.NDArray[np.uint8]], columns: int
) -> Iterator[Rows]:
    """Of each picture, all of them ``columns`` wide, what :func:`heard_by_body` returns.

    It runs in LiteRT, which takes a fraction of the time that Keras does.
    """
    import keras  # not before tagger.training.fit has silenced what it says of GPUs
    from ai_edge_litert.interpreter import Interpreter

    body = to_tflite(keras.Model(network.input, network.layers[-1].input))
    n_patches = len(cut_all(np.zeros((1, N_MELS, columns), dtype=np.uint8), spec))
    with native_stderr_hidden():  # LiteRT names its delegate
        interpreter = Interpreter(model_content=body, num_threads=1)
        given = interpreter.get_input_details()[0]
        interpreter.resize_tensor_input(given["index"], [n_patches, *given["shape"][1:]])
        interpreter.allocate_tensors()
    answer = interpreter.get_output_details()[0]["index"]
    for picture in pictures:
        interpreter.set_tensor(given["index"], cut_all([picture], spec))
        interpreter.invoke()
        yield interpreter.get_tensor(answer)
