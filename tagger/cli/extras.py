"""Commands that need more than the base install say so in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from typing import Final

from tagger.errors import UsageError

__all__ = ["needing", "needing_train"]

_MODULES: Final = {
    "train": {
        "joblib", "keras", "matplotlib", "scipy", "skl2onnx", "sklearn", "tensorflow", "tqdm",
    },
    "plot": {"matplotlib"},
    "app": {"gradio", "matplotlib"},
}  # fmt: skip
"""What an extra brings, by its name."""


@contextmanager
def needing(extra: str, command: str, *modules: str) -> Iterator[None]:
    """Tell what to install where an extra is missing.

    Args:
        extra: its name.
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
        if (error.name or "").partition(".")[0] not in _MODULES[extra]:
            raise
        raise UsageError(
            f"genretag {command} needs {error.name}: pip install 'genretag[{extra}]'"
        ) from error


def needing_train(command: str, *modules: str) -> AbstractContextManager[None]:
    """:func:`needing` the extra ``train``."""
    return needing("train", command, *modules)
