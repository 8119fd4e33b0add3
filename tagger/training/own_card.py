"""The card of a model that a user trained: what it is, how good it is, and how that was seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tagger.models.bundle import Bundle
from tagger.training.plots import (
    plot_calibration,
    plot_confusion,
    plot_elbow,
    plot_learning,
    plot_recall,
)

__all__ = ["write_own_card"]


def write_own_card(bundle: Bundle, figures: dict[str, Any], folder: Path) -> None:
    """Write ``MODEL_CARD.md``, ``figures.json`` and the plots into a bundle's folder."""
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    held = figures["held_out"]
    counts = {label: sum(held["confusion"][i]) for i, label in enumerate(bundle.labels)}
    plot_confusion(held["confusion"], bundle.labels, folder / "confusion.png")
    plot_recall(held["per_genre"], counts, folder / "recall.png")
    plot_learning(figures["development"]["history"], folder / "learning_curve.png")
    plot_calibration(figures["selective"], folder / "selective.png")
    plot_elbow(figures["types"]["elbow"], folder / "music_types.png")
    (folder / "MODEL_CARD.md").write_text(_card(bundle, figures, counts), encoding="utf-8")


def _card(bundle: Bundle, figures: dict[str, Any], counts: dict[str, int]) -> str:
    held, development, written = figures["held_out"], figures["development"], figures["written"]
    settings, unit = figures["settings"], figures["unit"]
    parts = "\n".join(f"| {name} | {value:.3f} |" for name, value in held["parts"].items())
    genres = "\n".join(
        f"| {label} | {held['per_genre'][label]:.2f} | {counts[label]} "
        f"| {bundle.thresholds[label]:.2f} |"
        if counts[label]
        else f"| {label} | not measured | 0 | {bundle.thresholds[label]:.2f} |"
        for label in bundle.labels
    )
    members = ", ".join(f"{m.name.replace('_', ' ')} {m.weight:.2f}" for m in bundle.members)
    notes = "\n".join(f"- {note}" for note in figures["notes"]) or "- nothing"
    spoken = (
        f"be right on {100 * written['accuracy']:.0f} % of those. The thresholds were chosen on "
        "these same tracks, so expect a little less."
        if written["accuracy"] is not None
        else "that is, never: it was never sure enough."
    )
    return f"""# Model card: {bundle.identity}

Tells {len(bundle.labels)} genres apart: {", ".join(bundle.labels)}. Fitted on {figures["tracks"]} tracks with
`genretag train` (network {settings["network"]}, balance {settings["balance"]}, seed {settings["seed"]}) in {figures["seconds"] / 60:.0f} minutes.

## How good it is

Split by **{unit}**: no {unit} is on both sides. A development run was fitted on {development["fitted_on"]} tracks,
ended by {development["ended_by"]} others (epoch {development["epoch"]}), and judged on {held["n"]} that neither had seen; all
figures come from these. The weights of this model were then fitted on all tracks by the same
recipe. One seed: with {held["n"]} tracks the standard error of the accuracy is about
{(held["accuracy"] * (1 - held["accuracy"]) / held["n"]) ** 0.5:.3f}.

| part | accuracy |
|---|---|
{parts}

Fused: kappa {held["kappa"]:.3f}, macro F1 {held["macro_f1"]:.3f}, expected calibration error {held["ece"]:.3f} (10 bins).

| genre | recall | tracks judged | threshold |
|---|---|---|---|
{genres}

At the default thresholds a genre would be written to {100 * written["share"]:.0f} % of these tracks, and
{spoken}

![recall](recall.png)
![confusion](confusion.png)
![thresholds](selective.png)
![learning curve](learning_curve.png)

## What it is

- An ensemble on {len(bundle.features)} features; its votes: {members}.
- The network {settings["network"]}, {figures["parameters"]:,} parameters.
- Fused: {bundle.fusion.ensemble:.2f} × ensemble + {bundle.fusion.cnn:.2f} × network (log-probabilities), temperature {bundle.fusion.temperature:.2f}.
- {figures["bytes"] / 1e6:.1f} MB. The largest difference of a probability between a runtime and what was
  trained: LiteRT {figures["runtimes"]["litert"]:.1e}, ONNX {figures["runtimes"]["onnx"]:.1e}.

## What was left out or decided

{notes}

![music types](music_types.png)
"""
