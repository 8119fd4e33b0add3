"""Decode the planned excerpts of a file: soundfile first, audioread for what it refuses.

libsndfile reads MP3, FLAC, Ogg, Opus, WAV and AIFF and seeks in them, so that the cost
depends on what is heard and not on the length of the track. audioread (ffmpeg behind it,
where installed) reads the rest, M4A above all, from the start and drops what lies between.

Memory is bounded by the excerpts in mono, whatever the channels or the sample rate:
samples are read and mixed down block by block.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import numpy as np
import soundfile

from tagger.audio.excerpts import ExcerptPlan, Span, plan_spans
from tagger.audio.lengths import open_with_true_length
from tagger.audio.samples import (
    SAMPLE_RATE,
    Samples,
    concatenate,
    cut_stream,
    mono_blocks,
    resample,
)
from tagger.audio.slices import Mp3Slices, find_slices
from tagger.errors import AudioError, NotMusicError, UnreachableError

__all__ = [
    "MIN_DURATION_S",
    "SAMPLE_RATE",
    "SILENCE_PEAK",
    "Excerpt",
    "Signal",
    "checked_rate",
    "file_errors",
    "open_with_audioread",
    "read_signal",
    "read_slice",
]

MIN_DURATION_S: Final = 3.0
"""Shorter tracks hold too little to name a genre."""

SILENCE_PEAK: Final = 10 ** (-70 / 20)
"""Peak amplitude below which a track is silence: -70 dBFS, under the noise of any master."""

_SCRAP_S: Final = 1.0
_RATES: Final = range(1000, 768_001)  # Hz; excerpts of anything else may be of any size
_MOST_CHANNELS: Final = 64  # seventh-order ambisonics; each costs as much as a track
# Ends may be short by the codec's delay or an estimated length; more is a damaged file.
_SHORT_READ_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A decoded stretch: ``y`` mono float32 in about [-1, 1], starting at ``start_s``."""

    start_s: float
    y: Samples


@dataclass(frozen=True, slots=True)
class Signal:
    """What was decoded of a track, at ``sr`` Hz."""

    excerpts: tuple[Excerpt, ...]
    duration_s: float
    sr: int = SAMPLE_RATE

    @property
    def heard_s(self) -> float:
        """Seconds decoded, over all excerpts."""
        return sum(len(e.y) for e in self.excerpts) / self.sr


def read_signal(path: Path, plan: ExcerptPlan) -> Signal:
    """Decode the excerpts of ``plan`` as mono float32 at :data:`SAMPLE_RATE`.

    Raises:
        AudioError: no decoder reads the file, or its audio is damaged.
        NotMusicError: the track is silent or shorter than 3 seconds.
    """
    try:
        with file_errors():
            signal = _read_with_soundfile(path, plan)
    except soundfile.LibsndfileError as refused:
        signal = _read_with_audioread(path, plan, refused)
    return _checked(signal)


@contextmanager
def file_errors() -> Iterator[None]:
    """Translate the file system's errors.

    Raises:
        UnreachableError: the file cannot be opened or read.
    """
    try:
        yield
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise UnreachableError(f"cannot be opened: {error.strerror}") from error
    except OSError as error:
        raise UnreachableError(f"cannot be read: {error.strerror or error}") from error


def _checked(signal: Signal) -> Signal:
    if any(not np.isfinite(e.y).all() for e in signal.excerpts):
        raise AudioError("the audio holds invalid samples (NaN or infinity)")
    if signal.heard_s < MIN_DURATION_S:
        raise NotMusicError(
            f"too short: {signal.heard_s:.1f} s, at least {MIN_DURATION_S:.0f} s are needed"
        )
    # A scrap, as a decoder leaves that stops early, has too few frames for statistics.
    kept = tuple(e for e in signal.excerpts if len(e.y) >= _SCRAP_S * signal.sr)
    signal = Signal(kept, signal.duration_s)
    if max((float(np.abs(e.y).max(initial=0.0)) for e in kept), default=0.0) < SILENCE_PEAK:
        raise NotMusicError("silent: nothing above -70 dBFS")
    return signal


def _read_with_soundfile(path: Path, plan: ExcerptPlan) -> Signal:
    # Opened by us: errors of the file system keep their errno, and names that are not
    # UTF-8 never pass through libsndfile.
    with path.open("rb") as handle:
        if not handle.read(1):
            raise AudioError("the file is empty (0 bytes)")
        slices = find_slices(handle)
        signal = _read_slices(slices, plan) if slices else None
        if signal is not None:
            return signal
        stream = open_with_true_length(handle) or handle
        stream.seek(0)
        with soundfile.SoundFile(stream) as file:
            sr = checked_rate(file)
            try:
                return _read_spans(file, file.frames / sr, plan)
            except _CutShortError as error:
                if file.format != "MP3":
                    raise AudioError(f"damaged: {error}") from error
        # The header still promised too much. Counting decodes all of it, once, and cannot
        # be wrong.
        duration_s = _count_frames(stream) / sr
        stream.seek(0)
        with soundfile.SoundFile(stream) as file:
            try:
                return _read_spans(file, duration_s, plan)
            except _CutShortError as error:
                raise AudioError(f"damaged: {error}") from error


