"""Scans, undoes, kills and disturbs a library for hours: ``python tests/benchmarks/soak.py``.

In each round files are renamed, moved, retagged by another program, copied, damaged or removed;
then a scan runs with settings drawn at random, is sometimes killed or interrupted, sometimes
undone. After each round the audio of every whole file must be what it ever was, every file must
be readable, and after a run that ended by itself no temporary file may be left. At the end
everything is undone. Prints a line a minute and what it came to; ends with 1 at the first
promise that is broken.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import mutagen
import numpy as np
import soundfile

from tagger.library.identity import payload_digest
from tagger.tags.leftovers import is_leftover

SUFFIXES = (".mp3", ".flac", ".ogg", ".wav", ".opus")
GENRETAG = (sys.executable, "-m", "tagger")
# The last three: before the handlers stand, or when all is done and they stand no more.
ENDINGS = {0, 1, 3, 130, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT}


class Library:
    """The files under test, and what their audio must be."""

    def __init__(self, folder: Path, chance: random.Random, source: Path | None) -> None:
        self.folder = folder
        self.chance = chance
        self.audio: dict[Path, bytes] = {}
        self.samples = sorted(source.rglob("*.mp3"))[:40] if source else self._synthesised()

    def _synthesised(self) -> list[Path]:
        made = []
        for seed in range(20):
            suffix = SUFFIXES[seed % len(SUFFIXES)]
            sr = 48_000 if suffix == ".opus" else 44_100
            t = np.arange(8 * sr) / sr
            rng = np.random.default_rng(seed)
            y = sum(0.15 * np.sin(2 * np.pi * f * t) for f in rng.uniform(80, 2000, 4))
            path = self.folder.parent / f"sample {seed}{suffix}"
            kind = {"format": "OGG", "subtype": "OPUS"} if suffix == ".opus" else {}
            soundfile.write(path, y + 0.02 * rng.normal(size=t.size), sr, **kind)
            made.append(path)
        return made

    def disturb(self) -> str:
        """Do one of the things that happen to files."""
        deed = self.chance.choice(("add", "add", "rename", "move", "retag", "remove", "touch"))
        path = self.chance.choice(sorted(self.audio)) if self.audio else None
        if deed == "add" or path is None:
            sample = self.chance.choice(self.samples)
            path = (
                self.folder
                / f"album {self.chance.randrange(9)}"
                / f"{time.time_ns()}{sample.suffix}"
            )
            path.parent.mkdir(exist_ok=True)
            shutil.copyfile(sample, path)
            self.audio[path] = payload_digest(path)
            return "add"
        if deed in ("rename", "move"):
            folder = (
                path.parent if deed == "rename" else self.folder / f"album {time.time_ns() % 9}"
            )
            folder.mkdir(exist_ok=True)
            self.audio[path.rename(folder / f"{time.time_ns()}{path.suffix}")] = self.audio.pop(
                path
            )
        elif deed == "retag":
            file = mutagen.File(path, easy=True)
            if file is not None and hasattr(file, "add_tags"):
                if file.tags is None:
                    file.add_tags()
                try:
                    file["title"] = [str(time.time_ns())]
                except (KeyError, TypeError):  # an ID3 tag without the easy names
                    return "nothing"
                file.save()
        elif deed == "remove":
            path.unlink()
            del self.audio[path]
        else:
            os.utime(path)
        return deed

    def _album(self) -> Path:
        folder = self.folder / f"album {self.chance.randrange(9)}"
        folder.mkdir(exist_ok=True)
        return folder

    def check(self, *, ended: bool) -> None:
        """Every promise that can be checked from outside."""
        for path, digest in self.audio.items():
            assert payload_digest(path) == digest, f"the audio of {path} has changed"
            assert mutagen.File(path) is not None, f"{path} cannot be read"
        found = {path for path in self.folder.rglob("*") if path.is_file()}
        left = {path for path in found if is_leftover(path.name)}
        assert found - left == set(self.audio), "files appeared or vanished"
        assert not (ended and left), f"{left} is left"


def run(chance: random.Random, folder: Path) -> tuple[str, int]:
    """One scan or undo, left alone or not."""
    if chance.random() < 0.15:
        command = ["undo"]
    else:
        command = ["scan", str(folder), "-j", str(chance.choice((1, 2)))]
        command += ["--policy", chance.choice(("fill", "append", "overwrite"))]
        command += ["--min-confidence", chance.choice(("0", "0.3", "0.9"))]
        command += chance.choice(([], ["-n"], ["--consistent", "album"], ["--rescan"],
                                  ["--time-limit", "1s"], ["--mtime", "preserve"]))  # fmt: skip
    process = subprocess.Popen([*GENRETAG, *command], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)  # fmt: skip
    if chance.random() < 0.4:
        time.sleep(chance.uniform(0.05, 3.0))
        process.send_signal(chance.choice((signal.SIGKILL, signal.SIGINT, signal.SIGTERM)))
    out, _ = process.communicate(timeout=600)
    assert "Traceback" not in out, out
    ended = "nothing to undo" in out or process.returncode in ENDINGS
    assert ended, f"exit code {process.returncode}: {out}"
    return command[0], process.returncode


def main() -> None:
    """Disturb, run, check, for as long as asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--source", type=Path, help="real MP3s to take copies of")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    begun = said = time.monotonic()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        os.environ["GENRETAG_STATE_DIR"] = str(scratch / "state")
        os.environ["GENRETAG_CACHE_DIR"] = str(scratch / "cache")
        (scratch / "music").mkdir()
        library = Library(scratch / "music", chance, options.source)
        while time.monotonic() - begun < 60 * options.minutes:
            for _ in range(chance.randrange(1, 12)):
                counts[library.disturb()] += 1
            command, code = run(chance, library.folder)
            counts[f"{command} ended with {code}"] += 1
            library.check(ended=code in (0, 1) and command == "scan")
            if time.monotonic() - said > 60:
                said = time.monotonic()
                print(f"{(said - begun) / 60:.0f} min, {len(library.audio)} files, {dict(counts)}")
        subprocess.run([*GENRETAG, "scan", "-q", library.folder], check=False)
        library.check(ended=True)
        with closing(sqlite3.connect(scratch / "state" / "journal.sqlite3")) as journal:
            assert journal.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            entries = journal.execute("SELECT count(*) FROM entry").fetchone()[0]
    print(
        f"kept every promise: {sum(counts.values())} deeds and runs, {entries} writes,"
        f" {dict(counts)}"
    )


if __name__ == "__main__":
    main()
