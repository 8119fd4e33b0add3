"""Where genretag keeps what is its own, after the XDG Base Directory Specification."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from tagger.errors import UsageError
from tagger.trust import distrust, not_ours

__all__ = [
    "CACHE_VARIABLE",
    "STATE_VARIABLE",
    "cache_folder",
    "foreign_file",
    "make_cache_folder",
    "state_folder",
]

STATE_VARIABLE: Final = "GENRETAG_STATE_DIR"
"""Environment variable that names another state folder."""

CACHE_VARIABLE: Final = "GENRETAG_CACHE_DIR"
"""Environment variable that names another cache folder."""


def state_folder(*, create: bool = True) -> Path:
    """The folder of what must last, such as the journal.

    That is ``$GENRETAG_STATE_DIR``, else ``$XDG_STATE_HOME/genretag``, else
    ``~/.local/state/genretag``.

    Args:
        create: make the folder, for its owner alone, if there is none yet.

    Raises:
        UsageError: it cannot be told, is no folder or cannot be made, or others than this user
            and root could change what is in it: what an undo writes comes from there.
    """
    folder = _named(STATE_VARIABLE, "XDG_STATE_HOME", ".local/state")
    if create:
        _make(folder, "state", STATE_VARIABLE)
    elif folder.is_dir():
        _refuse_shared(folder, "state", STATE_VARIABLE)
    return folder


def cache_folder(*, create: bool = True) -> Path:
    """The folder of what may be thrown away at any time, such as what was heard.

    That is ``$GENRETAG_CACHE_DIR``, else ``$XDG_CACHE_HOME/genretag``, else
    ``~/.cache/genretag``.

    Args:
        create: make the folder, for its owner alone, if there is none yet.

    Raises:
        UsageError: it cannot be told, is no folder or cannot be made.
    """
    folder = _named(CACHE_VARIABLE, "XDG_CACHE_HOME", ".cache")
    if create:
        make_cache_folder(folder)
    return folder


def make_cache_folder(folder: Path) -> None:
    """Make the cache folder, for its owner alone, if there is none yet.

    Raises:
        UsageError: it is no folder or cannot be made, or others than this user and root could
            change what is in it.
    """
    _make(folder, "cache", CACHE_VARIABLE)


def foreign_file(path: Path, variable: str) -> str:
    """Why a database must not be opened: it, or its log, is neither this user's nor root's.

    SQLite follows links, believes the file, and plays back whatever log lies beside it.

    Args:
        path: the database.
        variable: the one that may name its folder.

    Returns:
        a few words; empty if it may.

    Raises:
        OSError: it is not there, or cannot be looked at.
    """
    if why := not_ours(path, named=_is_named(variable)):
        return why
    for log in (path.with_name(f"{path.name}{suffix}") for suffix in ("-wal", "-shm", "-journal")):
        with suppress(FileNotFoundError):
            if why := not_ours(log, named=_is_named(variable)):
                return f"{log.name}: {why}"
    return ""


def _named(variable: str, base: str, default: str) -> Path:
    own = os.environ.get(variable, "")
    if own:
        # A relative path would mean another one in each folder that genretag is called from.
        if not os.path.isabs(own):  # noqa: PTH117
            raise UsageError(f"{variable} must be an absolute path, not {own}")
        return Path(own)
    above = Path(os.environ.get(base, ""))
    if above.is_absolute():  # the specification has relative paths ignored
        return above / "genretag"
    try:
        return Path.home() / default / "genretag"
    except RuntimeError as error:
        raise UsageError(f"the home folder is not known; set {variable}") from error


def _make(folder: Path, what: str, variable: str) -> None:
    try:
        # From the top down: mkdir(parents=True) would give the others the usual mode.
        for part in (*reversed(folder.parents), folder):
            if not part.is_dir():
                part.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise UsageError(
            f"{folder}: the {what} folder cannot be made: {reason}; set {variable} to another"
        ) from error
    _refuse_shared(folder, what, variable)


def _refuse_shared(folder: Path, what: str, variable: str) -> None:
    try:
        found = distrust(folder, named=_is_named(variable))
    except OSError:  # one above cannot be looked at; what is done there will say so
        return
    if found:
        why, advice = found
        raise UsageError(f"the {what} folder: {why}; {advice}, or {_another(variable)}")


def _another(variable: str) -> str:
    """What else is to be done about a folder that is not trusted."""
    return f"set {variable} to {'another folder' if _is_named(variable) else 'the folder you mean'}"


def _is_named(variable: str) -> bool:
    return bool(os.environ.get(variable))
