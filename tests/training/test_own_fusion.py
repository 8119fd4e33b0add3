"""Fusing the parts of a user's model; what is new to the model begun with is held back a little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tagger.models.bundle import find_bundle, load_bundle
from tagger.models.fusion import fuse
from tagger.training.calibration import fit_fusion
from tagger.training.own_fusion import BIAS, fit_own_fusion, new_among

LABELS = ("Hip-Hop", "Rock", "Zouk")


@pytest.fixture
def answers():
    """Of an ensemble that guesses and a network that mostly knows; 90 tracks of 9 artists."""
    rng = np.random.default_rng(1)
    targets = np.arange(90) % 3
    ensemble = rng.dirichlet(np.ones(3), 90)
    said = np.where(rng.random(90) < 0.8, targets, rng.integers(0, 3, 90))
    network = rng.dirichlet(np.ones(3), 90) * 0.5 + 0.5 * np.eye(3)[said]
    return ensemble, np.log(network), targets, np.array([f"artist {i // 10}" for i in range(90)])


@pytest.fixture(scope="module")
def former():
    return load_bundle(find_bundle("default"))


@pytest.mark.parametrize(
    ("known", "new"),
    [
        (("Rock", "Hip-Hop", "Jazz"), ("Zouk",)),
        (("rock", "Hip Hop", "ZOUK"), ()),
        (("Jazz",), ()),  # all are new: there is nothing to protect
        (("Jazz", "Rock"), ("Hip-Hop", "Zouk")),
    ],
)
def test_new_is_what_the_other_model_does_not_know(known, new):
    assert new_among(LABELS, known) == new


def test_without_a_former_model_all_is_fitted(answers):
    ensemble, network, targets, groups = answers
    own = fit_own_fusion(ensemble, network, targets, groups, LABELS, None)
    assert own.spec == fit_fusion(ensemble, network, targets)
    assert own.spec.cnn > 0.8
    assert own.new == ()
    assert own.spec.bias == ()


def test_the_former_models_shares_hold_and_the_temperature_is_fitted(answers, former):
    ensemble, network, targets, groups = answers
    own = fit_own_fusion(ensemble, network, targets, groups, LABELS, former)
    assert own.spec.ensemble == pytest.approx(former.fusion.ensemble)
    assert own.spec.cnn == pytest.approx(former.fusion.cnn)

    def loss(temperature: float) -> float:
        fused = fuse(ensemble, network, replace(own.spec, temperature=temperature, bias=()))
        return -float(np.log(fused[np.arange(90), targets]).mean())

    best = loss(own.spec.temperature)
    assert best < loss(own.spec.temperature * 1.1)
    assert best < loss(own.spec.temperature / 1.1)


def test_only_what_is_new_is_held_back(answers, former):
    ensemble, network, targets, groups = answers
    own = fit_own_fusion(ensemble, network, targets, groups, LABELS, former)
    assert own.new == ("Zouk",)
    assert own.spec.bias == (0.0, 0.0, BIAS)
    known = replace(former, labels=(*former.labels, "Zouk"))
    plain = fit_own_fusion(ensemble, network, targets, groups, LABELS, known)
    assert plain.spec.bias == ()
    assert np.all(own.fused[:, 2] < plain.fused[:, 2])
    odds = own.fused[:, 0] / own.fused[:, 1]
    assert odds == pytest.approx(plain.fused[:, 0] / plain.fused[:, 1])


@pytest.mark.parametrize("artists", [4, 9])
def test_too_few_artists_are_judged_by_one_fit(answers, former, artists):
    ensemble, network, targets, _ = answers
    groups = np.array([f"artist {i % artists}" for i in range(90)])
    own = fit_own_fusion(ensemble, network, targets, groups, LABELS, former)
    assert own.crossed is (artists >= 5)
    by_one = fuse(ensemble, network, own.spec)
    assert (own.fused == pytest.approx(by_one)) is not own.crossed
