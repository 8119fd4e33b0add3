"""``genretag show``: one file along the route, up to the policy, with nothing written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tagger import __version__
from tagger.domain import CurrentTags, Policy, TrackView
from tagger.engine.quiet import native_stderr_hidden
from tagger.errors import GenretagError, ModelError, NotMusicError, TagError, UsageError
from tagger.models.bundle import find_bundle, load_bundle
from tagger.models.classifier import Classifier
from tagger.models.vocabulary import Thresholds
from tagger.tags.policy import PolicySettings, decide, sure_enough
from tagger.tags.read import read_tags
from tagger.timeline import Timeline
from tagger.workflows.hear import Listener
from tagger.workflows.libraries import settings_for
from tagger.workflows.own_types import with_own_types
from tagger.workflows.timeline import hear_timeline

__all__ = ["Look", "NothingHeardError", "TrackViewer", "listen", "look_at"]


def listen(path: Path, model: str | None) -> TrackView:
    """Hear one file in this process, as a scan would; see :meth:`TrackViewer.view`."""
    return TrackViewer(model, path).view(path)


class TrackViewer:
    """Looks at tracks one by one with one model. Not thread-safe.

    Args:
        model: name or folder; None for the one of environment or configuration.
        where: a file whose library's settings hold; None for those of no library.

    Raises:
        UsageError: the configuration is wrong.
        ModelError: the model cannot be used.
    """

    def __init__(self, model: str | None = None, where: Path | None = None) -> None:
        chosen = settings_for([where] if where else [], {"model": model})
        self._config, self._settings = chosen.config, chosen.settings
        self._bundle, _ = with_own_types(load_bundle(find_bundle(self._settings["model"])))
        self._classifier = Classifier(self._bundle)
        with native_stderr_hidden():
            self._listener = Listener(self._bundle)

    def view(self, path: Path) -> TrackView:
        """Hear the excerpts that a scan hears.

        Raises:
            NothingHeardError: the file holds nothing to classify.
            UsageError: the file does not exist or cannot be heard. The message names it.
        """
        bundle, config = self._bundle, self._config
        with _naming(path), native_stderr_hidden():
            hearing = self._listener.hear(path)
        try:
            tags: CurrentTags | str = read_tags(path)
        except TagError as error:
            tags = str(error)
        whole = self._classifier.predict([hearing])[0]
        vocabulary = config.vocabulary
        candidates = vocabulary.candidates(
            whole.genres,
            Thresholds(bundle.thresholds, config.thresholds, self._settings["min_confidence"]),
        )
        plan = ""
        if whole.objection:
            plan = whole.objection
        elif isinstance(tags, CurrentTags):
            said = self._settings
            settings = PolicySettings(Policy(said["policy"]), said["max_genres"])
            plan = decide(tags, whole, candidates, settings, bundle.identity, __version__).reason
        return TrackView(
            path=path,
            model=bundle.identity,
            hearing=hearing,
            whole=whole,
            patches=tuple(self._classifier.predict_patches(hearing)),
            patch_s=self._listener.patch_s,
            routes=tuple(vocabulary.route(label) for label, _ in whole.genres),
            candidates=candidates,
            written=tuple(c.word for c in sure_enough(candidates, len(candidates))),
            tags=tags,
            plan=plan,
        )

    def look(
        self,
        path: Path,
        progress: Callable[[int, int], None] | None = None,
        longest_s: float = math.inf,
    ) -> Look:
        """Both; what keeps the view from being made is told beside the timeline.

        Raises:
            UsageError: the track is longer than ``longest_s`` seconds, or cannot be heard.
        """
        try:
            view = self.view(path)
        except NothingHeardError as problem:
            return Look(None, self.timeline(path, progress), problem)
        if view.hearing.duration_s > longest_s:
            raise UsageError(f"{path}: longer than {longest_s / 3600:.0f} hours")
        return Look(view, self.timeline(path, progress))

    def timeline(self, path: Path, progress: Callable[[int, int], None] | None = None) -> Timeline:
        """Hear the track from its start to its end.

        Args:
            path: the file.
            progress: is told how many windows are done, and of how many.

        Raises:
            NothingHeardError: the file is too short to be drawn.
            UsageError: the file does not exist or cannot be decoded. The message names it.
        """
        with _naming(path), native_stderr_hidden():
            return hear_timeline(path, self._listener, self._classifier, progress)


@dataclass(frozen=True, slots=True)
class Look:
    """A track as a scan hears it and as it goes on; ``problem`` says why there is no view."""

    view: TrackView | None
    timeline: Timeline | None
    problem: NothingHeardError | None = None


def look_at(path: Path, model: str | None, *, whole: bool) -> Look:
    """Hear one file as a scan would, and if asked for from its start to its end.

    Where the excerpts hold nothing to classify there may still be something elsewhere.

    Raises:
        UsageError: as :meth:`TrackViewer.view` says, but for a file of which a timeline can
            be made.
    """
    if not whole:
        return Look(listen(path, model), None)
    return TrackViewer(model, path).look(path)


class NothingHeardError(UsageError):
    """A file decodes, but holds nothing to classify."""


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Put the file's name before what is wrong with it."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{path}: no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        yield
    except ModelError:
        raise
    except NotMusicError as error:
        raise NothingHeardError(f"{path}: {error}") from error
    except GenretagError as error:
        raise UsageError(f"{path}: {error}") from error
