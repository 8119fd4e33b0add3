"""Fitting a network on augmented patches: AdamW, one cycle, moving average of the weights."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow loads: it lists GPUs

import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from tagger.engine.quiet import native_stderr_hidden

with native_stderr_hidden():  # whatever the level, it tells of its own CPU
    import keras

from tagger.models.bundle import CnnSpec
from tagger.training.answers import picture_log_probs
from tagger.training.augment import Augmentation, mix_up, random_patches
from tagger.training.checkpoint import load_checkpoint, save_checkpoint
from tagger.training.precision import has_bfloat16
from tagger.training.settings import Balance

__all__ = ["FitSettings", "Fitted", "fit_network"]


Weights = list[npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Everything that a training depends on beside its data.

    Attributes:
        epochs: passes over the clips, one random patch of each per pass.
        peak_rate: the learning rate's peak, a fifth into the run; a cosine leads to zero.
        average: decay of the moving average of weights and running statistics.
        mixed: compute in bfloat16 (weights stay float32); by default where the CPU has it.
        balance: what is done about genres of few tracks.
        patience: looks at the validation clips without a smaller loss after which the
            training ends, with the weights of the best look; 0: it runs to its end.
    """

    epochs: int = 180
    batch: int = 32
    peak_rate: float = 2e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.05
    average: float = 0.995
    mixed: bool = field(default_factory=has_bfloat16)
    balance: Balance = "none"
    patience: int = 0
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A float32 network with averaged weights, and how its training went.

    Attributes:
        history: one ``{"epoch", "loss", "validation_loss", "accuracy"}`` for each look at
            the validation clips (the last two are missing without any).
        epoch: the one after which the weights are taken.
    """

    network: Any
    history: tuple[dict[str, float], ...]
    epoch: int


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
    checkpoint: Path | None = None,
) -> Fitted:
    """Fit the network that ``build`` makes.

    Args:
        build: makes a fresh network, logits out, under the current Keras dtype policy.
        spec: width and normalisation of its patches.
        pictures: shape (n, N_MELS, picture columns).
        targets: index of each picture's label, shape (n,).
        possible: which labels each picture's annotators could choose from, shape
            (n, n_labels). A clip says nothing of the others: they do not enter its loss.
        validation: pictures and targets that are looked at for the history; with
            ``settings.patience``, they choose the epoch.
        checkpoint: a file in which the training's state is kept at each look. One left by a
            stopped training of the same settings and clips is gone on from, to the same end.
    """
    keras.utils.set_random_seed(settings.seed)
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
    counts = np.bincount(targets, minlength=possible.shape[1])
    rarity = len(targets) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    soft = _smoothed(targets, possible, settings.label_smoothing)
    if settings.balance == "weights":
        soft = (soft * rarity).astype(np.float32)
    odds = rarity[targets] / len(targets) if settings.balance == "sampling" else None
    # Clips are mixed with those whose annotators had the same choice.
    _, kinds = np.unique(possible, axis=0, return_inverse=True)
    run = _Run(network, _Average(settings.average), np.random.default_rng(settings.seed))
    if checkpoint:
        identity = _identity(network, pictures, targets, possible, *(validation or ()))
        run.resume(checkpoint, settings, identity)
    epochs = range(run.epoch + 1, settings.epochs + 1)
    for epoch in tqdm(
        epochs,
        desc="training",
        unit="epoch",
        mininterval=1,
        initial=run.epoch,
        total=settings.epochs,
        disable=None,  # off a terminal
    ):
        losses = []
        for rows in _batches(len(pictures), settings.batch, run.rng, odds):
            x = random_patches(
                pictures[rows], spec.columns, settings.augmentation, run.rng, fill=spec.offset
            )
            y = soft[rows]
            x, y = mix_up(x, y, kinds[rows], settings.augmentation.mixup_alpha, run.rng)
            x = ((x - spec.offset) * spec.scale)[..., None]
            masked = np.concatenate([y, possible[rows].astype(np.float32)], axis=1)
            losses.append(network.train_on_batch(x, masked))
            run.average.update(network.get_weights())
        run.epoch = epoch
        if epoch % _LOOK_EVERY == 0 or epoch == settings.epochs:
            averaged_network.set_weights(run.average.weights)
            run.look(float(np.mean(losses)), averaged_network, spec, validation)
            if checkpoint:
                run.save(checkpoint, settings, identity)
            if settings.patience and run.looks_since_best >= settings.patience:
                break
    best = settings.patience and run.best_weights
    averaged_network.set_weights(run.best_weights if best else run.average.weights)
    return Fitted(averaged_network, tuple(run.history), run.best_epoch if best else run.epoch)


class _Run:
    """What changes while a network is fitted; all of it goes into a checkpoint."""

    def __init__(self, network: Any, average: _Average, rng: np.random.Generator) -> None:
        self.network = network
        self.average = average
        self.rng = rng
        self.epoch = 0
        self.history: list[dict[str, float]] = []
        self.best_weights: Weights = []
        self.best_epoch = 0

    @property
    def looks_since_best(self) -> int:
        return sum(look["epoch"] > self.best_epoch for look in self.history)

    def look(
        self,
        loss: float,
        averaged: Any,
        spec: CnnSpec,
        validation: tuple[npt.NDArray[np.uint8], npt.NDArray[np.intp]] | None,
    ) -> None:
        """Note how far it has come, and keep the weights if they are the best."""
        look = {"epoch": float(self.epoch), "loss": loss}
        if validation is not None:
            pictures, targets = validation
            answers = picture_log_probs(averaged, spec, pictures)
            look["validation_loss"] = -float(answers[np.arange(len(targets)), targets].mean())
            look["accuracy"] = float((answers.argmax(axis=1) == targets).mean())
            losses = [before["validation_loss"] for before in self.history]
            if look["validation_loss"] < min(losses, default=np.inf):
                self.best_weights = [w.copy() for w in self.average.weights]
                self.best_epoch = self.epoch
        self.history.append(look)
        line = ", ".join(f"{name} {value:.4g}" for name, value in look.items())
        tqdm.write(line, file=sys.stderr)

    def save(self, path: Path, settings: FitSettings, identity: str) -> None:
        lists = {
            # Variables, not weights: those of the dropout's random generators as well.
            "network": [np.asarray(v) for v in self.network.variables],
            "optimizer": [np.asarray(v) for v in self.network.optimizer.variables],
            "average": self.average.weights,
            "best": self.best_weights,
        }
        state = {
            "settings": asdict(settings),
            "identity": identity,
            "epoch": self.epoch,
            "best_epoch": self.best_epoch,
            "history": self.history,
            "steps": self.average.step,
            "rng": self.rng.bit_generator.state,
        }
        save_checkpoint(path, lists, state)

    def resume(self, path: Path, settings: FitSettings, identity: str) -> None:
        """Go on from a checkpoint, if there is one of the same training."""
        found = load_checkpoint(path)
        if found is None:
            return
        lists, state = found
        if state.get("settings") != asdict(settings) or state.get("identity") != identity:
            return
        self.network.optimizer.build(self.network.trainable_variables)
        for variables, name in (
            (self.network.variables, "network"),
            (self.network.optimizer.variables, "optimizer"),
        ):
            for variable, value in zip(variables, lists[name], strict=True):
                variable.assign(value)
        self.average.weights = lists["average"]
        self.average.step = state["steps"]
        self.best_weights = lists.get("best", [])
        self.best_epoch, self.epoch = state["best_epoch"], state["epoch"]
        self.history = state["history"]
        self.rng.bit_generator.state = state["rng"]


def _identity(network: Any, *clips: npt.NDArray[Any]) -> str:
    """Fingerprint of what a training depends on beside its settings: the network as it begins,
    and the clips. A checkpoint of others would bring in weights that know what is held out."""
    digest = hashlib.blake2b(digest_size=16)
    for array in (*network.get_weights(), *clips):
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


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


def _batches(
    n: int, size: int, rng: np.random.Generator, odds: npt.NDArray[np.float64] | None = None
) -> Iterator[npt.NDArray[np.intp]]:
    """A permutation, or n draws at some odds, in batches of equal size; the last is filled up
    with the first."""
    order = rng.permutation(n) if odds is None else rng.choice(n, n, p=odds)
    for start in range(0, n, size):
        rows = order[start : start + size]
        yield np.concatenate([rows, order[: size - len(rows)]])


class _Average:
    """Exponential moving average that forgets its random start quickly."""

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self.step = 0
        self.weights: Weights = []

    def update(self, weights: Weights) -> None:
        self.step += 1
        if not self.weights:
            self.weights = [w.copy() for w in weights]
            return
        decay = min(self._decay, self.step / (self.step + 10))
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
