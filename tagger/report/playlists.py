"""What a person reads of playlists that were written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tagger.report.text import counted, duration, one_line, shown

__all__ = ["print_playlists"]


class WrittenLike(Protocol):
    """A playlist that was written."""

    @property
    def path(self) -> Path: ...
    @property
    def tracks(self) -> int: ...
    @property
    def duration_s(self) -> float: ...


class PlaylistsLike(Protocol):
    """What was written."""

    @property
    def lists(self) -> Sequence[WrittenLike]: ...
    @property
    def unlisted(self) -> int: ...
    @property
    def unheard(self) -> int: ...
    @property
    def left_out(self) -> Sequence[Path]: ...
    @property
    def notice(self) -> str: ...


def print_playlists(written: PlaylistsLike) -> None:
    """Print which playlists there are now, and which tracks are in none, and why."""
    out = Console(highlight=False, markup=False, emoji=False)
    err = Console(stderr=True, highlight=False, markup=False, emoji=False)
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_column(no_wrap=True, overflow="ignore")
    for item in written.lists:
        table.add_row(
            counted(item.tracks, "track"), duration(item.duration_s), Text(shown(item.path))
        )
    out.print(table if written.lists else Text("No playlist was written: no track was found"))
    notes = [one_line(written.notice)] if written.notice else []
    for path in written.left_out:
        notes.append(f"{shown(path)}: left out, a playlist has no line breaks")
    if written.unlisted:
        in_none = counted(written.unlisted, "track")
        notes.append(f"{in_none} in no playlist: no genre stands there, none was heard for sure")
    if written.unheard:
        notes.append(f"{counted(written.unheard, 'file')} could not be heard, or are no music")
    for note in notes:
        err.print(Text(note, style="dim"), soft_wrap=True)
