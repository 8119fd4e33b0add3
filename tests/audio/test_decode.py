from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import synth

from tagger.audio import decode
from tagger.audio.decode import SAMPLE_RATE, read_signal
from tagger.audio.excerpts import ExcerptPlan, Span
from tagger.audio.samples import cut_stream
from tagger.errors import AudioError, NotMusicError

WHOLE = ExcerptPlan(2, 15.0)
SHORT = ExcerptPlan(2, 4.0)
EDGE = SAMPLE_RATE // 10  # where resampler and codec have no past or no future

LOSSLESS = (".wav", ".aiff", ".flac")
LOSSY = (".mp3", ".ogg", ".opus")


def channels_of(y: synth.Samples, channels: int) -> synth.Samples:
    """``y`` on channels of different gain whose mean is ``y`` again."""
    gains = np.linspace(0.5, 1.5, channels) if channels > 1 else np.ones(1)
    return (y[:, None] * gains).astype(np.float32)


def staircase(seconds: int, sr: int) -> synth.Samples:
    """A second of each tone, 20 Hz apart: the frequency tells the time."""
    return np.concatenate([synth.sine(200 + 20 * k, 1, sr, 0.3) for k in range(seconds)])


def assert_hears_the_right_second(signal: decode.Signal) -> None:
    """For a staircase: the middle of each excerpt's first full second has its own tone."""
    for excerpt in signal.excerpts:
        second = int(np.ceil(excerpt.start_s + 0.2))
        start = round((second + 0.2 - excerpt.start_s) * SAMPLE_RATE)
        hz, _ = synth.loudest_hz(excerpt.y[start : start + round(0.6 * SAMPLE_RATE)])
        assert hz == pytest.approx(200 + 20 * second, abs=3)


# --- the same sound from every container, rate and layout --------------------------------


@pytest.mark.parametrize(
    ("suffix", "sr", "channels"),
    [
        *(
            (suffix, sr, channels)
            for suffix in (".wav", ".flac")
            for sr in (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000)
            for channels in (1, 2)
        ),
        (".wav", 44_100, 8),
        (".wav", 96_000, 8),
        (".flac", 48_000, 6),
        (".aiff", 44_100, 2),
        *((".mp3", sr, 2) for sr in (16_000, 22_050, 24_000, 32_000, 44_100, 48_000)),
        (".mp3", 44_100, 1),
        *((".ogg", sr, 2) for sr in (8_000, 22_050, 44_100, 48_000, 96_000)),
        *((".opus", sr, 2) for sr in (16_000, 24_000, 48_000)),
        (".opus", 48_000, 1),
    ],
)
def test_a_sine_stays_what_it_was(tmp_path: Path, suffix: str, sr: int, channels: int) -> None:
    y = synth.sine(1_000, 3.5, sr, amplitude=0.4)
    if suffix in LOSSY:  # a lone sine tempts LAME to rates so low that its level wavers
        y += synth.noise(3.5, sr, amplitude=0.01)
    y = channels_of(y, channels)
    signal = read_signal(synth.write(tmp_path / f"a{suffix}", y, sr), WHOLE)

    (excerpt,) = signal.excerpts
    assert excerpt.start_s == 0
    assert excerpt.y.dtype == np.float32
    assert excerpt.y.ndim == 1
    # A decoder may leave some padding at the end of an MP3.
    spare = 0.06 * SAMPLE_RATE if suffix == ".mp3" else 1
    assert len(excerpt.y) == pytest.approx(3.5 * SAMPLE_RATE, abs=spare)
    assert signal.duration_s == pytest.approx(3.5, abs=0.06 if suffix == ".mp3" else 1e-3)
    assert signal.heard_s == pytest.approx(3.5, abs=0.06)
    hz, amplitude = synth.loudest_hz(excerpt.y[EDGE:-EDGE])
    assert hz == pytest.approx(1_000, abs=1)
    assert amplitude == pytest.approx(0.4, rel=1e-3 if suffix in LOSSLESS else 0.03)


