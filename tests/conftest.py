"""Fixtures for all rooms; ``synth`` beside this file makes the audio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import synth

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def data() -> Path:
    """The research data, which lies beside the repository on some machines only."""
    if not DATA.is_dir():
        pytest.skip(f"no research data at {DATA}")
    return DATA


@pytest.fixture(scope="session")
def song_10s() -> npt.NDArray[np.float32]:
    """Ten seconds of the synthetic song at 22.05 kHz; read-only."""
    y = synth.song(10.0)
    y.flags.writeable = False
    return y


@pytest.fixture(scope="session")
def noise_10s() -> npt.NDArray[np.float32]:
    """Ten seconds of white noise at 22.05 kHz; read-only."""
    y = synth.noise(10.0, seed=1)
    y.flags.writeable = False
    return y
