"""Playlists: extended M3U in UTF-8, with paths that hold wherever library and list move together.

As mpd and VLC read it: ``#EXTM3U``, and for each track an ``#EXTINF`` line (seconds, artist and
title) above its path, relative to the playlist's folder. A path is what the file system says, byte
for byte. M3U has no escapes, so that a path with a line break cannot stand in it.

A comment marks what was made here: a playlist by anybody else is never written over.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from tagger.errors import UsageError
from tagger.report.text import one_line
from tagger.trust import growing, is_special

__all__ = ["MARK", "SUFFIXES", "Entry", "check_playlist_name", "is_ours", "write_playlist"]

SUFFIXES: Final = (".m3u8", ".m3u")
"""Endings that a playlist's name may have."""

MARK: Final = b"# made by genretag, which may write it anew"
"""Second line of every playlist that is written here."""

_HEAD: Final = b"#EXTM3U\n" + MARK + b"\n"


class Entry(NamedTuple):
    """A track of a playlist.

    Attributes:
        path: the file.
        duration_s: its length in seconds.
        artist: who made it, or empty.
        title: what it is called, or empty: then its file's name stands for it.
    """

    path: Path
    duration_s: float
    artist: str = ""
    title: str = ""


def check_playlist_name(path: Path) -> None:
    """Refuse a name under which no player would look for a playlist, or somebody's file lies.

    Raises:
        UsageError: it is one.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: a playlist's name must end in {' or '.join(SUFFIXES)}")
    if path.is_dir():
        raise UsageError(f"{path}: is a folder")
    if not is_ours(path):
        raise UsageError(f"{path}: exists and was not made by genretag; it was left alone")


def is_ours(path: Path) -> bool:
    """Whether a playlist was made here, or none is there."""
    if is_special(path):
        return False
    try:
        with path.open("rb") as stream:
            return stream.read(len(_HEAD)) == _HEAD
    except FileNotFoundError:
        return True
    except OSError:  # not to be read: certainly none of this user's
        return not path.exists()


def write_playlist(path: Path, entries: Iterable[Entry]) -> list[Path]:
    """Write a playlist at once, in place of one of ours that stands there.

    Args:
        path: where; its folder must exist.
        entries: the tracks, in order.

    Returns:
        The tracks that cannot stand in a playlist, as there is a line break in their paths.

    Raises:
        UsageError: the name is no playlist's, a file that is not ours stands there, or it cannot
            be written.
    """
    check_playlist_name(path)
    folder = os.path.realpath(path.parent)
    lines = []
    left_out = []
    for entry in entries:
        real = os.path.join(os.path.realpath(entry.path.parent), entry.path.name)  # noqa: PTH118
        place = os.fsencode(os.path.relpath(real, folder))
        if b"\n" in place or b"\r" in place:
            left_out.append(entry.path)
            continue
        if place.startswith(b"#") or place[:1].isspace():  # a comment, or one space less
            place = b"./" + place
        lines += [_described(entry), place]
    try:
        with growing(path) as stream:
            stream.write(_HEAD + b"".join(line + b"\n" for line in lines))
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    return left_out


def _described(entry: Entry) -> bytes:
    name = " - ".join(part for part in (entry.artist, entry.title or entry.path.stem) if part)
    text = one_line(os.fsencode(name).decode("utf-8", "backslashreplace"))
    return f"#EXTINF:{round(entry.duration_s)},{text}".encode()
