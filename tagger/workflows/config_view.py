"""What ``genretag config show`` shows: every setting as it holds, and from where."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagger.errors import UsageError
from tagger.workflows.config import Config, load_file
from tagger.workflows.libraries import settings_for
from tagger.workflows.settings import SETTINGS

__all__ = ["ConfigView", "view_config"]


@dataclass(frozen=True, slots=True)
class ConfigView:
    """The configuration as it holds.

    Attributes:
        path: the file's place; None if there can be none.
        found: whether it is there.
        rows: key, value and source.
    """

    path: Path | None
    found: bool
    rows: list[tuple[str, Any, str]]


def view_config(path: Path | None, environment: Mapping[str, str] = os.environ) -> ConfigView:
    """Put together what holds for a scan of a path, or of any that no section is about.

    Raises:
        UsageError: there is no such path, or the configuration is wrong.
    """
    if path is not None and not os.path.lexists(path):
        raise UsageError(f"{path}: no such file or folder")
    file = load_file(environment)
    chosen = settings_for([path] if path else [], {}, environment, file)
    rows: list[tuple[str, Any, str]] = [
        (SETTINGS[name].key.lstrip("."), found.value, found.source)
        for name, found in chosen.settings.found.items()
    ]
    here = f'file, library "{chosen.library.folder}"' if chosen.library else "file"
    general = dict(_words(file.config))
    for key, value in _words(chosen.config):
        rows.append((key, value, "file" if general.get(key) == value else here))
    rows += [
        (f'library."{library.folder}"', ", ".join(library.settings) or "words", "file")
        for library in file.libraries
        if not path
    ]
    return ConfigView(file.path, file.found, rows)


def _words(config: Config) -> list[tuple[str, Any]]:
    words = config.vocabulary
    return [
        *([("vocabulary.ignore", sorted(words.ignore))] if words.ignore else []),
        *([("vocabulary.whitelist", list(words.whitelist))] if words.whitelist else []),
        *((f'vocabulary.aliases."{label}"', word) for label, word in words.aliases.items()),
        *((f'vocabulary.parents."{word}"', above) for word, above in words.parents.items()),
        *((f'thresholds."{word}"', least) for word, least in config.thresholds.items()),
    ]
