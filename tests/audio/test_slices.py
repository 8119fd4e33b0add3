from __future__ import annotations

import itertools
from functools import cache
from io import BytesIO, FileIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
import synth

from tagger.audio import decode, slices
from tagger.audio.decode import SAMPLE_RATE, Signal, read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.audio.mp3_frames import parse_header
from tagger.audio.samples import resample
from tagger.audio.slices import find_slices

PLAN = ExcerptPlan(2, 4.0)
SR = 44_100
ID3V2 = b"ID3\x03\x00\x00\x00\x00\x20\x00" + bytes(4096)
TRAILERS = {
    "id3v1": b"TAG" + bytes(125),
    "ape": b"APETAGEX" + bytes(50_000),
    "padding": bytes(3000),
}


@cache
def cbr(seconds: float = 20.0, sr: int = SR, channels: int = 2, level: float = 0.5) -> bytes:
    """An MP3 of constant bit rate with an Info frame."""
    y = synth.song(seconds, sr)
    data = BytesIO()
    with soundfile.SoundFile(
        data, "w", sr, channels, format="MP3", bitrate_mode="CONSTANT", compression_level=level
    ) as file:
        for start in range(0, len(y), 1 << 15):
            block = y[start : start + (1 << 15)]
            file.write(np.stack([block * (1 - 0.5 * i) for i in range(channels)], axis=1))
    return data.getvalue()


def frames_of(data: bytes) -> list[bytes]:
    frames = []
    while frame := parse_header(data[:4]):
        frames.append(data[: frame.length])
        data = data[frame.length :]
    return frames


def is_sliced(path: Path) -> bool:
    with path.open("rb") as handle:
        return find_slices(handle) is not None


def by_seeking(path: Path, monkeypatch: pytest.MonkeyPatch) -> Signal:
    """What the decoder hears when it seeks by itself."""
    with monkeypatch.context() as patch:
        patch.setattr(decode, "find_slices", lambda _: None)
        return read_signal(path, PLAN)


def assert_same(heard: Signal, expected: Signal) -> None:
    assert heard.duration_s == expected.duration_s
    assert [e.start_s for e in heard.excerpts] == [e.start_s for e in expected.excerpts]
    for ours, theirs in zip(heard.excerpts, expected.excerpts, strict=True):
        np.testing.assert_allclose(ours.y, theirs.y, rtol=0, atol=1e-6)


# --- a constant bit rate: exact ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("sr", "channels", "level"),
    [
        (44_100, 2, 0.0),  # 320 kb/s
        (44_100, 1, 0.8),
        (48_000, 2, 0.4),
        (32_000, 2, 0.5),
        (22_050, 1, 0.5),
        (16_000, 2, 0.8),
    ],
)
def test_a_slice_sounds_as_the_decoder_seeks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sr: int, channels: int, level: float
) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(cbr(20.0, sr, channels, level))
    assert is_sliced(path)
    assert_same(read_signal(path, PLAN), by_seeking(path, monkeypatch))


@pytest.mark.parametrize("part", [0.86, 0.9])
def test_a_cut_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: float) -> None:
    path = tmp_path / "a.mp3"
    data = cbr()
    path.write_bytes(data[: int(len(data) * part)])
    assert is_sliced(path)
    assert_same(read_signal(path, PLAN), by_seeking(path, monkeypatch))


@pytest.mark.parametrize("before", [b"", ID3V2], ids=["bare", "id3v2"])
@pytest.mark.parametrize("after", [b"", *TRAILERS.values()], ids=["bare", *TRAILERS])
@pytest.mark.parametrize("info", [True, False])
def test_tags_do_not_move_it(tmp_path: Path, before: bytes, after: bytes, info: bool) -> None:
    path = tmp_path / "a.mp3"
    data = cbr()
    frames = frames_of(data)
    body = data if info else data[len(frames[0]) :]
    path.write_bytes(before + body + after)
    assert is_sliced(path)
    signal = read_signal(path, PLAN)
    # A decoder knows the encoder's delay from the Info frame only.
    seconds = 20.0 if info else (len(frames) - 1) * 1152 / SR
    assert signal.duration_s == pytest.approx(seconds, abs=1e-6)
    path.write_bytes(body)
    whole = soundfile.read(path, dtype="float32")[0].mean(axis=1)
    for excerpt in signal.excerpts:
        start = round(excerpt.start_s * SR)
        expected = resample(whole[start : start + 4 * SR], SR)
        np.testing.assert_allclose(excerpt.y, expected, rtol=0, atol=1e-6)


def test_joined_files_may_drift_by_some_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp3"
    frames = frames_of(cbr(4.0))[1:]
    # Cut where the padding is not: what follows comes a part of a byte late each time.
    path.write_bytes(b"".join(frames[:-10]) * 12)
    assert is_sliced(path)
    heard = read_signal(path, PLAN)
    whole = soundfile.read(path, dtype="float32")[0].mean(axis=1)
    for excerpt in heard.excerpts:
        start = round(excerpt.start_s * SR)
        expected = resample(whole[start : start + 4 * SR], SR)
        np.testing.assert_allclose(excerpt.y, expected, rtol=0, atol=1e-6)


