from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("tensorflow")

import keras
import tensorflow as tf
from training.tracing import untraced
from training.training_samples import LABELS, SPEC, WIDTHS, striped_pictures

from tagger.analysis.picture import N_MELS
from tagger.training.answers import patch_log_probs, picture_log_probs
from tagger.training.augment import Augmentation
from tagger.training.fit import (
    FitSettings,
    Fitted,
    _Average,
    _batches,
    _masked_cross_entropy,
    _one_cycle,
    _smoothed,
    fit_network,
)
from tagger.training.networks import resnet

Array = npt.NDArray[np.float32]

# --- targets and loss -------------------------------------------------------------------

POSSIBLE = np.array([[True, False, True, True], [True, True, True, True]])


def test_smoothed_targets_by_hand() -> None:
    soft = _smoothed(np.array([2, 0]), POSSIBLE, 0.3)
    assert soft.dtype == np.float32
    assert soft[0] == pytest.approx([0.1, 0.0, 0.8, 0.1])
    assert soft[1] == pytest.approx([0.775, 0.075, 0.075, 0.075])


def test_smoothed_targets_sum_to_one_and_are_0_where_impossible() -> None:
    rng = np.random.default_rng(0)
    possible = rng.random((200, 7)) < 0.5
    targets = rng.integers(0, 7, 200)
    possible[np.arange(200), targets] = True
    soft = _smoothed(targets, possible, 0.05)
    assert np.allclose(soft.sum(axis=1), 1, atol=1e-6)
    assert np.all(soft[~possible] == 0)
    assert np.all(soft[possible] > 0)
    assert np.array_equal(soft.argmax(axis=1), targets)


def loss_of(targets: Any, mask: Any, logits: Any) -> Any:
    packed = np.concatenate([targets, mask], axis=1).astype(np.float32)
    return _masked_cross_entropy(tf.constant(packed), tf.convert_to_tensor(logits))


SOFT = np.array([[0.1, 0.0, 0.8, 0.1], [0.25, 0.25, 0.4, 0.1]], dtype=np.float32)
LOGITS = np.array([[1.0, 7.0, -0.5, 2.0], [0.3, -1.2, 0.9, 4.0]], dtype=np.float32)


def test_masked_cross_entropy_by_hand() -> None:
    e = np.exp
    first = np.log(e(1.0) + e(-0.5) + e(2.0)) - (0.1 * 1.0 + 0.8 * -0.5 + 0.1 * 2.0)
    second = np.log(e(0.3) + e(-1.2) + e(0.9) + e(4.0)) - (
        0.25 * 0.3 + 0.25 * -1.2 + 0.4 * 0.9 + 0.1 * 4.0
    )
    loss = np.asarray(loss_of(SOFT, POSSIBLE, LOGITS))
    assert loss == pytest.approx([first, second], rel=1e-5)


@pytest.mark.parametrize("logit", [-1e3, 0.0, 50.0, 1e3])
def test_logits_of_impossible_labels_change_nothing(logit: float) -> None:
    moved = LOGITS.copy()
    moved[0, 1] = logit
    weights = tf.Variable(moved)
    with tf.GradientTape() as tape:
        loss = loss_of(SOFT, POSSIBLE, weights)
    gradient = np.asarray(tape.gradient(loss, weights))
    assert np.array_equal(np.asarray(loss), np.asarray(loss_of(SOFT, POSSIBLE, LOGITS)))
    assert np.isfinite(gradient).all()
    assert gradient[0, 1] == 0
    # Of the others it is the usual softmax minus target, over what was possible.
    shares = np.exp(LOGITS[0, [0, 2, 3]])
    assert gradient[0, [0, 2, 3]] == pytest.approx(
        shares / shares.sum() - SOFT[0, [0, 2, 3]], abs=1e-5
    )


# --- the pieces of a run ----------------------------------------------------------------


