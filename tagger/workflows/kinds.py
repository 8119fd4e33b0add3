"""What a setting may be: how its value is read from text and checked, in words for people.

Each kind turns a value of TOML, of an environment variable (text) or of the command line into
the value that the program uses, and says in one phrase what it takes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from tagger.errors import UsageError
from tagger.report.timespan import parse_duration

__all__ = [
    "Choice",
    "Duration",
    "Kind",
    "Number",
    "Place",
    "Several",
    "Switch",
    "Text",
    "Whole",
    "Words",
    "expected_in_toml",
]

_YES: Final = {"1": True, "true": True, "yes": True, "on": True}
_NO: Final = {"0": False, "false": False, "no": False, "off": False}


class Kind(Protocol):
    """One kind of value.

    Attributes:
        metavar: how help names it; empty for a switch.
        expected: what it takes, behind the words "must be".
    """

    @property
    def metavar(self) -> str: ...
    @property
    def expected(self) -> str: ...

    def check(self, value: Any) -> Any:
        """The value as the program uses it, from a value of TOML or of the command line.

        Raises:
            ValueError: it is not what this kind takes.
        """

    def read(self, text: str) -> Any:
        """The same from text, as an environment variable holds it.

        Raises:
            ValueError: it is not what this kind takes.
        """


def expected_in_toml(kind: Kind) -> str:
    """What a kind takes, in terms of the configuration file."""
    return kind.expected_in_toml if isinstance(kind, Choice | Duration) else kind.expected


def _is(condition: object) -> None:
    if not condition:
        raise ValueError


@dataclass(frozen=True, slots=True)
class Switch:
    """On or off."""

    metavar: str = ""
    expected: str = "true or false"

    def check(self, value: Any) -> bool:
        _is(isinstance(value, bool))
        return bool(value)

    def read(self, text: str) -> bool:
        _is(text.lower() in _YES | _NO)
        return (_YES | _NO)[text.lower()]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    choices: tuple[str, ...]

    @property
    def metavar(self) -> str:
        return "|".join(self.choices)

    @property
    def expected(self) -> str:
        *first, last = self.choices
        return f"{', '.join(first)} or {last}"

    @property
    def expected_in_toml(self) -> str:
        *first, last = [f'"{choice}"' for choice in self.choices]
        return f"{', '.join(first)} or {last}, in quotes"

    def check(self, value: Any) -> str:
        _is(isinstance(value, str) and value in self.choices)
        return str(value)

    def read(self, text: str) -> str:
        return self.check(text)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from ``least`` to ``most``."""

    least: int
    most: int
    metavar: str = "N"

    @property
    def expected(self) -> str:
        return f"a whole number from {self.least} to {self.most}"

    def check(self, value: Any) -> int:
        _is(isinstance(value, int) and not isinstance(value, bool))
        _is(self.least <= value <= self.most)
        return int(value)

    def read(self, text: str) -> int:
        return self.check(int(text))


@dataclass(frozen=True, slots=True)
class Number:
    """A number from ``least`` to ``most``."""

    least: float
    most: float
    metavar: str = "P"

    @property
    def expected(self) -> str:
        return f"a number from {self.least:g} to {self.most:g}"

    def check(self, value: Any) -> float:
        _is(isinstance(value, int | float) and not isinstance(value, bool))
        _is(self.least <= value <= self.most)
        return float(value)

    def read(self, text: str) -> float:
        return self.check(float(text))


@dataclass(frozen=True, slots=True)
class Text:
    """Words as they are."""

    metavar: str
    expected: str = "text, and not empty"

    def check(self, value: Any) -> str:
        _is(isinstance(value, str) and value)
        return str(value)

    def read(self, text: str) -> str:
        return self.check(text)


@dataclass(frozen=True, slots=True)
class Words:
    """Several texts. In an environment variable they stand with ``;`` between them."""

    metavar: str
    expected: str = 'a list in brackets, each in quotes: ["*.m4a", "Audiobooks"]'

    def check(self, value: Any) -> tuple[str, ...]:
        _is(isinstance(value, list | tuple))
        _is(all(isinstance(word, str) and word for word in value))
        return tuple(value)

    def read(self, text: str) -> tuple[str, ...]:
        return tuple(word.strip() for word in text.split(";") if word.strip())


@dataclass(frozen=True, slots=True)
class Several:
    """Some of a few words, in their order. In an environment variable as :class:`Words`."""

    choices: tuple[str, ...]

    @property
    def metavar(self) -> str:
        return "|".join(self.choices)

    @property
    def expected(self) -> str:
        *first, last = [f'"{choice}"' for choice in self.choices]
        return f"a list of some of {', '.join(first)} and {last}"

    def check(self, value: Any) -> tuple[str, ...]:
        _is(isinstance(value, list | tuple))
        _is(all(isinstance(word, str) and word in self.choices for word in value))
        return tuple(choice for choice in self.choices if choice in value)

    def read(self, text: str) -> tuple[str, ...]:
        return self.check([word.strip() for word in text.split(";") if word.strip()])


@dataclass(frozen=True, slots=True)
class Place:
    """A path; ``~`` is the user's home."""

    metavar: str = "FILE"
    expected: str = "a path"

    def check(self, value: Any) -> Path:
        _is(isinstance(value, str | Path) and os.fspath(value))
        return Path(os.path.expanduser(value))  # noqa: PTH111 (keeps a ~user that is unknown)

    def read(self, text: str) -> Path:
        return self.check(text)


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds, from text such as ``2h``."""

    metavar: str = "TIME"
    expected: str = "like 2h, 90m, 1h30m, 45s or 3600 (seconds)"
    expected_in_toml: str = 'like "2h", "90m", "1h30m" or "45s", in quotes'

    def check(self, value: Any) -> float:
        _is(isinstance(value, str | int) and not isinstance(value, bool))
        return _seconds(parse_duration, str(value))

    def read(self, text: str) -> float:
        return self.check(text)


def _seconds(parse: Callable[[str], float], text: str) -> float:
    try:
        return parse(text)
    except UsageError as error:
        raise ValueError from error
