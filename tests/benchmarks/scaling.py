"""How a scan gains by a second process: ``python tests/benchmarks/scaling.py [FOLDER]``.

The same files are scanned with one process and with two, in turn, all of them heard
(``--rescan``): first as a dry run, then written to (another genre each time, so that every
file changes). Shown are medians of the wall times of whole commands, start included. Without a
folder, tracks are synthesised.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

SR = 44_100


def synthesised(folder: Path, count: int) -> None:
    """Two-minute MP3s of different tones."""
    t = np.arange(120 * SR) / SR
    for seed in range(count):
        rng = np.random.default_rng(seed)
        notes = 110 * 2 ** (rng.integers(0, 36, 5) / 12)
        tone = sum(np.sin(2 * np.pi * f * t) for f in notes) / 10
        beat = rng.normal(0, 0.3, len(t)) * (np.mod(t, rng.uniform(0.4, 0.7)) < 0.05)
        soundfile.write(folder / f"{seed:03}.mp3", np.stack([tone + beat, tone - beat], 1), SR)


def seconds(folder: Path, jobs: int, *options: str) -> float:
    """Wall time of a whole scan."""
    command = (sys.executable, "-m", "tagger", "scan", "-q", "--rescan", "-j", str(jobs), *options)
    begun = time.perf_counter()
    subprocess.run((*command, folder), check=True, capture_output=True)
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--files", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        os.environ["GENRETAG_STATE_DIR"] = str(scratch / "state")
        os.environ["GENRETAG_CACHE_DIR"] = str(scratch / "cache")
        music = scratch / "music"
        music.mkdir()
        if options.folder:
            for i, path in enumerate(sorted(options.folder.rglob("*.mp3"))[: options.files]):
                shutil.copyfile(path, music / f"{i:04}.mp3")
        else:
            synthesised(music, options.files)
        count = len(list(music.iterdir()))
        for what in ("dry run", "written"):
            times: dict[int, list[float]] = {1: [], 2: []}
            for turn in range(options.rounds):
                for jobs in times:
                    limits = ("--max-genres", str(1 + (2 * turn + jobs) % 2))
                    always = ("--policy", "overwrite", "--min-confidence", "0", *limits)
                    extra = ("-n",) if what == "dry run" else always
                    times[jobs].append(seconds(music, jobs, *extra))
            one, two = (statistics.median(times[jobs]) for jobs in (1, 2))
            print(
                f"{what}: {count} tracks, one process {one:.2f} s ({count / one:.1f} a second), "
                f"two {two:.2f} s ({count / two:.1f} a second): {one / two:.2f} x"
            )


if __name__ == "__main__":
    main()
