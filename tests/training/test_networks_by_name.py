from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("tensorflow")

import keras
import synth
from keras import layers
from training.tracing import untraced
from training.training_samples import LABELS, bundle, striped_pictures

from tagger.analysis.picture import FRAME_S, N_MELS
from tagger.audio.excerpts import ExcerptPlan
from tagger.errors import UsageError
from tagger.models.bundle import CnnSpec
from tagger.models.cnn import Cnn
from tagger.models.fusion import log_softmax
from tagger.training.augment import Augmentation
from tagger.training.export import to_tflite
from tagger.training.fit import FitSettings, fit_network
from tagger.training.networks import segment_cnn
from tagger.training.networks_front import image, log_mel_input
from tagger.training.networks_recurrent import crnn, dense_mfcc, lstm
from tagger.training.networks_registry import NETWORKS, OFFSET, SCALE
from tagger.training.networks_transfer import mobilenetv2, vgg16
from tagger.workflows.hear import Listener

Build = Callable[[int, int], Any]
TOLERANCE = 1e-4

# --- sizes ------------------------------------------------------------------------------


def trainable(network: Any) -> int:
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


def test_dense_mfcc_has_the_stated_parameters() -> None:
    network = NETWORKS["dense-mfcc"].build(10)
    assert network.count_params() == trainable(network) == 741_674
    assert network.input_shape == (None, N_MELS, 192, 1)


def test_lstm_has_the_stated_parameters() -> None:
    network = lstm(10, 8)  # frames cost none
    assert network.count_params() == trainable(network) == 57_802


def test_vgg16_has_the_stated_parameters() -> None:
    network = NETWORKS["vgg16"].build(5, weights=None, frozen=True)
    assert network.count_params() == 35_982_021
    assert trainable(network) == 21_267_333
    assert network.get_layer("preprocessed").output.shape == (None, 300, 300, 3)


def test_segment_cnn_has_the_parameters_of_a_hand_sum() -> None:
    convolutions = 9 * (1 * 32 + 32 * 64 + 64 * 128)
    normalisations = 4 * (32 + 64 + 128)
    dense = 128 * 128 + 128 + 128 * 10 + 10
    network = NETWORKS["segment-cnn"].build(10)
    assert network.count_params() == convolutions + normalisations + dense
    assert network.input_shape == (None, N_MELS, 130, 1)


def test_crnn_reads_what_is_left_of_the_bands_at_each_step() -> None:
    network = crnn(10, 192)
    sequence = network.get_layer(index=-4).input
    assert sequence.shape == (None, 24, 128)
    gru = 2 * 3 * (128 * 64 + 64 * 64 + 2 * 64)
    convolutions = 9 * (32 + 32 * 64 + 64 * 128 + 128 * 128) + 4 * (32 + 64 + 128 + 128)
    assert network.count_params() == convolutions + gru + 128 * 10 + 10


# --- training, and the same answers in LiteRT -------------------------------------------

COLUMNS = 8
SPEC = CnnSpec("cnn.tflite", COLUMNS, OFFSET, SCALE)
TARGETS = np.arange(6) % len(LABELS)
PICTURES = striped_pictures(TARGETS)
SMALL: dict[str, Build] = {
    "dense-mfcc": dense_mfcc,
    "segment-cnn": segment_cnn,
    "lstm": partial(lstm, width=16),
    "crnn": partial(crnn, widths=(4, 8, 8), memory=8),
}


def patches(n: int) -> npt.NDArray[np.float32]:
    pictures = striped_pictures(np.arange(n) % len(LABELS), COLUMNS, seed=n)
    return ((pictures[..., None] / np.float32(255) - OFFSET) * SCALE).astype(np.float32)


