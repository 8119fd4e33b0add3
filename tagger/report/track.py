"""One track on the console: excerpt by excerpt, the whole, the tags."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tagger.domain import TrackView
from tagger.report.text import duration, one_line, percent, shown

__all__ = ["print_track"]

_RANKS: Final = 3
_BAR_WIDTH: Final = 24


def print_track(track: TrackView) -> None:
    """Print what was heard in a track and the tags it has."""
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
    label, probability = track.whole.genres[0]
    threshold = track.thresholds[label]
    sure = "sure enough" if probability >= threshold else "too unsure"
    console.print(Text(f"  {sure} to be written: {label} needs {percent(threshold)}", style="dim"))
    if track.whole.cluster:
        console.print(Text(f"  music type: {track.whole.cluster}"))
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
        if probability < 0.01:
            break
        bar = Text("━" * max(1, round(_BAR_WIDTH * probability)), style="magenta")
        table.add_row(Text(f"  {label}"), percent(probability), bar)
    return table


def _tags(track: TrackView) -> Table:
    table = Table.grid(padding=(0, 2))
    if isinstance(track.tags, str):
        table.add_row(Text(f"  {one_line(track.tags)}"))
        return table
    table.add_row("  kind", Text(track.tags.kind))
    for field, values in track.tags.values.items():
        table.add_row(Text(f"  {field}"), Text(one_line("; ".join(values))))
    return table
