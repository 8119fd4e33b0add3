"""A track along its time on the console, and a track as JSON."""

from __future__ import annotations

import json
import os
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tagger.domain import CurrentTags, Prediction, TrackView
from tagger.report.text import duration, one_line, percent
from tagger.timeline import Stretch, Timeline

__all__ = ["print_timeline", "print_track_json", "track_view_object"]

_BAR_WIDTH: Final = 24
_LEAST: Final = 0.05  # a second genre below it is not worth its place


def print_timeline(timeline: Timeline) -> None:
    """Print a row for each stretch: when, what, how sure."""
    console = Console(highlight=False)
    console.print(Text("\nAlong the track", style="bold"))
    if timeline.stretch_s > timeline.window_s:
        every = duration(timeline.stretch_s)
        console.print(
            Text(f"  sampled: {timeline.window_s:.0f} s in the middle of every {every}", "dim")
        )
    table = Table.grid(padding=(0, 2))
    for stretch in timeline.stretches:
        table.add_row(f"  {duration(stretch.start_s)}", *_row(stretch))
    console.print(table)
    if timeline.damage:
        console.print(Text(f"  {one_line(timeline.damage)}", style="dim"))


def _row(stretch: Stretch) -> tuple[Text, ...]:
    if stretch.problem or stretch.prediction is None:
        return (Text("—"), Text(""), Text(one_line(stretch.problem), style="dim"))
    (label, p), *others = stretch.prediction.genres
    bar = Text("━" * max(1, round(_BAR_WIDTH * p)), style="magenta")
    second = "".join(f"   {other} {percent(q)}" for other, q in others[:1] if q >= _LEAST)
    bar.append(one_line(second), style="dim")
    return Text(one_line(label)), Text(percent(p)), bar


def print_track_json(view: TrackView, timeline: Timeline | None) -> None:
    """Print what is known of a track as one JSON object."""
    # ASCII: a lone surrogate in a file name stays valid JSON and can be undone.
    print(json.dumps(track_view_object(view, timeline), indent=1))


def track_view_object(view: TrackView, timeline: Timeline | None) -> dict[str, Any]:
    """A track for programs; probabilities from 0 to 1, times in seconds."""
    hearing = view.hearing
    value: dict[str, Any] = {
        "path": os.fspath(view.path),
        "model": view.model,
        "duration_s": round(hearing.duration_s, 3),
        "heard_s": round(hearing.heard_s, 3),
        **_answer(view.whole),
        "excerpts": [
            {"start_s": round(start_s, 3), "genres": _genres(patch)}
            for start_s, patch in zip(hearing.patch_starts_s, view.patches, strict=True)
        ],
        "words": [
            {"word": c.word, "probability": round(c.probability, 4), "threshold": c.threshold}
            for c in view.candidates
        ],
        "sure": list(view.written),
        "plan": view.plan,
    }
    if isinstance(view.tags, CurrentTags):
        value["current"] = {name: list(values) for name, values in view.tags.values.items()}
    else:
        value["tags_problem"] = view.tags
    if timeline is not None:
        value["timeline"] = [_stretch(stretch) for stretch in timeline.stretches]
        value["damage"] = timeline.damage
    return value


def _answer(prediction: Prediction) -> dict[str, Any]:
    return {
        "genres": _genres(prediction),
        "cluster": prediction.cluster,
        "music": None if prediction.music is None else round(prediction.music, 4),
        "objection": prediction.objection,
    }


def _genres(prediction: Prediction) -> list[list[str | float]]:
    return [[label, round(p, 4)] for label, p in prediction.genres]


def _stretch(stretch: Stretch) -> dict[str, Any]:
    return {
        "start_s": round(stretch.start_s, 3),
        "end_s": round(stretch.end_s, 3),
        "heard_s": [round(stretch.heard_start_s, 3), round(stretch.heard_end_s, 3)],
        "genres": _genres(stretch.prediction) if stretch.prediction else [],
        "problem": stretch.problem,
    }
