from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synth

pytest.importorskip("tensorflow")

import keras
from ai_edge_litert.interpreter import Interpreter
from cli.running import attempt_here
from training.tracing import untraced

from tagger.analysis.picture import N_MELS
from tagger.errors import ModelError, UsageError
from tagger.models.bundle import find_bundle, load_bundle
from tagger.training import model
from tagger.training.answers import heard_log_probs, picture_log_probs
from tagger.training.data import Data
from tagger.training.datasets import TrackSet
from tagger.training.embedding import cut_all, embed
from tagger.training.export import to_tflite, write_bundle
from tagger.training.fit import FitSettings, Fitted, fit_network
from tagger.training.last_layer import copies_by_body, fit_last_layer, heard_by_body
from tagger.training.networks import resnet, segment_cnn
from tagger.training.networks_registry import NETWORKS
from tagger.training.settings import ModelSettings
from tagger.training.transfer import begun_resnet
from tagger.training.transfer_musicnn import BODY, begun_network, packed_body

COLUMNS = 192


def body_of(network: Any, patches: Any) -> Any:
    """What the last layer is given."""
    body = keras.Model(network.input, network.layers[-1].input)
    return np.asarray(body(patches, training=False))


def bundle_with(network: Any, folder: Path) -> Path:
    """The default model with another network, without an embedding."""
    bundle = load_bundle(find_bundle("default"))
    weights = dict(bundle.weights) | {bundle.cnn.file: to_tflite(network)}
    for name in (BODY, *([bundle.similarity.file] if bundle.similarity else [])):
        weights.pop(name, None)
    cnn = replace(bundle.cnn, embedding=0)
    return write_bundle(replace(bundle, weights=weights, cnn=cnn, similarity=None), folder).folder


@pytest.fixture(scope="module")
def learned(tmp_path_factory) -> Path:
    """A model whose residual network has learned something: its statistics are not 0 and 1."""
    keras.utils.set_random_seed(5)
    network = resnet(11, COLUMNS)
    rng = np.random.default_rng(5)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights(
                [
                    gamma * rng.uniform(0.5, 1.5, gamma.shape),
                    beta + rng.normal(0, 0.2, beta.shape),
                    mean + rng.normal(0, 0.2, mean.shape),
                    variance * rng.uniform(0.5, 2, variance.shape),
                ]
            )
    kernel, bias = network.layers[-1].get_weights()
    network.layers[-1].set_weights([kernel, bias + rng.normal(0, 0.2, bias.shape)])
    return bundle_with(network, tmp_path_factory.mktemp("learned") / "model")


@pytest.fixture
def patches() -> Any:
    return np.random.default_rng(1).normal(size=(3, N_MELS, COLUMNS, 1)).astype(np.float32)


def test_the_body_is_that_of_the_model(patches, learned):
    bundle = load_bundle(learned)
    interpreter = Interpreter(
        model_content=bundle.weights[bundle.cnn.file], experimental_preserve_all_tensors=True
    )
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], patches.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], patches)
    interpreter.invoke()
    [pooled] = [
        interpreter.get_tensor(tensor["index"])
        for tensor in interpreter.get_tensor_details()
        if tensor["shape"].tolist() == [len(patches), 512]
    ]
    network = begun_resnet(3, COLUMNS, str(learned))
    assert np.ptp(pooled) > 1
    assert body_of(network, patches) == pytest.approx(pooled, abs=1e-4)
    assert network.output_shape == (None, 3)


@pytest.mark.parametrize("begin", ["learned", "default"])
def test_training_changes_the_last_layer_alone(patches, learned, begin):
    begin = str(learned) if begin == "learned" else begin
    kind = NETWORKS["resnet"]
    begun = kind.build(2, begin=begin)
    pictures = np.random.default_rng(0).integers(0, 255, (4, N_MELS, 200)).astype(np.uint8)
    with untraced():
        fitted = fit_network(
            lambda: kind.build(2, begin=begin),
            kind.spec(),
            pictures,
            np.array([0, 1, 0, 1]),
            np.ones((4, 2), dtype=bool),
            FitSettings(epochs=2, batch=4, seed=3),
        )
    assert np.array_equal(body_of(fitted.network, patches), body_of(begun, patches))
    keras.utils.set_random_seed(3)
    first = kind.build(2, begin=begin).layers[-1].get_weights()
    assert not np.allclose(fitted.network.layers[-1].get_weights()[0], first[0])


@pytest.mark.parametrize(("tune", "fitted"), [("head", 0), ("last", 3), ("all", 12)])
def test_what_is_tuned(tune, fitted, learned):
    network = begun_resnet(2, COLUMNS, str(learned), tune)
    kernels = [v for v in network.trainable_variables if len(v.shape) == 4]
    assert len(kernels) == fitted
    # Beside them the new layer; a normalisation has no statistics to learn by.
    assert len(network.trainable_variables) == fitted + 2
    assert network.layers[1].trainable is (tune == "all")


