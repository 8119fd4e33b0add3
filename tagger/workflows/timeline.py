"""A track from its start to its end, window by window, in bounded memory.

Each window is analysed like a track of its own and answered by network and ensemble together,
so that a stretch is judged by what sounds there, and not by the excerpts that a scan hears.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.analysis.filters import AMIN, TOP_DB, mel_centres_hz
from tagger.analysis.outline import column_means, envelope
from tagger.analysis.picture import N_MELS
from tagger.analysis.spectrum import HOP_LENGTH, N_FFT, Spectrum
from tagger.audio.decode import MIN_DURATION_S, SAMPLE_RATE, SILENCE_PEAK
from tagger.audio.windows import Piece, WindowPlan, read_windows
from tagger.domain import Hearing
from tagger.errors import AudioError, NotMusicError
from tagger.models.classifier import Classifier
from tagger.timeline import Stretch, Timeline
from tagger.workflows.hear import Listener

__all__ = ["hear_timeline", "window_plan"]

COLUMNS: Final = 1200
"""Columns of envelope and spectrogram, about: what a screen can show."""

_ROOM: Final = 1.01  # a window of just a patch's length may be a column short of it

Array = npt.NDArray[np.float32]


def window_plan(patch_s: float) -> WindowPlan:
    """Windows that hold at least one of the network's patches."""
    plan = WindowPlan()
    return WindowPlan(max(plan.seconds, _ROOM * patch_s), plan.hop_s, plan.most)


def hear_timeline(
    path: Path,
    listener: Listener,
    classifier: Classifier,
    progress: Callable[[int, int], None] | None = None,
) -> Timeline:
    """Hear a whole track.

    Args:
        path: the file.
        listener, classifier: of one model.
        progress: is told how many windows are done, and of how many.

    Raises:
        AudioError: it cannot be decoded at all.
        NotMusicError: it is shorter than a single frame of the spectrum.
    """
    parts: list[_Part] = []
    damage, duration_s = "", 0.0
    try:
        for piece in read_windows(path, window_plan(listener.patch_s)):
            duration_s = piece.duration_s
            part = _part(piece, listener)
            if part is None:
                break
            parts.append(part)
            if progress:
                progress(piece.index + 1, piece.count)
    except AudioError as error:
        if not parts:
            raise
        damage = str(error)
    if not parts:
        raise NotMusicError(f"too short: {duration_s:.1f} s")
    return Timeline(
        path=path,
        model=classifier.bundle.identity,
        labels=classifier.bundle.labels,
        duration_s=duration_s,
        stretches=_stretches(parts, classifier),
        envelope=np.concatenate([p.envelope for p in parts], axis=1),
        mel_db=_decibels(np.concatenate([p.mel for p in parts], axis=1)),
        mel_hz=mel_centres_hz(SAMPLE_RATE, N_MELS),
        damage=damage,
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """What is kept of a window: a few kilobytes. The times are those of a stretch."""

    start_s: float
    end_s: float
    heard_start_s: float
    heard_end_s: float
    envelope: Array
    mel: Array
    hearing: Hearing | None
    problem: str


def _part(piece: Piece, listener: Listener) -> _Part | None:
    """Analyse a window; None where too little is left of it."""
    start_s, end_s = piece.cell.start_s, piece.cell.start_s + piece.cell.duration_s
    heard_end_s = piece.start_s + len(piece.y) / SAMPLE_RATE
    # The cell's own part of the window; a cell that is longer shows all of it.
    first = round((max(start_s, piece.start_s) - piece.start_s) * SAMPLE_RATE)
    last = round((min(end_s, heard_end_s) - piece.start_s) * SAMPLE_RATE)
    if len(piece.y) < N_FFT or last <= first:
        return None
    spectrum = Spectrum([piece.y], SAMPLE_RATE)
    frames = spectrum.mel[:, first // HOP_LENGTH : -(-last // HOP_LENGTH)]
    wanted = math.ceil(COLUMNS / piece.count)
    cell_frames = int(min(piece.cell.duration_s * SAMPLE_RATE, len(piece.y))) // HOP_LENGTH
    hearing, problem = None, _problem(piece.y)
    if not problem:
        hearing = listener.hear_spectrum(spectrum, (piece.start_s,), piece.duration_s)
    return _Part(
        start_s,
        end_s,
        piece.start_s,
        heard_end_s,
        envelope(piece.y[first:last], wanted),
        column_means(frames, max(1, min(wanted, cell_frames))),
        hearing,
        problem,
    )


def _problem(y: Array) -> str:
    if len(y) < MIN_DURATION_S * SAMPLE_RATE:
        return "too short"
    if float(np.abs(y).max()) < SILENCE_PEAK:
        return "silent"
    return ""


def _stretches(parts: list[_Part], classifier: Classifier) -> tuple[Stretch, ...]:
    answers = iter(classifier.predict([p.hearing for p in parts if p.hearing is not None]))
    stretches = []
    for part in parts:
        prediction = next(answers) if part.hearing is not None else None
        problem = prediction.objection if prediction else part.problem
        span = part.start_s, part.end_s, part.heard_start_s, part.heard_end_s
        stretches.append(Stretch(*span, prediction, problem))
    return tuple(stretches)


def _decibels(power: Array) -> Array:
    # What is silent throughout is as dark as silence between sounds.
    loudest = max(float(power.max()), AMIN * 10 ** (TOP_DB / 10))
    db = 10.0 * np.log10(np.maximum(power, AMIN) / loudest)
    return np.asarray(np.maximum(db, -TOP_DB), dtype=np.float32)
