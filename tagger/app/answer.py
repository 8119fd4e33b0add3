"""What the page shows of a file: the same that ``show`` and ``similar`` say."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from tagger.domain import Prediction, TrackView
from tagger.errors import GenretagError, UsageError
from tagger.report.text import counted, duration, one_line, percent, shown
from tagger.report.timeline_plot import draw_timeline
from tagger.workflows.show import Look, TrackViewer
from tagger.workflows.similar import Similar, SimilarOptions, similar

__all__ = ["MAX_BYTES", "MAX_SECONDS", "Answer", "Answerer", "problem_html"]

MAX_BYTES: Final = 1 << 30
"""Largest upload: an album side of lossless audio, or 12 hours of MP3."""

MAX_SECONDS: Final = 12 * 3600.0
"""Longest track that is heard."""

_SHOWN: Final = 10  # similar tracks
_RANKS: Final = 5
_LEAST: Final = 0.01  # genres below it are not worth a bar

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page shows.

    Attributes:
        genres: probability by genre, most probable first; empty if there is no answer.
        facts: HTML: the verdict, the music type, the tags.
        figure: waveform, spectrogram and genres along the track.
        neighbours: HTML: the similar tracks.
    """

    genres: dict[str, float]
    facts: str
    figure: Figure
    neighbours: str


class Answerer:
    """Answers for one file at a time, whoever asks.

    Args:
        model: name or folder.
        within: files and folders in which similar tracks are looked for; empty: all that
            earlier runs have heard.

    Raises:
        UsageError: the configuration is wrong.
        ModelError: the model cannot be used.
    """

    def __init__(self, model: str, within: tuple[Path, ...] = ()) -> None:
        self._model = model
        self._within = within
        self._viewer = TrackViewer(model)
        self._lock = threading.Lock()

    def answer(
        self,
        path: Path,
        *,
        width_in: float = 12.0,
        dark: bool = False,
        progress: Progress | None = None,
    ) -> Answer:
        """Hear a file.

        Args:
            path: the file.
            width_in: width of the figure in inches.
            dark: whether the figure is light on dark.
            progress: is told how many windows of the track are done, and of how many.

        Raises:
            GenretagError: in words for the page; the file is called by its name alone.
        """
        try:
            if path.stat().st_size > MAX_BYTES:
                raise UsageError(f"{path}: larger than {MAX_BYTES >> 20} MB")
            with self._lock:
                look = self._viewer.look(path, progress, longest_s=MAX_SECONDS)
                neighbours = self._neighbours(path, look)
        except GenretagError as error:
            raise type(error)(str(error).replace(f"{path}", shown(path.name))) from error
        except OSError as error:
            raise UsageError(f"{shown(path.name)}: cannot be read: {error.strerror}") from error
        assert look.timeline is not None
        whole = look.view.whole if look.view else None
        return Answer(
            genres=_genres(whole),
            facts=_facts(look),
            figure=draw_timeline(look.timeline, whole, width_in=width_in, dark=dark),
            neighbours=neighbours,
        )

    def _neighbours(self, path: Path, look: Look) -> str:
        if look.view is None or look.view.whole.objection:
            return ""
        options = SimilarOptions(path, self._within, n=_SHOWN, model=self._model, jobs=1)
        try:
            return _neighbours_html(similar(options))
        except GenretagError as error:
            return f"<p>{_safe(f'Similar tracks: {error}')}</p>"


def problem_html(error: GenretagError) -> str:
    """What is wrong, as the page says it."""
    return f'<p class="problem" role="alert">{_safe(str(error))}</p>'


def _safe(text: str) -> str:
    """Text of others in a page: neither markup nor control characters are obeyed."""
    return escape(one_line(text))


def _genres(whole: Prediction | None) -> dict[str, float]:
    if whole is None or whole.objection:
        return {}
    return {label: p for label, p in whole.genres[:_RANKS] if p >= _LEAST}


def _facts(look: Look) -> str:
    view = look.view
    if view is None:
        return f"<p>Nothing to classify: {_safe(str(look.problem).rpartition(': ')[2])}</p>"
    lines = [_verdict(view)]
    if view.whole.cluster and not view.whole.objection:
        lines.append(f"Music type: {view.whole.cluster}")
    if isinstance(view.tags, str):
        lines.append(f"Tags: {view.tags}")
    elif view.tags.values:
        lines += [f"{name}: {'; '.join(values)}" for name, values in view.tags.values.items()]
    else:
        lines.append("No genre stands in its tags")
    facts = [f"{duration(view.hearing.duration_s)} long, model {view.model}"]
    return "<ul>" + "".join(f"<li>{_safe(line)}</li>" for line in (*lines, *facts)) + "</ul>"


def _verdict(view: TrackView) -> str:
    if view.whole.objection:
        return f"No genre would be written: {view.whole.objection}"
    if not view.candidates:
        return "No genre would be written: the vocabulary has no word for what was heard"
    first = view.candidates[0]
    sure = "Sure enough to be written" if view.written else "Too unsure to be written"
    needs = f"{percent(first.probability)}, needs {percent(first.threshold)}"
    return f"{sure}: {first.word} ({needs})"


def _neighbours_html(found: Similar) -> str:
    if not found.neighbours:
        return (
            "<p>No other track is known yet. <code>genretag scan</code> hears a library; "
            "<code>genretag app --in FOLDER</code> looks in a folder.</p>"
        )
    rows = []
    for track in found.neighbours:
        title = track.tags.title or os.path.basename(track.path)  # noqa: PTH119 (may be no text)
        artist = track.tags.artist
        named = f"{_safe(artist)} – {_safe(shown(title))}" if artist else _safe(shown(title))
        genre, p = track.genres[0]
        rows.append(
            f'<tr title="{escape(shown(track.path), quote=True)}"><td>{track.similarity:.2f}</td>'
            f"<td>{named}<small>{_safe('; '.join(track.why))}</small></td>"
            f"<td>{_safe(genre)} <span>{percent(p)}</span></td></tr>"
        )
    return (
        '<div class="neighbours"><table><thead><tr><th>likeness</th><th>track</th><th>heard</th>'
        f"</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        f"<p>Compared with {counted(found.compared, 'track')}. 1.00 is the same sound.</p>"
    )
