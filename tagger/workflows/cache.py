"""Looking after the analysis cache: what is in it, and taking things out."""

from __future__ import annotations

from pathlib import Path

from tagger.errors import UsageError
from tagger.library.cache import Cache
from tagger.library.cache_file import CACHE, SOUNDS, InUseError, reason, remove_file
from tagger.library.cache_rows import Info, Pruned
from tagger.library.folders import cache_folder

__all__ = ["cache_path", "clear_cache", "info_of_cache", "kept_by_trainings", "prune_cache"]


def cache_path() -> Path:
    """Where the cache is, or would be.

    Raises:
        UsageError: that cannot be told.
    """
    return cache_folder(create=False) / CACHE


def kept_by_trainings() -> int:
    """Bytes of what trainings keep beside the cache, so that they need not hear it again."""
    try:
        return (cache_path().parent / SOUNDS).stat().st_size
    except OSError:
        return 0


def info_of_cache() -> tuple[Info | None, str]:
    """The cache in numbers, or None if there is none, and what went wrong with it.

    Raises:
        UsageError: it cannot be read.
    """
    if not cache_path().exists():
        return None, ""
    with Cache.open(cache_path().parent) as cache:
        return cache.info(), cache.notice


def prune_cache() -> tuple[Pruned | None, str]:
    """Remove what is of no use any more; None if there is no cache. What went wrong with it.

    Raises:
        UsageError: it cannot be written.
    """
    if not cache_path().exists():
        return None, ""
    with Cache.open(cache_path().parent) as cache:
        return cache.prune(), cache.notice


def clear_cache() -> int:
    """Remove the cache, and give back how many bytes that freed.

    Raises:
        UsageError: a run uses it, or it cannot be removed.
    """
    path = cache_path()
    if not path.parent.is_dir():
        return 0
    try:
        return remove_file(path.parent)
    except (InUseError, OSError) as error:
        why = reason(error, path.parent)
        raise UsageError(f"the analysis cache cannot be removed: {why}") from error
