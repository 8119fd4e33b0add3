from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from training.training_samples import Blobs, blobs

from tagger.errors import UsageError
from tagger.training import searched
from tagger.training.search import search
from tagger.training.searched import search_classifiers, write_searched


@pytest.fixture(scope="module")
def made() -> Blobs:
    return blobs(30, spread=3.0)


def groups(made: Blobs) -> np.ndarray:
    return np.array([f"artist {i // 3}" for i in range(len(made.targets))])


def test_the_search_does_not_see_what_it_is_judged_by(
    made: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[np.ndarray] = []

    def spy(name, x, y, g, *arguments, **options):
        seen.append(g)
        return search(name, x, y, g, *arguments, **options)

    monkeypatch.setattr(searched, "search", spy)
    artists = groups(made)
    found = search_classifiers(
        made.features, made.targets, artists, 0, classifiers=["naive-bayes", "knn"], draws=2
    )
    assert [each.classifier for each in found] == ["naive-bayes", "knn"]
    assert list(found[1].parameters) == ["n_neighbors"]
    assert all(0 < each.kappa < 1 and each.seconds > 0 for each in found)
    for artists_seen in seen:
        assert 20 <= len(set(artists_seen)) < len(set(artists)) == 30


def test_nothing_is_learned_of_sounds_that_only_an_artist_has() -> None:
    """As in a search: what tells artists apart must not look like a gift for genres."""
    rng = np.random.default_rng(0)
    sounds, artists = rng.normal(0, 1, (30, 12)), np.repeat(np.arange(30), 5)
    features = (sounds[artists] + rng.normal(0, 0.01, (150, 12))).astype(np.float32)
    targets = (np.arange(30) % 2)[artists]
    (found,) = search_classifiers(
        features, targets, artists.astype(str), 0, classifiers=["knn"], draws=2
    )
    assert abs(found.kappa) < 0.7


def test_what_fails_is_a_line_with_its_reason(made: Blobs, tmp_path: Path) -> None:
    broken = made.features.copy()
    broken[::2, 0] = np.nan
    found = search_classifiers(
        broken, made.targets, groups(made), 0, classifiers=["naive-bayes"], draws=1
    )
    assert "NaN" in found[0].reason
    write_searched(found, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["kappa"] == ""
    assert json.loads(row["parameters"]) == {}


def test_what_cannot_be_searched(made: Blobs) -> None:
    one_each = np.array([f"artist {t}" for t in made.targets])
    with pytest.raises(UsageError, match="two artists"):
        search_classifiers(made.features, made.targets, one_each, 0, classifiers=["knn"])
    with pytest.raises(UsageError, match="no classifier is called"):
        search_classifiers(made.features, made.targets, groups(made), 0, classifiers=["oracle"])
