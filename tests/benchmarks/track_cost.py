"""What one track costs, as a ratio to decoding it: ``python tests/benchmarks/track_cost.py``.

The measure is the plain way to the same excerpts: soundfile seeks and reads, soxr resamples. Our
own way there is a stage like the others.

A synthesised four-minute MP3 of 320 kb/s, stereo, 44.1 kHz, goes along a worker's route,
through the classifier, into its tags and into both databases, on one core. Each round times
every stage once, in turn, so that a machine that speeds up or slows down does so for all of
them; medians over the rounds are shown. A stage that waits for the disk is timed with the wait.

``database`` is a track's share of all that a scan asks of cache and journal: the look-up with
the key of the audio, the hearing, the journal's entry (synced, a track at a time) and the last
word. The cache writes what came in within a second: on one core, about ten tracks.

The memory of a scan's processes and the start of the command line are measured in processes of
their own. The last line is the whole sum.
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
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from tagger.analysis.features import compute_features
from tagger.analysis.logmel import log_mel_picture
from tagger.analysis.spectrum import Spectrum
from tagger.audio.decode import SAMPLE_RATE, read_signal
from tagger.audio.excerpts import plan_spans
from tagger.domain import Hearing, Replacement, Status, TagChange, TrackReport
from tagger.engine.quiet import native_stderr_hidden
from tagger.library.cache import Cache
from tagger.library.folders import CACHE_VARIABLE, STATE_VARIABLE, cache_folder
from tagger.library.identity import payload_digest_of
from tagger.models.bundle import find_bundle, load_bundle
from tagger.models.classifier import Classifier
from tagger.models.cnn import Cnn, cut_patches
from tagger.tags.read import read_tags
from tagger.tags.writer import write_changes
from tagger.workflows.recall import Recall
from tagger.workflows.recording import RunRecorder
from tagger.workflows.worker import Track

SR = 44_100
PLAIN = "plain decode and resample"
WARM_UP = 2
BATCH = 10  # tracks that one core gets done while the cache waits for more


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--model", default="default")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ[CACHE_VARIABLE] = str(folder / "cache")
        os.environ[STATE_VARIABLE] = str(folder / "state")
        path = _four_minutes(folder)
        kb_s = path.stat().st_size * 8 / 240 / 1000
        with native_stderr_hidden():
            times = _stages(path, options.model, options.rounds)
        _memory(path, options.model)
    _start()
    print(f"{kb_s:.0f} kb/s, medians of {options.rounds} rounds")
    decode = statistics.median(times.pop(PLAIN))
    _show(PLAIN, decode, decode)
    for stage, seconds in times.items():
        _show(stage, statistics.median(seconds), decode)
    rounds = list(zip(*times.values(), strict=True))
    for what, count in (("analysed and classified", 5), ("with tags", 6), ("with database", 7)):
        _show(what, statistics.median(sum(each[:count]) for each in rounds), decode)


def _show(what: str, seconds: float, decode: float) -> None:
    print(f"  {what:<26} {1e3 * seconds:8.1f} ms   {seconds / decode:6.2f} × decode")


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
    unheard = iter(tuple(_unheard(path, (WARM_UP + rounds) * BATCH)))
    bundle = load_bundle(find_bundle(model))
    cnn, classifier = Cnn(bundle), Classifier(bundle)
    made: dict[str, Any] = {}

    def plain() -> None:
        with soundfile.SoundFile(path) as file:
            for span in plan_spans(240.0, bundle.excerpts):
                file.seek(round(span.start_s * SR))
                y = file.read(round(span.duration_s * SR), dtype="float32").mean(axis=1)
                soxr.resample(y, SR, SAMPLE_RATE, quality="HQ")

    def decode() -> None:
        made["signal"] = read_signal(path, bundle.excerpts)

    def spectrum() -> None:
        signal = made["signal"]
        made["spectrum"] = Spectrum([excerpt.y for excerpt in signal.excerpts], signal.sr)
        made["picture"] = log_mel_picture(made["spectrum"])
        made["seen"] = made["picture"]
        if bundle.cnn.every_frame:
            made["seen"] = log_mel_picture(made["spectrum"], every_frame=True)

    def features() -> None:
        made["features"] = compute_features(bundle.features, made["spectrum"], made["picture"])

    def network() -> None:
        starts_s = tuple(excerpt.start_s for excerpt in made["signal"].excerpts)
        patches, starts_s = cut_patches(made["seen"], starts_s, bundle.cnn)
        made["hearing"] = Hearing(240.0, 30.0, made["features"], cnn.log_probs(patches), starts_s)

    def ensemble() -> None:
        (made["prediction"],) = classifier.predict([made["hearing"]])

    @contextmanager
    def noted(replacement: Replacement) -> Iterator[None]:
        made["replacement"] = replacement
        yield

    def tags() -> None:
        current = read_tags(path).values.get("GENRETAG_MODEL", ())
        after = (f"benchmark {time.monotonic_ns()}",)
        change = TagChange("GENRETAG_MODEL", current, after)
        write_changes(path, [change], payload_digest=payload_digest_of, recorded=noted)

    def database() -> None:
        for track in islice(unheard, BATCH):
            recall.ready(track)
            recall.keep(track, made["hearing"])
            with recorder(made["replacement"]):
                pass
            recall.is_what_was_heard(track, None)
            recall.settle(
                TrackReport(
                    Path(track.path),
                    Status.TAGGED,
                    genres=made["prediction"].genres,
                    changes=made["replacement"].changes,
                )
            )
        cache._flush()

    stages: dict[str, Callable[[], None]] = {
        PLAIN: plain,
        "decode and resample": decode,
        "spectrum and picture": spectrum,
        "features": features,
        "network": network,
        "ensemble and fusion": ensemble,
        "tags, verified": tags,
        "database": database,
    }
    times: dict[str, list[float]] = {name: [] for name in stages}
    with (
        Cache.open(cache_folder()) as cache,
        closing(RunRecorder("scan", bundle.identity)) as recorder,
    ):
        recall = Recall(cache, listening=bytes(16), decision=bytes(16))
        for i in range(WARM_UP + rounds):
            for name, stage in stages.items():
                begun = time.perf_counter()
                stage()
                if i >= WARM_UP:
                    times[name].append(time.perf_counter() - begun)
        assert not cache.notice, cache.notice
    times["database"] = [seconds / BATCH for seconds in times["database"]]
    return times


def _unheard(path: Path, count: int) -> Iterator[Track]:
    """Files that differ from one another, for the cache; a hole in each takes no room."""
    with path.open("rb") as file:
        head = file.read(1 << 14)
    length = path.stat().st_size
    for number in range(count):
        other = path.with_name(f"{number}.mp3")
        with other.open("wb") as file:
            file.write(head + os.urandom(16))
            file.truncate(length)
        yield Track(str(other), length, other.stat().st_mtime_ns)


def _memory(path: Path, model: str) -> None:
    """Largest resident size of a scan's parent and of its workers, from /proc."""
    if not Path("/proc/self/status").exists():
        return
    folder = path.parent / "many"
    folder.mkdir()
    for i in range(40):
        shutil.copyfile(path, folder / f"{i}.mp3")
    command = [sys.executable, "-m", "tagger", "scan", "-n", "-q", "-j2", "--model", model, folder]
    scan = subprocess.Popen([str(c) for c in command], stderr=subprocess.DEVNULL)
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
