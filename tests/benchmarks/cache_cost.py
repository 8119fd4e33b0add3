"""What the cache costs: ``python tests/benchmarks/cache_cost.py --tracks 100000``.

Made-up tracks, ten to a folder, with hearings and reports as large as those of the built-in
model. Times are of one process on one core and contain the batches' commits.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tagger.domain import FileState, Hearing, Status, TagChange, TrackReport
from tagger.library.cache import Cache

LABELS = ("Blues", "Classical", "Country", "Disco", "Electronic", "Hip-Hop", "Jazz", "Metal",
          "Pop", "Reggae", "Rock")  # fmt: skip
LISTENING = bytes(16)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, default=20_000)
    count = parser.parse_args().tracks
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), count)


def _measure(folder: Path, count: int) -> None:
    random = np.random.default_rng(1)
    paths = [_path(number) for number in range(count)]
    folders = sorted({str(path.parent) for path in paths})
    hearings = [_hearing(random) for _ in range(500)]
    reports = [_report(random) for _ in range(500)]
    with Cache.open(folder) as cache:

        def keep() -> Iterator[None]:
            for i, path in enumerate(paths):
                cache.keep(path, i, 2 * i, i.to_bytes(16, "big"), LISTENING, hearings[i % 500])
                yield

        def settle() -> Iterator[None]:
            for i, path in enumerate(paths):
                cache.settle(path, i, 2 * i + 1, b"settings", reports[i % 500])
                yield

        def hearing() -> Iterator[None]:
            for i, path in enumerate(paths):
                assert cache.hearing(path, i, 2 * i + 1, lambda: None, LISTENING)
                yield

        def report() -> Iterator[None]:
            for path in paths:
                assert cache.report(path)
                yield

        def known() -> Iterator[None]:
            for one in folders:
                yield from (None for _ in cache.known(one, LISTENING))

        def settled() -> Iterator[None]:
            for one in folders:
                yield from (None for _ in cache.settled(one, LISTENING))

        for what in (keep, settle, hearing, report, known, settled, settled):
            _timed(what, cache._flush)
        size = cache.info().size
        print(f"on disk      {size / count:8.0f} bytes a track, {size / 1e6:.1f} MB")
        tracemalloc.start()
        for _ in settled():
            pass
        print(f"settled, peak{tracemalloc.get_traced_memory()[1] / 1e6:8.2f} MB of Python's memory")
        tracemalloc.stop()
        assert not cache.notice, cache.notice


def _timed(what: Callable[[], Iterator[None]], flush: Callable[[], None]) -> None:
    begun = time.perf_counter()
    count = sum(1 for _ in what())
    flush()
    each = (time.perf_counter() - begun) / count
    print(f"{what.__name__:<12} {each * 1e6:8.2f} µs a track")


def _path(number: int) -> Path:
    album = f"Artist Name {number // 100:04}/Album Title {number // 10:05}"
    return Path(f"/mnt/nas/music/{album}/{number % 10:02} - A Song Title {number}.flac")


def _hearing(random: np.random.Generator) -> Hearing:
    return Hearing(
        duration_s=240.1,
        heard_s=30.0,
        features=random.standard_normal(473, np.float32),
        patch_log_probs=random.standard_normal((6, len(LABELS)), np.float32),
        patch_starts_s=tuple(random.random(6).tolist()),
    )


def _report(random: np.random.Generator) -> TrackReport:
    probabilities = random.dirichlet(np.ones(len(LABELS)))
    order = np.argsort(-probabilities)
    genres = tuple((LABELS[i], float(probabilities[i])) for i in order)
    written = {
        "GENRE": (genres[0][0],),
        "GENRETAG_GENRES": tuple(f"{label}={p:.2f}" for label, p in genres[:3]),
        "GENRETAG_CLUSTER": ("Type 3",),
        "GENRETAG_MODEL": ("default 2.0.0",),
        "GENRETAG_VERSION": ("0.9.0",),
    }
    return TrackReport(
        path=Path("/mnt/nas/music/song.flac"),
        status=Status.TAGGED,
        reason=f"genre {genres[0][0]} {genres[0][1]:.2f}",
        genres=genres,
        cluster="Type 3",
        changes=tuple(TagChange(name, (), values) for name, values in written.items()),
        outcome="genre written",
        duration_s=240.1,
        heard_s=30.0,
        file=FileState(30_000_000, 1_700_000_000_123_456_789, random.bytes(16)),
    )


if __name__ == "__main__":
    main()
