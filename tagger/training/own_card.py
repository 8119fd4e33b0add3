"""The card of a model that a user trained: what it is, how good it is, and how that was seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tagger.models.bundle import Bundle
from tagger.training.out_files import CURVE
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
    if history := figures["development"]["history"]:
        plot_learning(history, folder / CURVE)
    plot_calibration(figures["selective"], folder / "selective.png")
    types = figures["types"]
    plot_elbow(types["elbow"], len(types["names"]), folder / "music_types.png")
    (folder / "MODEL_CARD.md").write_text(_card(bundle, figures, counts), encoding="utf-8")


def _card(bundle: Bundle, figures: dict[str, Any], counts: dict[str, int]) -> str:
    held, development, written = figures["held_out"], figures["development"], figures["written"]
    settings, unit = figures["settings"], figures["unit"]
    parts = "\n".join(f"| {name} | {value:.3f} |" for name, value in held["parts"].items())
    named = {label: label.replace("|", "\\|") for label in bundle.labels}
    genres = "\n".join(
        f"| {named[label]} | {held['per_genre'][label]:.2f} | {counts[label]} "
        f"| {bundle.thresholds[label]:.2f} |"
        if counts[label]
        else f"| {named[label]} | not measured | 0 | {bundle.thresholds[label]:.2f} |"
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
    if not development["history"]:  # nothing that takes epochs was fitted
        ended, curve = "", ""
    else:
        curve = f"\n![learning curve]({CURVE})"
        ended = (
            f", ended by {development['ended_by']} others (epoch {development['epoch']}),"
            if development["ended_by"]
            else f", run to its end (epoch {development['epoch']}), as no {unit} could be spared "
            "to end it,"
        )
    begin = dict(settings["options"]).get("begin")
    how = (
        "How ensemble and network are fused"
        if begin is None
        else f"The shares of ensemble and network are those of the model {begin}; the temperature"
    )
    fusion = (
        f"{how} was fitted on the same tracks, each {unit} being judged\nby a fit on the others."
        if figures["cross_fitted"]
        else f"{how} was fitted on these very tracks, as there are too few\n{unit}s for more: the "
        "fused figures flatter a little."
    )
    artists = (
        ""
        if unit == "artist"
        else f"\nWho made the tracks was not known of most, or not kept apart: one artist may be on "
        f"both sides, split\nby {unit} as they are. On artists that are new to it, expect the model "
        "to do worse than stands here.\n"
    )
    body = {
        "head": "was left as it was; only the last layer was fitted here, a logistic regression",
        "last": "was left as it was but for its last block, which was fitted on at a low rate",
        "all": "was fitted on at a low rate",
    }
    told = body[settings["tune"]]
    if development["history"] and not development["epoch"]:
        told = "was left as it was: fitted on, it did worse on the tracks that ended it"
    begun = (
        f" Its body is that of the model {begin} and\n  {told}. What that model "
        "was trained on counts as\n  heard: if tracks or artists judged above were among it (see "
        "its card), the figures flatter."
        if begin
        else ""
    )
    biases = ", ".join(
        f"{named[label]} {bias:+.2f}"
        for label, bias in zip(bundle.labels, bundle.fusion.bias, strict=False)
        if bias
    )
    held_back = (
        f" Bias: {biases}, since what {begin} does not know\n  is to cost the genres that it "
        "knows as little as may be."
        if biases
        else ""
    )
    return f"""# Model card: {bundle.identity}

Tells {len(bundle.labels)} genres apart: {", ".join(bundle.labels)}. Fitted on {figures["tracks"]} tracks with
`genretag train` (network {figures["network"]}, balance {settings["balance"]}, seed {settings["seed"]}).

## How good it is

Split by **{unit}**: no {unit} is on both sides. A development run was fitted on {development["fitted_on"]} tracks{ended}
and judged on {held["n"]} that it had not seen; all
figures come from these. {fusion} The weights of this model were then fitted on all tracks by the same
recipe. One seed: with {held["n"]} tracks the standard error of the accuracy is about
{_standard_error(held["accuracy"], held["n"]):.3f}.
{artists}
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
![thresholds](selective.png){curve}

## What it is

- An ensemble on {len(bundle.features)} features; its votes: {members}.
- The network {figures["network"]}, {figures["parameters"]:,} parameters.{begun}
- Fused: {bundle.fusion.ensemble:.2f} × ensemble + {bundle.fusion.cnn:.2f} × network (log-probabilities), temperature {bundle.fusion.temperature:.2f}.{held_back}
- {figures["bytes"] / 1e6:.1f} MB. The largest difference of a probability between a runtime and what was
  trained: LiteRT {figures["runtimes"]["litert"]:.1e}, ONNX {figures["runtimes"]["onnx"]:.1e}.

## What was left out or decided

{notes}

![music types](music_types.png)
"""


def _standard_error(accuracy: float, n: int) -> float:
    """After Agresti and Coull (1998), as the plain formula calls 2 of 2 certain."""
    share = (accuracy * n + 2) / (n + 4)
    return float((share * (1 - share) / (n + 4)) ** 0.5)
