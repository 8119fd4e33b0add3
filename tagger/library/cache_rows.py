"""What the cache holds: hearings, problems, reports, and how they are stored."""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from tagger.domain import FileState, Hearing, Status, TagChange, TrackReport

__all__ = [
    "Info",
    "Known",
    "Problem",
    "ProblemKind",
    "Pruned",
    "Settled",
    "holds",
    "pack_hearing",
    "pack_report",
    "summary_of",
    "unpack_hearing",
    "unpack_report",
]

_DAY_S: Final = 86_400.0
_COOL_DOWN_DAYS: Final = 7
_LONGEST_DAYS: Final = 60
# duration, heard, features, patches, labels, starts, embedding
_HEAD: Final = struct.Struct("<dd5I")
_CHECK: Final = struct.Struct("<I")
_CRC: Final = 0xFFFFFFFF
_FLOAT32: Final = "<f4"
_FLOAT16: Final = "<f2"
_FLOAT16_MAX: Final = 65504.0


class ProblemKind(StrEnum):
    """Why a track could not be heard, as far as that is worth being remembered.

    That a file system failed says nothing of the file: such errors are never kept.
    """

    NOT_MUSIC = "not music"
    DAMAGED = "damaged"
    CRASHED = "crashed"
    TIMEOUT = "timeout"

    @property
    def lasts(self) -> bool:
        """Whether it stays until the file changes, rather than for some days."""
        return self in (ProblemKind.NOT_MUSIC, ProblemKind.DAMAGED)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a track could not be heard the last time; ``text`` is for people."""

    kind: ProblemKind
    text: str


class Known(NamedTuple):
    """What is known of a file without looking at it.

    Attributes:
        size: bytes that the file had.
        mtime_ns: its time of modification then.
        heard: whether there is a hearing, so that the audio need not be read.
    """

    size: int
    mtime_ns: int
    heard: int


class Settled(NamedTuple):
    """What the last report said of a file, as far as a summary counts it.

    Attributes:
        size: bytes that the file had.
        mtime_ns: its time of modification then.
        genre: the most probable one, or empty.
        cluster: the music type, or None.
        duration_s: length of the track in seconds.
    """

    size: int
    mtime_ns: int
    genre: str
    cluster: str | None
    duration_s: float


@dataclass(frozen=True, slots=True)
class Info:
    """The cache in numbers.

    Attributes:
        files: how many tracks it knows.
        hearings: how many hearings it holds.
        problems: how many tracks it knows that could not be heard.
        size: bytes on the disk.
        oldest: when the hearing that was not used for longest was used, or None.
    """

    files: int
    hearings: int
    problems: int
    size: int
    oldest: date | None


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed from the cache, and how many bytes that freed on the disk."""

    files: int
    hearings: int
    freed: int


def holds(kind: ProblemKind, since: float, times: int, now: float) -> bool:
    """Whether a problem need not be tried again yet.

    Args:
        kind: what it was.
        since: when it was met last, in seconds since the epoch.
        times: how often it was met in a row.
        now: the time.
    """
    if kind.lasts:
        return True
    days = min(_COOL_DOWN_DAYS << min(times - 1, 8), _LONGEST_DAYS)
    # A clock that was wrong then must not let it hold for ever.
    return 0 <= now - since < days * _DAY_S


def pack_hearing(hearing: Hearing, audio: int) -> bytes:
    """A hearing as it is stored for an audio, with a checksum over both.

    The embedding is stored as float16, which neighbours do not notice; all else as it is.
    """
    import numpy as np  # here: an undo opens the cache, and packs nothing

    features = np.ascontiguousarray(hearing.features, _FLOAT32)
    log_probs = np.ascontiguousarray(hearing.patch_log_probs, _FLOAT32)
    embedding = hearing.embedding.clip(-_FLOAT16_MAX, _FLOAT16_MAX).astype(_FLOAT16)
    times, starts = (hearing.duration_s, hearing.heard_s), hearing.patch_starts_s
    patches, labels = log_probs.shape
    body = b"".join(
        (
            _HEAD.pack(*times, features.size, patches, labels, len(starts), embedding.size),
            features.tobytes(),
            log_probs.tobytes(),
            struct.pack(f"<{len(starts)}d", *starts),
            embedding.tobytes(),
        )
    )
    return _CHECK.pack(zlib.crc32(body, audio & _CRC)) + body


