"""What a search for similar tracks costs: ``python tests/benchmarks/similar_cost.py``.

A cache is filled with made-up hearings of many tracks, whose files are empty. Then
``genretag similar`` asks for the neighbours of one of them, in a process of its own and without a
path to look in, in turn with ``genretag --version``. Shown are the first search, which makes the
vectors; the medians of the later ones, and their ratio to the other; and the memory at its peak.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tagger.domain import Hearing
from tagger.library.cache import Cache
from tagger.library.folders import cache_folder
from tagger.models.bundle import Bundle, find_bundle, load_bundle
from tagger.models.fusion import log_softmax
from tagger.workflows.fingerprints import listening_fingerprint

STYLES = 40
EACH_ALBUM = 12


def fill(folder: Path, bundle: Bundle, tracks: int) -> Path:
    """Albums of twelve tracks, each near one of some styles; gives one of the tracks."""
    rng = np.random.default_rng(0)
    assert bundle.music is not None
    columns = list(bundle.music.features)
    middle, scale = np.zeros(len(bundle.features)), np.ones(len(bundle.features))
    middle[columns], scale[columns] = bundle.music.mean, bundle.music.scale
    styles = 0.5 * rng.standard_normal((STYLES, len(bundle.features)))
    listening = listening_fingerprint(bundle)
    path = folder
    with Cache.open(cache_folder()) as cache:
        for n in range(tracks):
            album = folder / f"Artist {n // (4 * EACH_ALBUM):05}" / f"Album {n // EACH_ALBUM % 4}"
            if n % EACH_ALBUM == 0:
                album.mkdir(parents=True)
            path = album / f"{n % EACH_ALBUM:02} Title of a song.mp3"
            path.touch()
            z = styles[n // EACH_ALBUM % STYLES] + 0.4 * rng.standard_normal(len(middle))
            hearing = Hearing(
                240.0,
                30.0,
                (middle + scale * z).astype(np.float32),
                log_softmax(rng.standard_normal((6, len(bundle.labels)))).astype(np.float32),
                tuple(range(6)),
                rng.standard_normal(bundle.cnn.embedding).astype(np.float32),
            )
            mtime_ns = path.stat().st_mtime_ns
            cache.keep(path, 0, mtime_ns, n.to_bytes(16, "big"), listening, hearing)
    return path


def timed(*command: str | Path) -> float:
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "tagger", *map(str, command)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    bundle = load_bundle(find_bundle("default"))
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["GENRETAG_CACHE_DIR"] = str(Path(scratch) / "cache")
        seed = fill(Path(scratch) / "music", bundle, options.tracks)
        file = cache_folder() / "cache.sqlite3"
        before = file.stat().st_size
        print(f"{options.tracks} tracks, a cache of {before / options.tracks:.0f} bytes each")
        print(f"  first search          {timed('similar', seed):8.3f} s")
        grown = file.stat().st_size - before
        print(f"  the cache has grown by {grown / options.tracks:.0f} bytes a track")
        rivals = {"--version": ("--version",), "later searches": ("similar", seed)}
        times: dict[str, list[float]] = {rival: [] for rival in rivals}
        for _ in range(options.rounds):
            for rival, command in rivals.items():
                times[rival].append(timed(*command))
        bare = statistics.median(times["--version"])
        for rival, seconds in times.items():
            median = statistics.median(seconds)
            print(f"  {rival:<22}{median:8.3f} s{median / bare:8.2f} x --version")
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        print(f"peak memory of any of them: {peak / 1024:.0f} MB")


if __name__ == "__main__":
    main()
