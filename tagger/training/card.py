"""The model card: figures, plots and words, all from one run's own numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from tagger.models.bundle import Bundle
from tagger.training.card_non_music import non_music, weakness
from tagger.training.card_text import MUSICNN_LICENCE, TRIED, cross_table
from tagger.training.plots import plot_calibration, plot_confusion, plot_elbow, plot_learning
from tagger.training.repeats import repeats_table
from tagger.training.robustness_figures import robustness_table

__all__ = ["write_card", "write_text"]

_DISTANCE: Final = "difference from the published network\n(mean square, in units of the variance)"
_SOURCES: Final = {
    "emotify": "Emotify's held-out artists",
    "gtzan": "GTZAN's validation clips that there is audio of",
}


def write_card(bundle: Bundle, figures: dict[str, Any], folder: Path) -> None:
    """Write ``MODEL_CARD.md``, ``figures.json`` and the plots into a bundle's folder."""
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    held_out = figures["held_out"]
    plot_confusion(held_out["confusion"], bundle.labels, folder / "confusion.png")
    plot_learning(figures["develop"]["history"], folder / "learning_curve.png", _DISTANCE)
    plot_calibration(figures["selective"], folder / "selective.png")
    types = figures["types"]
    plot_elbow(types["elbow"], len(types["names"]), folder / "music_types.png")
    write_text(bundle, figures, folder)


def write_text(bundle: Bundle, figures: dict[str, Any], folder: Path) -> None:
    """Write ``MODEL_CARD.md`` alone."""
    (folder / "MODEL_CARD.md").write_text(_card(bundle, figures), encoding="utf-8")


