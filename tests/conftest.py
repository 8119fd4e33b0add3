"""Fixtures for all rooms; ``synth`` beside this file makes the audio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import synth

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def _folders_of_our_own(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No test reads the user's configuration or writes to the user's journal."""
    folder = tmp_path_factory.mktemp("home")
    for name in ("GENRETAG_CONFIG", "GENRETAG_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(folder))


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
