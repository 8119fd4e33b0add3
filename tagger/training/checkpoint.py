"""How far a training has come, on disk, so that a stopped one goes on instead of beginning anew."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["load_checkpoint", "save_checkpoint"]

Arrays = Sequence[npt.NDArray[Any]]

_STATE = "state"


def save_checkpoint(path: Path, lists: Mapping[str, Arrays], state: Mapping[str, Any]) -> None:
    """Write lists of arrays and a JSON-able state, at once: a kill leaves the former file.

    Raises:
        OSError: the disk refuses.
    """
    named = {f"{name}/{i}": a for name, arrays in lists.items() for i, a in enumerate(arrays)}
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        np.savez(file, **{_STATE: np.array(json.dumps(state))}, **named)  # type: ignore[arg-type]
    partial.replace(path)


def load_checkpoint(path: Path) -> tuple[dict[str, list[npt.NDArray[Any]]], dict[str, Any]] | None:
    """What :func:`save_checkpoint` wrote, or None if there is nothing that can be read."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            state: dict[str, Any] = json.loads(str(archive[_STATE]))
            lists: dict[str, list[npt.NDArray[Any]]] = {}
            # In the order of writing, which numbers each list from 0.
            for key in archive.files:
                if key != _STATE:
                    lists.setdefault(key.partition("/")[0], []).append(archive[key])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return lists, state
