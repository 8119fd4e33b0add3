from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models.bundles import FILES, put, small_bundle

from tagger.errors import ModelError
from tagger.models.bundle import load_bundle
from tagger.models.similarity import (
    Space,
    fit_space,
    read_space,
    similarities,
    space_of,
    widths_of,
)
from tagger.models.similarity_spec import MOST_DIMS

WIDTHS = {"features": 7, "embedding": 5, "genres": 3}


def tracks(n: int, seed: int = 0, n_dims: int = 5) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.ones(3), n)
    units = 10.0 ** np.arange(-3, 4)
    return rng.standard_normal((n, 7)) * units, rng.standard_normal((n, n_dims)), chances


def test_a_space_survives_its_file():
    space = fit_space(*tracks(40))
    again = read_space(space.spec, WIDTHS, space.weights(), "here")
    assert again.spec == space.spec
    assert again.weights() == space.weights()
    some = tracks(9, seed=3)
    np.testing.assert_array_equal(again.vectors(*some), space.vectors(*some))


@settings(derandomize=True, max_examples=30, deadline=None)
@given(st.integers(2, 30), st.integers(0, 2**32 - 1), st.sampled_from([0, 5]))
def test_vectors_are_bounded_and_alike_alone_and_among_others(n, seed, n_dims):
    some = tracks(n, seed, n_dims)
    space = fit_space(*some)
    assert space.n_dims <= MOST_DIMS
    assert len(space.parts) == (3 if n_dims else 2)
    vectors = space.vectors(*some)
    assert vectors.dtype == np.int8
    assert vectors.shape == (n, space.n_dims)
    alone = space.vectors(*(x[:1] for x in some))
    np.testing.assert_allclose(alone[0].astype(int), vectors[0].astype(int), atol=1)
    near = similarities(vectors[0], vectors)
    assert near.shape == (n,)
    assert (np.abs(near) <= 1).all()
    assert near[0] == pytest.approx(1.0, abs=1e-6)
    assert near.argmax() == 0 or near.max() == pytest.approx(1.0, abs=1e-6)


def test_units_of_features_do_not_matter():
    features, embeddings, chances = tracks(50)
    one = fit_space(features, embeddings, chances)
    scaled = features * np.linspace(0.1, 20, 7) + 3
    other = fit_space(scaled, embeddings, chances)
    near = similarities(*split(one.vectors(features, embeddings, chances)))
    np.testing.assert_allclose(
        similarities(*split(other.vectors(scaled, embeddings, chances))), near, atol=0.03
    )
    assert np.ptp(near[1:]) > 0.5