@pytest.mark.parametrize("decay", [0.5, 0.995])
def test_average_is_the_weighted_sum_of_all_steps(decay: float) -> None:
    rng = np.random.default_rng(0)
    steps = [[rng.normal(size=(2, 3)), rng.normal(size=4)] for _ in range(25)]
    average = _Average(decay)
    for weights in steps:
        average.update(weights)
    keep = np.array([0.0] + [min(decay, t / (t + 10)) for t in range(2, 26)])
    share = [(1 - keep[t]) * keep[t + 1 :].prod() for t in range(25)]
    assert sum(share) == pytest.approx(1)
    for i in range(2):
        expected = sum(s * weights[i] for s, weights in zip(share, steps, strict=True))
        assert np.allclose(average.weights[i], expected)


def test_average_leaves_the_weights_that_it_was_given() -> None:
    first = [np.ones(3)]
    average = _Average(0.9)
    average.update(first)
    average.update([np.zeros(3)])
    assert np.array_equal(first[0], np.ones(3))
    assert average.weights[0] == pytest.approx(np.full(3, 2 / 12))


@pytest.mark.parametrize(("n", "size"), [(10, 4), (8, 4), (4, 4), (3, 4), (33, 32), (1, 1)])
def test_batches_are_equal_and_miss_nobody(n: int, size: int) -> None:
    batches = list(_batches(n, size, np.random.default_rng(0)))
    assert [len(b) for b in batches] == [size] * -(-n // size)
    rows = np.concatenate(batches)
    assert sorted(rows[:n]) == list(range(n))
    assert np.array_equal(rows[n:], rows[: len(rows) - n])


def test_batches_come_in_a_new_order_each_time() -> None:
    rng = np.random.default_rng(0)
    first, second = (np.concatenate(list(_batches(50, 10, rng))) for _ in range(2))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, np.arange(50))


def test_one_cycle_rises_to_the_peak_and_ends_near_zero() -> None:
    cycle = _one_cycle(2e-3, 100)
    rates = np.array([float(cycle(step)) for step in range(101)])
    assert rates[0] == pytest.approx(1e-4)
    assert rates.argmax() == 20
    assert rates[20] == pytest.approx(2e-3)
    assert np.allclose(np.diff(rates[:21]), 1.9e-3 / 20, rtol=1e-3)
    assert np.all(np.diff(rates[20:]) < 0)
    assert rates[60] == pytest.approx(1e-3, rel=0.01)  # half way down the cosine
    assert 0 < rates[99] < 0.01 * 2e-3


@pytest.mark.parametrize("steps", [1, 2, 4, 5])
def test_one_cycle_of_a_very_short_run_is_usable(steps: int) -> None:
    rates = np.array([float(_one_cycle(2e-3, steps)(step)) for step in range(steps)])
    assert np.all((rates > 0) & (rates <= 2.001e-3))


# --- whole trainings --------------------------------------------------------------------

# Mixed targets would hide in the loss that anything was learned.
GENTLE = Augmentation(
    pitch_bins=1, equaliser_std=0.02, mask_bands=4, mask_columns=3, mixup_alpha=0.0
)
TARGETS = np.tile(np.arange(len(LABELS)), 4)
PICTURES = striped_pictures(TARGETS)
UNSEEN_TARGETS = np.array([2, 0, 1, 1, 2, 0])
UNSEEN = striped_pictures(UNSEEN_TARGETS, seed=1)
# Whoever labelled the first two clips knew two labels only.
POSSIBLE_OF_ALL = np.ones((len(TARGETS), len(LABELS)), dtype=bool)
POSSIBLE_OF_ALL[:2, 2] = False


def narrow() -> Any:
    return resnet(len(LABELS), SPEC.columns, WIDTHS, dropout=0.1)


def narrowest() -> Any:
    """For what does not ask how well it learns."""
    return resnet(len(LABELS), SPEC.columns, WIDTHS[:1], dropout=0.1)


def train(*, mixed: bool, epochs: int = 30, seed: int = 3, build: Any = narrow) -> Fitted:
    settings = FitSettings(
        epochs=epochs, batch=6, peak_rate=1e-2, mixed=mixed, seed=seed, augmentation=GENTLE
    )
    return fit_network(
        build,
        SPEC,
        PICTURES,
        TARGETS,
        POSSIBLE_OF_ALL,
        settings,
        validation=(UNSEEN, UNSEEN_TARGETS),
    )


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return train(mixed=False)


