"""Where genretag keeps what is its own, after the XDG Base Directory Specification."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tagger.errors import UsageError

__all__ = ["STATE_VARIABLE", "state_folder"]

STATE_VARIABLE: Final = "GENRETAG_STATE_DIR"
"""Environment variable that names another state folder."""


def state_folder(*, create: bool = True) -> Path:
    """The folder of what must last, such as the journal.

    That is ``$GENRETAG_STATE_DIR``, else ``$XDG_STATE_HOME/genretag``, else
    ``~/.local/state/genretag``.

    Args:
        create: make the folder, for its owner alone, if there is none yet.

    Raises:
        UsageError: it cannot be told, is no folder or cannot be made.
    """
    folder = _state_folder()
    if create:
        _make(folder)
    return folder


def _state_folder() -> Path:
    own = os.environ.get(STATE_VARIABLE, "")
    if own:
        # A relative path would mean another journal in each folder that genretag is called from.
        if not os.path.isabs(own):  # noqa: PTH117
            raise UsageError(f"{STATE_VARIABLE} must be an absolute path, not {own}")
        return Path(own)
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    if base.is_absolute():  # the specification has relative paths ignored
        return base / "genretag"
    try:
        return Path.home() / ".local/state/genretag"
    except RuntimeError as error:
        raise UsageError(f"the home folder is not known; set {STATE_VARIABLE}") from error


def _make(folder: Path) -> None:
    try:
        # From the top down: mkdir(parents=True) would give the others the usual mode.
        for part in (*reversed(folder.parents), folder):
            if not part.is_dir():
                part.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise UsageError(
            f"{folder}: the state folder cannot be made: {reason}; set {STATE_VARIABLE} to another"
        ) from error
