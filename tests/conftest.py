"""Fixtures for all rooms; ``synth`` beside this file makes the audio."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import synth
from hypothesis import settings

# How long an example takes says how busy the machine is. Forty of a kind, in each of many runs.
settings.register_profile("tests", deadline=None, max_examples=40)
settings.load_profile("tests")

# Programs that tests start keep what they compile, or each would compile all of it again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def _use_folders_below(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GENRETAG_CONFIG", "GENRETAG_STATE_DIR", "GENRETAG_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(folder))


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_reaches_programs() -> None:
    """A shell starts what runs in its background with Ctrl-C ignored, which programs inherit."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _folders_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads the user's configuration or writes to the user's journal."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        _use_folders_below(tmp_path_factory.mktemp("session"), monkeypatch)
        yield


@pytest.fixture(autouse=True)
def _folders_of_the_test(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each test begins with no configuration and no journal."""
    _use_folders_below(tmp_path_factory.mktemp("home"), monkeypatch)


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