def assert_learned(fitted: Fitted) -> None:
    assert [look["epoch"] for look in fitted.history] == [10, 20, 30]
    assert fitted.history[-1]["loss"] < 0.9 * fitted.history[0]["loss"]
    assert fitted.history[-1]["accuracy"] == 1
    answers = picture_log_probs(fitted.network, SPEC, PICTURES)
    assert np.array_equal(answers.argmax(axis=1), TARGETS)
    # Guessing costs log 3 = 1.1, and so does a network that has learned nothing.
    assert -answers[np.arange(len(TARGETS)), TARGETS].mean() < 0.5


def test_a_training_learns(fitted: Fitted) -> None:
    assert_learned(fitted)
    keras.utils.set_random_seed(3)
    unlearned = picture_log_probs(narrow(), SPEC, PICTURES)
    assert -unlearned[np.arange(len(TARGETS)), TARGETS].mean() > 1.0


def test_a_mixed_training_learns_and_gives_a_float32_network() -> None:
    mixed = train(mixed=True)
    assert_learned(mixed)
    assert {layer.compute_dtype for layer in mixed.network.layers} == {"float32"}


def _short(seed: int) -> Fitted:
    return train(mixed=False, epochs=2, seed=seed, build=narrowest)


def test_the_same_seed_gives_the_same_weights() -> None:
    with untraced():
        first, again, other = (_short(seed) for seed in (3, 3, 4))
    for one, two in zip(first.network.get_weights(), again.network.get_weights(), strict=True):
        assert np.allclose(one, two, rtol=1e-3, atol=1e-4)
    for look, before in zip(again.history, first.history, strict=True):
        assert look == pytest.approx(before, rel=1e-3)
    assert not np.allclose(first.network.get_weights()[0], other.network.get_weights()[0])


class Spy:
    """Stands in for a network and keeps what it is fed."""

    def __init__(self) -> None:
        self.x: list[Array] = []
        self.y: list[Array] = []

    def compile(self, **_: object) -> None: ...

    def train_on_batch(self, x: Array, y: Array) -> float:
        self.x.append(x)
        self.y.append(y)
        return float(len(self.x))

    def get_weights(self) -> list[Array]:
        return [np.zeros(1)]

    def set_weights(self, _: object) -> None: ...


def feed(possible: npt.NDArray[np.bool_], *, seed: int = 0, alpha: float = 1.0) -> tuple[Spy, Any]:
    """What a training of three epochs feeds its network, and what it says of itself."""
    spy = Spy()
    how = replace(GENTLE, mixup_alpha=alpha)
    settings = FitSettings(epochs=3, batch=6, seed=seed, augmentation=how)
    return spy, fit_network(lambda: spy, SPEC, PICTURES, TARGETS, possible, settings)


def test_what_the_network_is_fed() -> None:
    spy, fitted = feed(POSSIBLE_OF_ALL)
    assert [x.shape for x in spy.x] == [(6, N_MELS, SPEC.columns, 1)] * 6
    x = np.stack(spy.x)
    assert x.min() >= -1.8 - 1e-5  # (0 - 0.45) * 4
    assert x.max() <= 2.2 + 1e-5
    assert np.ptp(x) > 2
    # Batch i costs i here: the last epoch's are 5 and 6. Without validation no accuracy.
    assert fitted.history == ({"epoch": 3.0, "loss": 5.5},)


def test_the_seed_decides_what_is_fed() -> None:
    first, again, other = (feed(POSSIBLE_OF_ALL, seed=seed)[0] for seed in (0, 0, 1))
    assert np.array_equal(first.x, again.x)
    assert np.array_equal(first.y, again.y)
    assert not np.allclose(first.x, other.x)


