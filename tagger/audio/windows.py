"""A whole track, window by window, in memory that does not grow with its length.

The track is cut into cells of equal length, and for each cell a window around its middle is
decoded. Windows are longer than cells, so that a window holds enough to tell a genre and a
cell still tells when. Of a very long track not all is decoded: its cells become longer than
the windows in them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from tagger.audio.decode import checked_rate, file_errors, open_with_audioread, read_slice
from tagger.audio.excerpts import Span
from tagger.audio.lengths import open_with_true_length
from tagger.audio.samples import Samples, concatenate, cut_stream, mono_blocks, resample
from tagger.audio.slices import find_slices
from tagger.errors import AudioError

__all__ = ["Piece", "WindowPlan", "plan_windows", "read_windows"]


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """How closely to look along a track.

    Attributes:
        seconds: length of a window.
        hop_s: length of a cell, about, as long as ``most`` cells cover the track.
        most: number of windows that is not exceeded.
    """

    seconds: float = 15.0
    hop_s: float = 7.5
    most: int = 240

    def __post_init__(self) -> None:
        if self.most < 1 or not 0 < self.hop_s <= self.seconds:
            raise ValueError("a window plan needs most >= 1 and 0 < hop_s <= seconds")


@dataclass(frozen=True, slots=True)
class Piece:
    """A window that was decoded.

    Attributes:
        index: which of ``count`` it is, from 0.
        duration_s: length of the whole track in seconds.
        cell: the stretch of the track that it stands for.
        start_s: where ``y`` begins in the track, in seconds.
        y: mono float32 at 22,050 Hz.
    """

    index: int
    count: int
    duration_s: float
    cell: Span
    start_s: float
    y: Samples


def plan_windows(duration_s: float, plan: WindowPlan) -> tuple[tuple[Span, Span], ...]:
    """Choose cells and windows of a track of ``duration_s`` seconds.

    >>> [(cell.start_s, window.start_s) for cell, window in plan_windows(30.0, WindowPlan())]
    [(0.0, 0.0), (10.0, 7.5), (20.0, 15.0)]

    Returns:
        Pairs of a cell and its window, in order. The cells are equally long and cover the
        track; each window lies in ``[0, duration_s]``, around the middle of its cell or as
        near to that as the track allows.
    """
    length = min(plan.seconds, duration_s)
    count = min(plan.most, 1 + math.ceil((duration_s - length) / plan.hop_s))
    cell_s = duration_s / count
    pairs = []
    for i in range(count):
        middle = (i + 0.5) * cell_s
        start = min(max(middle - length / 2, 0.0), duration_s - length)
        pairs.append((Span(i * cell_s, cell_s), Span(start, length)))
    return tuple(pairs)


def read_windows(path: Path, plan: WindowPlan) -> Iterator[Piece]:
    """Decode the windows of a track one after the other.

    Raises:
        AudioError: no decoder reads the file, or not from here on: pieces that came before
            are good.
    """
    count = 0
    try:
        for piece in _with_soundfile(path, plan):
            count += 1
            yield piece
    except soundfile.LibsndfileError as refused:
        if count:
            raise AudioError("damaged: the audio cannot be read to its end") from refused
        yield from _with_audioread(path, plan, refused)


def _with_soundfile(path: Path, plan: WindowPlan) -> Iterator[Piece]:
    with file_errors(), path.open("rb") as handle, path.open("rb") as sliced:
        if not handle.read(1):
            raise AudioError("the file is empty (0 bytes)")
        slices = find_slices(sliced)
        stream = open_with_true_length(handle) or handle
        stream.seek(0)
        with soundfile.SoundFile(stream) as file:
            sr = checked_rate(file)
            duration_s = slices.duration_s if slices else file.frames / sr
            pairs = plan_windows(duration_s, plan)
            for i, (cell, window) in enumerate(pairs):
                y = read_slice(slices, window) if slices else None
                if y is None:
                    y = _at(file, window)
                if not len(y):
                    raise AudioError(f"damaged: the audio ends before {window.start_s:.0f} s")
                yield _piece(i, len(pairs), duration_s, cell, window, y, sr)


def _at(file: soundfile.SoundFile, window: Span) -> Samples:
    sr = checked_rate(file)
    file.seek(round(window.start_s * sr))
    return concatenate(mono_blocks(file, round(window.duration_s * sr)))


def _with_audioread(
    path: Path, plan: WindowPlan, refused: soundfile.LibsndfileError
) -> Iterator[Piece]:
    with open_with_audioread(path, refused) as file:
        duration_s = float(file.duration)
        pairs = plan_windows(duration_s, plan)
        pieces = cut_stream(file, [window for _, window in pairs])
        for i, ((cell, window), y) in enumerate(zip(pairs, pieces, strict=True)):
            if not len(y):
                raise AudioError(f"damaged: the audio ends before {window.start_s:.0f} s")
            yield _piece(i, len(pairs), duration_s, cell, window, y, file.samplerate)


def _piece(
    index: int, count: int, duration_s: float, cell: Span, window: Span, y: Samples, sr: int
) -> Piece:
    y = resample(y, sr)
    if not np.isfinite(y).all():
        raise AudioError("the audio holds invalid samples (NaN or infinity)")
    return Piece(index, count, duration_s, cell, window.start_s, y)
