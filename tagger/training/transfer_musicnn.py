"""MusiCNN for pictures that begins with what the network of a model has learned.

Its weights lie beside the LiteRT file in the bundle, as arrays: from the file alone they could not
be told apart. Before they are used they are proven to answer as the file does.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np

from tagger.engine.quiet import native_stderr_hidden
from tagger.errors import ModelError
from tagger.models.bundle import Bundle, find_bundle, load_bundle
from tagger.models.cnn import Cnn
from tagger.training.musicnn import Arrays
from tagger.training.networks_musicnn import MUSICNN, arrays_of, musicnn
from tagger.training.out_files import BODY
from tagger.training.packed_arrays import unpack_arrays
from tagger.training.settings import Tune
from tagger.training.transfer import TOLERANCE, begun_resnet, largest_difference

__all__ = ["BODY", "begun_musicnn", "begun_network", "packed_body"]


def packed_body(network: Any) -> dict[str, bytes]:
    """What a bundle with a network keeps of it for others to begin with.

    Returns:
        :data:`BODY` by its name, with the weights of body and last layer, if the network is
        MusiCNN for pictures; nothing if it is another.
    """
    if network.name != MUSICNN:
        return {}
    kernel, bias = network.layers[-1].get_weights()
    arrays = {**arrays_of(network), "logits.kernel": kernel, "logits.bias": bias}
    stream = io.BytesIO()
    np.savez(
        stream, allow_pickle=False, **{n: np.asarray(a, np.float32) for n, a in arrays.items()}
    )
    return {BODY: stream.getvalue()}


def begun_network(
    n_labels: int, columns: int, begin: str | None = None, tune: Tune = "head"
) -> Any:
    """The small residual network, to logits; with ``begin``, a network on the body of a model's.

    Args:
        n_labels: number of logits.
        columns: width of a patch.
        begin: a built-in model by its name, or the folder of any other; None for random weights.
        tune: what of such a body is trained.

    Raises:
        ModelError: ``begin`` is no model, or a damaged one.
        UsageError: its network is of another kind than those that can be begun with.
    """
    if begin is not None and BODY in load_bundle(find_bundle(begin)).weights:
        return begun_musicnn(n_labels, columns, begin, tune)
    return begun_resnet(n_labels, columns, begin, tune)


def begun_musicnn(n_labels: int, columns: int, begin: str, tune: Tune) -> Any:
    """A network on the body of a model's, to logits; the last layer begins at random.

    Args:
        n_labels: number of logits.
        columns: width of a patch.
        begin: a model whose bundle has :data:`BODY`.
        tune: what of the body is trained: nothing but the new layer, what comes behind the first
            convolutions as well, or all of it.

    Raises:
        ModelError: the file is damaged or does not answer as the model's network.
    """
    network = musicnn(n_labels, columns, _learned(begin, columns))
    behind = network.get_layer("over_time")
    for layer in network.layers[:-1]:
        layer.trainable = tune == "all" or (tune == "last" and layer is behind)
    for layer in behind.layers:
        layer.trainable = behind.trainable
    # A measure of the clips that the model was made of, not a thing to learn.
    network.get_layer("standard").trainable = False
    return network


@lru_cache(maxsize=1)
def _learned(begin: str, columns: int) -> Arrays:
    bundle = load_bundle(find_bundle(begin))
    wrong = ModelError(f"{bundle.folder / BODY}: not the weights of the model's network")
    try:
        packed = unpack_arrays(bundle.weights[BODY])
        arrays = {name: values.astype(np.float32) for name, values in packed.items()}
        network = musicnn(len(bundle.fitted_labels), columns, arrays)
        network.layers[-1].set_weights([arrays["logits.kernel"], arrays["logits.bias"]])
    except (KeyError, ValueError, IndexError) as error:
        raise wrong from error
    if not _answers_as(network, bundle):
        raise wrong
    return arrays


def _answers_as(network: Any, bundle: Bundle) -> bool:
    with native_stderr_hidden():  # LiteRT names its delegate
        listener = Cnn(bundle)
    return network.input_shape[2] == listener.spec.columns and (
        largest_difference(network, listener) <= TOLERANCE
    )
