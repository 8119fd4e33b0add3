"""A model on the console: what it knows, what it is made of, how good it was found to be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tagger.report.text import counted, one_line, percent, shown

__all__ = ["model_json", "print_model"]


def model_json(model: Mapping[str, Any]) -> str:
    """The model for programs."""
    return json.dumps(model, indent=2)


def print_model(model: Mapping[str, Any]) -> None:
    """Print what is known of a model; every word of it may be a stranger's.

    Args:
        model: as :func:`tagger.models.described.described` gives it.
    """
    console = Console(highlight=False)
    console.print(Text(one_line(f"{model['name']} {model['version']}"), style="bold"))
    _print_rows(console, _rows(model))
    figures = model["figures"] or {}
    console.print(Text("\nGenres, and how sure it must be to write one", style="bold"))
    console.print(_genres(model, figures.get("recall", {})))
    if figures:
        n = counted(round(figures["held_out"]["n"]), "track")
        console.print(Text(f"\nPublished figures, on {n} kept apart", style="bold"))
        _print_rows(console, _figure_rows(figures))


def _print_rows(console: Console, rows: list[tuple[str, str]]) -> None:
    table = Table.grid(padding=(0, 2))
    for name, text in rows:
        table.add_row(name, Text(one_line(text), overflow="fold"))
    console.print(Padding.indent(table, 2))


def _rows(model: Mapping[str, Any]) -> list[tuple[str, str]]:
    analysis, network, fusion = model["analysis"], model["network"], model["fusion"]
    members = ", ".join(f"{m['name']} {m['weight']:.2f}" for m in model["ensemble"])
    patch = f"{network['file']}, patches of {network['patch_s']:.1f} s"
    if network["embedding"]:
        patch += f", embedding of {network['embedding']}"
    bias = [f"{label} {value:+.2f}" for label, value in fusion["bias"].items() if value]
    rows = [
        ("folder", shown(model["folder"])),
        ("size", f"{model['bytes'] / 1e6:.1f} MB in {counted(len(model['files']), 'file')}"),
        (
            "hears",
            f"{counted(analysis['excerpts'], 'excerpt')} of {analysis['excerpt_s']:g} s, "
            f"{analysis['features']} features; analysis version {analysis['version']}",
        ),
        ("ensemble", members),
        ("network", patch),
        (
            "fusion",
            f"ensemble {fusion['ensemble']:.2f}, network {fusion['network']:.2f}, "
            f"temperature {fusion['temperature']:.2f}"
            + (f"; bias {', '.join(bias)}" if bias else ""),
        ),
    ]
    if model["added"]:
        rows.append(("added", ", ".join(model["added"])))
    if model["music_types"]:
        rows.append(("music types", ", ".join(model["music_types"])))
    if judge := model["not_music"]:
        kinds, least = ", ".join(judge["kinds"]), percent(judge["threshold"])
        rows.append(("no music", f"{kinds}: left alone from {least} on"))
    return rows


def _genres(model: Mapping[str, Any], recall: Mapping[str, float]) -> Padding:
    table = Table.grid(padding=(0, 2))
    table.add_row("", Text("needs", style="dim"), Text("recognised" if recall else "", style="dim"))
    for label in model["labels"]:
        found = f"{recall[label]:.2f}" if label in recall else ""
        needs = percent(model["thresholds"][label])
        table.add_row(Text(one_line(label)), Text(needs, justify="right"), found)
    return Padding.indent(table, 2)


def _figure_rows(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    held, written = figures["held_out"], figures["written"]
    rows = [
        ("accuracy", f"{held['accuracy']:.3f}"),
        ("kappa", f"{held['kappa']:.3f}"),
        ("macro F1", f"{held['macro_f1']:.3f}"),
        ("calibration error", f"{held['ece']:.3f}"),
    ]
    if written:
        share, right = percent(written["share"]), percent(written["accuracy"])
        rows.append(("written", f"a genre to {share} of them, right on {right} of these"))
    return rows
