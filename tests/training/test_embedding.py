"""The embedding: what it is, and that it survives the way into a bundle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("tensorflow")

from training.training_samples import LABELS, SPEC, bundle, striped_pictures

from tagger.analysis.picture import N_MELS
from tagger.errors import ModelError
from tagger.models.bundle import Bundle
from tagger.models.cnn import EMBEDDING, LOGITS, Cnn
from tagger.models.fusion import log_softmax
from tagger.training.embedding import Embedded, cut_all, embed, fit_projection
from tagger.training.export import TOLERANCE, check_runtimes, to_tflite, write_bundle
from tagger.training.fit import picture_log_probs
from tagger.training.transfer import _constants

PICTURES = striped_pictures(np.array([0, 1, 2] * 4))


@pytest.fixture(scope="module")
def embedded(network: Any) -> Embedded:
    return embed(network, SPEC, PICTURES)


@pytest.fixture(scope="module")
def real(
    tmp_path_factory: pytest.TempPathFactory, embedded: Embedded, members_onnx: dict[str, bytes]
) -> Bundle:
    folder = tmp_path_factory.mktemp("embedded")
    weights = {SPEC.file: to_tflite(embedded.network), **members_onnx}
    return write_bundle(bundle(folder, weights, cnn=embedded.spec), folder)


def patches(n: int) -> npt.NDArray[np.float32]:
    x = np.random.default_rng(n).random((n, N_MELS, SPEC.columns, 1), dtype=np.float32)
    return ((x - SPEC.offset) * SPEC.scale).astype(np.float32)


def test_components_are_ordered_uncorrelated_and_scaled_by_the_first():
    rng = np.random.default_rng(0)
    seen = (rng.standard_normal((500, 6)) * [5, 3, 1, 0.5, 0, 0] + 7) @ np.linalg.qr(
        rng.standard_normal((6, 6))
    )[0]
    projection = fit_projection(seen.astype(np.float32), 10)
    x = seen @ projection.kernel + projection.bias
    assert projection.n_dims == 4  # two directions hold nothing
    covariance = np.cov(x, rowvar=False)
    assert covariance[0, 0] == pytest.approx(1.0, rel=1e-4)
    assert np.diff(np.diag(covariance)).max() < 0
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-4)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-4)
    assert fit_projection(seen.astype(np.float32), 2).n_dims == 2


def test_equal_activations_still_make_a_projection():
    projection = fit_projection(np.ones((4, 3), dtype=np.float32))
    assert projection.n_dims == 1
    assert np.isfinite(projection.kernel).all()


def test_the_clips_are_heard_as_a_scan_hears_them(embedded: Embedded, network: Any):
    assert embedded.rows.tolist() == list(range(len(PICTURES)))
    answers = picture_log_probs(network, SPEC, PICTURES)
    np.testing.assert_allclose(embedded.log_probs, answers, atol=1e-4)
    both = embedded.network(cut_all(PICTURES[:1], SPEC), training=False)
    mean = np.asarray(both[EMBEDDING]).mean(axis=0)
    np.testing.assert_allclose(embedded.embeddings[0], mean, atol=1e-4)
    assert embedded.embeddings.std(axis=0).max() > 0.1


def test_litert_gives_both_outputs_as_keras_for_any_batch(real: Bundle, embedded: Embedded):
    cnn = Cnn(real)
    for n in (1, 4, 2):
        x = patches(n)
        expected = embedded.network(x, training=False)
        look = cnn.look(x)
        assert look.embeddings.shape == (n, embedded.spec.embedding)
        np.testing.assert_allclose(look.embeddings, np.asarray(expected[EMBEDDING]), atol=1e-4)
        log_probs = log_softmax(np.asarray(expected[LOGITS]))
        np.testing.assert_allclose(look.log_probs, log_probs, atol=1e-4)


@pytest.mark.parametrize("wrong", [False, True])
def test_the_embedding_is_checked_against_keras(
    real: Bundle, embedded: Embedded, members: dict[str, Any], wrong: bool
):
    from tagger.training.ensemble import soft_vote

    x, features = patches(3), np.zeros((2, len(real.features)), dtype=np.float32)
    both = embedded.network(x, training=False)
    embeddings = np.asarray(both[EMBEDDING])
    arguments = (
        np.exp(log_softmax(np.asarray(both[LOGITS]))),
        features,
        soft_vote(members, dict.fromkeys(members, 1.0), features),
        -embeddings if wrong else embeddings,
    )
    if wrong:
        with pytest.raises(ValueError, match="embedding differs"):
            check_runtimes(real, x, *arguments)
    else:
        found = check_runtimes(real, x, *arguments)
        assert found["litert's embedding"] <= TOLERANCE


def test_another_training_finds_the_layer_of_the_labels(real: Bundle, network: Any):
    _, (kernel, bias) = _constants(real.weights[SPEC.file])
    expected = network.layers[-1].get_weights()
    np.testing.assert_allclose(kernel, expected[0])
    np.testing.assert_allclose(bias, expected[1])


def claiming(real: Bundle, n_dims: int, **changes: object) -> Bundle:
    return replace(real, cnn=replace(real.cnn, embedding=n_dims), **changes)  # type: ignore[arg-type]


def test_a_network_with_an_embedding_may_be_used_without(real: Bundle):
    plain, whole = Cnn(claiming(real, 0)).look(patches(2)), Cnn(real).look(patches(2))
    assert plain.embeddings.shape == (2, 0)
    assert plain.log_probs.shape == (2, len(LABELS))
    np.testing.assert_allclose(plain.log_probs, whole.log_probs, atol=1e-5)


def test_an_embedding_that_is_not_there_is_refused(real: Bundle, network_tflite: bytes):
    plain = {**real.weights, SPEC.file: network_tflite}
    with pytest.raises(ModelError, match="no outputs named logits and embedding"):
        Cnn(claiming(real, 5, weights=plain))


def test_an_embedding_of_another_width_is_refused(real: Bundle):
    with pytest.raises(ModelError, match=r"embedding is \(2, \d+\) for 2 patches"):
        Cnn(claiming(real, real.cnn.embedding + 1)).look(patches(2))


def test_an_embedding_that_is_no_number_is_refused(real: Bundle):
    with pytest.raises(ModelError, match="no finite number"):
        Cnn(real).look(np.full_like(patches(1), np.nan))
