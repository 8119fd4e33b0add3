"""What the model that a training begins with does not know is held back a little."""

from __future__ import annotations

import numpy as np
import pytest

from tagger.models.bundle import FusionSpec
from tagger.models.fusion import fuse
from tagger.training.new_genres import BIAS, biased, biases, new_among

LABELS = ("Hip-Hop", "Rock", "Zouk")


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


def test_only_new_labels_have_a_bias():
    assert biases(LABELS, ("Zouk",)) == (0.0, 0.0, BIAS)
    assert biases(LABELS, ()) == ()


def test_it_is_what_a_fusion_with_the_biases_says():
    rng = np.random.default_rng(1)
    ensemble, network = rng.dirichlet(np.ones(3), (2, 20))
    bias = biases(LABELS, ("Zouk",))
    plain = fuse(ensemble, np.log(network), FusionSpec(0.4, 0.6, 0.8))
    wanted = fuse(ensemble, np.log(network), FusionSpec(0.4, 0.6, 0.8, bias))
    assert biased(plain, bias) == pytest.approx(wanted)
    assert np.all(wanted[:, 2] < plain[:, 2])
    assert biased(plain, ()) is plain


def test_what_was_impossible_stays_so():
    assert biased(np.array([[0.0, 1.0, 0.0]]), (0.0, 0.0, BIAS)).tolist() == [[0, 1, 0]]
