"""Configuration, cache, state and music: where they are, and whether they can be used."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from tagger.domain import Finding, Health
from tagger.errors import GenretagError
from tagger.library.folders import CACHE_VARIABLE, STATE_VARIABLE, cache_folder, state_folder
from tagger.tags.copying import can_share_blocks
from tagger.trust import distrust, open_to_all
from tagger.workflows.config import load_file
from tagger.workflows.settings import unknown_variables

__all__ = ["file_system", "folders", "music_folder"]

_NETWORK: Final = ("nfs", "cifs", "smb", "9p", "fuse.sshfs", "fuse.rclone", "afs", "glusterfs")
_LEAST_FREE: Final = 100 << 20
_ESCAPES: Final = {"\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"}


def folders() -> Iterator[Finding]:
    """What genretag keeps for itself."""
    yield from _configuration()
    for part, folder, variable in (
        ("cache", cache_folder, CACHE_VARIABLE),
        ("state", state_folder, STATE_VARIABLE),
    ):
        yield from _own(part, partial(folder, create=False), variable)


def _configuration() -> Iterator[Finding]:
    try:
        file = load_file()
    except GenretagError:  # whoever asked for the settings has said so
        file = None
    if file is not None:
        where = f"{file.path}" if file.path else "no place for it: no home folder is known"
        there = "" if file.found else " (not there; `genretag config init` writes one)"
        yield Finding("configuration", Health.OK, f"{where}{there if file.path else ''}")
    for line in unknown_variables(os.environ):
        yield Finding("configuration", Health.NOTE, line, "unset it, or spell it right")


def _own(part: str, place: Callable[[], Path], variable: str) -> Iterator[Finding]:
    try:
        folder = place()
    except GenretagError as error:
        text, _, advice = str(error).partition("; ")
        yield Finding(part, Health.PROBLEM, text, advice or f"set {variable} to a folder")
        return
    there = _nearest(folder)
    text = f"{folder}{'' if folder == there else ' (not there yet)'} on {file_system(there)}"
    why = _why_not_writable(there)
    if why:
        yield Finding(part, Health.PROBLEM, f"{text}: {why}", f"set {variable} to another folder")
        return
    yield Finding(part, Health.OK, f"{text}, can be written")
    if file_system(there).startswith(_NETWORK):
        yield Finding(
            part,
            Health.NOTE,
            "a database on a network drive can be slow, and be damaged where locks fail",
            f"set {variable} to a folder on a disk of this machine",
        )
    if found := distrust(there):
        why, advice = found
        health = Health.PROBLEM if open_to_all(there) else Health.NOTE
        yield Finding(part, health, why, f"{advice}, or set {variable} to another folder")
    yield from _room(part, there)


def music_folder(path: Path) -> Iterator[Finding]:
    """A folder of music, or the folder of a file."""
    part = "music"
    try:
        folder = path if stat.S_ISDIR(path.stat().st_mode) else path.parent
        with os.scandir(folder) as entries:
            next(entries, None)
    except OSError as error:
        reason = (error.strerror or "error").lower()
        advice = "check the path, the mount, and this user's permissions"
        yield Finding(part, Health.PROBLEM, f"{path}: {reason}", advice)
        return
    text = f"{folder} on {file_system(folder)}"
    why = _why_not_writable(folder)
    if why:
        advice = "tags can be previewed, not written: mount it for writing, or permit this user"
        yield Finding(part, Health.PROBLEM, f"{text}: {why}", advice)
        return
    try:
        shares = can_share_blocks(folder)
    except OSError:
        shares = False
    how = "shares the original's blocks" if shares else "copies the whole file"
    yield Finding(part, Health.OK, f"{text}, can be written; a safe write {how}")
    yield from _room(part, folder)


def _room(part: str, folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE:
        text = f"{free / 1e6:.0f} MB are free on {folder}"
        yield Finding(part, Health.PROBLEM, text, "make room")


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next((f for f in (folder, *folder.parents) if f.is_dir()), Path("/"))


def _why_not_writable(folder: Path) -> str:
    """Tried, as permissions do not tell of all that may forbid it."""
    try:
        with TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        return f"cannot be written: {(error.strerror or 'error').lower()}"
    return ""


def file_system(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Kind of the file system that a path lies on; ``a file system of unknown kind`` if unsaid.

    Args:
        path: a path that is there.
        mounts: the table of mounts, as proc(5) has it.
    """
    real, best, kind = os.path.realpath(path), -1, "a file system of unknown kind"
    try:
        lines = mounts.read_bytes().decode(errors="surrogateescape").splitlines()
    except OSError:
        return kind
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split(" ")[4]
        for escape, character in _ESCAPES.items():
            point = point.replace(escape, character)
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= best:  # of two on one place, the later hides the earlier
            best, kind = len(point), after.split(" ")[0]
    return kind
