"""What makes old results worthless, and what does not."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from tagger.analysis.picture import FRAME_S
from tagger.audio.excerpts import ExcerptPlan
from tagger.domain import Policy
from tagger.models.bundle import MusicSpec, find_bundle, load_bundle
from tagger.models.vocabulary import Vocabulary
from tagger.workflows import fingerprints
from tagger.workflows.fingerprints import decision_fingerprint, listening_fingerprint

MUSIC = MusicSpec((0,), (0.0,), (1.0,), 3.0, ("noise",), ((1.0,),), (0.0,), 0.5)


@pytest.fixture(scope="module")
def bundle():
    return load_bundle(find_bundle("default"))


def test_a_new_ensemble_or_threshold_needs_no_audio(bundle):
    member = bundle.members[0].file
    others = [
        replace(bundle, weights={**bundle.weights, member: b"new"}),
        replace(bundle, thresholds={"Rock": 0.1}),
        replace(bundle, fusion=replace(bundle.fusion, temperature=2.0)),
        replace(bundle, version="9"),
        replace(bundle, music=replace(MUSIC, threshold=0.9)),
    ]
    for other in others:
        assert listening_fingerprint(other) == listening_fingerprint(bundle)
        assert decision_fingerprint(other) != decision_fingerprint(bundle)
    judging = replace(bundle, music=MUSIC)
    assert decision_fingerprint(judging) != decision_fingerprint(others[-1])


def test_a_new_network_or_analysis_does(bundle, monkeypatch):
    before = listening_fingerprint(bundle), decision_fingerprint(bundle)
    others = [
        replace(bundle, weights={**bundle.weights, bundle.cnn.file: b"new"}),
        replace(bundle, features=bundle.features[::-1]),
        replace(bundle, excerpts=ExcerptPlan(3, 10.0)),
        replace(bundle, cnn=replace(bundle.cnn, column_s=FRAME_S)),
    ]
    for other in others:
        assert listening_fingerprint(other) != before[0]
        assert decision_fingerprint(other) != before[1]
    monkeypatch.setattr(fingerprints, "ANALYSIS_VERSION", 99)
    assert listening_fingerprint(bundle) != before[0]


def test_settings_count_whatever_their_order(bundle):
    one = Vocabulary({"A": "X", "B": "Y"}, frozenset({"c", "d"}), {}, ("X", "Y"))
    same = Vocabulary(MappingProxyType({"B": "Y", "A": "X"}), frozenset({"d", "c"}), {}, ("X", "Y"))
    other = Vocabulary({"A": "X", "B": "Y"}, frozenset({"c"}), {}, ("X", "Y"))
    a = decision_fingerprint(bundle, Policy.FILL, one, 0.5)
    assert a == decision_fingerprint(bundle, Policy.FILL, same, 0.5)
    assert a != decision_fingerprint(bundle, Policy.FILL, other, 0.5)
    assert a != decision_fingerprint(bundle, Policy.APPEND, one, 0.5)
    assert a != decision_fingerprint(bundle, Policy.FILL, one, 0.6)
    assert a != decision_fingerprint(bundle, Policy.FILL, one)
    assert len(a) == 16