class _CutShortError(Exception):
    """The audio ends, or cannot be read on, before the length that the header states."""


def _read_spans(file: soundfile.SoundFile, duration_s: float, plan: ExcerptPlan) -> Signal:
    sr = file.samplerate
    excerpts = []
    for span in plan_spans(duration_s, plan):
        wanted = round(span.duration_s * sr)
        try:
            file.seek(round(span.start_s * sr))
            y = concatenate(mono_blocks(file, wanted))
        except soundfile.LibsndfileError as error:
            raise _CutShortError(
                f"the audio cannot be read at {span.start_s:.0f} s of {duration_s:.0f} s"
            ) from error
        if len(y) < wanted - _SHORT_READ_S * sr:
            ends_s = span.start_s + len(y) / sr
            raise _CutShortError(f"the audio ends at {ends_s:.0f} s of {duration_s:.0f} s")
        excerpts.append(Excerpt(span.start_s, resample(y, sr)))
    return Signal(tuple(excerpts), duration_s)


def _read_slices(slices: Mp3Slices, plan: ExcerptPlan) -> Signal | None:
    """Decode the excerpts out of slices of an MP3; None where one is not whole."""
    excerpts = []
    for span in plan_spans(slices.duration_s, plan):
        y = read_slice(slices, span)
        if y is None:
            return None
        excerpts.append(Excerpt(span.start_s, resample(y, slices.sr)))
    return Signal(tuple(excerpts), slices.duration_s)


def read_slice(slices: Mp3Slices, span: Span) -> Samples | None:
    """Decode a span out of a slice of an MP3; None where that is not whole.

    Returns:
        Mono, shape (frames,), at the file's own rate.
    """
    cut = slices.cut(span.start_s, span.duration_s)
    if cut is None:
        return None
    wanted = round(span.duration_s * slices.sr)
    try:
        with soundfile.SoundFile(cut.stream) as file:
            file.read(cut.skip, dtype="float32")
            y = concatenate(mono_blocks(file, wanted))
    except soundfile.LibsndfileError:
        return None
    return y if len(y) == wanted else None


class _Stream(Protocol):
    @property
    def samplerate(self) -> int: ...
    @property
    def channels(self) -> int: ...


def checked_rate(file: _Stream) -> int:
    """The sample rate of an open file, in Hz.

    Raises:
        AudioError: it, or the number of channels, is none of music's.
    """
    if file.samplerate not in _RATES:
        raise AudioError(f"damaged: no music has a sample rate of {file.samplerate:,} Hz")
    if not 1 <= file.channels <= _MOST_CHANNELS:
        raise AudioError(f"damaged: no music has {file.channels:,} channels")
    return file.samplerate


def _count_frames(handle: BinaryIO) -> int:
    """Decode a whole file block by block and count its frames."""
    handle.seek(0)
    frames = 0
    with soundfile.SoundFile(handle) as file:
        block = np.empty((1 << 16, file.channels), dtype=np.float32)
        while len(part := file.read(out=block)):
            frames += len(part)
    return frames


def _read_with_audioread(
    path: Path, plan: ExcerptPlan, refused: soundfile.LibsndfileError
) -> Signal:
    with open_with_audioread(path, refused) as file:
        duration_s = float(file.duration)
        spans = plan_spans(duration_s, plan)
        excerpts = tuple(
            Excerpt(span.start_s, resample(y, file.samplerate))
            for span, y in zip(spans, cut_stream(file, spans), strict=True)
            if len(y)
        )
    if not excerpts:
        raise AudioError("damaged: no audio could be decoded")
    return Signal(excerpts, duration_s)


@contextmanager
def open_with_audioread(path: Path, refused: soundfile.LibsndfileError) -> Iterator[Any]:
    """Open what libsndfile refused as a stream whose length is known.

    Raises:
        AudioError: no decoder reads it; also while it is read.
        UnreachableError: a decoder is missing, or cannot be run.
    """
    import audioread
    import audioread.exceptions

    try:
        # In full, as programs take "concat:x" in a relative path for an order.
        try:
            opened = audioread.audio_open(str(path.absolute()))
        except RuntimeError as error:  # how the standard library says that a chunk has no end
            raise EOFError from error
        with opened as file:
            checked_rate(file)
            if not file.duration > 0:
                raise AudioError("not audio, or damaged: no decoder finds its length")
            yield file
    except audioread.exceptions.NoBackendError as error:
        kind = AudioError if shutil.which("ffmpeg") else UnreachableError
        raise kind(
            "not audio, damaged, or a format that needs ffmpeg (libsndfile: "
            f"{_first_line(refused)})"
        ) from error
    except OSError as error:  # of starting a decoder, not of the file
        raise UnreachableError(f"no decoder can be run: {error.strerror or error}") from error
    except (audioread.exceptions.DecodeError, EOFError, ValueError) as error:
        said = _first_line(error) or _first_line(refused)
        raise AudioError(f"not audio, or damaged: no decoder reads it ({said})") from error


def _first_line(error: BaseException) -> str:
    text = getattr(error, "error_string", None) or str(error)
    with suppress(IndexError):
        return str(text).strip().splitlines()[0].rstrip(".")
    return ""