def split(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return vectors[0], vectors


def test_each_part_counts():
    features, embeddings, chances = tracks(60)
    space = fit_space(features, embeddings, chances)
    whole = space.vectors(features, embeddings, chances)
    for changed in (
        (features[::-1], embeddings, chances),
        (features, embeddings[::-1], chances),
        (features, embeddings, chances[::-1]),
    ):
        assert (space.vectors(*changed) != whole).any()


def test_what_is_no_number_sets_nothing_apart():
    features, embeddings, chances = tracks(20)
    space = fit_space(features, embeddings, chances)
    features = features.copy()
    features[3] = np.nan
    features[4] = np.inf
    vectors = space.vectors(features, embeddings, chances)
    near = similarities(vectors[0], vectors)
    assert np.isfinite(near).all()


def test_equal_tracks_are_no_trouble():
    features, embeddings, chances = (np.repeat(x[:1], 6, axis=0) for x in tracks(1))
    space = fit_space(features, embeddings, chances)
    vectors = space.vectors(features, embeddings, chances)
    assert len(set(similarities(vectors[0], vectors).tolist())) == 1
    zero = np.zeros((3, space.n_dims), dtype=np.int8)
    assert similarities(zero[0], zero).tolist() == [0.0] * 3


def test_neighbours_are_found_among_more_rows_than_a_block():
    rng = np.random.default_rng(1)
    vectors = rng.integers(-50, 50, (40_000, 8)).astype(np.int8)
    near = similarities(vectors[39_999], vectors)
    exact = vectors.astype(float) @ vectors[39_999].astype(float)
    lengths = np.linalg.norm(vectors.astype(float), axis=1)
    exact /= np.maximum(lengths * lengths[39_999], 1.0)
    np.testing.assert_allclose(near, exact, atol=1e-5)


def broken(space: Space, at: int, value: float) -> bytes:
    numbers = np.frombuffer(space.weights(), "<f4").copy()
    numbers[at] = value
    return numbers.tobytes()


def test_numbers_that_make_no_sense_are_refused():
    space = fit_space(*tracks(20))
    spec, weights = space.spec, space.weights()
    for bad in (weights[:-4], weights + bytes(4), b"", weights[:-1]):
        with pytest.raises(ModelError, match="as many numbers"):
            read_space(spec, WIDTHS, bad, "here")
    with pytest.raises(ModelError, match="as many numbers"):
        read_space(spec, {**WIDTHS, "embedding": 0}, weights, "here")
    with pytest.raises(ModelError, match="no finite number"):
        read_space(spec, WIDTHS, broken(space, 0, np.nan), "here")
    with pytest.raises(ModelError, match="not above 0"):
        read_space(spec, WIDTHS, broken(space, 7, 0.0), "here")


PARTS = [
    {"source": "features", "dims": 2, "weight": 1.0, "limit": 4.0},
    {"source": "genres", "dims": 1, "weight": 0.5, "limit": 9.0},
]
SECTION = {"file": "b.onnx", "parts": PARTS}


def test_a_bundle_with_a_space_is_read(tmp_path):
    bundle = load_bundle(small_bundle(tmp_path / "m", put("similarity", SECTION)))
    assert bundle.similarity is not None
    assert [part.source for part in bundle.similarity.parts] == ["features", "genres"]
    assert widths_of(bundle) == {"features": 3, "embedding": 0, "genres": 2}
    numbers = np.arange(1, 3 * 4 + 2 * 3 + 1, dtype="<f4").tobytes()
    bundle = dataclasses.replace(bundle, weights={**FILES, "b.onnx": numbers})
    space = space_of(bundle)
    assert space is not None
    assert space.parts[0].mean.tolist() == [1, 2, 3]
    assert space.parts[0].axes.tolist() == [[7, 8], [9, 10], [11, 12]]
    assert space.parts[1].axes.tolist() == [[17], [18]]


def test_a_bundle_without_one_has_none(tmp_path):
    bundle = load_bundle(small_bundle(tmp_path / "m"))
    assert bundle.similarity is None
    assert space_of(bundle) is None
    assert bundle.cnn.embedding == 0


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("similarity", {**SECTION, "file": "gone.f32"}, "no digest"),
        ("similarity", {**SECTION, "parts": []}, "each at most once"),
        ("similarity", {**SECTION, "parts": PARTS[:1] * 2}, "each at most once"),
        ("similarity", {**SECTION, "parts": [{**PARTS[0], "source": "taste"}]}, "at most once"),
        ("similarity", {**SECTION, "parts": [{**PARTS[0], "dims": 97}]}, "dims"),
        (
            "similarity",
            {**SECTION, "parts": [{**p, "dims": 60} for p in PARTS]},
            "more than 96 dims",
        ),
        ("similarity", {**SECTION, "parts": [{**PARTS[0], "weight": 0}]}, "weight"),
        ("similarity", {**SECTION, "parts": 3}, "parts must be a list"),
        ("cnn.embedding", 65, "embedding"),
        ("cnn.embedding", -1, "embedding"),
        ("cnn.embedding", "wide", "embedding"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path, place, value, said):
    with pytest.raises(ModelError, match=said):
        load_bundle(small_bundle(tmp_path / "m", put(place, value)))
