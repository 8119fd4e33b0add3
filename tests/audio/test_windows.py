from __future__ import annotations

import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import synth

from tagger.audio.excerpts import Span
from tagger.audio.samples import SAMPLE_RATE
from tagger.audio.windows import WindowPlan, plan_windows, read_windows
from tagger.errors import AudioError, UnreachableError

PLAN = WindowPlan(seconds=4.0, hop_s=2.0, most=8)


@pytest.mark.parametrize("duration_s", [0.05, 3.0, 4.0, 4.1, 12.0, 17.9, 30.0, 18_000.0])
def test_cells_cover_the_track_and_windows_stay_inside(duration_s: float) -> None:
    pairs = plan_windows(duration_s, PLAN)
    assert len(pairs) <= PLAN.most
    cells = [cell for cell, _ in pairs]
    assert cells[0].start_s == 0
    assert cells[-1].start_s + cells[-1].duration_s == pytest.approx(duration_s)
    for one, other in pairwise(cells):
        assert one.start_s + one.duration_s == pytest.approx(other.start_s)
    for cell, window in pairs:
        assert window.start_s >= 0
        assert window.start_s + window.duration_s <= duration_s + 1e-9
        assert window.duration_s == min(4.0, duration_s)
        middle = window.start_s + window.duration_s / 2
        assert cell.start_s <= middle <= cell.start_s + cell.duration_s


def test_a_cell_lies_in_its_window_while_the_windows_suffice() -> None:
    for cell, window in plan_windows(17.0, PLAN):
        assert window.start_s <= cell.start_s + 1e-9
        assert cell.start_s + cell.duration_s <= window.start_s + window.duration_s + 1e-9
    # Then they spread, each in the middle of its cell.
    assert plan_windows(80.0, PLAN)[3] == (Span(30.0, 10.0), Span(33.0, 4.0))


@pytest.mark.parametrize("plan", [(15.0, 7.5, 0), (15.0, 0.0, 10), (5.0, 7.5, 10)])
def test_plans_that_cannot_be(plan: tuple[float, float, int]) -> None:
    with pytest.raises(ValueError, match="window plan"):
        WindowPlan(*plan)


@pytest.fixture(scope="module", params=[".wav", ".flac", ".mp3", ".ogg", ".opus"])
def staircase(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second each of 300, 340… Hz."""
    sr = 48_000 if request.param == ".opus" else 44_100
    tones = [synth.sine(300 + 40 * k, 1.0, sr, 0.3) for k in range(16)]
    y = np.concatenate(tones) + synth.noise(16.0, sr, 0.003)
    path = tmp_path_factory.mktemp("staircase") / f"a{request.param}"
    return synth.write(path, np.stack([y, y], axis=1), sr)


@pytest.mark.parametrize("most", [8, 3])
def test_windows_hold_what_sounds_there(staircase: Path, most: int) -> None:
    pieces = list(read_windows(staircase, WindowPlan(4.0, 2.0, most)))
    assert [p.index for p in pieces] == list(range(most if most == 3 else 7))
    for piece in pieces:
        assert piece.count == len(pieces)
        assert piece.duration_s == pytest.approx(16.0, abs=0.1)
        assert len(piece.y) == pytest.approx(4 * SAMPLE_RATE, abs=SAMPLE_RATE // 5)
        second = int(np.ceil(piece.start_s + 0.2))
        start = round((second + 0.2 - piece.start_s) * SAMPLE_RATE)
        hz, _ = synth.loudest_hz(piece.y[start : start + round(0.6 * SAMPLE_RATE)])
        assert hz == pytest.approx(300 + 40 * second, abs=3)


def test_one_window_is_held_at_a_time(tmp_path: Path) -> None:
    path = synth.write(tmp_path / "long.wav", synth.noise(300.0))
    tracemalloc.start()
    try:
        heard = sum(len(p.y) for p in read_windows(path, WindowPlan(4.0, 2.0, 200)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert heard == pytest.approx(149 * 4 * SAMPLE_RATE, rel=0.01)
    assert peak < 16 * 4 * SAMPLE_RATE * 4  # bytes of a few windows, of 149


def test_a_damaged_end_spares_what_came_before(tmp_path: Path) -> None:
    whole = synth.write(tmp_path / "a.flac", synth.song(16.0)).read_bytes()
    path = tmp_path / "cut.flac"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    pieces = []
    with pytest.raises(AudioError, match="damaged"):
        pieces.extend(read_windows(path, PLAN))
    assert 2 <= len(pieces) < 7


def test_samples_that_are_no_numbers(tmp_path: Path) -> None:
    y = synth.song(6.0)
    y[-100] = np.nan
    path = synth.write(tmp_path / "a.wav", y, subtype="FLOAT")
    with pytest.raises(AudioError, match="invalid samples"):
        list(read_windows(path, PLAN))


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="No such file"):
        list(read_windows(tmp_path / "gone.mp3", PLAN))
    (tmp_path / "empty.mp3").touch()
    with pytest.raises(AudioError, match="empty"):
        list(read_windows(tmp_path / "empty.mp3", PLAN))
    (tmp_path / "text.mp3").write_text("no music\n" * 500)
    with pytest.raises(AudioError):
        list(read_windows(tmp_path / "text.mp3", PLAN))
