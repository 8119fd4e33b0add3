"""``genretag show``: one file along the route, up to the policy, with nothing written."""

from __future__ import annotations

from pathlib import Path

from tagger.domain import CurrentTags, TrackView
from tagger.engine.quiet import native_stderr_hidden
from tagger.errors import GenretagError, ModelError, TagError, UsageError
from tagger.models.bundle import find_bundle, load_bundle
from tagger.models.classifier import Classifier
from tagger.tags.read import read_tags
from tagger.workflows.hear import Listener

__all__ = ["listen"]


def listen(path: Path, model: str) -> TrackView:
    """Hear one file in this process.

    Raises:
        UsageError: the file does not exist or cannot be heard; the message names it.
        ModelError: the model cannot be used.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{path}: no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    bundle = load_bundle(find_bundle(model))
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
    return TrackView(
        path=path,
        model=bundle.identity,
        hearing=hearing,
        whole=classifier.predict([hearing])[0],
        patches=tuple(classifier.predict_patches(hearing)),
        patch_s=listener.patch_s,
        thresholds=dict(bundle.thresholds),
        tags=tags,
    )
