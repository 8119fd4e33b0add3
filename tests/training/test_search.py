from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")

from training.training_samples import LABELS, N_FEATURES, Blobs, blobs

from tagger.errors import UsageError
from tagger.training.classifiers import make_classifier
from tagger.training.search import search


@pytest.fixture(scope="module")
def made() -> Blobs:
    return blobs(30, spread=3.0)


def groups(made: Blobs, size: int = 3) -> np.ndarray:
    return np.array([f"artist {i // size}" for i in range(len(made.targets))])


def test_the_best_draw_comes_first(made: Blobs) -> None:
    found = search("logistic-regression", made.features, made.targets, groups(made), 0, draws=6)
    kappas = [draw.kappa for draw in found.draws]
    assert len(kappas) == 6
    assert kappas == sorted(kappas, reverse=True)
    assert found.kappa == kappas[0] > 0.5
    assert found.parameters == found.draws[0].parameters
    assert list(found.parameters) == ["C"]
    assert type(found.parameters["C"]) is float  # as JSON takes it
    model = make_classifier(
        "logistic-regression", 0, N_FEATURES, len(LABELS), parameters=found.parameters
    )
    model.fit(made.features, made.targets)
    assert model.get_params()["classifier__C"] == found.parameters["C"]


def test_the_seed_decides(made: Blobs) -> None:
    first, again, other = (
        search("naive-bayes", made.features, made.targets, groups(made), seed, draws=3)
        for seed in (0, 0, 1)
    )
    assert first.parameters == again.parameters != other.parameters
    assert first.kappa == again.kappa


def test_it_judges_by_artists_that_it_does_not_know() -> None:
    """Each artist has a sound, and each sound a genre by chance: nothing can be learned."""
    rng = np.random.default_rng(0)
    sounds = rng.normal(0, 1, (24, N_FEATURES))
    artists = np.repeat(np.arange(24), 5)
    features = (sounds[artists] + rng.normal(0, 0.01, (120, N_FEATURES))).astype(np.float32)
    targets = (np.arange(24) % 2)[artists]
    alone = np.arange(120).astype(str)
    assert search("svc", features, targets, alone, 0, draws=3).kappa > 0.9
    assert search("svc", features, targets, artists.astype(str), 0, draws=3).kappa < 0.4


def test_balanced_parameters_have_their_own_names(made: Blobs) -> None:
    found = search(
        *("svc", made.features, made.targets, groups(made), 0), draws=2, imbalance="balanced"
    )
    assert sorted(found.parameters) == ["C", "gamma"]


def test_what_cannot_be_searched(made: Blobs) -> None:
    one_each = np.array([f"artist {t}" for t in made.targets])
    with pytest.raises(UsageError, match="two artists"):
        search("knn", made.features, made.targets, one_each, 0)
    with pytest.raises(UsageError, match="no classifier is called"):
        search("oracle", made.features, made.targets, groups(made), 0)
    broken = made.features.copy()
    broken[::2, 0] = np.nan
    with pytest.raises(
        UsageError, match=r"logistic-regression cannot be fitted.*: Input X contains NaN.$"
    ):
        search("logistic-regression", broken, made.targets, groups(made), 0, draws=2)
