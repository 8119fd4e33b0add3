"""``genretag playlist``: a playlist of each music type or genre, or of what sounds like a track."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tagger.errors import UsageError
from tagger.models.bundle import BUILTIN_MODEL
from tagger.models.vocabulary import Thresholds
from tagger.report.file_names import file_names
from tagger.report.m3u import Entry, check_playlist_name, write_playlist
from tagger.tags.genres import is_generic
from tagger.tags.policy import sure_enough
from tagger.words import comparable
from tagger.workflows.collection import CollectedTrack, Collection, CollectOptions, collect
from tagger.workflows.config import Config
from tagger.workflows.similar import Similar

__all__ = ["PlaylistOptions", "Playlists", "WrittenList", "playlists", "seed_playlist"]

_SUFFIX: Final = ".m3u8"


@dataclass(frozen=True, slots=True)
class PlaylistOptions:
    """What the user asked for.

    Attributes:
        paths: files and folders of music.
        by: what there is to be a playlist of each of.
        out: the folder that they go into.
        model: name or folder.
        jobs: processes that hear what no earlier run has heard; None for what the machine allows.
        exclude: shell patterns of names and paths to leave out.
    """

    paths: tuple[Path, ...]
    by: Literal["cluster", "genre"]
    out: Path
    model: str = BUILTIN_MODEL
    jobs: int | None = None
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WrittenList:
    """A playlist that was written.

    Attributes:
        path: where.
        name: of what.
        tracks: how many are in it.
        duration_s: how long it plays, in seconds.
    """

    path: Path
    name: str
    tracks: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class Playlists:
    """What was written.

    Attributes:
        lists: the longest first.
        unlisted: how many tracks are in none, as no genre is known of them.
        unheard: how many files could not be heard, or are no music.
        left_out: tracks whose paths cannot stand in a playlist.
        notice: what went wrong with the cache or the music types; empty if nothing did.
    """

    lists: tuple[WrittenList, ...]
    unlisted: int
    unheard: int
    left_out: tuple[Path, ...]
    notice: str


def playlists(
    options: PlaylistOptions,
    config: Config,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Playlists:
    """Write a playlist of each music type or genre.

    The genre of a track is the one that stands in its tags, or each of them; where none stands, or
    a generic one, it is the one heard, if that is sure enough to be written.

    Raises:
        UsageError: a path does not exist, the folder cannot be made or written to, or a file that
            is not ours has a playlist's name; then none is written.
        LibraryGoneError: the library does not answer, or vanished.
        ModelError: the model cannot be used.
    """
    _check_folder(options.out)
    collection = collect(
        CollectOptions(options.paths, options.model, options.jobs, options.exclude), progress
    )
    if options.by == "cluster":
        if collection.bundle.clusters is None:
            raise UsageError(collection.notice or "this model has no music types")
        words = [[track.cluster or ""] for track in collection.tracks]
    else:
        words = _genres(collection, config)
    groups = _grouped(words)
    names = file_names(list(groups), _SUFFIX)
    paths = dict(zip(groups, (options.out / name for name in names), strict=True))
    for path in paths.values():
        check_playlist_name(path)
    _make(options.out)
    lists, left_out = [], set()
    for name, rows in groups.items():
        tracks = [collection.tracks[row] for row in rows]
        unfit = write_playlist(paths[name], map(_entry, tracks))
        left_out.update(unfit)
        kept = [track for track in tracks if track.path not in unfit]
        seconds = sum(track.duration_s for track in kept)
        lists.append(WrittenList(paths[name], name, len(kept), seconds))
    return Playlists(
        lists=tuple(sorted(lists, key=lambda written: (-written.tracks, written.name))),
        unlisted=sum(not some for some in words),
        unheard=len(collection.left_out),
        left_out=tuple(sorted(left_out)),
        notice=collection.notice,
    )


def seed_playlist(out: Path, found: Similar) -> Path:
    """Where the playlist of what sounds like a track goes; its folder is made if it is not there.

    Raises:
        UsageError: the folder cannot be made, or a file that is not ours stands there.
    """
    _check_folder(out)
    title = found.tags.title or found.path.stem
    name = " – ".join(part for part in (found.tags.artist, title) if part)
    [file] = file_names([f"Like {name}"], _SUFFIX)
    check_playlist_name(out / file)
    _make(out)
    return out / file


def _genres(collection: Collection, config: Config) -> list[list[str]]:
    """The genres of each track, none for those of which none is known."""
    thresholds = Thresholds(collection.bundle.thresholds, config.thresholds)
    found = []
    for track in collection.tracks:
        words = [word for word in track.tags.genre if not is_generic(word)]
        if not words:
            candidates = config.vocabulary.candidates(track.genres, thresholds)
            words = [candidate.word for candidate in sure_enough(candidates, 1)]
        found.append(words)
    return found


def _grouped(words: list[list[str]]) -> dict[str, list[int]]:
    """Rows by word, in its most frequent spelling, in the order in which they are met."""
    rows: dict[str, list[int]] = {}
    spellings: dict[str, Counter[str]] = {}
    for row, some in enumerate(words):
        for word in some:
            key = comparable(word) or word
            spellings.setdefault(key, Counter())[word] += 1
            if row not in rows.setdefault(key, [])[-1:]:
                rows[key].append(row)
    return {spellings[key].most_common(1)[0][0]: some for key, some in rows.items()}


def _entry(track: CollectedTrack) -> Entry:
    return Entry(track.path, track.duration_s, track.tags.artist, track.tags.title)


def _check_folder(out: Path) -> None:
    """Better known before hours of hearing."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: is no folder")


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be made: {error.strerror}") from error
