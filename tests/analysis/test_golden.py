"""The front end gives the numbers it gave when the shipped model was trained."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def made() -> dict:
    spec = importlib.util.spec_from_file_location("make_golden", HERE / "make_golden.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.compute()


@pytest.fixture(scope="module")
def golden() -> dict:
    return json.loads((HERE / "golden.json").read_text(encoding="utf-8"))


def test_features(made: dict, golden: dict) -> None:
    assert list(made["features"]) == list(golden["features"])
    off = {
        name: (made["features"][name], value)
        for name, value in golden["features"].items()
        if made["features"][name] != pytest.approx(value, rel=1e-3)
    }
    assert not off


def test_picture(made: dict, golden: dict) -> None:
    assert made["picture"].keys() == golden["picture"].keys()
    for pixel, grey in golden["picture"].items():
        assert made["picture"][pixel] == pytest.approx(grey, abs=1), pixel
