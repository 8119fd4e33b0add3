"""What a whole track is, when it was heard segment by segment.

Two rules, as studies of music classification have them: each segment votes for its most
probable label and the majority decides, or the segments' probabilities are summed and the
largest sum decides. The first counts a segment that is barely sure like one that is certain;
the second does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["WholeTracks", "decide_tracks"]


@dataclass(frozen=True, slots=True)
class WholeTracks:
    """Both rules' answers for some tracks.

    Attributes:
        by_votes: label index by majority vote, shape (n_tracks,).
        by_sum: label index by summed probability, shape (n_tracks,).
        votes: how many segments voted for each label, shape (n_tracks, n_labels).
        probabilities: summed probability divided by the number of segments, same shape.
        tied: where two or more labels had the most votes, shape (n_tracks,).
    """

    by_votes: npt.NDArray[np.intp]
    by_sum: npt.NDArray[np.intp]
    votes: npt.NDArray[np.intp]
    probabilities: npt.NDArray[np.float64]
    tied: npt.NDArray[np.bool_]

    @property
    def agreement(self) -> float:
        """Share of the tracks on which both rules give the same label, 0 to 1."""
        return float((self.by_votes == self.by_sum).mean())


def decide_tracks(tracks: Sequence[npt.NDArray[Any]]) -> WholeTracks:
    """Decide each track by majority vote and by summed probability.

    A tie in votes goes to that one of the tied labels whose summed probability is larger.
    Where even those are equal, and within a segment, the first label wins.

    Args:
        tracks: each track's log-probabilities, shape (n_segments, n_labels); the number of
            segments may differ from track to track. -inf is a probability of 0.

    Raises:
        ValueError: there is no track, a track has no segment, widths differ, or a value is
            no log-probability (NaN, or above 0 by more than rounding).
    """
    if not tracks:
        raise ValueError("no tracks to decide")
    shapes = {np.shape(track)[1:] for track in tracks}
    if len(shapes) > 1 or len(shape := shapes.pop()) != 1 or shape[0] == 0:
        raise ValueError("every track must have shape (n_segments, n_labels), n_labels the same")
    for number, track in enumerate(tracks):
        if not len(track) or not (track <= 1e-3).all():
            raise ValueError(f"track {number}: no segments, or values that are no log-probability")
    n_labels = shape[0]
    votes = np.stack([np.bincount(t.argmax(axis=1), minlength=n_labels) for t in tracks])
    probabilities = np.stack([np.exp(t.astype(np.float64)).mean(axis=0) for t in tracks])
    leads = votes == votes.max(axis=1, keepdims=True)
    return WholeTracks(
        by_votes=np.where(leads, probabilities, -1.0).argmax(axis=1),
        by_sum=probabilities.argmax(axis=1),
        votes=votes,
        probabilities=probabilities,
        tied=leads.sum(axis=1) > 1,
    )
