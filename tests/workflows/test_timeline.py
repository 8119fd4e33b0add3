from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import synth

from tagger.errors import UsageError
from tagger.timeline import Timeline
from tagger.workflows.show import NothingHeardError, TrackViewer
from tagger.workflows.timeline import COLUMNS, window_plan


@pytest.fixture(scope="module")
def viewer() -> TrackViewer:
    return TrackViewer("default")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, viewer: TrackViewer) -> Timeline:
    """A song, silence, noise: 25 s of each."""
    y = np.concatenate([synth.song(25.0), synth.silence(25.0), synth.noise(25.0)])
    path = synth.write(tmp_path_factory.mktemp("mixed") / "mixed.flac", y)
    return viewer.timeline(path)


def at(timeline: Timeline, second: float) -> int:
    return next(i for i, s in enumerate(timeline.stretches) if s.start_s <= second < s.end_s)


def test_each_stretch_is_judged_by_what_sounds_there(mixed: Timeline) -> None:
    assert mixed.duration_s == 75
    assert len(mixed.stretches) == 9
    song, silence, noise = (mixed.stretches[at(mixed, s)] for s in (5, 38, 68))
    assert song.prediction is not None
    assert song.problem == ""
    assert sum(p for _, p in song.prediction.genres) == pytest.approx(1)
    assert (silence.prediction, silence.problem) == (None, "silent")
    assert noise.problem.startswith("sounds like noise")


def test_picture_and_envelope_are_those_of_the_sound(mixed: Timeline) -> None:
    n = mixed.mel_db.shape[1]
    assert len(mixed.mel_db) == len(mixed.mel_hz) == 128
    assert COLUMNS <= n <= COLUMNS + len(mixed.stretches)
    assert mixed.envelope.shape == (2, n)
    assert mixed.mel_db.max() == 0
    assert mixed.mel_db.min() == -80
    song, silence, noise = (slice(round(n * a / 75), round(n * b / 75)) for a, b in (
        (1, 24), (26, 49), (51, 74),
    ))  # fmt: skip
    assert (mixed.mel_db[:, silence] == -80).all()
    assert (mixed.envelope[:, silence] == 0).all()
    # White noise is even over the bands, a song is not.
    assert mixed.mel_db[:, noise].mean(axis=1).std() < mixed.mel_db[:, song].mean(axis=1).std() / 3
    assert mixed.envelope[1, noise].mean() == pytest.approx(0.25, abs=0.1)


def test_a_window_says_what_a_scan_says_of_the_same_sound(
    tmp_path: Path, viewer: TrackViewer
) -> None:
    path = synth.write(tmp_path / "song.wav", synth.song(15.0))
    (stretch,) = viewer.timeline(path).stretches
    assert stretch.prediction == viewer.view(path).whole


def test_a_hidden_track_shows_though_a_scan_hears_silence(
    tmp_path: Path, viewer: TrackViewer
) -> None:
    y = np.concatenate([synth.silence(110.0), synth.song(20.0)])
    look = viewer.look(synth.write(tmp_path / "hidden.flac", y))
    assert look.view is None
    assert isinstance(look.problem, NothingHeardError)
    assert look.timeline is not None
    assert look.timeline.stretches[0].problem == "silent"
    assert look.timeline.stretches[-1].prediction is not None


def test_a_damaged_end_is_told(tmp_path: Path, viewer: TrackViewer) -> None:
    whole = synth.write(tmp_path / "a.flac", synth.song(60.0)).read_bytes()
    path = tmp_path / "cut.flac"
    path.write_bytes(whole[: int(len(whole) * 0.75)])
    timeline = viewer.timeline(path)
    assert timeline.damage.startswith("damaged")
    assert 15 < timeline.end_s < 46
    assert timeline.duration_s == 60


def test_what_cannot_be_drawn(tmp_path: Path, viewer: TrackViewer) -> None:
    path = synth.write(tmp_path / "click.wav", synth.song(0.05))
    with pytest.raises(NothingHeardError, match="too short"):
        viewer.timeline(path)
    short = synth.write(tmp_path / "short.wav", synth.song(1.0))
    assert [s.problem for s in viewer.timeline(short).stretches] == ["too short"]
    song = synth.write(tmp_path / "song.wav", synth.song(4.0))
    with pytest.raises(UsageError, match="longer than 0 hours"):
        viewer.look(song, longest_s=3.0)


def test_progress_is_told(tmp_path: Path, viewer: TrackViewer) -> None:
    told: list[tuple[int, int]] = []
    path = synth.write(tmp_path / "a.wav", synth.song(24.0))
    viewer.timeline(path, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_window_holds_a_patch() -> None:
    assert window_plan(3.0).seconds == 15
    assert window_plan(30.0).seconds > 30
