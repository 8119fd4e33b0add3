"""The runtimes on the default model: nothing here depends on what it answers, only on how."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType

import numpy as np
import pytest

from tagger.analysis.picture import COLUMN_S, FRAME_S, N_MELS, Picture
from tagger.domain import Hearing
from tagger.errors import ModelError
from tagger.models.bundle import Bundle, CnnSpec, FusionSpec, find_bundle, load_bundle
from tagger.models.classifier import Classifier
from tagger.models.cnn import Cnn, cut_patches
from tagger.models.ensemble import Ensemble
from tagger.models.fusion import fuse, log_softmax, mean_patches

SPEC = CnnSpec("cnn.tflite", columns=192, offset=0.45, scale=4.0)


def part(columns: int, first: int = 0) -> np.ndarray:
    """A part whose every column is its own number, modulo 256."""
    row = (np.arange(first, first + columns) % 256).astype(np.uint8)
    return np.tile(row, (N_MELS, 1))


def columns_of(patches: np.ndarray, spec: CnnSpec = SPEC) -> np.ndarray:
    """The column numbers that each patch shows, the normalisation undone."""
    return np.rint((patches[:, 0, :, 0] / spec.scale + spec.offset) * 255).astype(int)


@pytest.mark.parametrize(
    ("columns", "starts"),
    [
        (387, [0, 98, 195]),  # 30 s: halves that overlap
        (386, [0, 97, 194]),
        (193, [0]),  # 15 s, and the last column is left
        (192, [0]),
        (287, [0]),
        (289, [0, 48, 97]),
        (960, [0, 96, 192, 288, 384, 480, 576, 672, 768]),
    ],
)
def test_patches_are_spread_evenly_from_start_to_end(columns, starts):
    patches, starts_s = cut_patches(Picture((part(columns),)), (0.0,), SPEC)
    assert patches.shape == (len(starts), N_MELS, 192, 1)
    assert starts_s == pytest.approx([s * COLUMN_S for s in starts])
    shown = [list(np.arange(s, s + 192) % 256) for s in starts]
    assert columns_of(patches).tolist() == shown


@pytest.mark.parametrize("columns", [100, 96, 191, 1])
def test_a_narrow_part_is_repeated(columns):
    patches, starts_s = cut_patches(Picture((part(columns),)), (7.0,), SPEC)
    assert patches.shape == (1, N_MELS, 192, 1)
    assert starts_s == (7.0,)
    assert columns_of(patches)[0].tolist() == [c % columns for c in range(192)]


def test_two_parts_in_order_with_their_starts():
    picture = Picture((part(193), part(387, first=1)))
    patches, starts_s = cut_patches(picture, (72.5, 152.5), SPEC)
    assert columns_of(patches)[:, 0].tolist() == [0, 1, 99, 196]
    assert starts_s == pytest.approx((72.5, 152.5, 152.5 + 98 * COLUMN_S, 152.5 + 195 * COLUMN_S))


def test_starts_follow_the_resolution():
    spec = dataclasses.replace(SPEC, column_s=FRAME_S)
    _, starts_s = cut_patches(Picture((part(387),)), (72.5,), spec)
    assert starts_s == pytest.approx([72.5 + s * FRAME_S for s in (0, 98, 195)])


def test_starts_and_parts_must_agree():
    with pytest.raises(ValueError, match="zip"):
        cut_patches(Picture((part(193), part(193))), (0.0,), SPEC)


@pytest.mark.parametrize(("offset", "scale"), [(0.45, 4.0), (0.0, 1.0), (-1.0, 0.5)])
def test_normalisation(offset, scale):
    spec = CnnSpec("cnn.tflite", 192, offset, scale)
    patches, _ = cut_patches(Picture((part(256)[:, 64:],)), (0.0,), spec)
    assert patches.dtype == np.float32
    expected = (np.arange(64, 256) / 255 - offset) * scale
    np.testing.assert_allclose(patches[0, 0, :, 0], expected, rtol=1e-5, atol=1e-6)


def test_rows_stay_in_order():
    bands = np.repeat(np.arange(N_MELS, dtype=np.uint8)[:, None], 192, axis=1)
    patches, _ = cut_patches(Picture((bands,)), (0.0,), CnnSpec("", 192, 0.0, 255.0))
    np.testing.assert_allclose(patches[0, :, 5, 0], np.arange(N_MELS), rtol=1e-5)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(find_bundle("default"))


@pytest.fixture(scope="module")
def cnn(bundle: Bundle) -> Cnn:
    return Cnn(bundle)


@pytest.fixture(scope="module")
def classifier(bundle: Bundle) -> Classifier:
    return Classifier(bundle)


@pytest.fixture(scope="module")
def patches(bundle: Bundle) -> np.ndarray:
    noise = np.random.RandomState(5).randint(0, 256, (N_MELS, 4 * bundle.cnn.columns))
    rise = np.linspace(0.2, 1.0, noise.shape[1])[None, :]
    picture = Picture(((noise * rise).astype(np.uint8),))
    return cut_patches(picture, (0.0,), bundle.cnn)[0]


def features_of(bundle: Bundle, n: int, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).standard_normal((n, len(bundle.features))).astype("f4")


def hearings_of(bundle: Bundle, n: int) -> list[Hearing]:
    logits = np.random.RandomState(9).standard_normal((n, 3, len(bundle.labels)))
    return [
        Hearing(30.0, 30.0, features, log_softmax(row).astype("f4"), (0.0, 7.0, 15.0))
        for features, row in zip(features_of(bundle, n), logits, strict=True)
    ]


def test_the_network_answers_alike_in_any_batch(cnn, bundle, patches):
    whole = cnn.log_probs(patches)
    assert whole.shape == (7, len(bundle.labels))
    assert whole.dtype == np.float32
    assert np.ptp(whole, axis=0).max() > 1e-3  # patches do differ, or nothing is shown below
    np.testing.assert_allclose(np.exp(whole).sum(axis=1), 1.0, rtol=1e-5)
    for n in (1, 2, 3, 5, 7, 1):  # larger, smaller, and the first size again
        np.testing.assert_allclose(cnn.log_probs(patches[:n]), whole[:n], atol=1e-4)
    for i in range(7):
        np.testing.assert_allclose(cnn.log_probs(patches[i : i + 1])[0], whole[i], atol=1e-4)


def test_the_ensemble_answers_alike_in_any_batch(bundle):
    ensemble = Ensemble(bundle)
    features = features_of(bundle, 6)
    whole = ensemble.probabilities(features)
    assert whole.shape == (6, len(bundle.labels))
    assert np.ptp(whole, axis=0).max() > 1e-3
    assert (whole >= 0).all()
    np.testing.assert_allclose(whole.sum(axis=1), 1.0, rtol=1e-9)
    for n in (1, 2, 5):
        np.testing.assert_allclose(
            ensemble.probabilities(features[:n]), whole[:n], rtol=0, atol=2e-5
        )
    for i in range(6):
        one = ensemble.probabilities(features[i : i + 1])
        np.testing.assert_allclose(one[0], whole[i], rtol=0, atol=2e-5)


def test_the_ensemble_is_its_members_weighted_mean(bundle):
    features = features_of(bundle, 3)

    def weighted(*weights: float) -> np.ndarray:
        members = tuple(
            dataclasses.replace(member, weight=weight)
            for member, weight in zip(bundle.members[:2], weights, strict=True)
        )
        return Ensemble(dataclasses.replace(bundle, members=members)).probabilities(features)

    first, second = weighted(1.0, 0.0), weighted(0.0, 5.0)
    assert abs(first - second).max() > 1e-3
    np.testing.assert_allclose(weighted(3.0, 1.0), 0.75 * first + 0.25 * second, rtol=1e-6)


def test_an_ensemble_without_weight_is_refused(bundle):
    members = tuple(dataclasses.replace(m, weight=0.0) for m in bundle.members)
    with pytest.raises(ModelError, match="weights sum to 0"):
        Ensemble(dataclasses.replace(bundle, members=members))


def test_weights_that_are_none_are_refused(bundle):
    garbage = MappingProxyType(dict.fromkeys(bundle.weights, b"no such thing as a weight" * 9))
    broken = dataclasses.replace(bundle, weights=garbage)
    with pytest.raises(ModelError, match="network cannot be loaded"):
        Cnn(broken)
    with pytest.raises(ModelError, match="ensemble cannot be loaded"):
        Ensemble(broken)


def test_a_model_of_another_shape_is_refused(bundle, patches):
    narrow = dataclasses.replace(bundle, cnn=dataclasses.replace(bundle.cnn, columns=100))
    with pytest.raises(ModelError, match="input is"):
        Cnn(narrow)
    more = dataclasses.replace(bundle, labels=(*bundle.labels, "Polka"))
    with pytest.raises(ModelError, match="answers"):
        Cnn(more).log_probs(patches[:1])
    with pytest.raises(ModelError, match="answers"):
        Ensemble(more).probabilities(features_of(bundle, 1))
    with pytest.raises(ModelError, match="the ensemble fails"):
        Ensemble(bundle).probabilities(features_of(bundle, 1)[:, :-1])


def test_predictions_are_ranked_and_sum_to_one(classifier, bundle):
    predictions = classifier.predict(hearings_of(bundle, 20))
    assert len(predictions) == 20
    assert len({p.genres for p in predictions}) > 1
    for prediction in predictions:
        probabilities = [p for _, p in prediction.genres]
        assert probabilities == sorted(probabilities, reverse=True)
        assert sum(probabilities) == pytest.approx(1.0, abs=1e-9)
        assert {label for label, _ in prediction.genres} == set(bundle.labels)
        assert len(prediction.genres) == len(bundle.labels)


def test_predictions_are_fused_from_both_parts(classifier, bundle):
    (hearing,) = hearings_of(bundle, 1)
    ensemble = Ensemble(bundle).probabilities(hearing.features[None])
    cnn_log = mean_patches(hearing.patch_log_probs)[None]
    (row,) = fuse(ensemble, cnn_log, bundle.fusion)
    (prediction,) = classifier.predict([hearing])
    assert dict(prediction.genres) == pytest.approx(dict(zip(bundle.labels, row, strict=True)))
    patches = classifier.predict_patches(hearing)
    assert len(patches) == len(hearing.patch_log_probs)
    rows = fuse(
        np.repeat(ensemble, 3, axis=0), hearing.patch_log_probs.astype(float), bundle.fusion
    )
    for patch, row in zip(patches, rows, strict=True):
        assert dict(patch.genres) == pytest.approx(
            dict(zip(bundle.labels, row, strict=True)), rel=1e-5
        )


def test_a_track_is_predicted_alike_alone_and_among_others(classifier, bundle):
    hearings = hearings_of(bundle, 5)
    for hearing, together in zip(hearings, classifier.predict(hearings), strict=True):
        (alone,) = classifier.predict([hearing])
        assert alone.cluster == together.cluster
        assert dict(alone.genres) == pytest.approx(dict(together.genres), abs=2e-5)


def test_no_tracks_no_predictions(classifier):
    assert classifier.predict([]) == []


def test_clusters_are_those_of_the_bundle_or_none(bundle):
    hearings = hearings_of(bundle, 3)
    if bundle.clusters:
        found = {p.cluster for p in Classifier(bundle).predict(hearings)}
        assert found <= set(bundle.clusters.names)
    without = Classifier(dataclasses.replace(bundle, clusters=None))
    assert [p.cluster for p in without.predict(hearings)] == [None] * 3


def test_equal_probabilities_keep_the_labels_order(bundle):
    spec = FusionSpec(0.0, 0.0, 1.0)  # nobody is heard: all labels are equal
    (hearing,) = hearings_of(bundle, 1)
    (prediction,) = Classifier(dataclasses.replace(bundle, fusion=spec)).predict([hearing])
    assert tuple(label for label, _ in prediction.genres) == bundle.labels