@pytest.mark.parametrize("suffix", [*LOSSLESS, *LOSSY])
def test_the_song_is_the_same_from_every_container(tmp_path: Path, suffix: str) -> None:
    y = synth.song(4.0, 48_000)
    path = synth.write(tmp_path / f"a{suffix}", channels_of(y, 2), 48_000)
    (excerpt,) = read_signal(path, WHOLE).excerpts
    expected = soxr.resample(y, 48_000, SAMPLE_RATE, quality="HQ")
    heard = excerpt.y[: len(expected)]
    if suffix in LOSSLESS:
        np.testing.assert_allclose(heard, expected, atol=1e-4)
    else:
        # Any shift in time would ruin the correlation: it is 0.9 after a tenth of a ms.
        assert np.corrcoef(heard, expected)[0, 1] > 0.98
        assert np.std(heard) == pytest.approx(np.std(expected), rel=0.05)


def test_channels_in_opposite_phase_cancel(tmp_path: Path) -> None:
    y = synth.sine(440, 4.0)
    path = synth.write(tmp_path / "a.wav", np.stack([y, -y], axis=1))
    with pytest.raises(NotMusicError, match="silent"):
        read_signal(path, WHOLE)


# --- excerpts ------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [*LOSSLESS, ".ogg", ".mp3"])
def test_an_excerpt_is_the_slice_of_the_whole(tmp_path: Path, suffix: str) -> None:
    sr = 44_100
    path = synth.write(tmp_path / f"a{suffix}", channels_of(synth.song(24.0, sr), 2), sr)
    signal = read_signal(path, SHORT)

    mono = soundfile.read(path, dtype="float32")[0].mean(axis=1)
    whole = soxr.resample(mono, sr, SAMPLE_RATE, quality="HQ")
    assert [e.start_s for e in signal.excerpts] == pytest.approx([6.0, 14.0], abs=0.05)
    for excerpt in signal.excerpts:
        assert len(excerpt.y) == 4 * SAMPLE_RATE
        start = round(excerpt.start_s * SAMPLE_RATE)
        expected = whole[start : start + len(excerpt.y)]
        inside = slice(EDGE, -EDGE)
        np.testing.assert_allclose(excerpt.y[inside], expected[inside], atol=1e-4)


def test_every_excerpt_comes_from_its_own_place(tmp_path: Path) -> None:
    path = synth.write(tmp_path / "a.flac", staircase(60, 16_000), 16_000)
    signal = read_signal(path, ExcerptPlan(5, 3.0))
    assert len(signal.excerpts) == 5
    assert signal.heard_s == pytest.approx(15.0)
    assert signal.duration_s == pytest.approx(60.0)
    assert_hears_the_right_second(signal)


def test_memory_does_not_grow_with_the_track(tmp_path: Path) -> None:
    sr, channels = 96_000, 8
    second = channels_of(synth.noise(1.0, sr), channels)

    def peak_mib(seconds: int) -> float:
        path = tmp_path / f"{seconds}.wav"
        with soundfile.SoundFile(path, "w", sr, channels, "PCM_16") as file:
            for _ in range(seconds):
                file.write(second)
        tracemalloc.start()
        try:
            assert read_signal(path, SHORT).heard_s == pytest.approx(8.0)
            return tracemalloc.get_traced_memory()[1] / 2**20
        finally:
            tracemalloc.stop()
            path.unlink()

    read_signal(synth.write(tmp_path / "warm.wav", synth.song(4.0)), WHOLE)
    short, long = peak_mib(17), peak_mib(50)
    # 50 s of 8 channels are 146 MiB of float32; 8 s of mono 2.9, one block 2.9.
    assert long < 12
    assert long < 1.05 * short


# --- nothing to classify --------------------------------------------------------------------


