"""What a safe write costs, as ratios to a plain copy of the same file in the same run.

Run it as ``python tests/benchmarks/write_cost.py [FOLDER]``; the folder says which file system
is measured (a reflinking one: Btrfs, XFS). Medians over rounds in which the contestants take
turns, so that a slow moment of the machine hits all of them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import soundfile

from tagger.domain import TagChange
from tagger.library.identity import payload_digest_of
from tagger.tags.read import read_tags
from tagger.tags.writer import WriteSettings, write_changes
from tagger.workflows.recording import RunRecorder

GENRES = ("Rock", "Jazz")
PLAIN, SYNCED = "copy", "copy and sync"


def plain_copy(path: Path) -> None:
    """Copy a file with the kernel's help; some file systems share its blocks then."""
    target = path.with_suffix(".copy")
    with path.open("rb") as source, target.open("wb") as copy:
        size = os.fstat(source.fileno()).st_size
        while size > 0:
            size -= os.copy_file_range(source.fileno(), copy.fileno(), size)
    target.unlink()


def read_and_write(path: Path, *, sync: bool = False) -> None:
    """Copy a file through memory, which no file system can turn into shared blocks.

    The copy is gone before the system begins to write it, unless it is synced.
    """
    target = path.with_suffix(".copy")
    with path.open("rb") as source, target.open("wb") as copy:
        while block := source.read(1 << 20):
            copy.write(block)
        if sync:
            copy.flush()
            os.fsync(copy.fileno())
    target.unlink()


def sample(folder: Path, suffix: str, megabytes: float) -> Path:
    """A file of about that size, with tags and room in them."""
    path = folder / f"sample{suffix}"
    sr = 44_100
    y = np.random.default_rng(1).normal(0, 0.1, sr * 10).astype(np.float32)
    soundfile.write(path, y, sr)
    if suffix == ".mp3":  # frames may be repeated
        data = path.read_bytes()
        path.write_bytes(data * max(1, round(megabytes * 1e6 / len(data))))
    else:
        times = max(1, round(megabytes * 1e6 / path.stat().st_size))
        soundfile.write(path, np.tile(y, times), sr)
    set_genre(path, "Blues", WriteSettings(), None)  # makes the room
    return path


def copy_over(path: Path) -> None:
    """Copy a file over an older copy of it, as a backup does; the copy stays."""
    shutil.copyfile(path, path.with_suffix(".backup"))


def set_genre(
    path: Path, genre: str, settings: WriteSettings, recorder: RunRecorder | None
) -> None:
    current = read_tags(path)
    write_changes(
        path,
        [TagChange("GENRE", current.values.get("GENRE", ()), (genre,))],
        payload_digest=payload_digest_of,
        settings=settings,
        recorded=recorder,
        planned_for=current.file,
    )


def contestants(path: Path, recorder: RunRecorder) -> dict[str, Callable[[int], None]]:
    """What is compared; each takes the number of the round."""
    safe, in_place = WriteSettings(), WriteSettings(in_place=True)
    return {
        PLAIN: lambda _: read_and_write(path),
        SYNCED: lambda _: read_and_write(path, sync=True),
        "copy over another": lambda _: copy_over(path),
        "copy in the kernel": lambda _: plain_copy(path),
        "safe write": lambda i: set_genre(path, GENRES[i % 2], safe, None),
        "safe write, journal": lambda i: set_genre(path, GENRES[~i % 2], safe, recorder),
        "in place, journal": lambda i: set_genre(path, GENRES[i % 2], in_place, recorder),
    }


def measure(rivals: dict[str, Callable[[int], None]], rounds: int) -> dict[str, float]:
    """Median seconds of each."""
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for turn in range(rounds):
        for name, run in rivals.items():
            begun = time.perf_counter()
            run(turn)
            times[name].append(time.perf_counter() - begun)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="where to measure")
    parser.add_argument("--megabytes", type=float, default=9.6)
    parser.add_argument("--rounds", type=int, default=25)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        os.environ["GENRETAG_STATE_DIR"] = str(folder / "state")
        for suffix in (".mp3", ".flac"):
            path = sample(folder, suffix, arguments.megabytes)
            with closing(RunRecorder("scan", "benchmark")) as recorder:
                found = measure(contestants(path, recorder), arguments.rounds)
            print(f"{suffix[1:]}, {path.stat().st_size / 1e6:.1f} MB")
            for what, seconds in found.items():
                print(
                    f"  {what:<22}{1000 * seconds:8.2f} ms"
                    f"{seconds / found[PLAIN]:8.2f} x copy"
                    f"{seconds / found[SYNCED]:8.2f} x synced copy"
                )


if __name__ == "__main__":
    main()
