"""Settings as people read them: each with its value and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from tagger.report.text import one_line, shown

__all__ = ["decided", "print_settings", "settings_json"]


class FoundLike(Protocol):
    """A value, and where it came from."""

    @property
    def value(self) -> Any: ...
    @property
    def source(self) -> str: ...


def decided(chosen: Mapping[str, FoundLike]) -> str:
    """What somebody decided, in one line; empty if nothing."""
    parts = [
        f"{name} {_text(found.value)} ({one_line(found.source)})" for name, found in chosen.items()
    ]
    return f"Settings: {', '.join(parts)}" if parts else ""


def print_settings(path: Path | None, found: bool, rows: Iterable[tuple[str, Any, str]]) -> None:
    """Show where the file is, and each key with its value and source."""
    where = shown(path) if path else "no place for it: this user has no home"
    print(f"configuration: {where}{'' if found else ' (not there)' if path else ''}")
    shown_rows = [(one_line(key), _text(value), one_line(source)) for key, value, source in rows]
    widths = [max((len(row[column]) for row in shown_rows), default=0) for column in (0, 1)]
    for key, value, source in shown_rows:
        print(f"  {key:<{widths[0]}}  {value:<{min(40, widths[1])}}  {source}")


def settings_json(path: Path | None, found: bool, rows: Iterable[tuple[str, Any, str]]) -> str:
    """The same for programs."""
    values = {key: {"value": value, "source": source} for key, value, source in rows}
    where = str(path) if path else None
    return json.dumps({"file": where, "found": found, "settings": values}, default=str, indent=2)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | set | frozenset):
        return one_line("; ".join(map(str, value))) or "-"
    return shown(value) if isinstance(value, Path) else one_line(str(value))