def test_too_short_is_not_music(tmp_path: Path) -> None:
    path = synth.write(tmp_path / "a.wav", synth.song(2.9))
    with pytest.raises(NotMusicError, match=r"too short: 2\.9 s"):
        read_signal(path, WHOLE)
    path = synth.write(tmp_path / "b.wav", synth.song(3.0))
    assert read_signal(path, WHOLE).heard_s == pytest.approx(3.0)


def test_no_samples_at_all_is_too_short(tmp_path: Path) -> None:
    path = synth.write(tmp_path / "a.wav", synth.silence(0))
    with pytest.raises(NotMusicError, match="too short"):
        read_signal(path, WHOLE)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3"])
def test_silence_is_not_music(tmp_path: Path, suffix: str) -> None:
    path = synth.write(tmp_path / f"a{suffix}", synth.silence(5.0))
    with pytest.raises(NotMusicError, match="silent"):
        read_signal(path, WHOLE)


@pytest.mark.parametrize(("dbfs", "music"), [(-72, False), (-68, True)])
def test_silence_ends_at_minus_70_dbfs(tmp_path: Path, dbfs: float, music: bool) -> None:
    y = synth.sine(440, 4.0, amplitude=10 ** (dbfs / 20))
    path = synth.write(tmp_path / "a.wav", y, subtype="FLOAT")
    if music:
        read_signal(path, WHOLE)
    else:
        with pytest.raises(NotMusicError, match="silent"):
            read_signal(path, WHOLE)


def test_one_loud_excerpt_is_enough(tmp_path: Path) -> None:
    y = np.concatenate([synth.silence(30.0), synth.song(30.0)])
    signal = read_signal(synth.write(tmp_path / "a.flac", y), SHORT)
    assert not signal.excerpts[0].y.any()
    assert signal.excerpts[1].y.any()


# --- what cannot be decoded: one error, one line --------------------------------------------


def refused(path: Path, plan: ExcerptPlan = WHOLE) -> str:
    """Read a bad file; return the message after checking its form."""
    with pytest.raises(AudioError) as caught:
        read_signal(path, plan)
    assert not isinstance(caught.value, NotMusicError)
    message = str(caught.value)
    assert message
    assert len(message.splitlines()) == 1
    assert str(path) not in message  # the caller says which file
    return message


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_invalid_samples(tmp_path: Path, value: float) -> None:
    y = synth.song(5.0)
    y[50_000] = value
    path = synth.write(tmp_path / "a.wav", y, subtype="FLOAT")
    assert "invalid samples" in refused(path)


def test_zero_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.touch()
    assert "empty" in refused(path)


