"""The cache as a search for neighbours uses it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from tagger.domain import Hearing
from tagger.library import cache_vectors
from tagger.library.cache import Cache
from tagger.library.cache_vectors import Packed, Placed

__all__ = ["VectorStore"]


class VectorStore:
    """Vectors, and what they were made from.

    Every method raises a UsageError if the cache cannot be used.

    Args:
        cache: an open cache.
        listening: digest of all that a hearing depends on beside the audio.
    """

    def __init__(self, cache: Cache, listening: bytes) -> None:
        self._cache = cache
        self._listening = listening

    def space(self, digest: bytes) -> bytes | None:
        """What was kept of how hearings become vectors, or None."""
        return self._cache.ask("read", lambda db: cache_vectors.space_kept(db, digest))

    def keep_space(self, digest: bytes, body: bytes) -> None:
        """Keep how hearings become vectors, in place of what was kept under the same digest."""
        self._cache.ask("written", lambda db: cache_vectors.keep_space(db, digest, body))

    def vectors(self, digest: bytes, width: int, folders: Collection[int] | None) -> Packed:
        """The vectors of so many bytes in a space, of the files of some folders or of all that
        are known."""
        return self._cache.ask(
            "read", lambda db: cache_vectors.vectors_of(db, digest, width, folders)
        )

    def vector(self, digest: bytes, path: Path) -> bytes | None:
        """The vector in a space of what a file held when it was heard last, or None."""
        return self._cache.ask("read", lambda db: cache_vectors.vector_of(db, digest, path))

    def missing(self, digest: bytes, width: int, folders: Collection[int] | None) -> list[int]:
        """Numbers of the audios of these files that were heard, and have no such vector nor an
        empty one."""
        return self._cache.ask(
            "read",
            lambda db: cache_vectors.missing_of(db, digest, width, folders, self._listening),
        )

    def audios(self, digest: bytes) -> list[int]:
        """Numbers of the audios that have a vector in a space, in their order; what is kept as
        an empty one does not count."""
        return self._cache.ask("read", lambda db: cache_vectors.audios_of(db, digest))

    def keep_vectors(self, digest: bytes, bodies: Mapping[int, bytes]) -> None:
        """Keep the vectors of some audios, by number; nothing if the space is not kept."""
        self._cache.ask("written", lambda db: cache_vectors.keep_vectors(db, digest, bodies))

    def folders(self, paths: Iterable[str]) -> set[int]:
        """Numbers of some folders, as far as anything is known of them."""
        wanted = {os.fsencode(path) for path in paths}
        rows = self._cache.ask("read", cache_vectors.folders_of)
        return {number for number, path in rows if path in wanted}

    def placed(self, file: int) -> Placed | None:
        """Where a file is, by its number; None if the cache has forgotten it."""
        return self._cache.ask("read", lambda db: cache_vectors.placed(db, file))

    def heard(self) -> list[int]:
        """Numbers of the audios that were heard, in their order."""
        return self._cache.ask("read", lambda db: cache_vectors.heard_by(db, self._listening))

    def hearings(self, audios: Collection[int]) -> dict[int, Hearing]:
        """What was heard in some audios, by number, as far as it is kept."""
        return self._cache.ask(
            "read", lambda db: dict(cache_vectors.hearings_of(db, audios, self._listening))
        )
