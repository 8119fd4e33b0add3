"""Find the audio files under some paths: stable order, nothing twice, nothing hidden."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from tagger.errors import UsageError

__all__ = ["AUDIO_SUFFIXES", "walk"]

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


def walk(
    roots: Sequence[Path],
    *,
    exclude: Sequence[str] = (),
    problem: Problem | None = None,
    hidden: Hidden | None = None,
) -> Iterator[Path]:
    """Yield audio files under ``roots``, each once, in the order of their names' bytes.

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
            root.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise UsageError(f"{root}: no such file or folder") from None
        except OSError as error:
            raise UsageError(f"{root}: cannot be read: {error.strerror}") from error
    seen: set[tuple[int, int]] = set()
    for root in roots:
        if root.is_dir():
            yield from _Walker(root, exclude, problem, hidden, seen).files(root)
        elif _first_time(root, seen):
            yield root


def _first_time(path: Path, seen: set[tuple[int, int]]) -> bool:
    """Whether a file is met for the first time; a file that vanished is yielded once more,
    so that the reader of it says so."""
    try:
        status = path.stat()
    except OSError:
        return True
    # Two numbers a file: about 20 MB for 100,000. A link count of 1 is no proof that a file
    # cannot come again, for roots may overlap.
    key = (status.st_dev, status.st_ino)
    if key in seen:
        return False
    seen.add(key)
    return True


class _Walker:
    def __init__(
        self,
        root: Path,
        exclude: Sequence[str],
        problem: Problem | None,
        hidden: Hidden | None,
        seen: set[tuple[int, int]],
    ) -> None:
        self._root = root
        self._real_root = os.path.realpath(root)
        self._exclude = exclude
        self._problem = problem
        self._hidden = hidden
        self._seen = seen
        self._folders: set[tuple[int, int]] = set()

    def files(self, folder: Path) -> Iterator[Path]:
        # A stack of the folders under way, not recursion: no depth of folders is too deep.
        stack = [iter(self._entries(folder))]
        while stack:
            entry = next(stack[-1], None)
            if entry is None:
                stack.pop()
                continue
            path = Path(entry.path)
            if self._passed_over(entry.name, path):
                continue
            if entry.is_symlink() and not self._inside(path):
                continue
            try:
                is_folder, is_file = entry.is_dir(), entry.is_file()
            except OSError:  # a link to itself, or into a folder that may not be entered
                continue
            if is_folder:
                if entry.name.lower() not in _SKIPPED_FOLDERS:
                    stack.append(iter(self._entries(path)))
            elif (
                os.path.splitext(entry.name)[1].lower() in AUDIO_SUFFIXES  # noqa: PTH122
                and is_file
                and _first_time(path, self._seen)
            ):
                yield path

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        """What a folder holds, in order; nothing if it was met before or cannot be read."""
        try:
            status = folder.stat()
            key = (status.st_dev, status.st_ino)
            if key in self._folders:  # a link back up would never end
                return []
            self._folders.add(key)
            with os.scandir(folder) as entries:
                return sorted(entries, key=lambda e: os.fsencode(e.name))
        except OSError as error:
            if self._problem:
                self._problem(folder, f"cannot be read: {error.strerror}")
            return []

    def _passed_over(self, name: str, path: Path) -> bool:
        if name.startswith("."):
            if self._hidden:
                self._hidden(path)
            return True
        if not self._exclude:
            return False
        below = str(path.relative_to(self._root))
        return any(fnmatch(name, glob) or fnmatch(below, glob) for glob in self._exclude)

    def _inside(self, link: Path) -> bool:
        target = os.path.realpath(link)
        return target == self._real_root or target.startswith(self._real_root.rstrip("/") + "/")