@pytest.mark.parametrize(("mixed", "fitted_in"), [(True, "mixed_bfloat16"), (False, "float32")])
def test_precision_is_set_for_the_building_alone(mixed: bool, fitted_in: str) -> None:
    policies = []

    def build() -> Spy:
        policies.append(keras.config.dtype_policy().name)
        return Spy()

    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        settings = FitSettings(epochs=1, batch=6, mixed=mixed, augmentation=GENTLE)
        fit_network(build, SPEC, PICTURES, TARGETS, POSSIBLE_OF_ALL, settings)
        assert keras.config.dtype_policy().name == "float64"
    finally:
        keras.config.set_dtype_policy(usual)
    assert policies == [fitted_in, "float32"]  # the averaged network is whole


def test_labels_that_nobody_could_choose_are_not_learned_from() -> None:
    possible = np.ones((len(TARGETS), 3), dtype=bool)
    possible[TARGETS != 2, 2] = False  # most clips' annotators knew no third label
    y, mask = np.split(np.concatenate(feed(possible)[0].y), 2, axis=1)
    assert np.all(y[mask == 0] == 0)
    assert np.allclose(y.sum(axis=1), 1, atol=1e-6)
    thirds = mask[:, 2] == 1
    assert thirds.sum() == 12
    assert np.allclose(y[thirds], y[thirds][0])  # of their kind all are alike
    assert len(np.unique(y[~thirds].round(3), axis=0)) > 10  # these are mixed


def test_picture_log_probs_is_the_mean_over_patches_run_by_hand(fitted: Fitted) -> None:
    pictures = striped_pictures(np.array([0, 2]), columns=45, seed=4)
    answers = picture_log_probs(fitted.network, SPEC, pictures)
    assert answers.shape == (2, len(LABELS))
    for answer, picture in zip(answers, pictures, strict=True):
        probabilities = []
        for start in (0, 7, 14, 22, 29):  # 45 / 16 is nearly 3: 5 patches, from 0 to 45 - 16
            patch = picture[:, start : start + 16]
            x = (patch.astype(np.float32) / 255 - 0.45) * 4
            logits = np.asarray(fitted.network(x[None, :, :, None], training=False))[0]
            probabilities.append(np.exp(logits) / np.exp(logits).sum())
        assert np.exp(answer) == pytest.approx(np.mean(probabilities, axis=0), abs=1e-5)
        assert np.exp(answer).sum() == pytest.approx(1)


def test_patches_are_answered_a_few_at_a_time() -> None:
    """All at once, the residual network takes 17 MB for each of them."""
    batches: list[int] = []

    def network(patches: Array, *, training: bool) -> Array:
        assert not training
        batches.append(len(patches))
        return patches.sum(axis=(1, 2))

    patches = np.random.default_rng(0).normal(size=(19, 4, 5, 3)).astype(np.float32)
    answers = patch_log_probs(network, patches)
    assert max(batches) <= 8
    assert sum(batches) == 19
    shares = np.exp(patches.sum(axis=(1, 2)))
    assert np.exp(answers) == pytest.approx(shares / shares.sum(axis=1, keepdims=True), rel=1e-4)


# --- going on after a stop, ending early, few tracks of a genre ------------------------------


@pytest.fixture
def frequent_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    from tagger.training import fit

    monkeypatch.setattr(fit, "_LOOK_EVERY", 2)


def resumable(checkpoint: Any, **changes: Any) -> Fitted:
    settings = FitSettings(epochs=4, batch=12, mixed=False, seed=3, augmentation=GENTLE)
    with untraced():
        return fit_network(
            narrowest,
            SPEC,
            PICTURES,
            TARGETS,
            POSSIBLE_OF_ALL,
            replace(settings, **changes),
            validation=(PICTURES[:6], TARGETS[:6]),
            checkpoint=checkpoint,
        )


def stopped_after_two_epochs(monkeypatch: pytest.MonkeyPatch, checkpoint: Any) -> None:
    from tagger.training import fit

    kept = fit.save_checkpoint

    def keep_and_stop(*arguments: Any) -> None:
        kept(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fit, "save_checkpoint", keep_and_stop)
        with pytest.raises(KeyboardInterrupt):
            resumable(checkpoint)


