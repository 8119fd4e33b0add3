"""A residual network that begins with what the network of a model has learned.

A bundle holds its network as a LiteRT file, in which every normalisation is folded into the
convolution before it. Put back, the convolution has the folded kernel, and its normalisation only
adds the folded bias; it stays so in training, as it has no statistics to go by. The new labels
have a dense layer of their own, which begins at random.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from tagger.analysis.picture import N_MELS
from tagger.engine.quiet import native_stderr_hidden
from tagger.errors import UsageError
from tagger.models.bundle import find_bundle, load_bundle
from tagger.models.cnn import LOGITS, Cnn
from tagger.models.fusion import log_softmax
from tagger.training.networks import resnet
from tagger.training.settings import Tune

__all__ = ["TOLERANCE", "begun_resnet", "largest_difference"]

TOLERANCE: Final = 1e-4
"""Largest difference of a probability between a bundle's network and its reconstruction."""

Array = npt.NDArray[np.float32]
Layer = tuple[Array, Array]  # kernel and bias


def begun_resnet(n_labels: int, columns: int, begin: str | None = None, tune: Tune = "head") -> Any:
    """The small residual network, to logits; with ``begin``, on the body of a model's.

    Args:
        n_labels: number of logits.
        columns: width of a patch.
        begin: a built-in model by its name, or the folder of any other; None for random weights.
        tune: what of such a body is trained: nothing but the new layer, the convolutions of its
            last block as well, or all of them.

    Raises:
        ModelError: ``begin`` is no model, or a damaged one.
        UsageError: its network is not of this kind.
    """
    network = resnet(n_labels, columns)
    if begin is not None:
        _put_body(network, _learned(begin, columns))
        convolutions = [x for x in network.layers[:-1] if isinstance(x, layers.Conv2D)]
        last = max(layer.filters for layer in convolutions)
        tuned = {
            "head": [],
            "last": [layer for layer in convolutions if layer.filters == last],
            "all": convolutions,
        }[tune]
        for layer in network.layers[:-1]:
            # A normalisation that is not trainable keeps its statistics in training, too.
            layer.trainable = layer in tuned
    return network


@lru_cache(maxsize=1)
def _learned(begin: str, columns: int) -> tuple[Layer, ...]:
    """Convolutions of a bundle's network; with its last layer, they are proven to answer as it."""
    bundle = load_bundle(find_bundle(begin))
    wrong = UsageError(f"--from {begin}: its network is not one that --network resnet trained")
    if bundle.cnn.columns != columns:
        raise wrong
    with native_stderr_hidden():
        listener = Cnn(bundle)  # refuses what is no LiteRT file
    try:
        convolutions, head = _constants(bundle.weights[bundle.cnn.file])
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy("float32")
        try:
            network = resnet(len(bundle.fitted_labels), columns)
        finally:
            keras.config.set_dtype_policy(policy)
        _put_body(network, convolutions)
        network.layers[-1].set_weights(head)
    except ValueError as error:  # another number of layers, or other shapes
        raise wrong from error
    if not largest_difference(network, listener) <= TOLERANCE:
        raise wrong
    return convolutions


def _constants(tflite: bytes) -> tuple[tuple[Layer, ...], Layer]:
    """Convolutions in the order of their computation, and the dense layer of the labels.

    Raises:
        ValueError: the labels have no dense layer, or the weights are no plain float32.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(tflite, 0)
    graph = model.subgraphs[0]

    def constant(index: int) -> Array:
        tensor = graph.tensors[index]
        data = model.buffers[tensor.buffer].data
        if tensor.type != schema.TensorType.FLOAT32 or data is None:
            raise ValueError("a weight is not a float32 constant")
        return np.asarray(data, dtype=np.uint8).view(np.float32).reshape(tensor.shape)

    def layers_of(kind: int, outputs: Collection[int] | None = None) -> list[Layer]:
        return [
            (constant(operator.inputs[1]), constant(operator.inputs[2]))
            for operator in graph.operators
            if model.operatorCodes[operator.opcodeIndex].builtinCode == kind
            and (outputs is None or operator.outputs[0] in outputs)
        ]

    operator = schema.BuiltinOperator
    # LiteRT has the output channels first, Keras last.
    convolutions = tuple(
        (kernel.transpose(1, 2, 3, 0), bias) for kernel, bias in layers_of(operator.CONV_2D)
    )
    [(kernel, bias)] = layers_of(operator.FULLY_CONNECTED, _logits_of(model))
    return convolutions, (kernel.T, bias)


def _logits_of(model: Any) -> Collection[int]:
    """Tensors that may be the logits: of two outputs, the one that is named so."""
    outputs = model.subgraphs[0].outputs
    if len(outputs) == 1:
        return list(outputs)
    return [
        output.tensorIndex
        for signature in model.signatureDefs or ()
        for output in signature.outputs
        if output.name == LOGITS.encode()
    ]


def _put_body(network: Any, convolutions: Iterable[Layer]) -> None:
    """Give a residual network its convolutions.

    The order of computation is free where a block has two branches. Kernels of one size are
    never on both.

    Raises:
        ValueError: the network has other layers.
    """
    normalisations = {
        layer.input._keras_history.operation: layer
        for layer in network.layers
        if isinstance(layer, layers.BatchNormalization)
    }
    own = sorted(normalisations, key=lambda layer: layer.kernel_size)
    learned = sorted(convolutions, key=lambda pair: pair[0].shape[:2])
    for convolution, (kernel, bias) in zip(own, learned, strict=True):
        convolution.set_weights([kernel])
        layer = normalisations[convolution]
        unit = np.full_like(bias, np.sqrt(1 + layer.epsilon))
        layer.set_weights([unit, bias, np.zeros_like(bias), np.ones_like(bias)])


def largest_difference(network: Any, listener: Cnn) -> float:
    """Largest difference of a probability between a Keras network and a bundle's, on patches of
    noise, from soft to loud."""
    spec = listener.spec
    loudness = np.linspace(0.1, 1, 4).reshape(4, 1, 1, 1)
    grey = loudness * np.random.default_rng(0).random((4, N_MELS, spec.columns, 1))
    patches = ((grey - spec.offset) * spec.scale).astype(np.float32)
    answers = log_softmax(np.asarray(network(patches, training=False)))
    with native_stderr_hidden():  # LiteRT names its delegate
        wanted = listener.log_probs(patches)
    return float(np.abs(np.exp(answers) - np.exp(wanted)).max())
