"""Teaching the copy of MusiCNN for pictures to hear what the published one hears.

A picture has a fifth of the published network's frames, each over a longer window, and not its
level; its kernels are only stretched to that, and set at every second band. What comes of
it is far from what the published network finds in the same recording: with every second band the
mean square of the differences was 1.4 times the variance over Emotify's clips. Learning to answer
as the other does needs no labels, only recordings that both can hear; what is learned there holds
for others: for artists, and a catalogue, that were not among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.models.bundle import CnnSpec
from tagger.training.embedding import cut_all
from tagger.training.musicnn import Arrays
from tagger.training.networks_musicnn import FRONTS, arrays_of, musicnn

__all__ = ["AdaptSettings", "Adapted", "adapt", "found_in", "heard_in"]

_BATCH: Final = 16  # clips
_RISE: Final = 0.1  # of the run, to the peak of the learning rate
_LEAST_SPREAD: Final = 1e-3

Rows = npt.NDArray[np.float32]
Found = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class AdaptSettings:
    """How long and how fast is learned.

    Attributes:
        epochs: passes over the clips.
        peak_rate: of Adam; a cosine leads to zero.
    """

    epochs: int = 15
    peak_rate: float = 1e-3
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Adapted:
    """What has been learned.

    Attributes:
        arrays: as :func:`tagger.training.musicnn.at_columns` gives them.
        history: ``{"epoch", "loss"}`` of each epoch, and ``"validation_loss"`` where clips were
            held out: the mean square of the differences in units of the variance over clips.
    """

    arrays: Arrays
    history: tuple[dict[str, float], ...]


def found_in(arrays: Arrays, spec: CnnSpec, pictures: npt.NDArray[np.uint8]) -> Found:
    """What the first convolutions find, which adapting leaves as they are.

    Args:
        arrays: from :func:`tagger.training.musicnn.at_columns`.
        spec: how pictures are cut.
        pictures: uint8, shape (n, N_MELS, columns).

    Returns:
        float16, shape (n, patches, columns, channels): 0.65 MB a clip of 30 s.
    """
    import keras

    network = musicnn(1, spec.columns, arrays)
    ears = keras.Model(network.input, network.get_layer(FRONTS).output)
    found = []
    for rows in _batches(np.arange(len(pictures)), _BATCH // 2):
        said = np.asarray(ears(cut_all(pictures[rows], spec), training=False), dtype=np.float16)
        found.append(said.reshape(len(rows), -1, *said.shape[1:]))
    return np.concatenate(found)


def heard_in(arrays: Arrays, spec: CnnSpec, found: Found) -> Rows:
    """Activations behind what the first convolutions found, before they are standardised.

    Returns:
        float32, shape (n, patches, n_activations).
    """
    body = musicnn(1, spec.columns, arrays).get_layer("over_time")
    heard = []
    for rows in _batches(np.arange(len(found)), _BATCH):
        some = found[rows].astype(np.float32)
        said = np.asarray(body(some.reshape(-1, *some.shape[2:]), training=False))
        heard.append(said.reshape(*some.shape[:2], -1))
    return np.concatenate(heard)


def adapt(
    arrays: Arrays,
    spec: CnnSpec,
    found: Found,
    wanted: Rows,
    settings: AdaptSettings,
    held_out: tuple[Found, Rows] | None = None,
) -> Adapted:
    """Fit all that comes behind the first convolutions.

    Args:
        arrays: from :func:`tagger.training.musicnn.at_columns`.
        spec: how pictures were cut.
        found: from :func:`found_in`, with the same ``arrays``.
        wanted: the published network's mean activations in the same recordings, shape
            (n, n_activations), from
            :func:`tagger.training.musicnn_hearing.published_activations`.
        held_out: both of other artists, for the history alone.
    """
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(settings.seed)
    network = musicnn(1, spec.columns, arrays)
    body = network.get_layer("over_time")
    body.trainable = True
    for layer in body.layers:
        layer.trainable = True
    spread = np.maximum(wanted.std(axis=0), _LEAST_SPREAD)

    def difference(found: Any, target: Any) -> Any:
        answers = body(tf.reshape(found, (-1, *found.shape[2:])))
        of_patches = tf.reshape(answers, (-1, found.shape[1], answers.shape[-1]))
        of_clips = tf.reduce_mean(of_patches, axis=1)
        return tf.reduce_mean(tf.square((of_clips - target) / spread))

    n_steps = -(-len(found) // _BATCH) * settings.epochs
    optimizer = keras.optimizers.Adam(_rate(settings.peak_rate, n_steps), clipnorm=1.0)

    def descend(found: Any, target: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = difference(found, target)
        gradients = tape.gradient(loss, body.trainable_variables)
        optimizer.apply_gradients(zip(gradients, body.trainable_variables, strict=True))
        return loss

    step = tf.function(descend, reduce_retracing=True)
    judge = tf.function(difference, reduce_retracing=True)
    rng = np.random.default_rng(settings.seed)
    history = []
    for epoch in range(1, settings.epochs + 1):
        losses = [
            float(step(found[rows].astype(np.float32), wanted[rows]))
            for rows in _batches(rng.permutation(len(found)))
        ]
        look = {"epoch": float(epoch), "loss": float(np.mean(losses))}
        if held_out:
            parts = [
                (found_apart[rows].astype(np.float32), wanted_apart[rows])
                for found_apart, wanted_apart in [held_out]
                for rows in _batches(np.arange(len(found_apart)))
            ]
            judged = [float(judge(*part)) for part in parts]
            sizes = [len(target) for _, target in parts]
            look["validation_loss"] = float(np.average(judged, weights=sizes))
        history.append(look)
    return Adapted(arrays_of(network), tuple(history))


def _batches(order: npt.NDArray[np.intp], size: int = _BATCH) -> list[npt.NDArray[np.intp]]:
    return np.split(order, range(size, len(order), size))


def _rate(peak: float, n_steps: int) -> Any:
    import keras

    rise = max(1, round(_RISE * n_steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=peak / 10,
        decay_steps=max(1, n_steps - rise),
        warmup_target=peak,
        warmup_steps=rise,
    )