@pytest.mark.usefixtures("frequent_looks")
def test_a_stopped_training_goes_on_to_the_same_end(tmp_path, monkeypatch) -> None:
    whole = resumable(None)
    stopped_after_two_epochs(monkeypatch, tmp_path / "run.npz")
    resumed = resumable(tmp_path / "run.npz")
    assert [look["epoch"] for look in resumed.history] == [2.0, 4.0]
    for look, expected in zip(resumed.history, whole.history, strict=True):
        assert look == pytest.approx(expected, rel=1e-3)
    for ours, theirs in zip(
        resumed.network.get_weights(), whole.network.get_weights(), strict=True
    ):
        assert np.allclose(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.usefixtures("frequent_looks")
def test_a_checkpoint_of_other_settings_is_left_alone(tmp_path, monkeypatch) -> None:
    stopped_after_two_epochs(monkeypatch, tmp_path / "run.npz")
    other = resumable(tmp_path / "run.npz", seed=4)
    alone = resumable(None, seed=4)
    assert [look["epoch"] for look in other.history] == [2.0, 4.0]
    assert other.history[0] == pytest.approx(alone.history[0], rel=1e-3)


def test_a_checkpoint_knows_its_network_and_clips() -> None:
    from tagger.training import fit

    def identity(seed: int, pictures: Any = PICTURES, targets: Any = TARGETS) -> str:
        keras.utils.set_random_seed(seed)
        return fit._identity(narrow(), pictures, targets)

    assert identity(3) == identity(3)
    others = (identity(4), identity(3, PICTURES[::-1]), identity(3, targets=TARGETS[::-1]))
    assert identity(3) not in others


@pytest.mark.usefixtures("frequent_looks")
def test_a_training_without_gain_ends_early_with_its_best_weights() -> None:
    # Judged by wrong answers: the better it learns, the greater the loss.
    wrong = (TARGETS + 1) % 3
    settings = FitSettings(
        epochs=200, batch=12, mixed=False, patience=2, seed=3, augmentation=GENTLE
    )
    with untraced():
        fitted = fit_network(
            narrowest,
            SPEC,
            PICTURES,
            TARGETS,
            POSSIBLE_OF_ALL,
            settings,
            validation=(PICTURES, wrong),
        )
    losses = [look["validation_loss"] for look in fitted.history]
    assert len(losses) < 20
    best = int(np.argmin(losses))
    assert fitted.epoch == fitted.history[best]["epoch"]
    assert len(losses) == best + 3
    answers = picture_log_probs(fitted.network, SPEC, PICTURES)
    assert -answers[np.arange(len(wrong)), wrong].mean() == pytest.approx(losses[best], rel=1e-4)


RARE = np.array([0] * 30 + [1] * 3 + [2] * 3)


def fed_with(balance: Any) -> Array:
    """The targets of some epochs with a genre ten times as frequent as the others."""
    spy = Spy()
    pictures = striped_pictures(RARE, columns=SPEC.columns)
    settings = FitSettings(
        epochs=20,
        batch=12,
        balance=balance,
        label_smoothing=0.0,
        augmentation=replace(GENTLE, mixup_alpha=0.0),
    )
    fit_network(lambda: spy, SPEC, pictures, RARE, np.ones((36, 3), dtype=bool), settings)
    return np.concatenate(spy.y)[:, :3]


def test_rare_genres_weigh_as_much_by_weight_or_by_draws() -> None:
    plain, weighted, sampled = map(fed_with, ("none", "weights", "sampling"))
    shares = plain.sum(axis=0) / plain.sum()
    assert shares == pytest.approx([30 / 36, 3 / 36, 3 / 36])
    assert weighted.sum(axis=0) / weighted.sum() == pytest.approx([1 / 3] * 3, rel=1e-4)
    assert np.allclose(np.unique(weighted), [0, 36 / 90, 4])
    assert set(np.unique(sampled)) == {0.0, 1.0}
    assert sampled.sum(axis=0) / sampled.sum() == pytest.approx([1 / 3] * 3, abs=0.06)
