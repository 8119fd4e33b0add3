"""What the published MusiCNN hears in free music, and how that music looks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.analysis.analyse import analyse
from tagger.audio.decode import read_signal
from tagger.audio.excerpts import ExcerptPlan
from tagger.errors import AudioError, UsageError
from tagger.training.datasets import as_wide_as_a_clip
from tagger.training.free_music import SUFFIXES
from tagger.training.musicnn import Arrays

__all__ = ["FreeMusic", "hear_free_music"]

_SECONDS: Final = 30.0
_EXCERPTS: Final = 3  # of a recording, at most
_EVERY_S: Final = 2 * _SECONDS  # of a recording, one excerpt
_AT_A_TIME: Final = 16  # recordings, in one process


@dataclass(frozen=True, slots=True)
class FreeMusic:
    """Excerpts of recordings.

    Attributes:
        pictures: uint8, shape (n, N_MELS, CLIP_COLUMNS).
        wanted: what the published network hears in the halves of each, float32, shape
            (n, 2, n_activations).
        recordings: of which each is, by its path in the folder, shape (n,).
    """

    pictures: npt.NDArray[np.uint8]
    wanted: npt.NDArray[np.float32]
    recordings: npt.NDArray[np.str_]


def hear_free_music(arrays: Arrays, folder: Path, jobs: int = -1) -> FreeMusic:
    """Hear every recording in a folder, up to three excerpts of 30 s of each.

    A recording that cannot be read, or in which nothing can be heard, is left out.

    Args:
        arrays: the published weights, from :func:`tagger.training.musicnn.read_wheel`.
        folder: what :mod:`tagger.training.free_music` fetched, or any other music.
        jobs: processes, as joblib counts them.

    Raises:
        UsageError: there is no recording in the folder that can be heard.
    """
    from joblib import Parallel, delayed

    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    parts = Parallel(n_jobs=jobs)(
        delayed(_hear)(arrays, paths[i : i + _AT_A_TIME], folder)
        for i in range(0, len(paths), _AT_A_TIME)
    )
    excerpts = [excerpt for part in parts for excerpt in part]
    if not excerpts:
        raise UsageError(
            f"{folder}: no recording that can be heard ({', '.join(sorted(SUFFIXES))})"
        )
    pictures, wanted, recordings = zip(*excerpts, strict=True)
    return FreeMusic(np.stack(pictures), np.stack(wanted), np.array(recordings))


def _hear(arrays: Arrays, paths: list[Path], folder: Path) -> list[tuple[Any, Any, str]]:
    """Picture, activations and name of each excerpt."""
    from tagger.training.musicnn_hearing import Published

    network = Published(arrays)
    excerpts = []
    for path in paths:
        try:
            signal = read_signal(path, ExcerptPlan(1, _SECONDS))
            n = min(_EXCERPTS, max(1, int(signal.duration_s // _EVERY_S)))
            if n > 1:
                signal = read_signal(path, ExcerptPlan(n, _SECONDS))
            for excerpt in signal.excerpts:
                alone = replace(signal, excerpts=(excerpt,))
                (part,) = analyse(alone, ()).picture.parts
                heard = network.activations(excerpt.y)
                excerpts.append((as_wide_as_a_clip(part), heard, str(path.relative_to(folder))))
        except AudioError as error:
            print(f"left out: {path}: {error}", flush=True)
    return excerpts
