"""What odd files cost to decode, as a ratio to a song: ``python tests/benchmarks/odd_files.py``.

The song is four minutes of a 320 kb/s MP3. The others are made of its sound: five hours of MP3
at a constant and at a variable bit rate, that one also without a Xing header, and of FLAC; a
side of a record; a FLAC of eight channels at 192 kHz. All are read once before, so that they
are compared by their cost to the processor; the rounds are interleaved, medians are shown.
They take 3 GB of the temporary folder.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # one core, as a worker has; before numpy loads

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.audio.mp3_frames import parse_header, xing_frame
from tagger.engine.quiet import native_stderr_hidden

SR = 44_100


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, native_stderr_hidden():
        files = _files(Path(folder))
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in files}
        for i in range(options.rounds + 1):  # the first warms up
            for name, path in files.items():
                begun, used = time.perf_counter(), time.process_time()
                read_signal(path, ExcerptPlan())
                if i:
                    spent = time.perf_counter() - begun, time.process_time() - used
                    times[name].append(spent)
        floor = _floor(files["192 kHz, 8 channels, FLAC"])
    wall, cpu = ({n: statistics.median(t[k] for t in v) for n, v in times.items()} for k in (0, 1))
    song = next(iter(files))
    print(f"medians of {options.rounds} rounds; ratios of the processor's time")
    for name in files:
        ratio = cpu[name] / cpu[song]
        print(f"  {name:<32} {1e3 * wall[name]:8.1f} ms {1e3 * cpu[name]:8.1f} ms {ratio:6.2f} ×")
    print(f"libsndfile alone, same excerpts of the 8 channels: {1e3 * floor:.1f} ms")


def _files(folder: Path) -> dict[str, Path]:
    rng = np.random.default_rng(0)
    t = np.arange(240 * SR) / SR
    tone = sum(np.sin(2 * np.pi * f * t) for f in (110, 220.5, 331, 440, 661)) / 16
    beat = rng.normal(0, 0.15, len(t)) * (np.mod(t, 0.5) < 0.05)
    # Loud and quiet minutes, for the variable rate to vary.
    level = np.repeat([1.0, 0.2, 0.7, 0.05], 60 * SR)
    y = (level[:, None] * np.stack([tone + beat, tone - 0.5 * beat], axis=1)).astype(np.float32)
    constant = _frames(folder, y, bitrate_mode="CONSTANT", compression_level=0.0)
    variable = _frames(folder, y, bitrate_mode="VARIABLE", compression_level=0.2)
    return {
        "song, MP3 of 320 kb/s": _mp3(folder / "song.mp3", constant, 4),
        "song, MP3 of variable rate": _mp3(folder / "song-v.mp3", variable, 4),
        "song, FLAC": _flac(folder / "song.flac", y, SR, 4),
        "23 minutes, MP3 of 320 kb/s": _mp3(folder / "side.mp3", constant, 23),
        "23 minutes, MP3 of variable rate": _mp3(folder / "side-v.mp3", variable, 23),
        "5 hours, MP3 of 320 kb/s": _mp3(folder / "mix.mp3", constant, 300),
        "5 hours, MP3 of variable rate": _mp3(folder / "mix-v.mp3", variable, 300),
        "5 hours, the same without Xing": _mp3(folder / "mix-x.mp3", variable, 300, xing=False),
        "5 hours, FLAC": _flac(folder / "mix.flac", y, SR, 300),
        "192 kHz, 8 channels, FLAC": _eight_channels(folder / "8.flac", y),
    }


def _frames(folder: Path, y: np.ndarray, **how: Any) -> list[bytes]:
    """Encode ``y`` as an MP3 and return its frames, the Xing frame left out."""
    path = folder / "a.mp3"
    soundfile.write(path, y, SR, **how)
    data = path.read_bytes()
    path.unlink()
    frames, position = [], 0
    while frame := parse_header(data[position : position + 4]):
        frames.append(data[position : position + frame.length])
        position += frame.length
    return frames[1:]


def _mp3(path: Path, frames: list[bytes], minutes: int, *, xing: bool = True) -> Path:
    """Repeat the frames of four minutes."""
    times, rest = divmod(minutes, 4)
    parts = [b"".join(frames)] * times + [b"".join(frames[: len(frames) * rest // 4])]
    count = len(frames) * times + len(frames) * rest // 4
    with path.open("wb") as file:
        if xing:
            file.write(xing_frame(frames[0][:4], count, sum(map(len, parts))))
        file.writelines(parts)
    return path


def _flac(path: Path, y: np.ndarray, sr: int, minutes: int) -> Path:
    with soundfile.SoundFile(path, "w", sr, y.shape[1], "PCM_16") as file:
        for i in range(minutes):
            file.write(y[i % 4 * 60 * sr :][: 60 * sr])
    return path


def _eight_channels(path: Path, y: np.ndarray) -> Path:
    sr, rng = 192_000, np.random.default_rng(1)
    minute = soxr.resample(y[: 60 * SR], SR, sr)
    with soundfile.SoundFile(path, "w", sr, 8, "PCM_24") as file:
        for second in range(240):
            part = np.tile(minute[second % 60 * sr :][:sr], 4)
            file.write(part + rng.normal(0, 1e-3, part.shape).astype(np.float32))
    return path


def _floor(path: Path) -> float:
    """Seconds of the processor to decode two excerpts of 15 s, without anything else."""
    times = []
    with soundfile.SoundFile(path) as file:
        block = np.empty((15 * file.samplerate, file.channels), dtype=np.int32)
        for _ in range(3):
            used = time.process_time()
            for start_s in (72.5, 152.5):
                file.seek(round(start_s * file.samplerate))
                file.read(out=block)
            times.append(time.process_time() - used)
    return min(times)


if __name__ == "__main__":
    main()
