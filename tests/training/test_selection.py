from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")

from training.training_samples import blobs

from tagger.errors import UsageError
from tagger.training.selection import (
    Importance,
    by_method,
    elbow,
    important,
    permutation_importance,
    principal_components,
)


@pytest.mark.parametrize(
    ("shares", "components"),
    [
        ([0.5, 0.3, 0.05, 0.05, 0.05, 0.05], 2),
        ([0.9, 0.02, 0.02, 0.02, 0.02, 0.02], 1),
        ([1.0], 1),
        ([0.25, 0.25, 0.25, 0.25, 0.0, 0.0], 4),
    ],
)
def test_the_elbow_is_where_a_component_brings_less_than_the_mean(
    shares: list[float], components: int
) -> None:
    assert elbow(np.cumsum(shares)) == components


def test_components_of_three_sources() -> None:
    """Twelve features, in very different units, are mixtures of three."""
    rng = np.random.default_rng(0)
    sources = rng.normal(0, 1, (200, 3))
    mixed = sources @ rng.normal(0, 1, (3, 12)) + rng.normal(0, 0.01, (200, 12))
    features = (mixed * 10.0 ** np.arange(-3, 9)).astype(np.float32)
    transform, table = principal_components(features)
    assert transform.transform(features).shape == (200, 3)
    assert [row.number for row in table] == list(range(1, 13))
    assert table[2].cumulative > 0.99
    assert table[-1].cumulative == pytest.approx(1.0)
    assert sum(row.share for row in table[:3]) == pytest.approx(table[2].cumulative)


def test_fewer_rows_than_features() -> None:
    rng = np.random.default_rng(0)
    transform, table = principal_components(rng.normal(0, 1, (10, 40)).astype(np.float32))
    assert len(table) == 10
    assert 1 <= transform[-1].n_components_ <= 10


def test_methods_of_names() -> None:
    names = ["mfcc.mean.01", "tempo", "mfcc.std.01", "rms.mean.01"]
    assert by_method(names) == {"mfcc": (0, 2), "tempo": (1,), "rms": (3,)}


def test_what_is_missed() -> None:
    """Two columns that say the same are missed together, neither of them alone."""
    made = blobs(60)
    rng = np.random.default_rng(1)
    signal = made.targets + rng.normal(0, 0.1, 180)
    features = np.stack([signal, signal, *rng.normal(0, 1, (3, 180))], axis=1).astype(np.float32)
    groups = (np.arange(180) // 4).astype(str)
    methods = {"twins": (0, 1), "noise": (2, 3, 4)}
    together = permutation_importance(*(features, made.targets, groups, methods, 0))
    assert [row.name for row in together] == ["twins", "noise"]
    assert together[0].decrease > 0.4 > 10 * abs(together[1].decrease)
    single = permutation_importance(
        *(features, made.targets, groups, {str(i): (i,) for i in range(5)}, 0)
    )
    assert max(row.decrease for row in single) < 0.75 * together[0].decrease


def test_the_seed_decides() -> None:
    made = blobs(30, spread=6.0)
    groups = (np.arange(90) // 3).astype(str)
    columns = {str(i): (i,) for i in range(4)}
    first, again, other = (
        permutation_importance(made.features, made.targets, groups, columns, seed)
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_what_is_kept_is_missed_by_more_than_its_error() -> None:
    table = [Importance("a", 0.2, 0.01), Importance("b", 0.02, 0.01), Importance("c", 0.01, 0.02)]
    assert important(table) == ("a", "b")


def test_something_is_always_kept() -> None:
    table = [Importance("a", -0.01, 0.01), Importance("b", -0.02, 0.01)]
    assert important(table) == ("a",)


def test_one_artist_a_genre_cannot_be_judged() -> None:
    made = blobs(10)
    with pytest.raises(UsageError, match="two artists"):
        permutation_importance(made.features, made.targets, made.targets.astype(str), {}, 0)
