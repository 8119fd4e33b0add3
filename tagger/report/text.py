"""Words for values: names that are safe to print, percentages, durations."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

__all__ = ["counted", "duration", "one_line", "percent", "print_prose", "shown"]

_NARROWEST: Final = 20


def shown(path: Path | str) -> str:
    """A file name as printable text: what is not UTF-8, a line break or an escape code in it
    is written out (``\\xff``, ``\\n``, ``\\x1b``) instead of acted upon."""
    try:
        text = os.fsencode(path).decode("utf-8", errors="backslashreplace")
    except UnicodeEncodeError:  # a lone surrogate that no file name gives
        text = os.fspath(path)
    return one_line(text)


def one_line(text: str) -> str:
    """Text with every character that is not printable written out as an escape."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


def percent(probability: float) -> str:
    """``83 %``; never 100 % for what is not certain."""
    return f"{min(99, round(100 * probability)) if probability < 1 else 100} %"


def duration(seconds: float) -> str:
    """``0:42``, ``7:05``, ``3:20:11``."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02d}:{s:02d}" if hours else f"{m}:{s:02d}"


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """``1 track``, ``2 tracks``, ``1,000 tracks``."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def print_prose(console: Console, text: Text, indent: int = 0) -> None:
    """Print sentences: on a terminal broken between words, elsewhere on one line."""
    lines = [text]
    if console.is_terminal:
        lines = list(text.wrap(console, max(_NARROWEST, console.width - indent)))
    for line in lines:
        line.pad_left(indent)
        console.print(line, soft_wrap=True)
