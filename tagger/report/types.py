"""The music types of a library, for people: how many, what sets them apart, what is typical."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final, Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tagger.report.text import counted, duration, one_line, percent, print_prose, shown

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "LookLike",
    "Move",
    "SeenTrack",
    "SeenType",
    "SeenTypes",
    "TypeMap",
    "print_types",
    "print_types_kept",
]

_GENRES: Final = 4
_LEAST: Final = 0.03  # share of a genre that is worth naming
_BAR_WIDTH: Final = 24


class LookLike(Protocol):
    """One number of types.

    Attributes:
        k: how many.
        inertia: mean squared distance of a track to the centre of its type.
        silhouette: mean over tracks, from -1 to 1.
    """

    @property
    def k(self) -> int: ...
    @property
    def inertia(self) -> float: ...
    @property
    def silhouette(self) -> float: ...


class ChoiceLike(Protocol):
    """A number of types, and what decided for it."""

    @property
    def k(self) -> int: ...
    @property
    def by(self) -> str: ...
    @property
    def elbow(self) -> int: ...
    @property
    def silhouette(self) -> int: ...


@dataclass(frozen=True, slots=True)
class SeenTrack:
    """A track that is typical of its type; artist and title are empty where unknown."""

    path: Path
    duration_s: float
    artist: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class SeenType:
    """One type.

    Attributes:
        number, name: as they are kept.
        description: what sets it apart.
        tracks: how many of the tracks looked at are of it.
        genres: the genres heard in them, each with its share, the most frequent first.
        typical: the tracks nearest to its middle, of different artists where that is known.
    """

    number: int
    name: str
    description: str
    tracks: int
    genres: tuple[tuple[str, float], ...]
    typical: tuple[SeenTrack, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """Tracks that have another type than before."""

    before: str
    after: str
    tracks: int


@dataclass(frozen=True, slots=True)
class SeenTypes:
    """The types of a library.

    Attributes:
        model: name and version of the model that heard it.
        tracks: how many were looked at.
        left_out: how many could not be heard, or are no music.
        types: in the order of their numbers.
        looks: at other numbers of types.
        choice: why there are as many as there are.
        fitted_on: how many tracks they were fitted on.
        fitted: ``now``, ``earlier`` or ``anew``.
        clear: silhouette from which on types count as clearly apart.
        kept_in: where they are kept; None for nowhere.
        new: names of types that there were not before.
        gone: names of types that there are no more.
        moves: the largest first.
        moved_of: how many tracks were compared with their types before.
    """

    model: str
    tracks: int
    left_out: int
    types: tuple[SeenType, ...]
    looks: Sequence[LookLike]
    choice: ChoiceLike
    fitted_on: int
    fitted: str
    clear: float
    kept_in: Path | None = None
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()
    moved_of: int = 0


@dataclass(frozen=True, slots=True)
class TypeMap:
    """Tracks on two principal components.

    Attributes:
        points: shape (n, 2), in z-scores.
        labels: row of :attr:`SeenTypes.types` of each track, shape (n,).
        shares: of the variance, that each component carries.
        ends: words for the low and the high end of each; None where no words say it well.
    """

    points: npt.NDArray[np.float64]
    labels: npt.NDArray[np.intp]
    shares: tuple[float, float]
    ends: tuple[tuple[str, str] | None, tuple[str, str] | None]


def print_types(seen: SeenTypes, *, verbose: bool = False) -> None:
    """Print the types, and what is to be known of their fit.

    Args:
        seen: the types.
        verbose: also the figures at other numbers of types, where these were fitted earlier.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    left_out = f"; {counted(seen.left_out, 'file')} left out" if seen.left_out else ""
    head = f"{counted(len(seen.types), 'music type')} in {counted(seen.tracks, 'track')}{left_out}"
    console.print(Text(head, style="bold"))
    print_prose(console, Text(_fit(seen)))
    if seen.fitted != "earlier" or verbose:
        console.print()
        console.print(_looks(seen))
    for kind in seen.types:
        console.print()
        _print_type(console, kind, seen.tracks)
    if seen.fitted == "anew":
        console.print()
        _print_moves(console, seen)


