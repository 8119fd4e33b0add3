"""Files whose header lies about their length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import synth

from tagger.audio.decode import SAMPLE_RATE, read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.audio.lengths import open_with_true_length

PLAN = ExcerptPlan(2, 4.0)
SR = 44_100
SECONDS = 60


@pytest.fixture(scope="module", params=["soft start", "loud start"])
def tones(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An MP3 of a tone a second, 200, 220… Hz, with noise in one half: its bit rate varies 3:1."""
    tones = np.concatenate([synth.sine(200 + 20 * k, 1, SR, 0.3) for k in range(SECONDS)])
    halves = (0.0, 0.2) if request.param == "soft start" else (0.2, 0.0)
    level = np.repeat(halves, len(tones) // 2)
    y = (tones + level * synth.noise(SECONDS, SR, 1.0)).astype(np.float32)
    return synth.vbr_mp3(tmp_path_factory.mktemp("tones") / "a.mp3", y, SR, xing=True).read_bytes()


def assert_heard(path: Path, duration_s: float) -> None:
    signal = read_signal(path, PLAN)
    assert signal.duration_s == pytest.approx(duration_s, abs=0.1)
    for excerpt in signal.excerpts:
        second = int(np.ceil(excerpt.start_s + 0.2))
        start = round((second + 0.2 - excerpt.start_s) * SAMPLE_RATE)
        hz, _ = synth.loudest_hz(excerpt.y[start : start + round(0.6 * SAMPLE_RATE)])
        assert hz == pytest.approx(200 + 20 * second, abs=4)


def decoded_s(path: Path) -> float:
    """Length by decoding all of an MP3 whose header promises too much."""
    with soundfile.SoundFile(path) as file:
        frames = 0
        while block := len(file.read(1 << 16)):
            frames += block
        return frames / file.samplerate


def test_a_vbr_mp3_without_xing_header(tmp_path: Path, tones: bytes) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(synth.without_xing(tones))
    # The premise: libsndfile alone is several times off.
    assert soundfile.info(path).duration < 20
    assert_heard(path, SECONDS)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"ID3\x03\x00\x00\x00\x00\x20\x00" + bytes(4096), b""),
        (b"", b"TAG" + bytes(125)),
        (b"", b"APETAGEX" + bytes(5000)),
        (b"", bytes(5000)),
    ],
    ids=["id3v2", "id3v1", "ape", "padding"],
)
def test_tags_around_it_do_not_disturb(
    tmp_path: Path, tones: bytes, before: bytes, after: bytes
) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(before + synth.without_xing(tones) + after)
    assert_heard(path, SECONDS)


@pytest.mark.parametrize("part", [0.25, 0.5, 0.75])
def test_a_vbr_mp3_cut_short(tmp_path: Path, tones: bytes, part: float) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(tones[: int(len(tones) * part)])
    # The premise: its header still states the whole.
    assert soundfile.info(path).duration == pytest.approx(SECONDS, abs=0.1)
    true_s = decoded_s(path)
    assert true_s < 0.85 * SECONDS
    assert_heard(path, true_s)


def test_a_xing_header_that_promises_too_much_and_no_bytes(tmp_path: Path, tones: bytes) -> None:
    path = tmp_path / "a.mp3"
    data = bytearray(tones)
    flags = data.index(b"Xing") + 7
    data[flags] &= ~2  # the number of bytes is not stated: only decoding can tell
    path.write_bytes(data[: len(data) // 2])
    assert_heard(path, decoded_s(path))


def test_what_is_right_is_read_as_it_is(tmp_path: Path) -> None:
    y = synth.song(5.0, SR)
    paths = [synth.write(tmp_path / f"a{suffix}", y, SR) for suffix in (".wav", ".mp3", ".flac")]
    constant = tmp_path / "constant.mp3"
    with soundfile.SoundFile(
        constant, "w", SR, 1, format="MP3", bitrate_mode="CONSTANT", compression_level=0.5
    ) as file:
        file.write(y)
    data = constant.read_bytes()
    constant.write_bytes(data[data.index(b"\xff\xfb", 4) :])  # without its Info frame
    assert b"Info" not in constant.read_bytes()[:500]
    for path in (*paths, constant):
        with path.open("rb") as handle:
            assert open_with_true_length(handle) is None


@pytest.mark.parametrize("junk_at", [0.3, 0.6])
def test_an_mp3_that_cannot_be_counted_is_left_to_the_decoder(
    tmp_path: Path, junk_at: float
) -> None:
    path = tmp_path / "a.mp3"
    data = synth.vbr_mp3(path, synth.song(5.0, SR), SR, xing=False).read_bytes()
    middle = int(len(data) * junk_at)
    path.write_bytes(data[:middle] + b"\x55" * 3000 + data[middle:])
    with path.open("rb") as handle:
        assert open_with_true_length(handle) is None


@pytest.mark.parametrize("frames", [10 * SR, 160 * 4096, 160 * 4096 + 1, 4 * SR])
def test_a_flac_of_unknown_length(tmp_path: Path, frames: int) -> None:
    path = tmp_path / "a.flac"
    y = synth.song(20.0, SR)[:frames]
    data = bytearray(synth.write(path, y, SR).read_bytes())
    # STREAMINFO's 36 bits of length, as an encoder that writes to a pipe leaves them.
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path.write_bytes(data)
    assert soundfile.info(path).frames > 1 << 60  # the premise
    with path.open("rb") as handle:
        stream = open_with_true_length(handle)
        assert stream is not None
        stream.seek(0)
        with soundfile.SoundFile(stream) as file:
            assert abs(file.frames - frames) <= 1
    signal = read_signal(path, PLAN)
    assert signal.duration_s == pytest.approx(frames / SR, abs=1e-3)
    start = round(signal.excerpts[0].start_s * SR)
    stop = start + 2 * len(signal.excerpts[0].y)
    assert np.std(signal.excerpts[0].y) == pytest.approx(np.std(y[start:stop]), rel=0.05)


def test_a_flac_of_unknown_length_behind_id3(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    data = bytearray(synth.write(path, synth.song(10.0)).read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path.write_bytes(b"ID3\x03\x00\x00\x00\x00\x20\x00" + bytes(4096) + data)
    assert read_signal(path, PLAN).duration_s == pytest.approx(10.0, abs=1e-3)
