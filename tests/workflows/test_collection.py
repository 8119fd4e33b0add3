"""The collection: what is known of some tracks, together."""

from __future__ import annotations

from pathlib import Path

import mutagen
import numpy as np
import pytest
import synth

from tagger.domain import Status
from tagger.errors import UsageError
from tagger.models.classifier import Classifier
from tagger.models.fusion import mean_patches
from tagger.workflows.collection import CollectOptions, collect
from tagger.workflows.described import Described, describe
from tagger.workflows.hear import Listener


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("collection") / "m"
    folder.mkdir()
    for i, name in enumerate(("a.flac", "b.ogg", "deep.mp3")):
        synth.write(folder / name, synth.song(3.6, seed=i))
    tags = mutagen.File(folder / "a.flac")
    tags["albumartist"], tags["artist"] = ["Various Artists"], ["Ann", "Bob"]
    tags["album"], tags["title"], tags["genre"] = ["First"], ["One"], ["Ska", "Dub"]
    tags.save()
    (folder / "empty.wav").touch()
    synth.write(folder / "silent.wav", synth.silence(4.0))
    return folder


def test_all_that_is_known_of_each_track(music):
    told: list[tuple[int, int]] = []
    found = collect(CollectOptions((music,), jobs=1), lambda *n: told.append(n))
    bundle = found.bundle
    assert [track.path.name for track in found.tracks] == ["a.flac", "b.ogg", "deep.mp3"]
    assert told == [(i, 5) for i in range(1, 6)]
    assert found.features.shape == (3, len(bundle.features))
    assert found.embeddings.shape == (3, bundle.cnn.embedding)
    assert found.log_probs.shape == (3, len(bundle.labels))
    listener, classifier = Listener(bundle), Classifier(bundle)
    for i, track in enumerate(found.tracks):
        heard = listener.hear(track.path)
        np.testing.assert_allclose(found.features[i], heard.features, rtol=1e-4, atol=1e-4)
        log_probs = mean_patches(heard.patch_log_probs)
        np.testing.assert_allclose(found.log_probs[i], log_probs, atol=1e-3)
        (said,) = classifier.predict([heard])
        assert dict(track.genres) == pytest.approx(dict(said.genres), abs=1e-3)
        assert track.cluster == said.cluster
        assert track.duration_s == pytest.approx(3.6, abs=0.1)
    assert found.tracks[0].tags == Described(("Ska", "Dub"), "Ann", "First", "One")
    assert found.tracks[1].tags == Described()
    why = {report.path.name: (report.status, report.reason) for report in found.left_out}
    assert set(why) == {"empty.wav", "silent.wav"}
    assert why["empty.wav"][0] is Status.FAILED
    assert why["silent.wav"][0] is Status.SKIPPED
    assert "silent" in why["silent.wav"][1]


def test_nothing_is_heard_twice(music, monkeypatch):
    first = collect(CollectOptions((music,), jobs=1))

    def heard(_: object) -> None:
        raise AssertionError("heard again")

    monkeypatch.setattr("tagger.engine.pool.LocalPool._new_supervisor", heard)
    again = collect(CollectOptions((music / "a.flac", music / "deep.mp3"), jobs=1, tags=False))
    assert [track.path.name for track in again.tracks] == ["a.flac", "deep.mp3"]
    assert again.tracks[0].tags == Described()
    np.testing.assert_array_equal(again.features, first.features[[0, 2]])
    np.testing.assert_array_equal(again.log_probs, first.log_probs[[0, 2]])


def test_nothing_to_collect(tmp_path):
    found = collect(CollectOptions((tmp_path,)))
    assert len(found) == 0
    assert found.features.shape == (0, len(found.bundle.features))
    with pytest.raises(UsageError, match="no such file or folder"):
        collect(CollectOptions((tmp_path / "gone",)))


def test_a_file_without_tags_says_nothing(music):
    assert describe(music / "empty.wav") == Described()
