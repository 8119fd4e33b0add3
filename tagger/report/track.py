"""One track on the console: excerpt by excerpt, the whole, the tags."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tagger.domain import Candidate, Route, TrackView
from tagger.report.text import duration, one_line, percent, shown

__all__ = ["print_track"]

_RANKS: Final = 3
_BAR_WIDTH: Final = 24
_LEAST: Final = 0.01  # genres below it are not worth a line


def print_track(track: TrackView, *, verbose: bool = False) -> None:
    """Print what was heard in a track and the tags it has.

    Args:
        track: what is known of it.
        verbose: also show how the labels became words, and what would be written.
    """
    console = Console(highlight=False)
    hearing = track.hearing
    console.print(Text(shown(track.path), style="bold"))
    # As Text throughout: a plain string would be read as markup, and [/x] in a name is a crash.
    heard = f"{duration(hearing.duration_s)} long, {hearing.heard_s:.0f} s heard"
    console.print(Text(f"{heard}, model {track.model}"))
    console.print(Text("\nExcerpt by excerpt", style="bold"))
    console.print(_excerpts(track))
    console.print(Text("\nThe whole track", style="bold"))
    console.print(_whole(track))
    console.print(Text(f"  {_verdict(track)}", style="dim"))
    if track.whole.music is not None:
        console.print(Text(f"  music at all: {percent(track.whole.music)}"))
    if track.whole.cluster:
        console.print(Text(f"  music type: {track.whole.cluster}"))
    if verbose:
        console.print(Text("\nFrom labels to words", style="bold"))
        console.print(_routes(track))
        console.print(Text("\nWords for the genre field", style="bold"))
        console.print(_words(track))
        if track.plan:
            console.print(Text(f"  a scan would report: {one_line(track.plan)}", style="dim"))
    console.print(Text("\nTags", style="bold"))
    console.print(_tags(track))


def _excerpts(track: TrackView) -> Table:
    table = Table.grid(padding=(0, 2))
    for start_s, prediction in zip(track.hearing.patch_starts_s, track.patches, strict=True):
        end_s = min(start_s + track.patch_s, track.hearing.duration_s)
        best = "   ".join(f"{label} {percent(p)}" for label, p in prediction.genres[:_RANKS])
        table.add_row(f"  {duration(start_s)} to {duration(end_s)}", Text(best))
    return table


def _whole(track: TrackView) -> Table:
    table = Table.grid(padding=(0, 2))
    for label, probability in track.whole.genres:
        if probability < _LEAST:
            break
        bar = Text("━" * max(1, round(_BAR_WIDTH * probability)), style="magenta")
        table.add_row(Text(f"  {label}"), percent(probability), bar)
    return table


def _verdict(track: TrackView) -> str:
    if track.whole.objection:
        return f"nothing to be written: {track.whole.objection}"
    if not track.candidates:
        return "nothing to be written: the vocabulary has no word for what was heard"
    first = track.candidates[0]
    sure = "sure enough" if track.written else "too unsure"
    labels = [label for label, p in track.whole.genres if label in first.labels and p >= _LEAST]
    origin = "" if labels == [first.word] else f" ({', '.join(labels)})"
    chance = percent(first.probability)
    return f"{sure} to be written: {first.word}{origin} {chance}, needs {percent(first.threshold)}"


def _routes(track: TrackView) -> Table:
    table = Table.grid(padding=(0, 2))
    for route, (_, probability) in zip(track.routes, track.whole.genres, strict=True):
        if probability >= _LEAST:
            table.add_row(Text(f"  {_route_text(route)}"), percent(probability))
    return table


def _route_text(route: Route) -> str:
    """``Disco → (alias) Dance → (parent) Electronic``, ``Pop: ignored``."""
    way = " → ".join((route.label, *(f"({rule}) {word}" for rule, word in route.steps)))
    return one_line(f"{way}: {route.dropped}" if route.dropped else way)


def _words(track: TrackView) -> Table:
    table = Table.grid(padding=(0, 2))
    for candidate in track.candidates:
        if candidate.probability >= _LEAST:
            needs = f"needs {percent(candidate.threshold)}"
            table.add_row(
                Text(f"  {one_line(candidate.word)}"),
                percent(candidate.probability),
                needs,
                _fate(track, candidate),
            )
    if not table.row_count:
        table.add_row("  none")
    return table


def _fate(track: TrackView, candidate: Candidate) -> str:
    if candidate.word in track.written:
        place = track.written.index(candidate.word) + 1
        return "sure enough" if place == 1 else f"sure enough with --max-genres {place}"
    if candidate is track.candidates[0]:
        return "too unsure"
    return "too far behind" if track.written else ""


def _tags(track: TrackView) -> Table:
    table = Table.grid(padding=(0, 2))
    if isinstance(track.tags, str):
        table.add_row(Text(f"  {one_line(track.tags)}"))
        return table
    table.add_row("  kind", Text(track.tags.kind))
    for field, values in track.tags.values.items():
        table.add_row(Text(f"  {field}"), Text(one_line("; ".join(values))))
    return table
