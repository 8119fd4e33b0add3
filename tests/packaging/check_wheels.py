"""Whether every dependency of the base install has a wheel: ``python check_wheels.py``.

Resolves ``pyproject.toml`` with uv (``pip install uv``) for each Python and platform, sources
forbidden, against the package index that uv is set up for. Prints how many packages there are and
what they weigh, and where a platform cannot be served, the package that is to blame. Ends with 1
if one of those that genretag promises cannot.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PROMISED = {
    "Linux x86-64, glibc 2.28": "x86_64-manylinux_2_28",
    "Linux aarch64, glibc 2.28": "aarch64-manylinux_2_28",
}
OTHERS = {
    "Linux x86-64, musl": "x86_64-unknown-linux-musl",
    "Linux aarch64, musl": "aarch64-unknown-linux-musl",
    "macOS arm64": "aarch64-apple-darwin",
    "macOS x86-64": "x86_64-apple-darwin",
    "Windows x86-64": "x86_64-pc-windows-msvc",
}


def resolved(uv: str, python: str, platform: str, lowest: bool) -> list[dict[str, object]] | str:
    """The packages as a lock file has them, or the reason why there is no such set."""
    command = [uv, "pip", "compile", "--quiet", "--only-binary", ":all:", "--no-header",
               "--format", "pylock.toml", "--python-version", python,
               "--python-platform", platform, str(PROJECT)]  # fmt: skip
    if lowest:
        command += ["--resolution", "lowest-direct"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        found = re.search(r"ecause (?:only )?([a-z0-9-]+)\S* has no wheels", done.stderr)
        return f"no wheel of {found[1]}" if found else " ".join(done.stderr.split())[:200]
    packages: list[dict[str, object]] = tomllib.loads(done.stdout)["packages"]
    return packages


def weight(packages: list[dict[str, object]]) -> float:
    """Megabytes to download."""
    sizes = [p["wheels"][0].get("size", 0) for p in packages]  # type: ignore[index]
    return float(sum(sizes)) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lowest", action="store_true", help="at the lower bounds")
    parser.add_argument("--versions", action="store_true", help="list the packages, too")
    parser.add_argument("--uv", default=shutil.which("uv"), help="path of uv")
    options = parser.parse_args()
    if not options.uv:
        parser.error("uv is missing: pip install uv")
    bad = False
    for name, platform in {**PROMISED, **OTHERS}.items():
        for python in PYTHONS:
            found = resolved(options.uv, python, platform, options.lowest)
            if isinstance(found, str):
                bad = bad or name in PROMISED
                print(f"{name:<26} {python}  {found}")
                continue
            print(f"{name:<26} {python}  {len(found)} wheels, {weight(found):.0f} MB")
            if options.versions:
                print("   ", ", ".join(f"{p['name']} {p.get('version')}" for p in found))
    raise SystemExit(int(bad))


if __name__ == "__main__":
    main()
