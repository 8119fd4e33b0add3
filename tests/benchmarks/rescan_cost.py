"""What a nightly run over an unchanged library costs: ``python tests/benchmarks/rescan_cost.py``.

A library of many empty files is made, and the cache is told that each was heard and settled.
Then ``genretag scan`` runs over it in a process of its own, in turn with a bare walk (one
``os.scandir`` a folder, one ``stat`` a file) in a process of its own. Shown are the medians,
their ratio, and the memory that the scan took at its peak.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tagger.domain import AS_BEFORE, FileState, Hearing, Status, TrackReport
from tagger.library.folders import cache_folder
from tagger.workflows.config import load_config
from tagger.workflows.scan import Scan, ScanOptions

BARE = """
import os, sys
files, waiting = 0, [sys.argv[1]]
while waiting:
    with os.scandir(waiting.pop()) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            else:
                entry.stat()
                files += 1
print(files)
"""


def make_library(folder: Path, files: int) -> None:
    """Albums of twelve tracks and a picture, twenty albums an artist."""
    for n in range(files // 12):
        album = folder / f"Artist {n // 20:04}" / f"Album {n % 20:02}"
        album.mkdir(parents=True)
        for track in range(12):
            (album / f"{track:02} Title of a song.mp3").touch()
        (album / "cover.jpg").touch()


def settle_all(folder: Path) -> None:
    """Tell the cache what a first run would have told it."""
    scan = Scan(ScanOptions(paths=(folder,)), load_config())
    recall = scan._recall
    n_features = len(scan._bundle.features)
    labels = scan._bundle.labels
    rng = np.random.default_rng(0)
    for track in scan._tracks:
        path = Path(track.path)
        key = os.urandom(16)
        hearing = Hearing(
            240.0,
            30.0,
            rng.normal(size=n_features).astype(np.float32),
            rng.normal(size=(6, len(labels))).astype(np.float32),
            (50.0, 57.5, 65.0, 160.0, 167.5, 175.0),
            rng.normal(size=scan._bundle.cnn.embedding).astype(np.float32),
        )
        recall.cache.keep(path, track.size, track.mtime_ns, key, recall.listening, hearing)
        genres = tuple((label, 1 / len(labels)) for label in labels)
        current = {"GENRE": ("Rock",), "GENRETAG_GENRES": ("Rock=0.83", "Pop=0.10")}
        recall.settle(
            TrackReport(path, Status.UNCHANGED, "kept genre Rock (policy fill)", genres,
                        "mellow and melodic", current, (), "genre kept", 240.0, 30.0,
                        file=FileState(track.size, track.mtime_ns, bytes(16)))
        )  # fmt: skip
    scan._cache.close()


def timed(*command: str | Path) -> float:
    """Wall time of a command in seconds."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        os.environ["GENRETAG_STATE_DIR"] = str(scratch / "state")
        os.environ["GENRETAG_CACHE_DIR"] = str(scratch / "cache")
        library = scratch / "library"
        make_library(library, options.files)
        begun = time.perf_counter()
        settle_all(library)
        print(f"{options.files:,} files, settled in {time.perf_counter() - begun:.1f} s")
        size = sum(path.stat().st_size for path in cache_folder().iterdir())
        print(f"cache: {size / 1e6:.1f} MB, {size / options.files:,.0f} bytes a track")
        scan = (sys.executable, "-m", "tagger", "scan", library)
        rivals = {
            "bare walk": (sys.executable, "-c", BARE, library),
            "nothing (--version)": (sys.executable, "-m", "tagger", "--version"),
            "scan": scan,
            "scan --report": (*scan, "--report", scratch / "r.jsonl"),
        }
        times: dict[str, list[float]] = {rival: [] for rival in rivals}
        for _ in range(options.rounds):
            for rival, command in rivals.items():
                times[rival].append(timed(*command))
        summary = json.loads((scratch / "r.jsonl").read_text().splitlines()[-1])["summary"]
        if (outcomes := summary["outcomes"]) != {AS_BEFORE: options.files // 12 * 12}:
            raise SystemExit(f"the library was not found as it was left: {outcomes}")
        bare = statistics.median(times["bare walk"])
        for rival, seconds in times.items():
            median = statistics.median(seconds)
            print(f"  {rival:<22}{median:8.3f} s{median / bare:8.2f} x bare walk")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        print(f"peak memory of any of them: {peak / 1024:.0f} MB")


if __name__ == "__main__":
    main()
