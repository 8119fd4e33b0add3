"""Teaching the copy of MusiCNN for pictures to hear what the published one hears.

A picture has a fifth of the published network's frames, each over a longer window, and not its
level; its kernels are only stretched to that. What comes of it is far from what the published
network finds in the same recording: the mean square of the differences was 4.8 times the variance
over Emotify's clips. Learning to answer as the other does needs no labels, only recordings that
both can hear; what is learned there holds for others: for artists, and a catalogue, that were not
among them.

All weights learn. As long as the first kernels were kept as they had been stretched, the rest came
no nearer than 0.98 of that variance; and learning all of them takes little time, since few of the
published kernels are not zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.models.bundle import CnnSpec
from tagger.training.embedding import cut_all
from tagger.training.musicnn import Arrays
from tagger.training.networks_musicnn import LOOKING, arrays_of, musicnn
from tagger.training.remaster import AS_STORED, remastered

__all__ = ["AdaptSettings", "Adapted", "adapt", "heard_in"]

_BATCH: Final = 16  # patches
_RISE: Final = 0.1  # of the run, to the peak of the learning rate
_LEAST_SPREAD: Final = 1e-3  # of the greatest; what varies less among the clips is not learned

Pictures = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class AdaptSettings:
    """How long and how fast is learned.

    Attributes:
        epochs: passes over the clips, in each of which one half of each is heard.
        peak_rate: of Adam; a cosine leads to zero.
    """

    epochs: int = 8
    peak_rate: float = 1e-3
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Adapted:
    """What has been learned.

    Attributes:
        arrays: as :func:`tagger.training.musicnn.at_columns` gives them.
        history: ``{"epoch", "loss"}`` of each epoch: the mean square of the differences in units
            of the variance over clips; and ``"validation_loss"`` where clips were held out.
    """

    arrays: Arrays
    history: tuple[dict[str, float], ...]


def heard_in(arrays: Arrays, spec: CnnSpec, pictures: Pictures) -> Rows:
    """Activations before they are standardised.

    Args:
        arrays: from :func:`tagger.training.musicnn.at_columns`, or adapted ones.
        spec: how pictures are cut.
        pictures: shape (n, N_MELS, columns).

    Returns:
        float32, shape (n, patches, n_activations).
    """
    ears = _ears(musicnn(1, spec.columns, arrays))
    heard = []
    for rows in _batches(np.arange(len(pictures))):
        said = np.asarray(ears(cut_all(pictures[rows], spec), training=False))
        heard.append(said.reshape(len(rows), -1, said.shape[-1]))
    return np.concatenate(heard)


def adapt(
    arrays: Arrays,
    spec: CnnSpec,
    pictures: Pictures,
    wanted: Rows,
    settings: AdaptSettings,
    held_out: tuple[Pictures, Rows] | None = None,
) -> Adapted:
    """Fit all between how a picture is looked at and the last layer.

    Half of the clips are heard as another medium would have them.

    Args:
        arrays: from :func:`tagger.training.musicnn.at_columns`.
        spec: how pictures are cut.
        pictures: shape (n, N_MELS, columns), of clips of 30 s.
        wanted: what the published network hears in the halves of the same recordings, shape
            (n, 2, n_activations), from
            :meth:`tagger.training.musicnn_hearing.Published.activations`.
        held_out: both of other artists, for the history alone.
    """
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(settings.seed)
    network = musicnn(1, spec.columns, arrays)
    ears = _ears(network)
    for layer in (*ears.layers, *network.get_layer("over_time").layers):
        layer.trainable = layer.name not in LOOKING
    spread = wanted.mean(axis=1).std(axis=0)
    varied = spread > _LEAST_SPREAD * spread.max()
    weights = np.divide(1, spread, out=np.zeros_like(spread), where=varied)
    weights /= np.sqrt(varied.mean())
    n_steps = -(-len(pictures) // _BATCH) * settings.epochs
    optimizer = keras.optimizers.Adam(_rate(settings.peak_rate, n_steps), clipnorm=1.0)

    def difference(patches: Any, target: Any) -> Any:
        return tf.reduce_mean(tf.square((ears(patches) - target) * weights))

    def descend(patches: Any, target: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = difference(patches, target)
        gradients = tape.gradient(loss, ears.trainable_variables)
        optimizer.apply_gradients(zip(gradients, ears.trainable_variables, strict=True))
        return loss

    step = tf.function(descend, reduce_retracing=True)
    judge = tf.function(difference, reduce_retracing=True)
    rng = np.random.default_rng(settings.seed)
    history = []
    for epoch in range(1, settings.epochs + 1):
        losses = []
        for rows in _batches(rng.permutation(len(pictures))):
            halves = rng.integers(0, 2, len(rows))
            some = _halves(pictures[rows], halves, spec.columns)
            n_changed = len(rows) // 2
            some[:n_changed] = remastered(some[:n_changed], AS_STORED, rng)
            losses.append(float(step(cut_all(some, spec), wanted[rows, halves])))
        look = {"epoch": float(epoch), "loss": float(np.mean(losses))}
        if held_out:
            parts = [
                (cut_all(_halves(apart[rows], half, spec.columns), spec), target[rows, half])
                for apart, target in [held_out]
                for half in (0, 1)
                for rows in _batches(np.arange(len(apart)))
            ]
            judged = [float(judge(*part)) for part in parts]
            look["validation_loss"] = float(np.average(judged, weights=[len(t) for _, t in parts]))
        history.append(look)
    return Adapted(arrays_of(network), tuple(history))


def _ears(network: Any) -> Any:
    """Patches to activations before they are standardised."""
    import keras

    return keras.Model(network.input, network.get_layer("standard").input)


def _halves(pictures: Pictures, halves: npt.NDArray[np.int64] | int, columns: int) -> Pictures:
    """Of each picture its first columns or its last."""
    begins = np.broadcast_to(halves, len(pictures)) * (pictures.shape[2] - columns)
    return np.stack([p[:, b : b + columns] for p, b in zip(pictures, begins, strict=True)])


def _batches(order: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
    return np.split(order, range(_BATCH, len(order), _BATCH))


def _rate(peak: float, n_steps: int) -> Any:
    import keras

    rise = max(1, round(_RISE * n_steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=peak / 10,
        decay_steps=max(1, n_steps - rise),
        warmup_target=peak,
        warmup_steps=rise,
    )
