from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("sklearn")

from tagger.models.clusters import assign
from tagger.models.kmeans import MOST_TYPES
from tagger.training.datasets import ENSEMBLE_FEATURES
from tagger.training.music_types import MusicTypes, fit_music_types

SIZES = (30, 20, 10)
OF_TYPE = np.repeat([1, 2, 0], [20, 10, 30])  # the largest, 0, comes last

# What sets each planted type apart: features by prefix, and by how much.
PLANTED: tuple[dict[str, float], ...] = (
    {"log_mel_edges_time.mean.": 4.0, "spectral_centroid.mean.": 3.0},
    {"log_mel_edges_frequency.mean.": 4.0, "log_mel.mean.": -3.0},
    {"log_mel_edges_time.mean.": -4.0, "chroma_stft.std.": -8.0},
)


def planted_features() -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (len(OF_TYPE), len(ENSEMBLE_FEATURES)))
    for i, moved in enumerate(PLANTED):
        for prefix, by in moved.items():
            columns = [j for j, name in enumerate(ENSEMBLE_FEATURES) if name.startswith(prefix)]
            assert columns, prefix
            x[np.ix_(i == OF_TYPE, columns)] += by
    # Units differ by orders of magnitude, as those of real features.
    units = 10.0 ** rng.uniform(-3, 3, len(ENSEMBLE_FEATURES))
    return (x * units).astype(np.float32)


@pytest.fixture(scope="module")
def types() -> MusicTypes:
    return fit_music_types(planted_features(), ENSEMBLE_FEATURES, k=3, seed=0)


def test_planted_types_are_found_the_largest_first(types: MusicTypes) -> None:
    assert types.sizes == SIZES
    found = assign(planted_features(), types.spec)
    assert found == [types.spec.names[i] for i in OF_TYPE]


def test_the_spec_is_whole(types: MusicTypes) -> None:
    spec = types.spec
    width = len(spec.features)
    assert len(spec.mean) == len(spec.scale) == width
    assert [len(row) for row in spec.centroids] == [width] * 3
    assert len(set(spec.features)) == width
    assert min(spec.scale) > 0
    # Centroids are means of standardised rows: weighted by size they cancel out.
    assert np.allclose(np.array(SIZES) @ np.array(spec.centroids), 0, atol=1e-2)


def test_words_say_what_was_planted(types: MusicTypes) -> None:
    first, second, third = types.words
    assert list(first)[:2] == ["rhythmic", "bright"]
    assert list(second)[:2] == ["melodic", "sparse"]
    assert set(list(third)[:2]) == {"flowing", "percussive"}
    for words in types.words:
        scores = list(words.values())
        assert len(scores) == 5
        assert scores == sorted(scores, reverse=True)
        assert min(scores) >= 0
    assert types.spec.names[0] == "rhythmic and bright"


def test_the_elbow_bends_where_it_should(types: MusicTypes) -> None:
    assert [look["k"] for look in types.elbow] == list(range(2, MOST_TYPES + 1))
    inertia = [look["inertia"] for look in types.elbow]
    assert inertia == sorted(inertia, reverse=True)
    assert max(types.elbow, key=lambda look: look["silhouette"])["k"] == 3


def test_the_same_seed_gives_the_same_types_and_another_the_same_order(types: MusicTypes) -> None:
    again = fit_music_types(planted_features(), ENSEMBLE_FEATURES, k=3, seed=0)
    assert again == types
    other = fit_music_types(planted_features(), ENSEMBLE_FEATURES, k=3, seed=11)
    assert other.sizes == types.sizes
    assert other.spec.names == types.spec.names
    assert np.allclose(other.spec.centroids, types.spec.centroids, atol=1e-4)