def unpack_hearing(stored: bytes, audio: int) -> Hearing:
    """A hearing from what is stored for an audio; its arrays are read-only.

    Raises:
        sqlite3.DatabaseError: if that makes no sense.
    """
    import numpy as np  # here: an undo opens the cache, and packs nothing

    with _making_sense("a hearing"):
        body = stored[_CHECK.size :]
        if _CHECK.unpack_from(stored)[0] != zlib.crc32(body, audio & _CRC):
            raise ValueError
        duration_s, heard_s, size, patches, labels, starts, dims = _HEAD.unpack_from(body)
        features = np.frombuffer(body, _FLOAT32, size, _HEAD.size)
        at = _HEAD.size + features.nbytes
        log_probs = np.frombuffer(body, _FLOAT32, patches * labels, at)
        at += log_probs.nbytes
        starts_s = struct.unpack_from(f"<{starts}d", body, at)
        embedding = np.frombuffer(body, _FLOAT16, dims, at + 8 * starts).astype(np.float32)
        embedding.flags.writeable = False
        return Hearing(
            duration_s=duration_s,
            heard_s=heard_s,
            features=features.astype(np.float32, copy=False),
            patch_log_probs=log_probs.astype(np.float32, copy=False).reshape(patches, labels),
            patch_starts_s=starts_s,
            embedding=embedding,
        )


def summary_of(report: TrackReport) -> tuple[str, str, str, str, str | None, float]:
    """Status, outcome, reason, genre, cluster and length, as columns.

    They are for people and for counting: what is no text in them is written out.
    """
    genre = report.genres[0][0] if report.genres else ""
    cluster = None if report.cluster is None else _text(report.cluster)
    words = (str(report.status), _text(report.outcome), _text(report.reason), _text(genre))
    return (*words, cluster, report.duration_s)


def pack_report(report: TrackReport) -> bytes:
    """A report as it is stored: with the digits that reports are written with."""
    state = report.file and (report.file.size, report.file.mtime_ns, report.file.tags.hex())
    parts = (
        report.status,
        report.reason,
        [(label, round(p, 4)) for label, p in report.genres],
        report.cluster,
        report.current,
        [(change.field, change.before, change.after) for change in report.changes],
        report.outcome,
        round(report.duration_s, 3),
        round(report.heard_s, 3),
        state,
    )
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    # A damaged tag may give lone surrogates; as escapes, two of them would become one character.
    return zlib.compress(text.encode("utf-8", "surrogatepass"))


def unpack_report(path: Path, stored: bytes) -> TrackReport:
    """A report from what is stored.

    Raises:
        sqlite3.DatabaseError: if that makes no sense.
    """
    with _making_sense("a report"):
        status, reason, genres, cluster, current, changes, outcome, *times, state = json.loads(
            zlib.decompress(stored).decode("utf-8", "surrogatepass")
        )
        duration_s, heard_s = times
        return TrackReport(
            path=path,
            status=Status(status),
            reason=reason,
            genres=tuple([(label, p) for label, p in genres]),
            cluster=cluster,
            current={name: tuple(values) for name, values in current.items()},
            changes=tuple([TagChange(name, tuple(old), tuple(new)) for name, old, new in changes]),
            outcome=outcome,
            duration_s=duration_s,
            heard_s=heard_s,
            cached=True,
            file=state and FileState(state[0], state[1], bytes.fromhex(state[2])),
        )


def _text(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


@contextmanager
def _making_sense(what: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, AttributeError, struct.error, zlib.error) as error:
        raise sqlite3.DatabaseError(f"{what} makes no sense") from error
