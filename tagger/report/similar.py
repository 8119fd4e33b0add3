"""Neighbours of a track, for people and for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tagger.report.m3u import Entry, write_playlist
from tagger.report.text import counted, duration, one_line, percent, shown

__all__ = ["playlist_of", "print_similar", "similar_as_json"]

_RANKS: Final = 3
_LEAST: Final = 0.05
_WIDE: Final = 10_000  # where a program reads them, no name is broken into lines


class TagsLike(Protocol):
    """What the tags of a file say."""

    @property
    def genre(self) -> tuple[str, ...]: ...
    @property
    def artist(self) -> str: ...
    @property
    def album(self) -> str: ...
    @property
    def title(self) -> str: ...


class NeighbourLike(Protocol):
    """A track that sounds like another one."""

    @property
    def path(self) -> Path: ...
    @property
    def similarity(self) -> float: ...
    @property
    def why(self) -> tuple[str, ...]: ...
    @property
    def duration_s(self) -> float: ...
    @property
    def genres(self) -> tuple[tuple[str, float], ...]: ...
    @property
    def tags(self) -> TagsLike: ...


class SimilarLike(Protocol):
    """A track and its neighbours."""

    @property
    def path(self) -> Path: ...
    @property
    def model(self) -> str: ...
    @property
    def genres(self) -> tuple[tuple[str, float], ...]: ...
    @property
    def objection(self) -> str: ...
    @property
    def compared(self) -> int: ...
    @property
    def not_heard(self) -> int: ...
    @property
    def neighbours(self) -> Sequence[NeighbourLike]: ...
    @property
    def tags(self) -> TagsLike: ...
    @property
    def duration_s(self) -> float: ...


def print_similar(found: SimilarLike) -> None:
    """Print a track's neighbours as a table, nearest first."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDE)
    console.print(Text(shown(found.path), style="bold"), soft_wrap=True)
    heard = ", ".join(f"{g} {percent(p)}" for g, p in found.genres[:_RANKS] if p >= _LEAST)
    name = _name(found.tags)
    about = [*([name] if name else []), duration(found.duration_s), one_line(heard)]
    console.print(Text(f"{' · '.join(about)}; model {one_line(found.model)}"), soft_wrap=True)
    if found.objection:
        console.print(Text(one_line(found.objection), style="yellow"), soft_wrap=True)
    base = _base(found.neighbours)
    where = f"; paths below {shown(base)}" if base else ""
    total = counted(found.compared, "track")
    console.print(Text(f"\nNearest of {total}{where}", style="bold"), soft_wrap=True)
    if found.neighbours:
        console.print(_table(found.neighbours, base))
    else:
        console.print(Text("  none"))
    if found.not_heard:
        unheard = counted(found.not_heard, "file")
        console.print(Text(f"\n{unheard} could not be heard", style="dim"))


def similar_as_json(found: SimilarLike) -> None:
    """Print the same as one JSON object."""
    value = {
        **_object(found.path, found.duration_s, found.genres, found.tags),
        "model": found.model,
        "objection": found.objection,
        "compared": found.compared,
        "not_heard": found.not_heard,
        "neighbours": [
            {
                **_object(track.path, track.duration_s, track.genres, track.tags),
                "similarity": round(track.similarity, 4),
                "distance": round(1 - track.similarity, 4),
                "why": list(track.why),
            }
            for track in found.neighbours
        ],
    }
    print(json.dumps(value, indent=1))  # ASCII, as in reports


def playlist_of(found: SimilarLike, path: Path) -> list[str]:
    """Write a track and its neighbours as a playlist.

    Returns:
        lines for people: what was written, and what cannot stand in a playlist.

    Raises:
        UsageError: it cannot be written.
    """
    tracks: list[SimilarLike | NeighbourLike] = [found, *found.neighbours]
    entries = [
        Entry(track.path, track.duration_s, track.tags.artist, track.tags.title) for track in tracks
    ]
    left_out = write_playlist(path, entries)
    written = counted(len(entries) - len(left_out), "track")
    return [
        f"{written} written to {shown(path)}",
        *(f"{shown(file)}: left out, a playlist has no line breaks" for file in left_out),
    ]


def _table(neighbours: Sequence[NeighbourLike], base: Path | None) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("like", justify="right", no_wrap=True)
    table.add_column("track", overflow="fold")
    table.add_column("length", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    for track in neighbours:
        path = track.path.relative_to(base) if base else track.path
        cell = Text(shown(path))
        if name := _name(track.tags):
            cell.append(f"\n{name}", style="dim")
        why = Text(one_line(", ".join(track.why)))
        table.add_row(f"{track.similarity:.2f}", cell, duration(track.duration_s), why)
    return table


def _name(tags: TagsLike) -> str:
    """``Artist – Title``, or whichever of them is known."""
    return one_line(" – ".join(part for part in (tags.artist, tags.title) if part))


def _base(neighbours: Sequence[NeighbourLike]) -> Path | None:
    """The folder that all neighbours lie below; None for none worth naming."""
    if not neighbours:
        return None
    base = Path(os.path.commonpath([track.path.parent for track in neighbours]))
    return None if base == Path(base.anchor) else base


def _object(
    path: Path, duration_s: float, genres: Sequence[tuple[str, float]], tags: TagsLike
) -> dict[str, Any]:
    return {
        "path": os.fspath(path),
        "artist": tags.artist,
        "title": tags.title,
        "album": tags.album,
        "genre": list(tags.genre),
        "duration_s": round(duration_s, 3),
        "genres": [[label, round(p, 4)] for label, p in genres],
    }
