"""Scan on a processor without AVX, as many a NAS has: ``python no_avx.py [--cpu MODEL]``.

The whole command runs under user-mode emulation (``qemu-x86_64``, Debian's package
``qemu-user``) of such a processor: the scan's own process, its fork server and its workers.
Emulation does not follow a program into another one, so that workers would run on the real
processor and prove nothing; they are started through a wrapper, and what every process of the
scan ran under is read from ``/proc`` while it runs.

OpenBLAS is told which kernels to take (``OPENBLAS_CORETYPE=Nehalem``), as it may choose by the
model of the processor and not by what that can do; a real one needs no such help.

Prints what each part said and ends with 1 where something is not as it should be. Minutes, not
seconds: emulation is some 20 times slower.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CPU = "Denverton"
"""An Atom server chip with SSE4.2 and no AVX, as the Celeron J and N of many a NAS."""

FEATURES = """
import json
from numpy._core._multiarray_umath import __cpu_features__ as features
print(json.dumps({name: features.get(name, False) for name in ("SSE42", "AVX", "AVX2")}))
"""
COMMAND = """
import sys
from multiprocessing import spawn
spawn.set_executable(sys.argv.pop(1))
import tagger.workflows.listening
tagger.workflows.listening._TRACK_LIMIT_S = 3600.0  # minutes of emulation are seconds
from tagger.cli import main
main()
"""


def emulated(cpu: str) -> list[str]:
    """The command that runs this Python as if on such a processor."""
    program = shutil.which("qemu-x86_64")
    if program is None:
        raise SystemExit("qemu-x86_64 is missing: apt-get install qemu-user")
    return [program, "-cpu", cpu, sys.executable]


def wrapper(folder: Path, cpu: str) -> Path:
    """A program that workers are started with instead of Python itself."""
    script = folder / "python"
    script.write_text(f'#!/bin/sh\nexec {" ".join(emulated(cpu))} "$@"\n')
    script.chmod(0o755)
    return script


def program_of(pid: int) -> list[str]:
    """The program that a process runs; none if it has ended."""
    with contextlib.suppress(OSError):
        return [str(Path(f"/proc/{pid}/exe").readlink())]
    return []


def programs_below(pid: int) -> list[str]:
    """The programs that run as a process' children and theirs, read from ``/proc``."""
    found = []
    with contextlib.suppress(OSError):  # ended meanwhile
        for place in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, place.read_text().split()):
                found += [*program_of(child), *programs_below(child)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpu", default=CPU, help="see qemu-x86_64 -cpu help")
    parser.add_argument("--tracks", type=int, default=2, help="how many of the five to scan")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        raise SystemExit(check(Path(name), options.cpu, options.tracks))


def check(folder: Path, cpu: str, tracks: int) -> int:
    """Compare a scan under emulation with one without; 0 if both say the same."""
    environment = {
        **os.environ,
        "OPENBLAS_CORETYPE": "Nehalem",
        "PYTHONPATH": str(REPOSITORY),
        "GENRETAG_STATE_DIR": str(folder / "state"),
        "GENRETAG_CONFIG": "",
        "XDG_CONFIG_HOME": str(folder),
    }
    run = [*emulated(cpu), "-c", FEATURES]
    features = json.loads(
        subprocess.check_output(run, env=environment, text=True, stderr=subprocess.DEVNULL)
    )
    print(f"{cpu}: {features}")
    if features["AVX"] or not features["SSE42"]:
        print("this is no processor without AVX")
        return 1
    music = folder / "music"
    maker = REPOSITORY / "examples" / "make_music.py"
    subprocess.run([sys.executable, maker, music], check=True, stdout=subprocess.DEVNULL)
    songs = sorted(path for path in music.rglob("*") if path.is_file())[:tracks]

    def scan(kind: str, *command: str) -> tuple[dict[str, object], set[str], float]:
        report, said = folder / f"{kind}.jsonl", (folder / f"{kind}.txt").open("w+")
        begun, seen = time.monotonic(), set[str]()
        options = ["-n", "-j", "1", "--rescan", "--report", str(report)]
        process = subprocess.Popen(
            [*command, "scan", *options, *map(str, songs)],
            env={**environment, "GENRETAG_CACHE_DIR": str(folder / kind)},
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        while process.poll() is None:
            seen |= {*program_of(process.pid), *programs_below(process.pid)}
            time.sleep(0.1)
        said.seek(0)
        # Of such a processor's features the emulator lacks some that have nothing to do with it.
        print(*(line for line in said if ": warning: TCG" not in line), sep="", end="")
        if process.returncode:
            raise SystemExit(f"{kind}: the scan ended with {process.returncode}")
        *lines, _ = report.read_text().splitlines()
        heard = {track["path"]: track for track in map(json.loads, lines)}
        return heard, seen, time.monotonic() - begun

    plain, _, plain_s = scan("plain", sys.executable, "-m", "tagger")
    wrapped = str(wrapper(folder, cpu))
    other, programs, other_s = scan("emulated", *emulated(cpu), "-c", COMMAND, wrapped)
    print(f"programs of the emulated scan: {sorted(programs)}")
    print(f"{len(songs)} tracks: {plain_s:.0f} s on this processor, {other_s:.0f} s emulated")
    shell = os.path.realpath("/bin/sh")  # runs the wrapper, for an instant
    bad = not all(Path(program).name.startswith("qemu") or program == shell for program in programs)
    for path, track in other.items():
        before = dict(plain[path]["genres"])  # type: ignore[index]
        apart = max(abs(p - before[label]) for label, p in track["genres"])  # type: ignore[index]
        first = track["genres"][0]  # type: ignore[index]
        print(f"{track['status']:<10} {first[0]} {first[1]:.3f}, at most {apart:.4f} apart  {path}")  # type: ignore[index]
        bad = bad or apart > 0.01 or track["status"] != plain[path]["status"]  # type: ignore[index]
    print("not as it should be" if bad or not other else "as it should be")
    return int(bad or not other)


if __name__ == "__main__":
    main()
