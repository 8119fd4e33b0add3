"""What trainings have heard of tracks, kept in the cache folder so that none is heard twice.

A scan keeps a network's answers; whoever trains a network needs what it looks at. One row holds
the features and the picture of one track, some 40 kB, under the key of its audio: it survives
moving, renaming and retagging.
"""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from tagger.analysis.picture import N_MELS
from tagger.errors import UsageError
from tagger.library.cache_file import SOUNDS

__all__ = ["Sound", "SoundStore"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS sounds (
    audio BLOB NOT NULL,
    recipe BLOB NOT NULL,
    duration_s REAL NOT NULL,
    features BLOB NOT NULL,
    picture BLOB NOT NULL,
    PRIMARY KEY (audio, recipe)
) WITHOUT ROWID
"""
_BUSY_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Sound:
    """One track as a training looks at it.

    Attributes:
        duration_s: length of the whole track.
        features: float32, shape (n_features,).
        picture: uint8, shape (N_MELS, columns).
    """

    duration_s: float
    features: npt.NDArray[np.float32]
    picture: npt.NDArray[np.uint8]


class SoundStore:
    """Sounds by audio and by the recipe they were analysed with.

    Args:
        folder: the cache folder; must exist.

    Raises:
        UsageError: the file cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / SOUNDS
        try:
            self._db = _open(self._path)
        except sqlite3.Error as error:
            self._begin_anew(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._db.close()

    def get(self, audio: bytes, recipe: bytes) -> Sound | None:
        """What was heard, or None.

        Raises:
            UsageError: the file turns out to be damaged and cannot be made anew.
        """
        try:
            row = self._db.execute(
                "SELECT duration_s, features, picture FROM sounds WHERE audio = ? AND recipe = ?",
                (audio, recipe),
            ).fetchone()
        except sqlite3.Error as error:
            self._db.close()
            self._begin_anew(error)
            return None
        if row is None:
            return None
        duration_s, features, picture = row
        try:
            pixels = np.frombuffer(zlib.decompress(picture), dtype=np.uint8)
            return Sound(
                duration_s, np.frombuffer(features, dtype="<f4"), pixels.reshape(N_MELS, -1)
            )
        except (ValueError, zlib.error):
            return None  # a damaged row is heard again

    def put(self, audio: bytes, recipe: bytes, sound: Sound) -> None:
        """Keep what was heard; a disk that refuses costs no more than hearing it again."""
        values = (
            audio,
            recipe,
            sound.duration_s,
            sound.features.astype("<f4").tobytes(),
            zlib.compress(sound.picture.tobytes(), 1),
        )
        with suppress(sqlite3.Error):
            self._db.execute("INSERT OR REPLACE INTO sounds VALUES (?, ?, ?, ?, ?)", values)

    def _begin_anew(self, error: sqlite3.Error) -> None:
        """Replace a damaged file: nothing is in it that cannot be heard again."""
        try:
            if isinstance(error, sqlite3.OperationalError):
                raise error  # busy, or no access: nothing says that it is damaged
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            self._db = _open(self._path)
        except (sqlite3.Error, OSError) as refused:
            raise UsageError(f"{self._path} cannot be used: {refused}") from refused


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(_SCHEMA)
    except sqlite3.Error:
        db.close()
        raise
    return db
