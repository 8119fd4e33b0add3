"""Free music to listen to: ``python -m tagger.training.free_music FOLDER``.

Debian's games bring their music under licences that let anyone use and change it. The packages are
fetched by ``apt-get download`` and unpacked by ``dpkg-deb``; nothing is installed, and of a package
only its recordings and its statement of copyright are kept, in a folder by its name. Debian and its
relatives have both commands. Releases differ: what a package is called no longer is passed over.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tagger.errors import UsageError

__all__ = ["PACKAGES", "SUFFIXES", "fetch", "main", "unpack"]

# fmt: off
PACKAGES: Final = (
    "a7xpg-data", "amoebax-data", "angrydd", "ardentryst", "asc-music", "berusky2-data",
    "btanks-data", "caveexpress-data", "csmash-demosong", "cube2-data", "davegnukem-data",
    "drascula-music", "endless-sky-data", "enigma-data", "extremetuxracer-data", "fillets-ng-data",
    "flare-game", "freecol", "freedroidrpg-data", "fretsonfire-songs-muldjord",
    "fretsonfire-songs-sectoid", "gigalomania-data", "gunroar-data", "hedgewars-data",
    "hex-a-hop-data", "hyperrogue-music", "lincity-ng-data", "lordsawar-data", "lugaru-data",
    "marsshooter-data", "megaglest-data", "mu-cade-data", "naev-data", "neverball-common",
    "nexuiz-music", "openclonk-data", "pathological", "performous", "planetblupi-music-ogg",
    "plee-the-bear-data", "powermanga-data", "pushover-data", "redeclipse-data",
    "seahorse-adventures", "singularity-music", "solarwolf", "starfighter-data", "supertux-data",
    "supertuxkart-data", "titanion-data", "torcs-data", "torus-trooper-data", "trackballs-data",
    "ufoai-music", "unknown-horizons", "warmux-data", "warzone2100-music", "wesnoth-1.16-music",
    "widelands-data", "wizznic-data", "xmoto-data",
)
# fmt: on
"""Packages of Debian 12 with recordings of music."""

SUFFIXES: Final = frozenset({".flac", ".mp3", ".oga", ".ogg", ".opus"})

Recordings = Callable[[Path], Iterator[tuple[str, bytes]]]

_LEAST_BYTES: Final = 250_000  # what is smaller is a sound, not music
_ARCHIVES: Final = frozenset({".pk3", ".zip"})


def main(arguments: list[str] | None = None) -> None:
    """Fetch the packages that are not in the folder yet; status 1 if some are still missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    try:
        for package in PACKAGES:
            if not (folder / package).exists():
                print(f"{package}: {fetch(package, folder)}", flush=True)
    except UsageError as error:
        sys.exit(str(error))
    missing = sum(not (folder / package).exists() for package in PACKAGES)
    if missing:
        sys.exit(
            f"{missing} of {len(PACKAGES)} packages are not there; if the reason is not the"
            " release, `apt-get update` may help, and the same command again"
        )


def fetch(package: str, folder: Path, recordings: Recordings | None = None) -> str:
    """Fetch a package and keep its recordings in ``folder/package``.

    Args:
        recordings: as for :func:`unpack`.

    Returns:
        what came of it, for people.

    Raises:
        UsageError: this system has no ``apt-get`` or no ``dpkg-deb``.
    """
    for command in ("apt-get", "dpkg-deb"):
        if shutil.which(command) is None:
            raise UsageError(f"{command}: not found; Debian and its relatives have it")
    with tempfile.TemporaryDirectory() as place:
        fetched = subprocess.run(
            ["apt-get", "download", "-q", package],
            cwd=place,
            capture_output=True,
            text=True,
            check=False,
        )
        files = sorted(Path(place).glob("*.deb"))
        if fetched.returncode or not files:
            said = fetched.stderr.strip().splitlines() or [
                f"apt-get ended with {fetched.returncode}"
            ]
            return f"not fetched: {said[-1].removeprefix('E: ')}"
        return f"recordings: {unpack(files[0], folder / package, recordings)}"


def unpack(package_file: Path, folder: Path, recordings: Recordings | None = None) -> int:
    """Keep a package's recordings in a folder, whole or not at all.

    Args:
        recordings: gives, of the folder of an unpacked package, the name that each recording is
            kept under, which may hold a folder, and its data; by default those of music.

    Returns:
        how many there are.

    Raises:
        UsageError: the file is no package.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as place:
        whole, kept = Path(place) / "package", Path(place) / "kept"
        kept.mkdir()
        done = subprocess.run(
            ["dpkg-deb", "-x", package_file, whole], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise UsageError(f"{package_file}: no package: {done.stderr.strip()}")
        n = 0
        for name, data in (recordings or _of_music)(whole):
            (kept / name).parent.mkdir(exist_ok=True)
            (kept / name).write_bytes(data)
            n += 1
        for statement in whole.glob("usr/share/doc/*/copyright"):
            shutil.copy(statement, kept / "copyright")
        kept.rename(folder)
    return n


def _of_music(folder: Path) -> Iterator[tuple[str, bytes]]:
    for n, (name, data) in enumerate(_recordings(folder), start=1):
        yield f"{n:03d}-{name}", data


def _recordings(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        if path.suffix.lower() in SUFFIXES and path.stat().st_size >= _LEAST_BYTES:
            yield path.name, path.read_bytes()
        elif path.suffix.lower() in _ARCHIVES and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for member in sorted(archive.infolist(), key=lambda member: member.filename):
                    name = Path(member.filename).name
                    if Path(name).suffix.lower() in SUFFIXES and member.file_size >= _LEAST_BYTES:
                        yield name, archive.read(member)


if __name__ == "__main__":
    main()