def test_frames_without_padding_are_no_constant_row(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    header = b"\xff\xfb\x90\x64"  # 128 kb/s at 44.1 kHz: 417.96 bytes on average
    path.write_bytes((header + bytes(413)) * 4000)
    assert not is_sliced(path)


@pytest.mark.parametrize("junk_at", [0.1, 0.5, 0.95])
@pytest.mark.parametrize("info", [True, False])
def test_junk_between_frames_is_left_to_the_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, junk_at: float, info: bool
) -> None:
    path = tmp_path / "a.mp3"
    data = cbr()
    data = data if info else data[len(frames_of(data)[0]) :]
    middle = int(len(data) * junk_at)
    path.write_bytes(data[:middle] + b"\x55" * 3000 + data[middle:])
    assert not is_sliced(path)
    assert_same(read_signal(path, PLAN), by_seeking(path, monkeypatch))


def test_a_broken_excerpt_is_left_to_the_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp3"
    data = bytearray(cbr())
    # Where the second excerpt warms up, at 11.1 s; no check is near.
    start, stop = (int(len(data) * seconds / 20) for seconds in (11.02, 11.18))
    data[start:stop] = bytes(stop - start)
    path.write_bytes(data)
    with path.open("rb") as handle:
        found = find_slices(handle)
        assert found is not None
        assert found.cut(5.0, 4.0) is not None
        assert found.cut(34 / 3, 4.0) is None
    assert_same(read_signal(path, PLAN), by_seeking(path, monkeypatch))


@pytest.mark.parametrize("seconds", [3.5, 8.5])
def test_what_is_heard_from_the_start_is_not_sliced(tmp_path: Path, seconds: float) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(cbr(seconds))
    assert read_signal(path, PLAN).excerpts[0].start_s == 0
    assert read_signal(path, PLAN).duration_s == pytest.approx(seconds)


class Counting(FileIO):
    """A file that counts the bytes read from it."""

    total = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.total += len(data)
        return data


def test_no_more_is_read_of_a_longer_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    frames = frames_of(cbr(20.0))[1:-10]

    def bytes_read(times: int) -> int:
        path.write_bytes(b"".join(frames) * times)
        with Counting(path) as handle:
            found = find_slices(handle)
            assert found is not None
            assert found.duration_s == pytest.approx(times * len(frames) * 1152 / SR)
            assert found.cut(found.duration_s / 2, 4.0) is not None
            return handle.total

    short, long = bytes_read(2), bytes_read(30)
    assert short < 1 << 19
    assert long < 1.1 * short


# --- a variable bit rate: estimated -------------------------------------------------------------


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two minutes of a tone a second, 200, 205… Hz, in parts of 160 and of 70 kb/s."""
    tones = np.concatenate([synth.sine(200 + 5 * k, 1, SR, 0.3) for k in range(120)])
    level = np.repeat([0.0, 0.2, 0.0, 0.1, 0.2, 0.0], len(tones) // 6)
    y = (tones + level * synth.noise(120, SR, 1.0)).astype(np.float32)
    path = tmp_path_factory.mktemp("varied") / "a.mp3"
    return synth.vbr_mp3(path, y, SR, xing=True).read_bytes()


@pytest.mark.parametrize("xing", [True, False])
@pytest.mark.parametrize("after", [b"", *TRAILERS.values()], ids=["bare", *TRAILERS])
def test_a_long_variable_rate_is_estimated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, varied: bytes, xing: bool, after: bytes
) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(ID3V2 + (varied if xing else varied[len(frames_of(varied)[0]) :]) + after)
    assert not is_sliced(path)  # not long
    monkeypatch.setattr(slices, "ESTIMATED_FROM_S", 100.0)
    assert is_sliced(path)

    signal = read_signal(path, PLAN)
    assert signal.duration_s == pytest.approx(120, abs=1e-6 if xing else 5)
    for excerpt in signal.excerpts:
        assert len(excerpt.y) == 4 * SAMPLE_RATE
        hz = [
            synth.loudest_hz(excerpt.y[round(s * SAMPLE_RATE) :][: SAMPLE_RATE // 4])[0]
            for s in np.arange(0.1, 3.6, 0.25)
        ]
        assert hz[0] == pytest.approx(200 + 5 * excerpt.start_s, abs=5 * 5)  # 5 s
        assert all(0 <= b - a < 15 for a, b in itertools.pairwise(np.round(hz)))  # and goes on
    assert_same(read_signal(path, PLAN), signal)


def test_a_file_with_holes_is_left_to_the_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, varied: bytes
) -> None:
    monkeypatch.setattr(slices, "ESTIMATED_FROM_S", 100.0)
    path = tmp_path / "a.mp3"
    data = bytearray(varied)
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    path.write_bytes(data)
    assert not is_sliced(path)


@pytest.mark.parametrize("seed", range(20))
def test_nonsense_is_no_mp3(tmp_path: Path, seed: int) -> None:
    """Header after header, most of them of other kinds than the first."""
    random = np.random.RandomState(seed)
    data = bytearray(random.bytes(100_000))
    for position in random.randint(0, len(data) - 4, 2000):
        data[position : position + 2] = b"\xff\xfb"
    data[:3] = b"\xff\xfb\x90"
    path = tmp_path / "a.mp3"
    path.write_bytes(data)
    assert not is_sliced(path)
