"""What travels between the rooms: small frozen values without behaviour of their own.

Every room may import this module; it imports nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "AS_BEFORE",
    "AsBefore",
    "Candidate",
    "CurrentTags",
    "FileState",
    "Hearing",
    "Policy",
    "Prediction",
    "Replacement",
    "RestoreReport",
    "RestoreStatus",
    "Route",
    "RunSummary",
    "Status",
    "TagChange",
    "TrackReport",
    "TrackView",
]


class Policy(StrEnum):
    """What may happen to a genre that already stands in a file."""

    FILL = "fill"
    APPEND = "append"
    OVERWRITE = "overwrite"


class Status(StrEnum):
    """How a track left the run."""

    TAGGED = "tagged"  # something was written
    PROPOSED = "proposed"  # a dry run would have written it
    UNCHANGED = "unchanged"  # the file already says all this
    ABSTAINED = "abstained"  # too unsure for a genre (own fields may be written)
    SKIPPED = "skipped"  # nothing to classify, or a tag that must not be touched
    FAILED = "failed"  # unreadable or unwritable


def _no_embedding() -> npt.NDArray[np.float32]:
    import numpy as np  # here: whoever asks for help needs no arrays

    return np.zeros(0, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a worker heard in one track.

    Attributes:
        duration_s: length of the whole track in seconds.
        heard_s: seconds that were decoded and analysed.
        features: float32, shape (n_features,), in the order the model asks for.
        patch_log_probs: float32, shape (n_patches, n_labels), the network's
            log-probabilities for each patch of the log-mel picture.
        patch_starts_s: where each patch begins in the track, in seconds.
        embedding: float32, shape (n_dims,), the mean over patches of the network's embedding;
            shape (0,) where the network has none.
    """

    duration_s: float
    heard_s: float
    features: npt.NDArray[np.float32]
    patch_log_probs: npt.NDArray[np.float32]
    patch_starts_s: tuple[float, ...]
    embedding: npt.NDArray[np.float32] = field(default_factory=_no_embedding)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one track.

    Attributes:
        genres: every label of the model with its calibrated probability, most
            probable first; the probabilities sum to 1.
        cluster: name of the music type, or None if the model has no types.
        music: probability that the track is music at all, or None if the model does not judge.
        objection: why the track is not to be tagged, as it sounds like no music; empty for music.
    """

    genres: tuple[tuple[str, float], ...]
    cluster: str | None
    music: float | None = None
    objection: str = ""


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells whether a file is still as it was when it was looked at.

    Attributes:
        size: bytes.
        mtime_ns: time of modification, in ns since the epoch.
        tags: digest of all that the file holds beside its audio.
    """

    size: int
    mtime_ns: int
    tags: bytes


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that may be written as a genre.

    Attributes:
        word: as it would stand in the tags.
        probability: the sum of its labels' probabilities.
        threshold: least probability at which it is written.
        labels: labels of the model that became this word, most probable first.
    """

    word: str
    probability: float
    threshold: float
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """How a label of the model became a word for tags, or why it did not.

    Attributes:
        steps: every change on the way, as the rule (``alias``, ``spelling``, ``parent``) and
            the word that it gave.
        word: the word at the end, or None.
        dropped: why there is no word, for people; empty if there is one.
    """

    label: str
    steps: tuple[tuple[str, str], ...]
    word: str | None
    dropped: str = ""


@dataclass(frozen=True, slots=True)
class CurrentTags:
    """The fields of ours that stand in a file, by field name, each a tuple of values.

    Attributes:
        kind: what carries them, for people: ``ID3v2.3``, ``FLAC``, ``MP4``…
        values: field name (``GENRE``, ``GENRETAG_GENRES``…) to its values;
            a field that does not stand in the file is absent.
        album: the same for the fields that tell which album a track is of
            (``ALBUM``, ``ALBUMARTIST``, ``ARTIST``, ``COMPILATION``), and what it is called
            (``TITLE``); these are never written.
        file: the file that they were read from, as it was then.
    """

    kind: str
    values: dict[str, tuple[str, ...]]
    album: dict[str, tuple[str, ...]] = field(default_factory=dict)
    file: FileState | None = None


@dataclass(frozen=True, slots=True)
class TagChange:
    """One field, before and after. An empty tuple means that the field is absent."""

    field: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replacement:
    """One write into one file, with all that it takes to put the old file back.

    Attributes:
        path: the file itself, with every link resolved.
        changes: what was written, field by field.
        undo: edits that turn the new file into the old one, packed
            (:func:`tagger.tags.edits.pack`).
        state_before: digest of all that the old file held beside its audio.
        state_after: the same of the new file.
        mtime_before_ns: the old file's time of modification.
    """

    path: Path
    changes: tuple[TagChange, ...]
    undo: bytes
    state_before: bytes
    state_after: bytes
    mtime_before_ns: int


class RestoreStatus(StrEnum):
    """What became of one file of a run that is undone."""

    RESTORED = "restored"  # byte for byte as before the run
    PROPOSED = "proposed"  # a dry run could put it back
    UNTOUCHED = "untouched"  # it is as before the run already
    REFUSED = "refused"  # somebody changed it since
    FAILED = "failed"  # gone, unreadable, unwritable


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """One file of a run that is undone; ``changes`` are those that were taken back."""

    path: Path
    status: RestoreStatus
    reason: str = ""
    changes: tuple[TagChange, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackReport:
    """One line of the report: everything that a run has to say of one track.

    ``reason`` says why in words; ``outcome`` is what became of the genre, as one of a few
    phrases that can be counted; ``file`` is the file as it was when the changes were planned.
    """

    path: Path
    status: Status
    reason: str = ""
    genres: tuple[tuple[str, float], ...] = ()
    cluster: str | None = None
    current: dict[str, tuple[str, ...]] = field(default_factory=dict)
    changes: tuple[TagChange, ...] = ()
    outcome: str = ""
    duration_s: float = 0.0
    heard_s: float = 0.0
    cached: bool = False
    file: FileState | None = None


AS_BEFORE = "as before"
"""Outcome of a track that an earlier run had the last word on."""


@dataclass(frozen=True, slots=True)
class AsBefore:
    """Tracks that nothing had to be done about, counted.

    Attributes:
        heard: how many there are of each most probable genre and music type.
        audio_s: their length in seconds.
    """

    heard: dict[tuple[str, str | None], int] = field(default_factory=dict)
    audio_s: float = 0.0

    @property
    def tracks(self) -> int:
        """How many there are."""
        return sum(self.heard.values())


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The whole run in numbers.

    Attributes:
        statuses: how many tracks ended in each status.
        changed: files that were written to, or would have been in a dry run.
        outcomes: what became of the genre field, in words, with counts.
        reasons: why tracks were skipped or failed, with counts.
        genres: the most probable genre of each track heard, with counts.
        clusters: the music types, with counts.
        seconds: wall time of the run.
        audio_s: total length of the tracks heard, in seconds.
        heard: tracks that were decoded and analysed in this run.
        left: tracks that a time limit left for the next run.
    """

    tracks: int
    statuses: dict[str, int]
    changed: int
    outcomes: dict[str, int]
    reasons: dict[str, int]
    genres: dict[str, int]
    clusters: dict[str, int]
    seconds: float
    audio_s: float
    dry_run: bool
    interrupted: bool
    model: str
    version: str
    heard: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class TrackView:
    """Everything that is known of one track.

    Attributes:
        patches: the prediction for each patch of ``hearing``, in order.
        patch_s: length of a patch in seconds.
        routes: how each genre of ``whole`` becomes a word for tags, in the same order.
        candidates: those words, most probable first.
        written: the words sure enough to be written if any number of them may be.
        tags: what stands in the file, or why it cannot be read.
        plan: what a scan without options would do to the genre, and why; empty if the tags
            cannot be read.
    """

    path: Path
    model: str
    hearing: Hearing
    whole: Prediction
    patches: tuple[Prediction, ...]
    patch_s: float
    routes: tuple[Route, ...]
    candidates: tuple[Candidate, ...]
    written: tuple[str, ...]
    tags: CurrentTags | str
    plan: str
