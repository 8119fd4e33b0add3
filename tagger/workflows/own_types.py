"""The music types of the user's library: ``types.json`` beside the configuration file.

A model comes with types of its own, fitted on what it was trained on. As soon as ``genretag
cluster`` has fitted types on the library, these take their place in everything.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from tagger.errors import ModelError, UsageError
from tagger.models.bundle import Bundle
from tagger.models.music_types import FittedTypes, spec_for
from tagger.models.schema import Node
from tagger.models.types_file import read_types, types_object
from tagger.trust import growing, not_ours, planted_link
from tagger.workflows.config import config_path

__all__ = ["load_types", "save_types", "types_path", "with_own_types"]

NAME: Final = "types.json"
_MOST_BYTES: Final = 16 << 20


def types_path(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where the types are, or would be; None if this user has no home.

    Args:
        environment: as for :func:`~tagger.workflows.config.config_path`.
    """
    config = config_path(environment)
    return config.with_name(NAME) if config else None


def load_types(environment: Mapping[str, str] = os.environ) -> FittedTypes | None:
    """The types of the library; None if none were fitted yet.

    Raises:
        UsageError: the file cannot be read or is damaged.
    """
    path = types_path(environment)
    if path is None:
        return None
    again = "move it away, and `genretag cluster` fits new types"
    try:
        why = not_ours(path)
        if why and not environment.get("GENRETAG_CONFIG"):
            raise UsageError(f"{path}: not obeyed: {why}; {again}")
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path}: too large for music types; {again}")
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not valid JSON; {again}") from error
    try:
        return read_types(Node(value, str(path)))
    except ModelError as error:
        raise UsageError(f"{error}; {again}") from error


def save_types(types: FittedTypes, environment: Mapping[str, str] = os.environ) -> Path:
    """Keep the types of the library, at once, in place of those that were.

    Returns:
        where.

    Raises:
        UsageError: there is no place for them, or it cannot be written.
    """
    path = types_path(environment)
    if path is None:
        raise UsageError("the home folder is not known; set GENRETAG_CONFIG")
    if planted_link(path):
        raise UsageError(f"{path}: a link that somebody else put there; remove it")
    real = Path(os.path.realpath(path))
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        with growing(real) as stream:
            stream.write(json.dumps(types_object(types), indent=1).encode("ascii") + b"\n")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def with_own_types(
    bundle: Bundle, environment: Mapping[str, str] = os.environ
) -> tuple[Bundle, str]:
    """A model with the types of the library in place of its own.

    Returns:
        the model, and one line on why it has no types now; empty if it has. It has none where
        the library's were fitted on what another model hears: names that would change with the
        model, and back again, must not go into files.

    Raises:
        UsageError: the types cannot be read.
    """
    types = load_types(environment)
    if types is None:
        return bundle, ""
    spec = spec_for(types, bundle)
    if spec is None:
        return replace(bundle, clusters=None), (
            f"{types_path(environment)}: these music types were fitted on what another model or "
            "version hears, and none are given; `genretag cluster --refit` fits them anew"
        )
    return replace(bundle, clusters=spec), ""
