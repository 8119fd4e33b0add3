"""What several training tests look at and none changes: made once a session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from training.training_samples import LABELS, N_FEATURES, SPEC, WIDTHS, Blobs, blobs


@pytest.fixture(scope="session")
def blobs_80() -> Blobs:
    return blobs(80)


@pytest.fixture(scope="session")
def members(blobs_80: Blobs) -> dict[str, Any]:
    """The ensemble's three members, fitted on the blobs."""
    pytest.importorskip("sklearn")
    import numpy as np

    from tagger.training.ensemble import fit_members

    n = len(blobs_80.targets)
    possible, catch_all = np.ones((n, len(LABELS)), dtype=bool), np.zeros(n, dtype=bool)
    return fit_members(blobs_80.features, blobs_80.targets, possible, catch_all, seed=0)


@pytest.fixture(scope="session")
def members_onnx(members: dict[str, Any]) -> dict[str, bytes]:
    """The same as ONNX, by file name."""
    pytest.importorskip("skl2onnx")
    from tagger.training.ensemble import to_onnx

    return {f"{name}.onnx": to_onnx(member, N_FEATURES) for name, member in members.items()}


@pytest.fixture(scope="module")
def small_ensemble() -> Iterator[None]:
    """Ten trees, and votes weighed in two parts instead of five: the same steps in less time."""
    pytest.importorskip("tensorflow")
    from tagger.training import default_data, ensemble, own_ensemble

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ensemble, "_TREES", 10)
        patch.setattr(own_ensemble, "_FOLDS", 2)
        patch.setattr(default_data, "_PARTS", 2)
        patch.setattr(default_data, "_COPIES", 2)
        yield


@pytest.fixture(scope="session")
def network() -> Any:
    """A narrow network, not fitted, whose running statistics are not those of a fresh one."""
    pytest.importorskip("tensorflow")
    import keras
    import numpy as np

    from tagger.training.networks import resnet

    keras.utils.set_random_seed(7)
    made = resnet(len(LABELS), SPEC.columns, WIDTHS)
    rng = np.random.default_rng(7)
    made.set_weights(
        [w + rng.uniform(0.0, 0.3, w.shape) * (w.ndim == 1) for w in made.get_weights()]
    )
    return made


@pytest.fixture(scope="session")
def network_tflite(network: Any) -> bytes:
    from tagger.training.export import to_tflite

    return to_tflite(network)