def _card(bundle: Bundle, figures: dict[str, Any]) -> str:
    held, gtzan, emotify = (
        figures["held_out"],
        figures["sources"]["gtzan"],
        figures["sources"]["emotify"],
    )
    develop, final = figures["develop"], figures["final"]
    settings = develop["settings"]
    written = figures["written"]
    of_four = figures["emotify_of_its_four"]
    spoken = figures["cross"]["fused"]["written"]
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {gtzan['parts'][name]:.3f} | {of_four[name]:.3f} "
        f"| {emotify['parts'][name]:.3f} |"
        for name in gtzan["parts"]
    )
    biases = ", ".join(
        f"{label} {bias:+.2f}"
        for label, bias in zip(bundle.labels, bundle.fusion.bias, strict=False)
        if bias
    )
    members = ", ".join(f"{m.name.replace('_', ' ')} {m.weight:.2f}" for m in bundle.members)
    genres = "\n".join(
        f"| {label} | {recall:.2f} | {sum(held['confusion'][i])} | {bundle.thresholds[label]:.2f} |"
        for i, label in enumerate(bundle.labels)
        for recall in [held["per_genre"].get(label, float("nan"))]
    )
    types = "\n".join(
        f"| {name} | {size} | " + ", ".join(f"{word} {z:+.2f}" for word, z in words.items()) + " |"
        for name, size, words in zip(
            figures["types"]["names"],
            figures["types"]["sizes"],
            figures["types"]["words"],
            strict=True,
        )
    )
    curve = "\n".join(
        f"| {p['threshold']:.2f} | {p['accuracy']:.3f} | {p['share']:.2f} |"
        for p in figures["selective"]
        if round(100 * p["threshold"]) % 10 == 0
    )
    return f"""# Model card: {bundle.identity}

Tells {len(bundle.labels)} genres apart ({", ".join(bundle.labels)}) and sorts tracks into
{len(figures["types"]["names"])} music types. Made by
`python -m tagger.training.default_model DATA --musicnn WHEEL --music MUSIC --seed \
{settings["seed"]} --epochs {settings["epochs"]}`; every figure but those under "What was tried" is that run's own and stands in
`figures.json`.

## Data, and its restriction

- GTZAN, the 639 clips of 30 s of its fault-filtered, artist-filtered partition (Kereliuk, Sturm
  and Larsen 2015) that are for training (442) and validation (197): ten genres.
- Emotify, 293 clips (most of 30 s) from Magnatune's catalogue: classical, electronic, pop, rock. All that the
  model knows of electronic music comes from here.
- MusiCNN (Pons and Serra 2019), weights that the authors published under the ISC licence. They were
  fitted on about 200,000 tracks of the Million Song Dataset and listeners' tags for them, not on GTZAN
  or Emotify as such; whether a recording of these is among the million is not known.
- Free music, without labels: {develop["excerpts"]:,} excerpts of 30 s of {develop["recordings"]:,} recordings that come with \
{len(develop["packages"])} packages
  of Debian's, most of them games, under licences that Debian calls free; `python -m tagger.training.free_music`
  fetches them and their statements of copyright. Packages: {", ".join(develop["packages"])}.

The recordings belong to their owners; GTZAN states no licence. **No recording is part of this
project.** The weights were derived from them for research; whoever uses them commercially must
judge for themselves whether that is allowed where they live. MusiCNN's licence:

{MUSICNN_LICENCE}

## What it is

- An ensemble on {len(bundle.features)} features, in ONNX; a soft vote with weights by cross-validated likelihood:
  {members}. The regression is fitted on the features of each clip and of eight
  copies of it by other masters (as the network's, below), of which the clip counts three tenths; SVM and trees on
  each clip and one copy, which count the same. Features that need the spectrum, of which most of GTZAN's clips
  have none here, are moved in a copy by as much as what its picture tells of them.
- A network of {develop["parameters"]:,} parameters on log-mel patches of 14.9 s, in LiteRT. Its body is MusiCNN
  without those of its first kernels that are zero, as its training left 497 of 561; the others were stretched to a
  picture's columns. All of it then learned, without labels, to answer as the published one does on the free music,
  brought to one level, also where that passes an equaliser or a narrower band ({settings["epochs"]} epochs; mean
  square of the differences on halves of Emotify's recordings, none of which it learned from,
  {develop["history"][-1]["validation_loss"]:.2f} of the variance over its activations that vary). Its last layer is a logistic regression on the
  labelled clips and on {develop["copies"]} copies of each by other masters: up to 15 % faster or slower, up to two bands
  higher or lower, through an equaliser, and two in five through a narrower band. The clip counts three tenths of
  what is learned from it, its copies the rest.
- Fused: {bundle.fusion.ensemble:.2f} × ensemble + {bundle.fusion.cnn:.2f} × network (log-probabilities),
  temperature {bundle.fusion.temperature:.2f}, bias {biases or "none"}.
- {figures["bytes"] / 1e6:.1f} MB. The largest difference of a probability between a runtime and what was
  trained: LiteRT {figures["runtimes"]["litert"]:.1e}, ONNX {figures["runtimes"]["onnx"]:.1e}.

## Protocol

No artist is on both sides of any split. Fusion weights, temperature, bias and thresholds are fitted
on answers for artists that the parts did not see, and judged by fits on other artists than the one in question.
Those that ship are fitted on all answers of the cross-validation's first seed.

**Cross-validation**, five parts of each set's artists, three seeds (of the parts, and of all that is fitted). The
network's body has learned from no labelled clip; the three weights of the vote alone are those of the development
run below:

{cross_table(figures["cross"])}

Emotify's last column counts a blues that Emotify files under rock as an error. The same clips as another master would
have them, changed at random as the copies that were learned from, but of artists that were not:

{cross_table(figures["cross"]["other_master"])}

Over both sets, fused and of all
eleven ("each genre's own": at thresholds chosen on other artists, as the default ones are):

{repeats_table(figures["cross"]["fused"])}
**Development run**, fitted on {develop["clips"]} clips and judged on {held["n"]}: GTZAN's validation part ({gtzan["n"]})
and a fifth of Emotify's artists ({emotify["n"]}). Fusion and thresholds of its own are fitted on these. With {gtzan["n"]} clips the standard
error of an accuracy is about 0.035.

**The recipe itself was chosen on these same clips.** Well over a hundred variants of ensemble and fusion and some
seventy of the network were read on them. Cross-fitting does not undo that: the figures lean to the kind side by an
amount that was not measured, and only clips that nobody looked at can tell.

The weights that ship were then fitted on all
{final["clips"]} clips by the same recipe; nothing is left to judge them on.

Emotify's pop and rock are catch-alls: whatever is neither classical nor electronic stands under them. Of labels that
were not possible there they say nothing to the network's last layer; SVM and trees are not fitted on them; to the
ensemble's logistic regression none of Emotify's clips says more than which of its four it is.

| accuracy, development run | GTZAN train → valid | Emotify, of its four | Emotify, of all eleven |
|---|---|---|---|
{rows}

Fused, that is {round(gtzan["parts"]["fused"] * gtzan["n"])} of GTZAN's {gtzan["n"]} clips. Over three seeds, of which the figures
above are the first:

{cross_table(figures["repeats"]).replace("GTZAN", "GTZAN train → valid")}

GTZAN and Emotify together, of
all eleven: accuracy {held["accuracy"]:.3f}, kappa {held["kappa"]:.3f}, macro F1 {held["macro_f1"]:.3f}, expected
calibration error {held["ece"]:.3f} (10 bins).

| genre, development run | recall | clips | threshold that ships |
|---|---|---|---|
{genres}

![confusion matrix](confusion.png)
![learning curve](learning_curve.png)

## Confidence

At default thresholds, chosen on other artists, a genre is written to {100 * spoken["share"]["mean"]:.0f} % of all clips and right on
{100 * (spoken["accuracy"]["mean"] or 0):.0f} % of these (cross-validation, above). On the development run's held-out clips, which its own thresholds
were chosen on: {100 * written["share"]:.0f} %, and {100 * (written["accuracy"] or 0):.0f} %. There, by the least confidence at which it speaks:

| threshold | right | share of clips |
|---|---|---|
{curve}

![selective accuracy](selective.png)

{_robustness(figures.get("robustness", {}))}## Music types

K-means on timbre, harmony and movement, {len(figures["types"]["names"])} types, fitted on all clips. Words are z-scores.

| type | clips | what sets it apart |
|---|---|---|
{types}

![elbow and silhouette](music_types.png)
{non_music(figures.get("non_music"))}
{TRIED}
## Known weaknesses

- Eleven genres, as GTZAN's makers heard them around 2000: Western, mostly English-language, mostly
  20th century. Music of other kinds gets the nearest of the eleven or none.
- Rock, country, disco and pop run into one another, as the confusion matrix shows. Rock recorded since
  about 2000 is heard as country too often: Emotify's rock does not teach that it is no country.
- Electronic music is known from 75 clips of one catalogue, and nothing in the training weighs it
  against hip-hop, reggae or disco: of the held-out ones {100 * held["per_genre"]["Electronic"]:.0f} % are named, most
  others heard as one of those three.
{weakness(figures.get("non_music"))}
"""


def _robustness(judged: dict[str, Any]) -> str:
    if not judged:
        return ""
    tables = "\n".join(
        f"{_SOURCES[name]}:\n\n{robustness_table(of)}" for name, of in judged.items()
    )
    return f"""## The same clips stored in other ways

The development run's model, on held-out clips that were encoded anew and heard as a scan hears them
(`python -m tagger.training.robustness`). Flips: another genre is the likeliest. What is taken for no music, the judge
that ships says; it has learned from the clips as they are.

{tables}
"""
