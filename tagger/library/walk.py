"""Find the audio files under some paths: stable order, nothing twice, nothing hidden."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from tagger.errors import UsageError

__all__ = ["AUDIO_SUFFIXES", "Folder", "FoundFile", "walk", "walk_folders"]

AUDIO_SUFFIXES: Final = frozenset(
    {
        ".aif", ".aifc", ".aiff", ".flac", ".m4a", ".m4b", ".mp3", ".mp4",
        ".oga", ".ogg", ".opus", ".wav", ".wave",
    }
)  # fmt: skip
"""File name endings, in lower case, that are taken for audio inside a folder."""

# What NAS systems and desktops keep beside the music: thumbnails, resource forks, bins.
_SKIPPED_FOLDERS: Final = frozenset(
    {"@eadir", "#recycle", "#snapshot", "@recycle", "$recycle.bin", "lost+found",
     "system volume information"}
)  # fmt: skip

Problem = Callable[[Path, str], None]
Hidden = Callable[[Path], None]


class FoundFile(NamedTuple):
    """A file as its folder lists it; ``size`` is -1 if it vanished meanwhile."""

    name: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Folder:
    """The audio files of one folder, in the order of their names' bytes; at least one."""

    path: str
    files: list[FoundFile]


def walk(
    roots: Sequence[Path],
    *,
    exclude: Sequence[str] = (),
    problem: Problem | None = None,
    hidden: Hidden | None = None,
) -> Iterator[Path]:
    """Yield the audio files that :func:`walk_folders` finds, one by one."""
    for folder in walk_folders(roots, exclude=exclude, problem=problem, hidden=hidden):
        for file in folder.files:
            yield Path(folder.path, file.name)


def walk_folders(
    roots: Sequence[Path],
    *,
    exclude: Sequence[str] = (),
    problem: Problem | None = None,
    hidden: Hidden | None = None,
) -> Iterator[Folder]:
    """Yield the folders under ``roots`` that hold audio files, each file once.

    A folder comes before the folders in it, and these in the order of their names' bytes.
    Hidden files and folders, NAS and desktop litter, and what matches an ``exclude`` pattern
    are passed over. A link is followed only as long as its target lies inside the root. Of
    several hard links to one file, the first is yielded. A root that is a file is yielded
    whatever its name.

    Args:
        roots: files and folders.
        exclude: shell patterns, matched against each name and each path below its root.
        problem: called with each folder that cannot be read and why.
        hidden: called with each hidden entry that is passed over.

    Raises:
        UsageError: a root does not exist.
    """
    for root in roots:
        try:
            mode = root.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            raise UsageError(f"{root}: no such file or folder") from None
        except OSError as error:
            raise UsageError(f"{root}: cannot be read: {error.strerror}") from error
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise UsageError(f"{root}: neither a file nor a folder")
    seen: set[tuple[int, int]] = set()
    # Files that are named one by one belong together where they lie in one folder.
    for (folder, is_file), some in groupby(roots, key=_folder_of):
        if not is_file:
            for root in some:
                yield from _Walker(root, exclude, problem, hidden, seen).folders()
        elif files := [file for root in some if (file := _found(root.name, root, seen))]:
            yield Folder(folder, files)


def _folder_of(root: Path) -> tuple[str, bool]:
    is_file = not root.is_dir()
    return os.fspath(root.parent if is_file else root), is_file


def _found(
    name: str, file: Path | os.DirEntry[str], seen: set[tuple[int, int]]
) -> FoundFile | None:
    """A file that is met for the first time; one that vanished is left to its reader."""
    try:
        status = file.stat()
    except OSError:
        return FoundFile(name, -1, 0)
    # A link count of 1 is no proof that a file cannot come again, for roots may overlap.
    key = (status.st_dev, status.st_ino)
    if key in seen:
        return None
    seen.add(key)
    return FoundFile(name, status.st_size, status.st_mtime_ns)


class _Walker:
    def __init__(
        self,
        root: Path,
        exclude: Sequence[str],
        problem: Problem | None,
        hidden: Hidden | None,
        seen: set[tuple[int, int]],
    ) -> None:
        self._root = os.fspath(root)
        self._real_root = os.path.realpath(root)
        self._exclude = exclude
        self._problem = problem
        self._hidden = hidden
        self._seen = seen
        self._folders: set[tuple[int, int]] = set()

    def folders(self) -> Iterator[Folder]:
        # A stack of what is still to come, not recursion: no depth of folders is too deep.
        waiting = [self._root]
        while waiting:
            path = waiting.pop()
            files, below = self._content(path)
            if files:
                yield Folder(path, files)
            waiting += reversed(below)

    def _content(self, folder: str) -> tuple[list[FoundFile], list[str]]:
        """The audio files and the folders of a folder, each in order."""
        files, below = [], []
        for entry in self._entries(folder):
            name = entry.name
            if (name[0] == "." or self._exclude) and self._passed_over(name, entry.path):
                continue
            is_audio = name[name.rfind(".") :].lower() in AUDIO_SUFFIXES
            try:
                # What most entries are is asked first, and takes no other question.
                if not (is_audio and entry.is_file(follow_symlinks=False)):
                    if entry.is_symlink() and not self._inside(entry.path):
                        continue
                    if entry.is_dir():
                        if name.lower() not in _SKIPPED_FOLDERS:
                            below.append(entry.path)
                        continue
                    if not (is_audio and entry.is_file()):
                        continue
                if file := _found(name, entry, self._seen):
                    files.append(file)
            except OSError:  # a link to itself, or into a folder that may not be entered
                continue
        return files, below

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        """What a folder holds, in order; nothing if it was met before or cannot be read."""
        try:
            status = os.stat(folder)  # noqa: PTH116 (a Path for each folder is slow)
            key = (status.st_dev, status.st_ino)
            if key in self._folders:  # a link back up would never end
                return []
            self._folders.add(key)
            with os.scandir(folder) as entries:
                found = list(entries)
            # The bytes of ASCII are in the order of its characters.
            plain = all(entry.name.isascii() for entry in found)
            found.sort(key=_name if plain else _name_bytes)
            return found
        except OSError as error:
            if self._problem:
                self._problem(Path(folder), f"cannot be read: {error.strerror}")
            return []

    def _passed_over(self, name: str, path: str) -> bool:
        if name.startswith("."):
            if self._hidden:
                self._hidden(Path(path))
            return True
        if not self._exclude:
            return False
        below = os.path.relpath(path, self._root)
        return any(fnmatch(name, glob) or fnmatch(below, glob) for glob in self._exclude)

    def _inside(self, link: str) -> bool:
        target = os.path.realpath(link)
        return target == self._real_root or target.startswith(self._real_root.rstrip("/") + "/")


_name = attrgetter("name")


def _name_bytes(entry: os.DirEntry[str]) -> bytes:
    return os.fsencode(entry.name)
