"""Features that a clip would have from another master, told from its picture.

Most of the ensemble's features are computed from the picture, and from a changed picture as well
(:mod:`tagger.training.remaster`). The others need the spectrum, of which most of GTZAN's clips
have none here. Each of these is moved by as much as what a picture tells of it moves. Over the
clips of both data sets, what a picture tells and the feature itself are correlated by 0.95 or more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.fft import dct

from tagger.analysis.features import PICTURE_FEATURES, STATISTICS, compute_picture_features
from tagger.analysis.filters import TOP_DB
from tagger.analysis.picture import N_MELS, Picture
from tagger.audio.samples import SAMPLE_RATE
from tagger.training.remaster import AS_PLAYED, remastered

__all__ = ["can_be_copied", "features_of_changed", "features_of_copies", "moved_features"]

_OF_PICTURE: Final = frozenset(PICTURE_FEATURES)
_N_MFCC: Final = 20
_ROLL_PERCENT: Final = 0.85
_LEAST_SPREAD: Final = 1e-6
_MOVED: Final = ("mean", "std")
_DB: Final = np.arange(256) * (TOP_DB / 255)
_MAGNITUDE: Final = 10 ** (_DB / 20)
_STAYS: Final = "chroma_stft."
"""Over all pitch classes together a master, a key and a speed change little of them."""

Part = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]


@cache
def _bands() -> tuple[Rows, Rows]:
    """Centre and width of each band, Hz, shape (N_MELS, 1)."""
    import librosa

    at = librosa.mel_frequencies(N_MELS + 2, fmin=0.0, fmax=SAMPLE_RATE / 2)
    return at[1:-1, None], (at[2:] - at[:-2])[:, None] / 2


def _mfcc(part: Part) -> Rows:
    return np.asarray(dct(_DB[part], axis=0, norm="ortho")[:_N_MFCC])


def _magnitudes(part: Part) -> Rows:
    """Each band's share of a column's magnitude."""
    weights = _MAGNITUDE[part] * _bands()[1]
    return np.asarray(weights / weights.sum(axis=0))


def _centroid(part: Part) -> Rows:
    return np.asarray((_bands()[0] * _magnitudes(part)).sum(axis=0, keepdims=True))


def _bandwidth(part: Part) -> Rows:
    centres, shares = _bands()[0], _magnitudes(part)
    away = centres - (centres * shares).sum(axis=0)
    return np.asarray(np.sqrt((np.square(away) * shares).sum(axis=0, keepdims=True)))


def _rolloff(part: Part) -> Rows:
    reached = _magnitudes(part).cumsum(axis=0) >= _ROLL_PERCENT
    return np.asarray(_bands()[0][reached.argmax(axis=0)].T)


def _zero_crossing_rate(part: Part) -> Rows:
    """Of noise with that spectrum (Rice, "Mathematical Analysis of Random Noise", Bell System
    Technical Journal 1945): twice the root of its mean squared frequency, in a sample."""
    centres, widths = _bands()
    power = np.square(_MAGNITUDE[part]) * widths
    squares = (np.square(centres) * power).sum(axis=0, keepdims=True) / power.sum(axis=0)
    return np.asarray(2 * np.sqrt(squares) / SAMPLE_RATE)


_TOLD: Final[Mapping[str, Callable[[Part], Rows]]] = MappingProxyType(
    {
        "mfcc": _mfcc,
        "spectral_centroid": _centroid,
        "spectral_bandwidth": _bandwidth,
        "spectral_rolloff": _rolloff,
        "zero_crossing_rate": _zero_crossing_rate,
    }
)
"""What a picture tells of each method's rows, shape (rows, columns)."""


def can_be_copied(names: Sequence[str]) -> bool:
    """Whether a picture tells how all of some features would change."""
    return all(
        name in _OF_PICTURE or name.startswith(_STAYS) or _moved(name) is not None for name in names
    )


def features_of_copies(
    names: Sequence[str],
    features: Features,
    pictures: npt.NDArray[np.uint8],
    n_copies: int,
    seed: int,
    jobs: int = 1,
) -> Features:
    """Features of copies of some clips by other masters.

    Args:
        names: of the features, for which :func:`can_be_copied` holds.
        features: of the clips, shape (n, len(names)).
        pictures: of the same clips, uint8, shape (n, N_MELS, columns).
        n_copies: of each clip.
        seed: of what is changed.
        jobs: processes, as joblib counts them.

    Returns:
        float32, shape (n_copies, n, len(names)).
    """
    from joblib import Parallel, delayed

    copies = Parallel(n_jobs=jobs)(
        delayed(_one_copy)(tuple(names), features, pictures, np.random.default_rng([seed, i]))
        for i in range(n_copies)
    )
    return np.stack(copies)


def features_of_changed(
    names: Sequence[str],
    features: Features,
    pictures: npt.NDArray[np.uint8],
    changed: Iterable[Part],
) -> Features:
    """:func:`moved_features` of several clips, shape (n, len(names))."""
    clips = zip(features, pictures, changed, strict=True)
    return np.stack([moved_features(names, *clip) for clip in clips])


def moved_features(
    names: Sequence[str], features: Features, picture: Part, changed: Part
) -> Features:
    """Features of a clip whose picture is another.

    Args:
        names: of the features, for which :func:`can_be_copied` holds.
        features: of the clip, shape (len(names),).
        picture, changed: the clip's, and what it became, uint8, shape (N_MELS, columns).

    Returns:
        float32, shape (len(names),).
    """
    moved = {i: found for i, name in enumerate(names) if (found := _moved(name)) is not None}
    before, after = _told(picture, moved), _told(changed, moved)
    new = features.copy()
    for i, (method, statistic, row) in moved.items():
        was, is_now = (told[method, statistic][row] for told in (before, after))
        if statistic == "mean":
            new[i] += is_now - was
        elif was > _LEAST_SPREAD:
            new[i] *= is_now / was
    of_picture = [i for i, name in enumerate(names) if name in _OF_PICTURE]
    new[of_picture] = compute_picture_features([names[i] for i in of_picture], Picture((changed,)))
    return new


def _one_copy(
    names: tuple[str, ...],
    features: Features,
    pictures: npt.NDArray[np.uint8],
    rng: np.random.Generator,
) -> Features:
    # One at a time: all at once would be as large as the pictures.
    changed = (remastered(picture[None], AS_PLAYED, rng)[0] for picture in pictures)
    return features_of_changed(names, features, pictures, changed)


def _moved(name: str) -> tuple[str, str, int] | None:
    """Method, statistic and row of a feature that a picture tells something of."""
    method, _, rest = name.partition(".")
    statistic, _, row = rest.partition(".")
    if method not in _TOLD or statistic not in _MOVED or not row.isdecimal():
        return None
    return method, statistic, int(row) - 1


def _told(part: Part, moved: Mapping[int, tuple[str, str, int]]) -> dict[tuple[str, str], Rows]:
    rows = {method: _TOLD[method](part) for method in {method for method, _, _ in moved.values()}}
    return {
        (method, statistic): STATISTICS[statistic](of_method)
        for method, of_method in rows.items()
        for statistic in _MOVED
    }
