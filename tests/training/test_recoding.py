from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import synth

from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.errors import AudioError
from tagger.training.recoding import POSITIONS, VARIANTS, Coding, read_whole, write_variant

SR = 44_100
SECONDS = 4.0
CODED = ["MP3 64 kb/s", "MP3 128 kb/s", "MP3 320 kb/s", "Vorbis q4", "Opus 96 kb/s"]

Samples = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def song() -> Samples:
    """Four seconds in stereo, the channels unlike."""
    left, right = (synth.song(SECONDS, SR, seed=seed) for seed in (1, 2))
    return np.stack([left, 0.5 * right], axis=1)


def level_db(y: Samples) -> float:
    return 10 * float(np.log10(np.square(y, dtype=np.float64).mean()))


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_a_file_that_is_heard(name: str, song: Samples, tmp_path: Path) -> None:
    variant = VARIANTS[name]
    path = tmp_path / f"clip{variant.coding.suffix}"
    write_variant(path, song, SR, variant)
    info = soundfile.info(path)
    assert (info.format, info.subtype) == (variant.coding.format, variant.coding.subtype)
    signal = read_signal(path, ExcerptPlan(1, 30.0))
    (excerpt,) = signal.excerpts
    assert signal.duration_s == pytest.approx(SECONDS, abs=0.06)
    assert len(excerpt.y) == pytest.approx(SECONDS * signal.sr, abs=0.06 * signal.sr)
    # The same music, at its own level: LAME scales by 0.95, equalisers leave room.
    wanted = level_db(song.mean(axis=1)) - (12.0 if name == "-12 dB" else 0.0)
    assert level_db(excerpt.y) == pytest.approx(
        wanted, abs=12.0 if name in ("bright", "dark") else 1
    )


@pytest.mark.parametrize("kbps", [64, 128, 320])
def test_an_mp3_has_its_bit_rate(kbps: int, song: Samples, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp3"
    write_variant(path, song, SR, VARIANTS[f"MP3 {kbps} kb/s"])
    assert path.stat().st_size * 8 / SECONDS / 1000 == pytest.approx(kbps, rel=0.04)


def test_a_low_sample_rate_allows_160_kbps_at_most(song: Samples, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp3"
    write_variant(path, song[::2], SR // 2, VARIANTS["MP3 320 kb/s"])
    assert path.stat().st_size * 8 / SECONDS / 1000 == pytest.approx(160, rel=0.04)


def test_opus_counts_its_bit_rate_by_channel() -> None:
    opus = Coding(".opus", "OGG", "OPUS", kbps=96)
    assert opus.compression_level(48_000, 2) == pytest.approx(1 - 42 / 250)
    assert opus.compression_level(48_000, 1) == pytest.approx(1 - 90 / 250)


def altered(name: str, y: Samples, sr: int = SR) -> tuple[Samples, int]:
    return VARIANTS[name].alter(y, sr)


def test_stretches_lie_where_they_say() -> None:
    y = np.arange(30 * 100, dtype=np.float32)[:, None]
    for length, names in POSITIONS.items():
        seconds = int(length.removesuffix(" s"))
        begins = [altered(name, y, 100)[0][0, 0] for name in names]
        assert begins == [0, (30 - seconds) * 50, (30 - seconds) * 100]
        assert {len(altered(name, y, 100)[0]) for name in names} == {seconds * 100}
    assert len(altered("end 15 s", y[:500], 100)[0]) == 500  # shorter: all of it


def test_level_channels_and_rate(song: Samples) -> None:
    assert np.allclose(altered("-12 dB", song)[0], song * 0.2511886, rtol=1e-6)
    mono, _ = altered("mono", song)
    assert np.allclose(mono[:, 0], song.mean(axis=1), atol=1e-6)
    stereo, _ = altered("stereo", mono)
    assert stereo.shape == song.shape
    assert np.array_equal(stereo[:, 0], stereo[:, 1])
    half, sr = altered("22.05 kHz", song)
    assert (len(half), sr) == (len(song) // 2, 22_050)
    tone = synth.sine(440.0, 1.0, SR)[:, None]
    assert synth.loudest_hz(altered("22.05 kHz", tone)[0][:, 0])[0] == pytest.approx(440, abs=0.1)


def test_noise_lies_forty_decibels_below(song: Samples) -> None:
    noisy, _ = altered("noise -40 dB", song)
    assert level_db(noisy - song) - level_db(song) == pytest.approx(-40, abs=0.5)
    assert np.array_equal(noisy, altered("noise -40 dB", song)[0])  # and is the same each time


@pytest.mark.parametrize(
    ("name", "gains"),
    [
        # 1 dB an octave around 1 kHz, 6 dB of room: at 250, 1000 and 4000 Hz.
        ("bright", {250: -8.0, 1000: -6.0, 4000: -4.0}),
        ("dark", {250: -4.0, 1000: -6.0, 4000: -8.0}),
        ("8 kHz band", {1000: 0.0, 7900: 0.0, 8500: -100.0}),
    ],
)
def test_filters_have_the_gains_they_say(name: str, gains: dict[int, float]) -> None:
    for hz, db in gains.items():
        tone = synth.sine(hz, 1.0, SR)[:, None]
        middle = slice(SR // 4, 3 * SR // 4)
        change = level_db(altered(name, tone)[0][middle] + 1e-12) - level_db(tone[middle])
        if db > -50:
            assert change == pytest.approx(db, abs=0.05)
        else:
            assert change < -50


def test_what_cannot_be_read_or_written_says_which_file(song: Samples, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp3"
    broken.write_bytes(b"no audio")
    with pytest.raises(AudioError, match=r"broken\.mp3: cannot be read"):
        read_whole(broken)
    with pytest.raises(AudioError, match=r"cannot be written as mono"):
        write_variant(tmp_path / "nowhere" / "clip.wav", song, SR, VARIANTS["mono"])


def test_samples_come_back_as_they_were_written(song: Samples, tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    write_variant(path, song, SR, VARIANTS["stereo"])
    y, sr = read_whole(path)
    assert (y.shape, y.dtype, sr) == (song.shape, np.float32, SR)
    assert np.abs(y - song).max() < 1e-4


def test_only_encoders_are_dear() -> None:
    assert [name for name, variant in VARIANTS.items() if variant.dear] == CODED
