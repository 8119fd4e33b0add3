"""``genretag show``: one file along the route, up to the policy, with nothing written."""

from __future__ import annotations

from pathlib import Path

from tagger import __version__
from tagger.domain import CurrentTags, TrackView
from tagger.engine.quiet import native_stderr_hidden
from tagger.errors import GenretagError, ModelError, TagError, UsageError
from tagger.models.bundle import find_bundle, load_bundle
from tagger.models.classifier import Classifier
from tagger.models.vocabulary import Thresholds
from tagger.tags.policy import PolicySettings, decide, sure_enough
from tagger.tags.read import read_tags
from tagger.workflows.config import load_config
from tagger.workflows.hear import Listener
from tagger.workflows.own_types import with_own_types

__all__ = ["listen"]


def listen(path: Path, model: str) -> TrackView:
    """Hear one file in this process.

    Raises:
        UsageError: the file does not exist or cannot be heard, or the configuration is wrong;
            the message names the file.
        ModelError: the model cannot be used.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{path}: no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    config = load_config()
    bundle, _ = with_own_types(load_bundle(find_bundle(model)))
    classifier = Classifier(bundle)
    try:
        with native_stderr_hidden():
            listener = Listener(bundle)
            hearing = listener.hear(path)
    except ModelError:
        raise
    except GenretagError as error:
        raise UsageError(f"{path}: {error}") from error
    try:
        tags: CurrentTags | str = read_tags(path)
    except TagError as error:
        tags = str(error)
    whole = classifier.predict([hearing])[0]
    vocabulary = config.vocabulary
    candidates = vocabulary.candidates(
        whole.genres, Thresholds(bundle.thresholds, config.thresholds)
    )
    plan = ""
    if whole.objection:
        plan = whole.objection
    elif isinstance(tags, CurrentTags):
        settings = PolicySettings()
        plan = decide(tags, whole, candidates, settings, bundle.identity, __version__).reason
    return TrackView(
        path=path,
        model=bundle.identity,
        hearing=hearing,
        whole=whole,
        patches=tuple(classifier.predict_patches(hearing)),
        patch_s=listener.patch_s,
        routes=tuple(vocabulary.route(label) for label, _ in whole.genres),
        candidates=candidates,
        written=tuple(c.word for c in sure_enough(candidates, len(candidates))),
        tags=tags,
        plan=plan,
    )
