"""Texts on their way into the page: as JSON that no markup can be hidden in, kept on disk."""

from __future__ import annotations

import json
import shutil
from typing import IO, Any, Final, TypeAlias

__all__ = ["Output", "Texts", "script_json"]

Output: TypeAlias = IO[bytes]

_REMEMBERED: Final = 10_000  # distinct texts, beyond which one may be stored twice


def script_json(value: Any) -> bytes:
    """JSON that may stand in a script element: nothing in it ends one, or begins a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    # A lone surrogate has no UTF-8; written as an escape it is valid JSON.
    return text.encode("utf-8", errors="backslashreplace")


class Texts:
    """A growing JSON array of texts; memory does not grow with it.

    Args:
        file: a temporary file of its own.
    """

    def __init__(self, file: Output) -> None:
        self._file = file
        self._numbers: dict[str, int] = {}
        self._count = 0

    def append(self, text: str) -> int:
        """Add a text and return its number."""
        if self._count:
            self._file.write(b",")
        self._file.write(script_json(text))
        self._count += 1
        return self._count - 1

    def number(self, text: str) -> int:
        """The number of a text that may have come before; it is added if it is not known."""
        number = self._numbers.get(text)
        if number is None:
            if len(self._numbers) >= _REMEMBERED:
                self._numbers.clear()
            number = self._numbers[text] = self.append(text)
        return number

    def write(self, out: Output) -> None:
        """Write the array."""
        self._file.seek(0)
        out.write(b"[")
        shutil.copyfileobj(self._file, out)
        out.write(b"]")
