from __future__ import annotations

import numpy as np
import pytest
from models.planted import planted

from tagger.models.bundle import find_bundle, load_bundle
from tagger.models.clusters import distances, placed
from tagger.models.music_types import fit_types, spec_for
from tagger.report.types import SeenTypes
from tagger.workflows.cluster import Clustered
from tagger.workflows.collection import Collection
from tagger.workflows.type_map import type_map

KINDS = (0,) * 12 + (1,) * 8


@pytest.fixture(scope="module")
def types():
    bundle = load_bundle(find_bundle("default"))
    return bundle, fit_types(planted(KINDS, bundle.features), bundle, k=2)[0]


def mapped(types, kinds):
    """The map of some tracks of these kinds."""
    bundle, fitted = types
    features, spec = planted(kinds, bundle.features), spec_for(fitted, bundle)
    away = distances(placed(features, spec), spec.centroids)
    none = np.zeros((len(kinds), 0), dtype=np.float32)
    collection = Collection(bundle, (), features, none, none)
    seen = SeenTypes("m", 0, 0, (), (), fitted.choice, 0, "now", 0.25)
    return type_map(Clustered(collection, fitted, spec, away.argmin(axis=1), seen))


def test_the_types_lie_apart_along_words_that_say_how(types):
    found = mapped(types, KINDS)
    assert found.points.shape == (20, 2)
    assert found.labels.tolist() == list(KINDS)
    np.testing.assert_allclose(found.points.mean(axis=0), 0, atol=1e-9)
    # The first kind is rhythmic and bright, the second melodic and sparse.
    first, second = found.points[:12, 0], found.points[12:, 0]
    assert found.shares[0] > found.shares[1] > 0
    low, high = found.ends[0]
    of_first, of_second = (high, low) if first.mean() > second.mean() else (low, high)
    assert of_first in ("rhythmic", "bright", "energetic", "dense")
    assert of_second in ("flowing", "mellow", "sparse", "melodic")
    assert max(first.min() - second.max(), second.min() - first.max()) > 0
    assert abs(np.cov(found.points.T)[0, 1]) < 1e-9


@pytest.mark.parametrize("kinds", [(), (0,), (0, 1)])
def test_few_tracks_and_none(types, kinds):
    found = mapped(types, kinds)
    assert found.points.shape == (len(kinds), 2)
    assert np.isfinite(found.points).all()
    assert len(found.shares) == 2
