"""Commands that need more than the base install say so in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tagger.errors import UsageError

__all__ = ["needing_train"]

_OF_TRAIN = {"joblib", "keras", "matplotlib", "scipy", "skl2onnx", "sklearn", "tensorflow", "tqdm"}


@contextmanager
def needing_train(command: str) -> Iterator[None]:
    """Tell what to install where the ``train`` extra is missing.

    Raises:
        UsageError: it is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _OF_TRAIN:
            raise
        raise UsageError(
            f"genretag {command} needs {error.name}: pip install 'genretag[train]'"
        ) from error
