"""What one track costs, as a ratio to decoding it: ``python tests/benchmarks/track_cost.py``.

A synthesised four-minute MP3 of 320 kb/s, stereo, 44.1 kHz, goes along a worker's route and
through the classifier, on one core. Each round times every stage once, in turn, so that a
machine that speeds up or slows down does so for all of them; medians over the rounds are shown.
The memory of a scan's processes and the start of the command line are measured in processes of
their own.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # one core, as a worker has; before numpy loads

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tagger.analysis.analyse import analyse
from tagger.audio.decode import read_signal
from tagger.domain import Hearing, TagChange
from tagger.engine.quiet import native_stderr_hidden
from tagger.library.identity import payload_digest_of
from tagger.models.bundle import find_bundle, load_bundle
from tagger.models.classifier import Classifier
from tagger.models.cnn import Cnn, cut_patches
from tagger.tags.read import read_tags
from tagger.tags.writer import write_changes

SR = 44_100


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--model", default="default")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        path = _four_minutes(Path(folder))
        with native_stderr_hidden():
            times = _stages(path, options.model, options.rounds)
        decode = statistics.median(times["decode and resample"])
        print(
            f"{path.stat().st_size * 8 / 240 / 1000:.0f} kb/s, medians of {options.rounds} rounds"
        )
        for stage, seconds in times.items():
            median = statistics.median(seconds)
            print(f"  {stage:<24} {1e3 * median:8.1f} ms   {median / decode:6.2f} × decode")
        hearing = statistics.median(map(sum, zip(*times.values(), strict=True)))
        heard = sum(statistics.median(times[s]) for s in list(times)[:4])
        print(f"  {'analysed and classified':<24} {1e3 * heard:8.1f} ms   {heard / decode:6.2f}")
        print(f"  {'with tags':<24} {1e3 * hearing:8.1f} ms   {hearing / decode:6.2f}")
        _memory(path, options.model)
    _start()


def _four_minutes(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    t = np.arange(240 * SR) / SR
    tone = sum(np.sin(2 * np.pi * f * t) for f in (110, 220.5, 331, 440, 661)) / 8
    beat = rng.normal(0, 0.3, len(t)) * (np.mod(t, 0.5) < 0.05)
    y = np.stack([tone + beat, tone - 0.5 * beat], axis=1)
    path = folder / "track.mp3"
    soundfile.write(path, y, SR, bitrate_mode="CONSTANT", compression_level=0.0)
    return path


def _stages(path: Path, model: str, rounds: int) -> dict[str, list[float]]:
    bundle = load_bundle(find_bundle(model))
    cnn, classifier = Cnn(bundle), Classifier(bundle)
    made: dict[str, Any] = {}

    def decode() -> None:
        made["signal"] = read_signal(path, bundle.excerpts)

    def spectrum() -> None:
        made["analysis"] = analyse(made["signal"], bundle.features)

    def network() -> None:
        analysis = made["analysis"]
        patches, starts_s = cut_patches(analysis.picture, analysis.part_starts_s, bundle.cnn)
        made["hearing"] = Hearing(240.0, 30.0, analysis.features, cnn.log_probs(patches), starts_s)

    def ensemble() -> None:
        made["prediction"] = classifier.predict([made["hearing"]])

    def tags() -> None:
        current = read_tags(path).values.get("GENRETAG_MODEL", ())
        after = (f"benchmark {time.monotonic_ns()}",)
        change = TagChange("GENRETAG_MODEL", current, after)
        write_changes(path, [change], payload_digest=payload_digest_of)

    stages: dict[str, Callable[[], None]] = {
        "decode and resample": decode,
        "spectrum and features": spectrum,
        "network": network,
        "ensemble and fusion": ensemble,
        "tags, verified": tags,
    }
    times: dict[str, list[float]] = {name: [] for name in stages}
    for i in range(rounds + 2):  # the first two warm up
        for name, stage in stages.items():
            begun = time.perf_counter()
            stage()
            if i >= 2:
                times[name].append(time.perf_counter() - begun)
    return times


def _memory(path: Path, model: str) -> None:
    """Largest resident size of a scan's parent and of its workers, from /proc."""
    if not Path("/proc/self/status").exists():
        return
    folder = path.parent / "many"
    folder.mkdir()
    for i in range(40):
        shutil.copyfile(path, folder / f"{i}.mp3")
    command = [sys.executable, "-m", "tagger", "scan", "-n", "-q", "-j2", "--model", model, folder]
    scan = subprocess.Popen([str(c) for c in command])
    peaks: dict[int, int] = {}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            for pid in [scan.pid, *_descendants(scan.pid)]:
                peaks[pid] = max(peaks.get(pid, 0), _peak_kb(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    scan.wait()
    done.set()
    watcher.join()
    parent = peaks.pop(scan.pid)
    print(f"peak memory: parent {parent / 1024:.0f} MB, largest other process", end=" ")
    print(f"{max(peaks.values()) / 1024:.0f} MB (shared pages counted)")


def _descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *_descendants(child)]
    return found


def _peak_kb(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(s.split()[1]) for s in status.splitlines() if s.startswith("VmHWM")), 0)


def _start() -> None:
    """Time of ``genretag --help`` and of a bare interpreter, in turn."""
    commands = {"--help": ["-m", "tagger", "--help"], "bare python": ["-c", "pass"]}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(11):
        for name, arguments in commands.items():
            begun = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            times[name].append(time.perf_counter() - begun)
    bare, started = (statistics.median(times[name]) for name in ("bare python", "--help"))
    print(f"--help {1e3 * started:.0f} ms, {started / bare:.1f} × a bare interpreter's start")


if __name__ == "__main__":
    main()