def print_types_kept(seen: SeenTypes, paths: Sequence[Path]) -> None:
    """Say where the types are kept, and how they get into the tags."""
    console = Console(highlight=False, markup=False, emoji=False)
    console.print()
    if seen.kept_in is None:
        console.print(Text("Dry run: nothing was kept or written.", style="bold"))
        return
    given = " ".join(quote(shown(path)) for path in paths)
    kept = f"Kept in {shown(seen.kept_in)}; scans assign tracks to these types from now on."
    console.print(Text(kept), soft_wrap=True)
    console.print(
        Text(
            f"No tags were written: `genretag scan {given}` writes types and genres, "
            f"`genretag cluster --write {given}` the types alone."
        ),
        soft_wrap=True,
    )


def _fit(seen: SeenTypes) -> str:
    choice = seen.choice
    if seen.fitted == "earlier":
        return f"Fitted earlier on {counted(seen.fitted_on, 'track')}; names and numbers stay."
    best = max((look.silhouette for look in seen.looks), default=0.0)
    why = {
        "you": f"k = {choice.k} was asked for; the elbow is at {choice.elbow}, the highest "
        f"silhouette at {choice.silhouette}.",
        "silhouette": f"k = {choice.k} by the silhouette, which is highest there ({best:.2f}); "
        f"the elbow of the inertia is at {choice.elbow}.",
        "elbow": f"k = {choice.k} by the elbow of the inertia: no silhouette reaches "
        f"{seen.clear:.2f} (the highest is {best:.2f}, at {choice.silhouette}), so the types "
        "pass into each other.",
    }
    return why[choice.by]


def _looks(seen: SeenTypes) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name in ("k", "inertia", "silhouette"):
        table.add_column(name, justify="right")
    table.add_column("")
    for look in seen.looks:
        notes = [
            *(["chosen"] if look.k == seen.choice.k else []),
            *(["elbow"] if look.k == seen.choice.elbow else []),
            *(["highest silhouette"] if look.k == seen.choice.silhouette else []),
        ]
        silhouette = f"{look.silhouette:.3f}" if look.k > 1 else "—"
        style = "bold" if look.k == seen.choice.k else ""
        row = (str(look.k), f"{look.inertia:.2f}", silhouette, ", ".join(notes))
        table.add_row(*(Text(cell, style=style) for cell in row))
    return table


def _print_type(console: Console, kind: SeenType, tracks: int) -> None:
    share = kind.tracks / tracks if tracks else 0.0
    line = Text(f"{kind.number}  ", style="dim")
    line.append(one_line(kind.name), style="bold")
    line.append(f"  {counted(kind.tracks, 'track')}, {percent(share)} ")
    line.append("━" * max(1, round(_BAR_WIDTH * share)) if kind.tracks else "", style="magenta")
    console.print(line, soft_wrap=True)
    print_prose(console, Text(kind.description), indent=3)
    heard = [f"{one_line(g)} {percent(p)}" for g, p in kind.genres[:_GENRES] if p >= _LEAST]
    if heard:
        print_prose(console, Text(f"heard as {', '.join(heard)}", style="dim"), indent=3)
    for at, track in enumerate(kind.typical):
        name = " – ".join(one_line(part) for part in (track.artist, track.title) if part)
        said = f"{name}  " if name else ""
        lead = "typical: " if not at else " " * 9
        console.print(
            Text(f"   {lead}{said}{shown(track.path)}  {duration(track.duration_s)}", style="dim"),
            soft_wrap=True,
        )


def _print_moves(console: Console, seen: SeenTypes) -> None:
    console.print(Text("Fitted anew", style="bold"))
    if seen.moved_of:
        moved, of = sum(move.tracks for move in seen.moves), counted(seen.moved_of, "track")
        console.print(Text(f"  {moved:,} of {of} moved to another type"), soft_wrap=True)
    else:
        console.print(Text("  the types before were of another analysis: none can be compared"))
    for move in seen.moves:
        said = f"  {move.tracks:,}  {one_line(move.before)} → {one_line(move.after)}"
        console.print(Text(said), soft_wrap=True)
    for names, what in ((seen.new, "new"), (seen.gone, "gone")):
        if names:
            console.print(Text(f"  {what}: {', '.join(map(one_line, names))}"), soft_wrap=True)
