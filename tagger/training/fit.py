"""Fitting a network on augmented patches: AdamW, one cycle, moving average of the weights."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow loads: it lists GPUs

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from tagger.analysis.picture import Picture
from tagger.models.bundle import CnnSpec
from tagger.models.cnn import cut_patches
from tagger.models.fusion import log_softmax, mean_patches
from tagger.training.augment import Augmentation, mix_up, random_patches

__all__ = ["FitSettings", "Fitted", "fit_network", "picture_log_probs"]

Weights = list[npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Everything that a training depends on beside its data.

    Attributes:
        epochs: passes over the clips, one random patch of each per pass.
        peak_rate: the learning rate's peak, a fifth into the run; a cosine leads to zero.
        average: decay of the moving average of weights and running statistics.
        mixed: compute in bfloat16 (weights stay float32): about 1.4 times as fast on CPUs
            that have it.
    """

    epochs: int = 180
    batch: int = 32
    peak_rate: float = 2e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.05
    average: float = 0.995
    mixed: bool = True
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A float32 network with averaged weights, and how its training went.

    Attributes:
        history: one ``{"epoch", "loss", "accuracy"}`` for each look at the validation
            clips (``accuracy`` is missing without any).
    """

    network: Any
    history: tuple[dict[str, float], ...]


Build = Callable[[], Any]

_LOOK_EVERY: Final = 10  # epochs


def fit_network(
    build: Build,
    spec: CnnSpec,
    pictures: npt.NDArray[np.uint8],
    targets: npt.NDArray[np.intp],
    possible: npt.NDArray[np.bool_],
    settings: FitSettings,
    *,
    validation: tuple[npt.NDArray[np.uint8], npt.NDArray[np.intp]] | None = None,
) -> Fitted:
    """Fit the network that ``build`` makes.

    Args:
        build: makes a fresh network, logits out, under the current Keras dtype policy.
        spec: width and normalisation of its patches.
        pictures: shape (n, N_MELS, picture columns).
        targets: index of each picture's label, shape (n,).
        possible: which labels each picture's annotators could choose from, shape
            (n, n_labels). A clip says nothing of the others: they do not enter its loss.
        validation: pictures and targets that are only looked at for the history; nothing
            is chosen by them.
    """
    keras.utils.set_random_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    with _policy("mixed_bfloat16" if settings.mixed else "float32"):
        network = build()
    steps = -(-len(pictures) // settings.batch)
    network.compile(
        optimizer=keras.optimizers.AdamW(
            _one_cycle(settings.peak_rate, steps * settings.epochs),
            weight_decay=settings.weight_decay,
        ),
        loss=_masked_cross_entropy,
        jit_compile=False,  # on CPUs oneDNN's convolutions beat those that XLA compiles
    )
    with _policy("float32"):
        averaged_network = build()
    average = _Average(settings.average)
    soft = _smoothed(targets, possible, settings.label_smoothing)
    # Clips are mixed with those whose annotators had the same choice.
    _, kinds = np.unique(possible, axis=0, return_inverse=True)
    history = []
    for epoch in tqdm(range(1, settings.epochs + 1), desc="training", unit="epoch", mininterval=20):
        losses = []
        for rows in _batches(len(pictures), settings.batch, rng):
            x = random_patches(
                pictures[rows], spec.columns, settings.augmentation, rng, fill=spec.offset
            )
            y = soft[rows]
            x, y = mix_up(x, y, kinds[rows], settings.augmentation.mixup_alpha, rng)
            x = ((x - spec.offset) * spec.scale)[..., None]
            masked = np.concatenate([y, possible[rows].astype(np.float32)], axis=1)
            losses.append(network.train_on_batch(x, masked))
            average.update(network.get_weights())
        if epoch % _LOOK_EVERY == 0 or epoch == settings.epochs:
            look = {"epoch": float(epoch), "loss": float(np.mean(losses))}
            if validation is not None:
                averaged_network.set_weights(average.weights)
                answers = picture_log_probs(averaged_network, spec, validation[0])
                look["accuracy"] = float((answers.argmax(axis=1) == validation[1]).mean())
            history.append(look)
            tqdm.write(str({name: round(value, 4) for name, value in look.items()}))
    averaged_network.set_weights(average.weights)
    return Fitted(averaged_network, tuple(history))


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
        answers.append(mean_patches(log_softmax(np.asarray(network(patches, training=False)))))
    return np.stack(answers)


def _smoothed(
    targets: npt.NDArray[np.intp], possible: npt.NDArray[np.bool_], smoothing: float
) -> npt.NDArray[np.float32]:
    """Targets of which ``smoothing`` is spread over the labels that were possible."""
    spread = possible / possible.sum(axis=1, keepdims=True)
    hard = np.eye(possible.shape[1])[targets]
    return np.asarray((1 - smoothing) * hard + smoothing * spread, dtype=np.float32)


def _masked_cross_entropy(targets_and_mask: Any, logits: Any) -> Any:
    """Cross-entropy over the labels that were possible: (n, 2 n_labels), (n, n_labels)."""
    targets, mask = keras.ops.split(targets_and_mask, 2, axis=-1)
    log_probs = keras.ops.log_softmax(logits + (mask - 1.0) * 1e4, axis=-1)
    return -keras.ops.sum(targets * mask * log_probs, axis=-1)


def _batches(n: int, size: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.intp]]:
    """A permutation in batches of equal size; the last is filled up with the first."""
    order = rng.permutation(n)
    for start in range(0, n, size):
        rows = order[start : start + size]
        yield np.concatenate([rows, order[: size - len(rows)]])


class _Average:
    """Exponential moving average that forgets its random start quickly."""

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._step = 0
        self.weights: Weights = []

    def update(self, weights: Weights) -> None:
        self._step += 1
        if not self.weights:
            self.weights = [w.copy() for w in weights]
            return
        decay = min(self._decay, self._step / (self._step + 10))
        for mean, new in zip(self.weights, weights, strict=True):
            mean += (1 - decay) * (new - mean)


def _one_cycle(peak: float, steps: int) -> Any:
    """Linear rise over a fifth of the run, cosine to zero (after Smith, 2018)."""
    rise = steps // 5
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=peak / 20,
        decay_steps=steps - rise,
        warmup_target=peak,
        warmup_steps=rise,
        alpha=1e-3,
    )


class _policy:  # noqa: N801 - used like a function
    """Builds under a Keras dtype policy and restores the one before."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self._name)

    def __exit__(self, *_: object) -> None:
        keras.config.set_dtype_policy(self._before)