@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".ogg", ".wav", ".m4a"])
@pytest.mark.parametrize(
    "content",
    [
        b"Dear diary,\n" * 400,
        bytes(50_000),
        b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(300),
        b"fLaC",
        b"RIFF\x00\x00\x00\x00WAVE",
        b"\xff\xfb\x90\x64",
        b"\x00",
    ],
    ids=["text", "zeros", "only-id3", "flac-magic", "wav-magic", "mp3-magic", "one-byte"],
)
def test_not_audio(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    refused(path)


def test_a_folder(tmp_path: Path) -> None:
    assert "directory" in refused(tmp_path).lower()


def test_a_missing_file(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "gone.mp3")


def test_a_link_to_itself(tmp_path: Path) -> None:
    path = tmp_path / "loop.mp3"
    path.symlink_to(path)
    refused(path)


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not by chmod: the tests may run as root, whom it does not stop.
    path = synth.write(tmp_path / "a.wav", synth.song(4.0))

    def deny(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "open", deny)
    assert "Permission denied" in refused(path)


@pytest.mark.parametrize("part", [0.1, 0.5])
def test_a_flac_cut_short(tmp_path: Path, part: float) -> None:
    path = synth.write(tmp_path / "a.flac", synth.song(60.0, 16_000), 16_000)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    assert "damaged" in refused(path, SHORT)


@pytest.mark.parametrize("suffix", [".wav", ".aiff", ".ogg", ".opus"])
def test_what_is_left_of_a_cut_file_is_heard_in_the_right_place(
    tmp_path: Path, suffix: str
) -> None:
    path = synth.write(tmp_path / f"a{suffix}", staircase(60, 24_000), 24_000)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    signal = read_signal(path, SHORT)
    assert signal.duration_s == pytest.approx(30, abs=6)
    assert_hears_the_right_second(signal)


# --- the file system ------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".flac", ".mp3"])
def test_a_name_that_is_not_utf8(tmp_path: Path, suffix: str) -> None:
    name = os.path.join(os.fsencode(tmp_path), b"caf\xe9 \xff" + suffix.encode())  # noqa: PTH118
    try:
        shutil.copyfile(synth.write(tmp_path / f"a{suffix}", synth.song(4.0)), name)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert read_signal(Path(os.fsdecode(name)), WHOLE).duration_s == pytest.approx(4.0, abs=0.06)


def test_reading_leaves_the_file_alone(tmp_path: Path) -> None:
    path = synth.vbr_mp3(tmp_path / "a.mp3", synth.song(20.0, 44_100), xing=False)
    before = path.read_bytes(), path.stat().st_mtime_ns
    read_signal(path, SHORT)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert os.listdir(tmp_path) == ["a.mp3"]  # noqa: PTH208


# --- audioread ------------------------------------------------------------------------------


class Stream:
    """What audioread gives: 16-bit samples in blocks of bytes, whatever the frame."""

    def __init__(self, samples: np.ndarray, samplerate: int, block_bytes: int) -> None:
        self.data = samples.astype("<i2").tobytes()
        self.samplerate, self.channels = samplerate, samples.shape[1]
        self.block_bytes = block_bytes
        self.blocks_read = 0

    def __iter__(self):
        for start in range(0, len(self.data), self.block_bytes):
            self.blocks_read += 1
            yield self.data[start : start + self.block_bytes]


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
@pytest.mark.parametrize("block_bytes", [4096, 1000, 7])
def test_a_stream_is_cut_like_an_array(channels: int, block_bytes: int) -> None:
    sr = 1000
    samples = np.random.RandomState(0).randint(-32768, 32768, (10 * sr, channels))
    spans = (Span(0.0, 0.5), Span(2.0004, 1.5), Span(3.6, 2.0))
    stream = Stream(samples, sr, block_bytes)

    pieces = list(cut_stream(stream, spans))

    mono = samples.mean(axis=1) / 32768
    for piece, (start, stop) in zip(pieces, [(0, 500), (2000, 3500), (3600, 5600)], strict=True):
        assert piece.dtype == np.float32
        np.testing.assert_allclose(piece, mono[start:stop], atol=1e-6)
    # What lies behind the last span is not even decoded.
    assert stream.blocks_read <= 5600 * 2 * channels // block_bytes + 1


def test_a_stream_that_ends_early_gives_what_it_has() -> None:
    samples = np.full((1500, 2), 16_384)
    pieces = list(
        cut_stream(Stream(samples, 1000, 4096), (Span(0.0, 1.0), Span(1.0, 1.0), Span(2.0, 1.0)))
    )
    assert [len(p) for p in pieces] == [1000, 500, 0]
    np.testing.assert_allclose(pieces[1], 0.5)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_m4a_through_ffmpeg(tmp_path: Path, channels: int) -> None:
    wav = synth.write(tmp_path / "a.wav", channels_of(staircase(60, 44_100), channels), 44_100)
    path = tmp_path / "a.m4a"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", wav, "-c:a", "aac", "-b:a", "256k", path], check=True
    )
    signal = read_signal(path, SHORT)
    assert signal.duration_s == pytest.approx(60, abs=0.1)
    assert [len(e.y) for e in signal.excerpts] == [4 * SAMPLE_RATE] * 2
    assert_hears_the_right_second(signal)
