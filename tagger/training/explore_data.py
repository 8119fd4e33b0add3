"""``genretag explore``: labelled music, heard and drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.errors import AudioError, UsageError
from tagger.models.vocabulary import Vocabulary
from tagger.training.data import Data, LabelSource, load_data
from tagger.training.explore import ExploreSummary, LabelledTracks, explore
from tagger.training.explore_groups import SHOWN_GENRES
from tagger.training.explore_plots import Sample

__all__ = ["explore_data"]


def explore_data(
    data: Path,
    folder: Path,
    *,
    labels: LabelSource = "auto",
    table: Path | None = None,
    vocabulary: Vocabulary | None = None,
    jobs: int = 1,
    say: Callable[[str], None] = lambda line: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ExploreSummary:
    """Hear labelled music and draw what there is to see of it.

    Args:
        data: labelled music, as for a training.
        folder: where the plots go.
        labels, table, vocabulary, jobs: as for :func:`~tagger.training.data.load_data`.
        say: told what was left out, a line at a time.
        progress: told how many tracks of how many are heard.

    Raises:
        UsageError: data or folder cannot be used.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--plots {folder}: is a file; name a folder")
    found = load_data(
        data,
        labels=labels,
        table=table,
        min_per_genre=1,
        vocabulary=vocabulary,
        jobs=jobs,
        progress=progress,
    )
    for note in found.notes:
        say(note)
    return explore(_tracks(found), _samples(found), folder)


def _tracks(data: Data) -> LabelledTracks:
    bit_rates = np.full(len(data.tracks), np.nan)
    for i, path in enumerate(data.paths):
        bit_rates[i] = 8e-3 * path.stat().st_size / data.durations_s[i]
    return LabelledTracks(
        data.tracks.features,
        data.features,
        data.tracks.genres,
        data.durations_s,
        bit_rates,
        data.unlabelled,
    )


def _samples(data: Data) -> dict[str, Sample]:
    """For each genre that is shown, the first of its tracks that can be decoded once more."""
    genres = data.tracks.genres.tolist()
    counts = Counter(genres)
    shown = sorted(counts, key=lambda genre: (-counts[genre], genre))[:SHOWN_GENRES]
    samples: dict[str, Sample] = {}
    for path, genre in zip(data.paths, genres, strict=False):
        if genre in samples or genre not in shown:
            continue
        try:
            (excerpt,) = read_signal(path, ExcerptPlan(count=1, seconds=30.0)).excerpts
        except AudioError:
            continue  # it could be a moment ago; another will do
        samples[genre] = Sample(path.name, excerpt.y)
    return samples