@pytest.fixture
def two_tracks() -> Data:
    pictures = np.random.default_rng(0).integers(0, 255, (2, N_MELS, 200)).astype(np.uint8)
    n = np.arange(2)
    tracks = TrackSet(pictures, np.zeros((2, 1), np.float32), n, n, n > 9, n)
    return Data(tracks, ("A", "B"), n, ("f",), "artist", (), (), np.zeros(2))


def test_a_body_is_tuned_behind_a_layer_that_was_fitted_before(
    learned, two_tracks, tmp_path, monkeypatch
):
    asked: list[FitSettings] = []
    first: list[Any] = []

    def spy(build: Any, spec: Any, *arguments: Any, **options: Any) -> Any:
        asked.append(arguments[-1])
        first.append(build().layers[-1].get_weights()[0])
        return fit_network(build, spec, *arguments, **options)

    monkeypatch.setattr(model, "fit_network", spy)
    kind, rows = NETWORKS["resnet"], np.ones(2, dtype=bool)
    begun = begun_resnet(2, COLUMNS, str(learned))
    heard = heard_by_body(begun, kind.spec(), two_tracks.tracks.pictures)
    settings = ModelSettings("x", options=(("begin", str(learned)),), tune="last", epochs=2)
    with untraced():
        fitted = model._fit(
            two_tracks, kind.spec(), kind, settings, rows, None, tmp_path / "develop.npz", heard
        )
    [tuned] = asked
    assert tuned.epochs == 2
    assert tuned.peak_rate == pytest.approx(FitSettings().peak_rate / 100)
    assert np.array_equal(first[0], fit_last_layer(heard.mean(axis=1), np.arange(2), 2, "none")[0])
    kernels = [w for w in begun.get_weights() if w.ndim == 4]
    after = [w for w in fitted.network.get_weights() if w.ndim == 4]
    same = [np.array_equal(one, two) for one, two in zip(kernels, after, strict=True)]
    assert same == [w.shape[-1] < 256 for w in kernels]


@pytest.mark.parametrize("begin", ["learned", "default"])
def test_a_last_layer_alone_is_fitted_without_epochs(
    begin, learned, two_tracks, patches, tmp_path, monkeypatch
):
    monkeypatch.delattr(model, "fit_network")
    begin = str(learned) if begin == "learned" else begin
    kind, rows = NETWORKS["resnet"], np.ones(2, dtype=bool)
    begun = kind.build(2, begin=begin)
    pictures = two_tracks.tracks.pictures
    heard = heard_by_body(begun, kind.spec(), pictures)
    wanted = [body_of(begun, cut_all([picture], kind.spec())) for picture in pictures]
    assert heard == pytest.approx(np.stack(wanted), abs=1e-3)
    settings = ModelSettings("x", options=(("begin", begin),))
    fitted = model._fit(
        two_tracks, kind.spec(), kind, settings, rows, None, tmp_path / "develop.npz", heard
    )
    assert fitted.history == ()
    assert np.array_equal(body_of(fitted.network, patches), body_of(begun, patches))
    said = picture_log_probs(fitted.network, kind.spec(), pictures)
    assert said.argmax(axis=1).tolist() == [0, 1]
    assert heard_log_probs(fitted.network, heard) == pytest.approx(said, abs=1e-3)
    listener = embed(fitted.network, kind.spec(), pictures)
    again = embed(fitted.network, kind.spec(), pictures, heard)
    assert again.log_probs == pytest.approx(listener.log_probs, abs=1e-3)
    assert np.abs(again.embeddings) == pytest.approx(np.abs(listener.embeddings), abs=1e-3)


def test_the_last_layer_learns_from_copies_by_other_masters(two_tracks, tmp_path):
    kind, rows = NETWORKS["resnet"], np.ones(2, dtype=bool)
    begun = kind.build(2, begin="default")
    pictures = two_tracks.tracks.pictures
    heard = heard_by_body(begun, kind.spec(), pictures)
    copies = copies_by_body(begun, kind.spec(), pictures, 0)
    assert copies.shape == (3, 2, heard.shape[2])
    assert np.array_equal(copies, copies_by_body(begun, kind.spec(), pictures, 0))
    assert not np.array_equal(copies[0], copies[1])
    settings = ModelSettings("x", options=(("begin", "default"),))
    fitted = model._fit(
        two_tracks, kind.spec(), kind, settings, rows, None, tmp_path / "d.npz", heard, copies
    )
    wanted, _ = fit_last_layer(heard.mean(axis=1), np.arange(2), 2, settings.balance, copies)
    assert np.array_equal(fitted.network.layers[-1].get_weights()[0], wanted)


