"""Weights of the published network's shapes, with few channels and at random."""

from __future__ import annotations

import numpy as np

from tagger.training.musicnn import N_BANDS, Arrays

__all__ = ["published_arrays"]


def published_arrays(seed: int = 0, channels: int = 4, middles: int = 3) -> Arrays:
    """As :func:`tagger.training.musicnn.read_wheel` gives them, small."""
    rng = np.random.default_rng(seed)
    sizes = [(7, 38), (7, 67), (128, 1), (64, 1), (32, 1)]
    n_found = channels * len(sizes)
    arrays = {"input.scale": np.array([0.8]), "input.shift": np.array([-0.5])}
    for i, (n_long, n_tall) in enumerate(sizes):
        spread = 1 / np.sqrt(n_long * n_tall)
        arrays[f"front{i}.kernel"] = rng.normal(0, spread, (n_long, n_tall, channels))
    arrays |= {
        "before.scale": rng.choice([-1.0, 1.0], n_found),
        "before.shift": rng.normal(0, 0.3, n_found),
        "after.scale": rng.normal(0, 1, n_found),
        "after.shift": rng.normal(0, 0.3, n_found),
    }
    n_in = n_found
    for i in range(3):
        arrays[f"middle{i}.kernel"] = rng.normal(0, 0.2, (7, n_in, middles))
        arrays[f"middle{i}.bias"] = rng.normal(0, 0.3, middles)
        arrays[f"middle{i}.scale"] = rng.normal(1, 0.2, middles)
        arrays[f"middle{i}.shift"] = rng.normal(0, 0.3, middles)
        n_in = middles
    assert N_BANDS >= 67
    return {name: values.astype(np.float32) for name, values in arrays.items()}
