"""Commands that need more than the base install say so in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from tagger.errors import UsageError

__all__ = ["needing_train"]

_OF_TRAIN = {"joblib", "keras", "matplotlib", "scipy", "skl2onnx", "sklearn", "tensorflow", "tqdm"}


@contextmanager
def needing_train(command: str, *modules: str) -> Iterator[None]:
    """Tell what to install where the ``train`` extra is missing.

    Args:
        command: for the message.
        modules: what is imported late, and is missed before hours of work are done.

    Raises:
        UsageError: it is.
    """
    try:
        for module in modules:
            if find_spec(module) is None:
                raise ModuleNotFoundError(f"no {module}", name=module)
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _OF_TRAIN:
            raise
        raise UsageError(
            f"genretag {command} needs {error.name}: pip install 'genretag[train]'"
        ) from error