@pytest.mark.parametrize(("loss", "epoch"), [(99.0, 0), (-1.0, 10)])
def test_a_body_that_does_worse_for_being_tuned_is_left(
    loss, epoch, learned, two_tracks, tmp_path, monkeypatch
):
    tuned = Fitted(None, ({"epoch": 10.0, "loss": 1.0, "validation_loss": loss},), 10)
    monkeypatch.setattr(model, "fit_network", lambda *_, **__: tuned)
    kind, rows = NETWORKS["resnet"], np.ones(2, dtype=bool)
    begun = begun_resnet(2, COLUMNS, str(learned))
    heard = heard_by_body(begun, kind.spec(), two_tracks.tracks.pictures)
    settings = ModelSettings("x", options=(("begin", str(learned)),), tune="all")
    fitted = model._fit(
        two_tracks, kind.spec(), kind, settings, rows, rows, tmp_path / "develop.npz", heard
    )
    assert fitted.epoch == epoch
    assert fitted.history == tuned.history
    assert (fitted.network is None) is (epoch == 10)


def test_networks_of_another_kind_are_refused(tmp_path):
    other = bundle_with(segment_cnn(11, COLUMNS), tmp_path / "segment")
    with pytest.raises(UsageError, match="not one that --network resnet trained"):
        begun_resnet(2, COLUMNS, str(other))


def test_the_same_weights_in_another_computation_are_refused(tmp_path):
    network = resnet(11, COLUMNS)
    louder = keras.Model(network.input, network.output * 3.0)
    other = bundle_with(louder, tmp_path / "louder")
    with pytest.raises(UsageError, match="not one that --network resnet trained"):
        begun_resnet(2, COLUMNS, str(other))


def test_the_defaults_body_answers_as_its_file_and_is_tuned_in_parts():
    bundle = load_bundle(find_bundle("default"))
    assert BODY in bundle.weights
    kinds = {}
    for tune in ("head", "last", "all"):
        network = begun_network(2, COLUMNS, "default", tune)
        assert network.output_shape == (None, 2)
        kinds[tune] = {v.path.split("/")[0] for v in network.trainable_variables}
    assert kinds["head"] == {"logits"}
    assert {"middle0", "before", "logits"} <= kinds["last"]
    assert "front0" not in kinds["last"]
    assert {"front0", "bands", "middle2"} <= kinds["all"]
    assert "standard" not in kinds["all"]


def test_weights_that_are_not_the_networks_are_refused(tmp_path):
    bundle = load_bundle(find_bundle("default"))
    network = begun_network(11, COLUMNS, "default")  # another last layer
    other = write_bundle(
        replace(bundle, weights=dict(bundle.weights) | packed_body(network)), tmp_path / "other"
    )
    with pytest.raises(ModelError, match="not the weights of the model's network"):
        begun_network(2, COLUMNS, str(other.folder))
    broken = write_bundle(
        replace(bundle, weights=dict(bundle.weights) | {BODY: b"PK"}), tmp_path / "broken"
    )
    with pytest.raises(ModelError, match="not the weights of the model's network"):
        begun_network(2, COLUMNS, str(broken.folder))
    assert packed_body(resnet(11, COLUMNS)) == {}


def test_no_model_is_said():
    with pytest.raises(ModelError, match="no model 'nowhere'"):
        begun_resnet(2, COLUMNS, "nowhere")


# --- as a user has it -------------------------------------------------------------------


@pytest.fixture(scope="module")
def music(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for i in range(5):
        made = {
            "beat": synth.song(6.0, seed=i),
            "hum": synth.sine(110.0 + 20 * i, 6.0),
            "wind": synth.noise(6.0, seed=i),
        }
        for genre, y in made.items():
            path = folder / genre / f"artist {i}" / "album" / "1.flac"
            path.parent.mkdir(parents=True)
            synth.write(path, y)
    return folder


@pytest.mark.usefixtures("small_ensemble")
def test_train_from_a_model(music, tmp_path, patches):
    out = tmp_path / "mine"
    done = attempt_here("train", music, "--out", out, "--from", "default", "-j1")
    assert done.returncode == 0, done.stderr
    assert load_bundle(out).labels == ("Beat", "Hum", "Wind")
    card = (out / "MODEL_CARD.md").read_text()
    assert "the model default and" in card
    assert "The network musicnn" in card
    assert "epoch" not in card
    assert "learning_curve.png" not in card
    assert not (out / "learning_curve.png").exists()
    first, again = (begun_network(2, COLUMNS, name) for name in ("default", str(out)))
    assert body_of(again, patches) == pytest.approx(body_of(first, patches), abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "default", "--network", "lstm"], "lstm cannot begin with a model's body"),
        (["--from", "nowhere"], "no model 'nowhere'"),
        (["--tune", "all"], "--tune all: goes with --from"),
        (["--from", "default", "--epochs", "9"], "epochs go with --tune last or all"),
    ],
)
def test_what_cannot_be_begun_with_is_one_line(music, tmp_path, arguments, said):
    done = attempt_here("train", music, "--out", tmp_path / "m", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
