"""A track as a picture: waveform, log-mel spectrogram, and its genres from start to end.

Colours are those of Okabe and Ito ("Color Universal Design", 2008) and magma, which people with
any kind of colour vision tell apart.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any, BinaryIO, Final

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tagger.domain import Prediction
from tagger.errors import UsageError
from tagger.report.text import duration, percent, shown
from tagger.timeline import Timeline
from tagger.trust import growing

__all__ = ["check_picture_path", "draw_timeline", "write_picture"]

# Matplotlib takes settings from the folder that the user is in, and so from whom the music is
# from: to have TeX set the names of files, for one.
mpl.rcdefaults()

_GENRE_COLOURS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
_OTHER: Final = "#999999"
_MEL_TICKS_HZ: Final = (256, 512, 1024, 2048, 4096, 8192)
_TIME_STEPS_S: Final = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 36_000,
)  # fmt: skip
_LEAST: Final = 0.01  # genres below it are not worth naming
_SILENCE: Final = 1e-3  # no peak worth a scale of its own
_LONGEST_NAME: Final = 110
_DPI: Final = 110
_NARROW_IN: Final = 7.0
_PNG: Final = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class _Look:
    ground: str
    ink: str
    wave: str
    faint: str


_LIGHT: Final = _Look("#ffffff", "#1a1a1a", "#0072b2", "#bbbbbb")
_DARK: Final = _Look("#18181b", "#e8e8e8", "#56b4e9", "#555555")


def draw_timeline(
    timeline: Timeline,
    heard: Prediction | None,
    *,
    name: str | None = None,
    width_in: float = 12.0,
    dark: bool = False,
) -> Figure:
    """Draw a track.

    Args:
        timeline: what was heard along it.
        heard: what a scan would say of it, or None if it would say nothing.
        name: what to call it, instead of the file's name.
        width_in: width of the figure in inches; below 7 the legend goes under the plot.
        dark: light on dark, as pages are in their dark mode.
    """
    look = _DARK if dark else _LIGHT
    narrow = width_in < _NARROW_IN
    height_in = 10.5 if narrow else 8.0
    figure = Figure(
        figsize=(width_in, height_in), dpi=_DPI, layout="constrained", facecolor=look.ground
    )
    FigureCanvasAgg(figure)
    grid = figure.subplots(
        3, 2, sharex="col", squeeze=False, height_ratios=(1, 2, 2),
        width_ratios=(1, 0.2 if narrow else 0.13),
    )  # fmt: skip
    for side in grid[:, 1]:
        side.set_axis_off()
    wave, mel, genres = grid[:, 0]
    _draw_wave(wave, timeline, look)
    bar = grid[1, 1].inset_axes((0.0, 0.0, 0.12, 1.0))
    figure.colorbar(_draw_mel(mel, timeline), cax=bar, label="dB re the loudest")
    handles = _draw_genres(genres, timeline, look)
    genres.set_xlabel("\n".join([_time_label(timeline), *_notes(timeline, width_in)]))
    if narrow:
        figure.legend(
            handles=handles, loc="outside lower center", ncols=2, frameon=False,
            labelcolor=look.ink,
        )  # fmt: skip
    else:  # in the order in which the colours lie above each other
        grid[2, 1].legend(
            handles=handles[::-1], loc="upper left", borderpad=0, frameon=False,
            labelcolor=look.ink,
        )  # fmt: skip
    _time_axis(genres, timeline.duration_s, narrow)
    for axes in (wave, mel, genres, bar):
        _paint(axes, look)
    size = 11 if narrow else 14
    title = _escaped(name if name is not None else shown(timeline.path.name), width_in)
    figure.suptitle(
        f"{title}\n{_heard_line(timeline, heard, narrow)}", size=size - 2, color=look.ink
    )
    return figure


def _draw_wave(axes: Any, timeline: Timeline, look: _Look) -> None:
    low, high = timeline.envelope
    edges = np.linspace(0.0, timeline.end_s, len(low) + 1)
    # A step more than there are values, so that the last one has its width.
    axes.fill_between(
        edges, np.append(low, low[-1]), np.append(high, high[-1]), step="post",
        color=look.wave, lw=0.3,
    )  # fmt: skip
    peak = float(np.abs(timeline.envelope).max())
    peak = peak if peak > _SILENCE else 1.0
    axes.set(ylim=(-1.05 * peak, 1.05 * peak), ylabel="amplitude\n(full scale = 1)")
    axes.yaxis.set_major_locator(MaxNLocator(4))


def _draw_mel(axes: Any, timeline: Timeline) -> Any:
    n_mels = len(timeline.mel_hz)
    image = axes.imshow(
        timeline.mel_db, origin="lower", aspect="auto", cmap="magma", vmin=-80, vmax=0,
        extent=(0.0, timeline.end_s, -0.5, n_mels - 0.5), interpolation="nearest",
    )  # fmt: skip
    ticks = [hz for hz in _MEL_TICKS_HZ if timeline.mel_hz[0] <= hz <= timeline.mel_hz[-1]]
    places = np.interp(ticks, timeline.mel_hz, np.arange(n_mels))
    axes.set_yticks(places, [f"{hz}" for hz in ticks])
    axes.set_ylabel("frequency (Hz, mel scale)")
    return image


def _draw_genres(axes: Any, timeline: Timeline, look: _Look) -> list[Patch]:
    """Stack the probabilities; returns what the legend shows, the lowest first."""
    shares, names = _shares(timeline)
    edges = np.array([*(s.start_s for s in timeline.stretches), timeline.end_s])
    colours = [*_GENRE_COLOURS[: len(names) - 1], _OTHER]
    widths = np.diff(edges)
    bottom = np.zeros(len(widths))
    for row, colour in zip(shares, colours, strict=True):
        # Cells without an answer have no bar at all.
        axes.bar(edges[:-1], 100 * row, widths, 100 * bottom, align="edge", color=colour, lw=0)
        bottom = bottom + row
    handles = [
        Patch(color=colour, label=_escaped(label, 3.0))
        for colour, label, row in zip(colours, names, shares, strict=True)
        if row.any()
    ]
    nothing = [i for i, s in enumerate(timeline.stretches) if s.problem]
    if nothing:
        axes.bar(
            edges[nothing], 100.0, widths[nothing], align="edge", hatch="///", lw=0,
            facecolor=look.ground, edgecolor=look.faint,
        )  # fmt: skip
        handles.append(
            Patch(facecolor=look.ground, edgecolor=look.faint, hatch="///", label="no music")
        )
    axes.set(ylim=(0, 100), ylabel="genre, probability (%)")
    return handles


def _time_label(timeline: Timeline) -> str:
    return "time (h:min:s)" if timeline.duration_s >= 3600 else "time (min:s)"


def _shares(timeline: Timeline) -> tuple[np.ndarray, list[str]]:
    """Probabilities of the genres that matter most, and of all others together.

    Returns:
        shape (n_names, n_stretches), 0 where there is no answer; and the names.
    """
    by_label = {label: i for i, label in enumerate(timeline.labels)}
    all_shares = np.zeros((len(by_label), len(timeline.stretches)))
    for j, stretch in enumerate(timeline.stretches):
        if stretch.prediction and not stretch.problem:
            for label, probability in stretch.prediction.genres:
                all_shares[by_label[label], j] = probability
    order = np.argsort(-all_shares.sum(axis=1), kind="stable")[: len(_GENRE_COLOURS)]
    first = [i for i in order if all_shares[i].max(initial=0.0) >= _LEAST]
    rest = np.setdiff1d(np.arange(len(by_label)), first)
    names = [timeline.labels[i] for i in first]
    return np.vstack([all_shares[first], all_shares[rest].sum(axis=0)]), [*names, "others"]


def _time_axis(axes: Any, duration_s: float, narrow: bool) -> None:
    most = 6 if narrow else 12
    fitting = (step for step in _TIME_STEPS_S if duration_s / step <= most)
    step = next(fitting, duration_s / most)
    axes.set_xlim(0.0, duration_s)
    axes.set_xticks(np.arange(0.0, duration_s + 1e-6, step))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda s, _: _clock(s, duration_s)))


def _clock(seconds: float, whole_s: float) -> str:
    if whole_s < 3600:
        return duration(seconds)
    minutes, s = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{s:02d}"


def _heard_line(timeline: Timeline, heard: Prediction | None, narrow: bool) -> str:
    facts = [duration(timeline.duration_s)]
    if heard is None:
        facts.append("nothing for a scan to classify")
    elif heard.objection:
        facts.append(heard.objection)
    else:
        best = [f"{_escaped(g, 3.0)} {percent(p)}" for g, p in heard.genres[:2] if p >= _LEAST]
        facts.append("a scan hears " + ", ".join(best))
        if heard.cluster:
            facts.append(_escaped(heard.cluster, 3.0))
    facts.append(f"model {_escaped(timeline.model, 3.0)}")
    if narrow and len(facts) > 2:
        return " · ".join(facts[:2]) + "\n" + " · ".join(facts[2:])
    return " · ".join(facts)


def _notes(timeline: Timeline, width_in: float) -> list[str]:
    notes = []
    window_s, stretch_s = timeline.window_s, timeline.stretch_s
    if stretch_s > window_s:
        notes.append(
            f"Sampled: of every {duration(stretch_s)}, {window_s:.0f} s in the middle were heard"
        )
    kinds = sorted({_kind(s.problem) for s in timeline.stretches if s.problem})
    if kinds:
        notes.append(f"Hatched: {', '.join(kinds)}")
    if timeline.damage:
        notes.append(_escaped(timeline.damage, 12.0))
    return [line for note in notes for line in wrap(note, int(10 * width_in))]


def _kind(problem: str) -> str:
    """A problem without its probability, which differs from window to window."""
    return problem.partition(" (")[0]


def _paint(axes: Any, look: _Look) -> None:
    axes.set_facecolor(look.ground)
    axes.tick_params(colors=look.ink)
    for spine in axes.spines.values():
        spine.set_color(look.faint)
    for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
        text.set_color(look.ink)


def _escaped(text: str, width_in: float) -> str:
    """Text that fits about this width, of which no ``$`` starts a formula."""
    text = shown(text)
    longest = min(_LONGEST_NAME, int(9 * width_in))
    if len(text) > longest:
        # Names that are alike for long differ at the end.
        text = f"{text[: longest * 2 // 3].rstrip()}…{text[-longest // 3 + 1 :].lstrip()}"
    return text.replace("$", r"\$")


def check_picture_path(path: Path, sound: Path, option: str = "--spectrogram") -> None:
    """Make sure that a picture may be written, before work is done for it.

    Args:
        path: where it is to be.
        sound: the file that is drawn.
        option: what the path was given to, for the message.

    Raises:
        UsageError: the name does not end in ``.png``, the file is the music itself, or is
            something else than a picture.
    """
    if path.suffix.lower() != ".png":
        raise UsageError(f"{option} {path}: the name must end in .png")
    if not path.parent.is_dir():
        raise UsageError(f"{option} {path}: there is no such folder")
    try:
        if path.samefile(sound):
            raise UsageError(f"{option} {path}: this is the music itself; it was left alone")
        with path.open("rb") as stream:
            known = stream.read(len(_PNG))
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{option} {path}: cannot be written: {error.strerror}") from error
    if known not in (_PNG, b""):
        raise UsageError(f"{option} {path}: the file exists and is no PNG; it was left alone")


def write_picture(figure: Figure, path: Path, option: str = "--spectrogram") -> None:
    """Write a figure as PNG, which is there when it is complete.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        with growing(path) as stream:
            save_png(figure, stream)
    except OSError as error:
        raise UsageError(f"{option} {path}: cannot be written: {error.strerror}") from error


def save_png(figure: Figure, stream: BinaryIO) -> None:
    """Write a figure as PNG: the same track gives the same bytes."""
    with warnings.catch_warnings():
        # A script that the font lacks is drawn as boxes; a warning a letter helps nobody.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(
            stream, format="png", facecolor=figure.get_facecolor(), metadata={"Software": None}
        )
