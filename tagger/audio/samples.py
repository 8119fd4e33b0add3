"""Samples on their way from a decoder: blocks in, mono float32 at one rate out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from tagger.audio.excerpts import Span

__all__ = ["SAMPLE_RATE", "Samples", "concatenate", "cut_stream", "mono_blocks", "resample"]

SAMPLE_RATE: Final = 22_050
"""Hz. All of the analysis is pinned to it; another rate gives a plausible wrong genre."""

# Values a block, over all channels: 4 MiB. soundfile seeks anew after every read, and to
# do so decodes again, so that small blocks are dear.
_BLOCK_VALUES: Final = 1 << 20

Samples = npt.NDArray[np.float32]


def mono_blocks(file: soundfile.SoundFile, frames: int) -> Iterator[Samples]:
    """Read up to ``frames`` frames from where ``file`` stands, mixed down block by block.

    Yields:
        float32 of shape (frames of the block,), the mean over the channels.
    """
    channels = file.channels
    block = np.empty((min(frames, _BLOCK_VALUES // channels), channels), dtype=np.float32)
    # Into memory of ours: asked for an array, soundfile computes how much is left, and gets
    # a negative number where a damaged file goes on behind its stated end.
    while frames > 0 and len(part := file.read(out=block[:frames])):
        frames -= len(part)
        yield _mono(part)


def _mono(block: Samples) -> Samples:
    """Mean over the channels of a (frames, channels) block, as an array of its own."""
    channels = block.shape[1]
    if channels == 1:
        return block[:, 0].copy()
    # A dot product is several times faster than mean(axis=1) over two columns.
    return block @ np.full(channels, 1.0 / channels, dtype=np.float32)


def concatenate(blocks: Iterator[Samples]) -> Samples:
    """All blocks of samples in one array of shape (frames,); none give an empty one."""
    parts = list(blocks)
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.float32)


def resample(y: Samples, sr: int) -> Samples:
    """Mono samples at ``sr`` Hz, shape (frames,), brought to :data:`SAMPLE_RATE`."""
    if sr == SAMPLE_RATE or not len(y):
        return y
    resampled: Samples = soxr.resample(y, sr, SAMPLE_RATE, quality="HQ")
    return resampled


def cut_stream(file: Any, spans: Sequence[Span]) -> Iterator[Samples]:
    """Cut spans out of an audioread stream of little-endian 16-bit blocks.

    Args:
        file: the stream, from its start.
        spans: rising in start and end; they may overlap.

    Yields:
        the mono samples of each span at the stream's own rate, as soon as it is read; fewer,
        or none, where the stream ends early. Only spans that are under way are held.
    """
    sr, channels = file.samplerate, file.channels
    bounds = [(round(s.start_s * sr), round((s.start_s + s.duration_s) * sr)) for s in spans]
    kept: list[list[Samples]] = [[] for _ in spans]
    position, rest, first_open = 0, b"", 0
    for block in file:
        # Blocks are cut by bytes: with 6 channels one may end inside a frame.
        data = rest + block
        frames = len(data) // (2 * channels)
        rest = data[frames * 2 * channels :]
        for i in range(first_open, len(bounds)):
            start, stop = bounds[i]
            first, last = max(start, position), min(stop, position + frames)
            if start >= position + frames:
                break
            if first < last:
                samples = np.frombuffer(data, dtype="<i2", count=frames * channels)
                cut = samples.reshape(-1, channels)[first - position : last - position]
                kept[i].append(_mono(cut.astype(np.float32) / np.float32(32768)))
        position += frames
        while first_open < len(bounds) and position >= bounds[first_open][1]:
            yield concatenate(iter(kept[first_open]))
            kept[first_open].clear()
            first_open += 1
        if first_open == len(bounds):
            return
    for parts in kept[first_open:]:
        yield concatenate(iter(parts))
