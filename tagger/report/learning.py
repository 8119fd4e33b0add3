"""What a person reads of trainings, evaluations and comparisons."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tagger.report.text import counted, duration, one_line, percent, print_prose, shown

__all__ = ["LearningConsole"]

_BAR_WIDTH: Final = 24


class CellLike(Protocol):
    """A feature set and a classifier, judged."""

    @property
    def features(self) -> str: ...
    @property
    def n_features(self) -> float: ...
    @property
    def classifier(self) -> str: ...
    @property
    def accuracy(self) -> float: ...
    @property
    def kappa(self) -> float: ...
    @property
    def macro_f1(self) -> float: ...
    @property
    def fit_s(self) -> float: ...
    @property
    def reason(self) -> str: ...


class SearchedLike(Protocol):
    """A classifier whose parameters were searched for."""

    @property
    def classifier(self) -> str: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def searched_kappa(self) -> float: ...
    @property
    def accuracy(self) -> float: ...
    @property
    def kappa(self) -> float: ...
    @property
    def usual_kappa(self) -> float: ...
    @property
    def seconds(self) -> float: ...
    @property
    def reason(self) -> str: ...


class LearningConsole:
    """Results on standard output, everything else on standard error."""

    def __init__(self) -> None:
        # Names of genres and files come from outside: no brackets or colons in them are markup.
        self._out = Console(highlight=False, markup=False, emoji=False)
        self._err = Console(stderr=True, highlight=False, markup=False, emoji=False)

    @property
    def jobs(self) -> int:
        """As many processes as there are cores for this one."""
        affinity = getattr(os, "sched_getaffinity", None)
        return len(affinity(0)) if affinity else os.cpu_count() or 1

    def say(self, line: str) -> None:
        """Say what is being done, or what was left out."""
        self._err.print(Text(one_line(line), style="dim"), soft_wrap=True)

    @contextmanager
    def hearing(self, doing: str = "Hearing") -> Iterator[Callable[[int, int], None]]:
        """A bar from the first call until all is done; none off a terminal."""
        if not self._err.is_terminal:
            yield lambda done, total: None
            return
        from rich.progress import (  # where none is shown, nobody waits for it
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        bar = Progress(*columns, console=self._err, transient=True)
        task = bar.add_task("", total=None)

        def progress(done: int, total: int) -> None:
            bar.start()
            bar.update(task, completed=done, total=total)
            if done >= total:
                bar.stop()  # what follows has bars of its own

        try:
            yield progress
        finally:
            bar.stop()

    def networks(self, descriptions: Mapping[str, str]) -> None:
        """List the networks that there are."""
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for name, description in descriptions.items():
            table.add_row(name, description)
        self._out.print(table)

    def trained(self, model: str, figures: Mapping[str, Any], folder: Path) -> None:
        """Say how good the new model is and how to use it."""
        held = figures["held_out"]
        unit = figures["unit"]
        self._judged(
            f"{model}: judged on {counted(held['n'], 'track')}, no {unit} of which it was "
            "fitted on",
            held,
        )
        written = figures["written"]
        if written["accuracy"] is not None:
            self._out.print()
            self._prose(
                f"At its thresholds it speaks on {percent(written['share'])} of the tracks, and "
                f"is right on {percent(written['accuracy'])} of those."
            )
        self._out.print(
            f"\nWritten to {shown(folder)} in {duration(figures['seconds'])}; "
            "MODEL_CARD.md there says more.",
            soft_wrap=True,
        )
        self._out.print(f"Use it: genretag scan -n --model {shown(folder)} MUSIC", soft_wrap=True)

    def added(
        self, model: str, genres: Sequence[Mapping[str, Any]], seconds: float, folder: Path
    ) -> None:
        """Say how well the genres that were added to a model are told from its others."""
        self._out.print(Text(one_line(model), style="bold"), soft_wrap=True)
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for name in ("genre", "tracks", "recognised", "others taken for it", "written from"):
            table.add_column(name, justify="left" if name == "genre" else "right")
        for genre in genres:
            recall = genre["recall"]
            table.add_row(
                one_line(genre["label"]),
                str(genre["tracks"]),
                "not measured" if recall is None else percent(recall),
                f"{100 * genre['mistaken']:.1f} %",
                percent(genre["threshold"]),
            )
        self._out.print(table)
        unit = genres[0]["unit"]
        self._out.print()
        self._prose(
            f"Recognised by fits that did not know the {unit}. The others are no recordings, but "
            "drawn from what the model knows of its genres: expect more in a real library."
        )
        self._out.print(
            f"\nWritten to {shown(folder)} in {duration(seconds)}; MODEL_CARD.md there says more.",
            soft_wrap=True,
        )
        self._out.print(f"Use it: genretag scan -n --model {shown(folder)} MUSIC", soft_wrap=True)

    def evaluated(self, model: str, figures: Mapping[str, Any]) -> None:
        """Show the figures of an evaluation."""
        self._judged(f"{model} on {counted(figures['n'], 'track')}", figures)
        segments = figures["segments"]
        self._out.print()
        self._prose(
            f"Whole tracks from {counted(segments['segments'], 'segment')} of the network alone: "
            f"majority vote {percent(segments['majority_vote'])} "
            f"({counted(segments['ties'], 'tie')}), "
            f"summed probability {percent(segments['summed_probability'])}."
        )
        self._prose(
            "If the model was trained on tracks among these, the figures flatter: what it is worth "
            "on others stands in its model card."
        )

    def compared(self, cells: Sequence[CellLike], means: Sequence[tuple[str, float]]) -> None:
        """Show the feature sets, best first, and what classifiers make of the whole set."""
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        # Folded, not cut: combinations differ in their ends.
        table.add_column("features", overflow="fold")
        for name in ("n", "mean accuracy", "best", "kappa"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("by", no_wrap=True)
        ranked = [name for name, _ in means]
        # A set on which every classifier failed has no mean.
        names = ranked + [n for n in dict.fromkeys(c.features for c in cells) if n not in ranked]
        for name in names:
            mine = [c for c in cells if c.features == name and not c.reason]
            if not mine:
                continue
            best = max(mine, key=lambda c: c.accuracy)
            table.add_row(
                name,
                f"{best.n_features:.0f}",
                f"{dict(means)[name]:.3f}" if name in ranked else "",
                f"{best.accuracy:.3f}",
                f"{best.kappa:.3f}",
                best.classifier,
            )
        self._out.print(table)
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for name in ("classifier", "all features", "kappa", "macro F1", "s a fit"):
            table.add_column(name, justify="left" if name == "classifier" else "right")
        whole = [c for c in cells if c.features == "all" and not c.reason]
        for cell in sorted(whole, key=lambda c: -c.accuracy):
            figures = (cell.accuracy, cell.kappa, cell.macro_f1)
            table.add_row(cell.classifier, *(f"{f:.3f}" for f in figures), f"{cell.fit_s:.2f}")
        self._out.print()
        self._out.print(table)
        for cell in cells:
            if cell.reason:
                self.say(f"{cell.classifier} on {cell.features}: {cell.reason}")

    def encoded(
        self, figures: Mapping[str, Any], heard: tuple[Path, float] | None, folder: Path, file: Any
    ) -> None:
        """Say what an autoencoder keeps of tracks, and where it stands."""
        held = figures["held"]
        of = f"{counted(held, 'track')} that it did not learn from" if held else "what it learned"
        self._prose(
            f"{figures['numbers']} numbers for three seconds keep {percent(1 - figures['error'])} "
            f"of how the MFCC of {of} vary."
        )
        if alike := figures["alike"]:
            self._prose(
                f"The nearest track is of the same {figures['unit']} for "
                f"{percent(alike['nearest'])} (by chance {percent(alike['chance'])}) of those "
                "with several."
            )
        if heard:
            path, seconds = heard
            self._out.print(
                f"{shown(path)}, as its codes keep it: {shown(file)}, {duration(seconds)}",
                soft_wrap=True,
            )
        self._out.print(
            f"\nWritten to {shown(folder)} in {duration(figures['seconds'])}: codes.csv, "
            "neighbours.csv (the tracks nearest to each), encoder.tflite.",
            soft_wrap=True,
        )

    def searched(self, found: Sequence[SearchedLike]) -> None:
        """Show what searches for parameters found, the best on unseen artists first."""
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for name in ("classifier", "accuracy", "kappa", "usual", "in search", "s", "parameters"):
            left = name in ("classifier", "parameters")
            table.add_column(name, justify="left" if left else "right", overflow="fold")
        good = [each for each in found if not each.reason]
        for each in sorted(good, key=lambda each: -each.kappa):
            figures = (each.accuracy, each.kappa, each.usual_kappa, each.searched_kappa)
            table.add_row(
                each.classifier,
                *(f"{figure:.3f}" for figure in figures),
                f"{each.seconds:.1f}",
                ", ".join(f"{name} {_short(value)}" for name, value in each.parameters.items()),
            )
        self._out.print(table)
        self._out.print()
        self._prose(
            "Accuracy and kappa: on artists that the search did not see; usual: kappa of the "
            "usual parameters there; in search: kappa by which the draw was chosen."
        )
        for each in found:
            if each.reason:
                self.say(f"{each.classifier}: {each.reason}")

    def explored(
        self,
        counts: Mapping[str, int],
        separating: Sequence[tuple[str, float]],
        drops: int,
        files: Sequence[Path],
    ) -> None:
        """Say what there is to see, and where."""
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        most = max(counts.values())
        for genre, n in counts.items():
            bar = Text("━" * max(1, round(_BAR_WIDTH * n / most)), style="cyan")
            table.add_row(one_line(genre), str(n), bar)
        self._out.print(table)
        if separating:
            names = ", ".join(f"{name} ({share:.2f})" for name, share in separating[:5])
            self._out.print()
            self._prose(f"Genres differ most in {names}.")
        if drops:
            self._prose(f"{counted(drops, 'attribute')} could be dropped, as others say the same.")
        self._out.print()
        for file in files:
            self._out.print(shown(file), soft_wrap=True)

    def _prose(self, text: str) -> None:
        print_prose(self._out, Text(text))

    def figures_as_json(self, figures: Mapping[str, Any]) -> None:
        """The figures for programs."""
        print(json.dumps(figures, ensure_ascii=False))

    def _judged(self, title: str, figures: Mapping[str, Any]) -> None:
        self._out.print(Text(one_line(title), style="bold"), soft_wrap=True)
        rows = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for name in ("accuracy", "kappa", "macro_f1"):
            rows.add_row(f"  {name.replace('_', ' ')}", f"{figures[name]:.3f}")
        rows.add_row("  calibration error", f"{figures['ece']:.3f}")
        for name, value in figures["parts"].items():
            rows.add_row(f"  {name} alone" if name != "fused" else "  fused", f"{value:.3f}")
        self._out.print(rows)
        self._out.print("\nRecall by genre", style="bold")
        self._out.print(_recalls(figures["labels"], figures["per_genre"], figures["confusion"]))


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _recalls(
    labels: Sequence[str], recalls: Mapping[str, float], confusion: Sequence[Sequence[int]]
) -> Table:
    """A bar a genre, and what it is mostly taken for where it is not recognised."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for i, label in enumerate(labels):
        row = list(confusion[i])
        if label not in recalls:
            continue
        taken = max(
            (n, other)
            for n, other in zip(
                row[:i] + row[i + 1 :], [*labels[:i], *labels[i + 1 :]], strict=True
            )
        )
        table.add_row(
            f"  {one_line(label)}",
            str(sum(row)),
            percent(recalls[label]),
            Text("━" * round(_BAR_WIDTH * recalls[label]), style="cyan"),
            f"{taken[0]} taken for {one_line(taken[1])}" if taken[0] else "",
        )
    return table