def keras_probs(network: Any, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(np.exp(log_softmax(np.asarray(network(x, training=False)))))


def two_epochs(build: Build, *, mixed: bool) -> Any:
    settings = FitSettings(
        epochs=2, batch=3, mixed=mixed, augmentation=Augmentation(mask_columns=3, stretch=1.0)
    )
    with untraced():
        return fit_network(
            lambda: build(len(LABELS), COLUMNS),
            SPEC,
            PICTURES,
            TARGETS,
            np.ones((6, len(LABELS)), dtype=bool),
            settings,
        ).network


def assert_litert_agrees(network: Any) -> None:
    made = bundle(Path("b"), {SPEC.file: to_tflite(network)}, cnn=SPEC)
    cnn = Cnn(made)
    for n in (1, 4, 2):
        x = patches(n)
        assert np.abs(np.exp(cnn.log_probs(x)) - keras_probs(network, x)).max() <= TOLERANCE
    assert np.ptp(keras_probs(network, patches(4)), axis=0).max() > 1e-3
    operators = {op["op_name"] for op in cnn._interpreter._get_ops_details()}
    assert not [op for op in operators if op.startswith("Flex") or op == "CUSTOM"]


@pytest.mark.parametrize("name", SMALL)
def test_a_network_is_trained_and_answers_alike_in_a_scan(name: str) -> None:
    network = two_epochs(SMALL[name], mixed=name in ("crnn", "dense-mfcc"))
    # Biases and running statistics that two epochs would hardly have moved.
    rng = np.random.default_rng(1)
    network.set_weights(
        [w + rng.uniform(0.0, 0.3, w.shape) * (w.ndim == 1) for w in network.get_weights()]
    )
    assert_litert_agrees(network)


def test_images_answer_alike_in_a_scan() -> None:
    inputs = log_mel_input(COLUMNS)
    x = image(inputs, 30, 1.0, (-103.939, -116.779, -123.68))
    x = keras.layers.Conv2D(3, 30)(x)
    logits = keras.layers.Rescaling(1e-2)(keras.layers.Flatten()(x))
    assert_litert_agrees(keras.Model(inputs, logits))


def test_a_scan_hears_every_frame(tmp_path: Path) -> None:
    network = segment_cnn(len(LABELS), 130, (2, 4), dense=4)
    made = bundle(
        tmp_path,
        {SPEC.file: to_tflite(network)},
        cnn=CnnSpec(SPEC.file, 130, OFFSET, SCALE, FRAME_S),
        features=("rms.mean.01",),
        excerpts=ExcerptPlan(1, 15.0),
    )
    song = synth.write(tmp_path / "song.flac", synth.song(9.0))
    listener = Listener(made)
    hearing = listener.hear(song)
    assert listener.patch_s == pytest.approx(130 * 512 / 22_050)
    # 388 frames are 3 patches, and 2 between them.
    assert hearing.patch_log_probs.shape == (5, len(LABELS))
    starts = [0, 64, 129, 194, 258]
    assert hearing.patch_starts_s == pytest.approx([s * FRAME_S for s in starts], abs=FRAME_S)


# --- bodies that were trained before ----------------------------------------------------


def body_of(network: Any) -> Any:
    return next(layer for layer in network.layers if isinstance(layer, keras.Model))


def tiny_body(
    *, include_top: bool, weights: None, input_shape: tuple[int, ...], alpha: float = 1.0
) -> Any:
    """In place of MobileNetV2: convolutions and normalisation in a nutshell."""
    assert not include_top
    assert weights is None
    inputs = keras.Input(input_shape)
    x = layers.Conv2D(round(8 * alpha), 3, strides=4)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.BatchNormalization()(layers.DepthwiseConv2D(3)(x))
    return keras.Model(inputs, x, name="tiny")


@pytest.fixture
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.applications, "MobileNetV2", tiny_body)


small = partial(mobilenetv2, size=32)


@pytest.fixture(scope="module")
def learned() -> Any:
    body = tiny_body(include_top=False, weights=None, input_shape=(32, 32, 3))
    rng = np.random.default_rng(5)
    body.set_weights([rng.uniform(0.1, 0.2, w.shape) for w in body.get_weights()])
    return body


@pytest.fixture(scope="module")
def weights(learned: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "body.weights.h5"
    learned.save_weights(path)
    return path


def test_mobilenetv2_is_that_of_keras() -> None:
    network = mobilenetv2(3, COLUMNS, weights=None, size=32, alpha=0.35)
    assert body_of(network).name == "mobilenetv2_0.35_32"
    assert len(body_of(network).trainable_variables) > 100
    assert network.output_shape == (None, 3)


@pytest.mark.usefixtures("_tiny")
def test_a_body_with_weights_is_not_trained(learned: Any, weights: Path) -> None:
    networks = []

    def build(n_labels: int, columns: int) -> Any:
        networks.append(small(n_labels, columns, weights=weights))
        return networks[-1]

    two_epochs(build, mixed=False)
    fitted, _ = networks
    body = body_of(fitted)
    # Neither its weights nor what its normalisation has seen.
    for before, after in zip(learned.get_weights(), body.get_weights(), strict=True):
        assert np.array_equal(before, after)
    assert body.trainable_variables == []
    head = 8 * 256 + 256 + 256 * 3 + 3
    assert trainable(fitted) == head
    # AdamW keeps two moments of what it trains, and counts its steps.
    held = sum(int(np.prod(v.shape)) for v in fitted.optimizer.variables)
    assert held == 2 * head + 1


@pytest.mark.usefixtures("_tiny")
@pytest.mark.parametrize(("frozen", "trained"), [(None, True), (False, True), (True, False)])
def test_a_body_without_weights_is_trained_unless_it_must_not(
    frozen: bool | None, trained: bool
) -> None:
    network = small(3, COLUMNS, weights=None, frozen=frozen)
    assert bool(body_of(network).trainable_variables) is trained


@pytest.mark.usefixtures("_tiny")
def test_weights_that_do_not_fit_are_refused_in_one_line(tmp_path: Path, weights: Path) -> None:
    missing, text, other = (tmp_path / f"{n}.weights.h5" for n in ("missing", "text", "other"))
    text.write_text("no weights")
    dense_mfcc(2, 8, widths=(4,)).save_weights(other)
    archive = tmp_path / "text.keras"
    archive.write_text("no archive")
    for path in (missing, text, other, archive, tmp_path):
        with pytest.raises(UsageError, match="does not hold the weights of tiny") as caught:
            small(3, COLUMNS, weights=path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("_tiny")
@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
def test_weights_come_from_either_kind_of_file(tmp_path: Path, learned: Any, ending: str) -> None:
    path = tmp_path / f"body{ending}"
    (learned.save if ending == ".keras" else learned.save_weights)(path)
    body = body_of(small(3, COLUMNS, weights=path))
    for saved, read in zip(learned.get_weights(), body.get_weights(), strict=True):
        assert np.array_equal(saved, read)


def test_a_failed_download_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> Any:
        raise Exception("URL fetch failure on https://x/y.h5: None -- no route\nand more")

    monkeypatch.setattr(keras.applications, "VGG16", fail)
    with pytest.raises(UsageError, match=r"downloaded: URL fetch failure.*no route; give"):
        vgg16(3, COLUMNS)
