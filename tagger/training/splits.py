"""Splits of labelled tracks that put nobody on both sides.

A model that has heard an artist knows the artist's sound, and seems to know the genre. So
tracks are split by who made them; where nobody says that, by album, else by folder.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from tagger.report.text import counted
from tagger.tags.artists import artist_key
from tagger.training.examples import Example
from tagger.words import comparable

__all__ = ["Unit", "folds", "groups_of", "hold_out", "with_copies"]

Unit = Literal["artist", "album", "folder", "track"]

_UNITS: Final[tuple[Unit, ...]] = ("artist", "album", "folder", "track")
_SHOWN: Final = 8

Groups = npt.NDArray[np.str_]


def groups_of(examples: Sequence[Example]) -> tuple[Groups, Unit, tuple[str, ...]]:
    """What must stay together in a split.

    A track goes by its artist (in any spelling, guests aside; ``Various Artists`` is none), else
    by its album's title, else by its folder if that is part of its genre only and has no
    folders in it, else by itself.

    Returns:
        the group of each track, shape (n,); what most tracks go by; and a line each on what
        that means for these tracks: when not all go by the same, and for genres that are one
        group, which no split can judge.
    """
    albums = _folders_like_albums(examples)
    units: list[Unit] = []
    groups = []
    for example in examples:
        folder = os.fspath(example.path.parent)
        keys: dict[Unit, str] = {
            "artist": artist_key(example.artist),
            "album": comparable(example.album),
            "folder": folder if folder in albums else "",
            "track": os.fspath(example.path),
        }
        unit = next(unit for unit in _UNITS if keys[unit])
        units.append(unit)
        groups.append(f"{unit}/{keys[unit]}")
    counts = Counter(units)
    # Of units with as many tracks, the one that promises less.
    most = max(reversed(_UNITS), key=lambda unit: counts[unit])
    notes = []
    if len(counts) > 1:
        others = (f"{n:,} by {unit}" for unit, n in counts.most_common() if unit != most)
        notes.append(
            f"{counts[most]:,} of {counted(len(units), 'track')} split by {most}, "
            + ", ".join(others)
        )
    notes += _alone([example.genre for example in examples], groups, units)
    return np.array(groups, dtype=np.str_), most, tuple(notes)


def with_copies(groups: Groups, features: npt.NDArray[np.float32]) -> tuple[Groups, int]:
    """Groups that a track shares with its copies, whoever they are said to be by.

    A copy of what was learned is no test: it is known again.

    Args:
        groups: what must stay together, shape (n,).
        features: of the tracks, shape (n, n_features). The same audio has the same ones.

    Returns:
        the groups, those of copies being one, and how many tracks are copies of one before them.
    """
    merged_into: dict[str, str] = {}

    def kept(group: str) -> str:
        while group in merged_into:
            group = merged_into[group]
        return group

    heard: dict[bytes, str] = {}
    copies = 0
    for group, row in zip(groups.tolist(), features, strict=True):
        sound = row.tobytes()
        if sound not in heard:
            heard[sound] = group
            continue
        copies += 1
        one, other = kept(heard[sound]), kept(group)
        if one != other:
            merged_into[other] = one
    return np.array([kept(group) for group in groups.tolist()], dtype=np.str_), copies


def folds(groups: Groups, genres: npt.NDArray[np.str_], k: int, seed: int) -> npt.NDArray[np.intp]:
    """Parts of about equal size and like genres, for cross-validation.

    The numbers are what scikit-learn's ``PredefinedSplit`` takes.

    Args:
        groups: what must stay together, shape (n,).
        genres: shape (n,).
        k: how many parts; there are fewer if there are fewer groups to share out.
        seed: of the draw.

    Returns:
        part of each track, from 0, shape (n,). The others of a part hold every genre, so that
        nothing is tested on that was not learned. To that end some tracks belong to no part,
        which is -1: of a genre that is one group, those of that group; of one that would come
        to lie in one part, as may be where groups are of several genres, those of one group.
    """
    numbers = np.full(len(groups), -1)
    free = ~np.isin(groups, _all_of_a_genre(groups, genres))
    if not free.any():
        return numbers
    most = max(Counter(genres[free].tolist()).values())
    k = min(k, most, len(set(groups[free].tolist())))
    if k < 2:
        return numbers
    numbers[free] = _stratified(groups[free], genres[free], k, seed)
    for genre in np.unique(genres[free]):
        of_genre = genres == genre
        if len(set(numbers[of_genre].tolist())) == 1:
            numbers[groups == _by_size(groups, of_genre)[0]] = -1
    in_parts = numbers >= 0
    numbers[in_parts] = np.unique(numbers[in_parts], return_inverse=True)[1]
    return numbers


def hold_out(
    groups: Groups, genres: npt.NDArray[np.str_], share: float, seed: int
) -> npt.NDArray[np.bool_]:
    """Keep some tracks apart, of every genre that has two groups.

    Args:
        groups: what must stay together, shape (n,).
        genres: shape (n,).
        share: about how many to keep apart, over 0 and up to 0.5.
        seed: of the draw.

    Returns:
        true for those, shape (n,). Every genre is among the others, too; so one that is a
        single group is not held out, and where all are, nothing is. Where groups are of several
        genres, it may be impossible to hold some genre out.

    Raises:
        ValueError: ``share`` is out of range.
    """
    if not 0 < share <= 0.5:
        raise ValueError(f"a share of {share} cannot be held out")
    numbers = folds(groups, genres, round(1 / share), seed)
    names = np.unique(genres)
    parts = [numbers == number for number in range(numbers.max(initial=-1) + 1)]
    if not parts:
        return np.zeros(len(groups), dtype=bool)
    held: npt.NDArray[np.bool_] = min(
        parts,
        key=lambda part: sum(abs(float(part[genres == name].mean()) - share) for name in names),
    )
    for name in names:
        of_genre = genres == name
        if not held[of_genre].any():
            for group in _by_size(groups, of_genre):
                # It must not take the last of any genre from what is to be learned.
                more = held | (groups == group)
                if all(not more[genres == other].all() for other in names):
                    held = more
                    break
    return held


def _stratified(
    groups: Groups, genres: npt.NDArray[np.str_], k: int, seed: int
) -> npt.NDArray[np.intp]:
    from sklearn.model_selection import StratifiedGroupKFold

    numbers = np.empty(len(groups), dtype=np.intp)
    splitter = StratifiedGroupKFold(k, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Of genres with fewer tracks than parts; they are looked after by the caller.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        for number, (_, rows) in enumerate(splitter.split(groups, genres, groups)):
            numbers[rows] = number
    return numbers


def _all_of_a_genre(groups: Groups, genres: npt.NDArray[np.str_]) -> list[str]:
    """The groups that have all tracks of some genre."""
    of_genres = (np.unique(groups[genres == genre]) for genre in np.unique(genres))
    return [str(found[0]) for found in of_genres if len(found) == 1]


def _by_size(groups: Groups, rows: npt.NDArray[np.bool_]) -> list[str]:
    """The groups of some rows, those of the fewest tracks first."""
    found, sizes = np.unique(groups[rows], return_counts=True)
    return [str(group) for group in found[np.argsort(sizes, kind="stable")]]


def _folders_like_albums(examples: Iterable[Example]) -> set[str]:
    """Folders with nothing but tracks of one genre, which has other folders too."""
    genres: dict[Path, set[str]] = {}
    for example in examples:
        genres.setdefault(example.path.parent, set()).add(example.genre)
    folders_of = Counter(genre for found in genres.values() for genre in found)
    above = {parent for folder in genres for parent in folder.parents}
    return {
        os.fspath(folder)
        for folder, found in genres.items()
        if folder not in above and len(found) == 1 and all(folders_of[g] > 1 for g in found)
    }


def _alone(genres: Sequence[str], groups: Sequence[str], units: Sequence[Unit]) -> list[str]:
    """A line on the genres that are one artist, one on those that are one album, and so on."""
    found: dict[str, set[tuple[str, Unit]]] = {}
    for genre, group, unit in zip(genres, groups, units, strict=True):
        found.setdefault(genre, set()).add((group, unit))
    lines = []
    for unit in _UNITS:
        alone = sorted(g for g, of in found.items() if len(of) == 1 and next(iter(of))[1] == unit)
        if len(alone) == 1:
            lines.append(f"{alone[0]} is one {unit}: it is learned, but nothing can say how well")
        elif alone:
            more = f" and {len(alone) - _SHOWN} more" if len(alone) > _SHOWN else ""
            lines.append(
                f"{', '.join(alone[:_SHOWN])}{more} are one {unit} each: they are learned, but "
                "nothing can say how well"
            )
    return lines
