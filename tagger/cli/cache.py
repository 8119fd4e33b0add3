"""``genretag cache``."""

from __future__ import annotations

from tagger.cli.plain import PlainApp

__all__ = ["cache_app"]

cache_app = PlainApp("cache", "What was heard of each track, kept so that no track is heard twice.")


@cache_app.plain()
def info() -> None:
    """Show where the cache is, what it holds and how large it is."""
    from tagger.report.cache import print_info, print_notice
    from tagger.workflows.cache import cache_path, info_of_cache, kept_by_trainings

    found, notice = info_of_cache()
    print_notice(notice)
    print_info(cache_path(), found, kept_by_trainings())


@cache_app.plain()
def clear() -> None:
    """Remove the cache. The next scan hears every track again."""
    from tagger.report.cache import print_cleared
    from tagger.workflows.cache import clear_cache

    print_cleared(clear_cache())


@cache_app.plain()
def prune() -> None:
    """Forget tracks that are gone, and what was heard of no track for 90 days."""
    from tagger.report.cache import print_notice, print_pruned
    from tagger.workflows.cache import prune_cache

    done, notice = prune_cache()
    print_notice(notice)
    print_pruned(done)
