"""Reading a JSON document with an error that names the key at fault."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tagger.errors import ModelError

__all__ = ["Node"]


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a JSON document and the place where it stands."""

    value: Any
    place: str

    def at(self, *keys: str) -> Node:
        """The value behind a path of keys.

        Raises:
            ModelError: a key is missing.
        """
        node = self
        for key in keys:
            if not isinstance(node.value, dict) or key not in node.value:
                raise ModelError(f"{node.place}: {key} is missing")
            node = Node(node.value[key], f"{node.place}: {key}")
        return node

    def has(self, key: str) -> bool:
        """Whether an object holds a key, with anything but null."""
        return isinstance(self.value, dict) and self.value.get(key) is not None

    def names(self) -> list[str]:
        """Keys of an object."""
        if not isinstance(self.value, dict):
            raise self._wrong("an object")
        return list(self.value)

    def items(self, *keys: str) -> list[Node]:
        """Elements of a list."""
        node = self.at(*keys)
        if not isinstance(node.value, list):
            raise node._wrong("a list")
        return [Node(v, f"{node.place}[{i}]") for i, v in enumerate(node.value)]

    def text(self, *keys: str) -> str:
        """A string that is not empty and fits on one line."""
        node = self.at(*keys)
        if not isinstance(node.value, str) or not node.value or not node.value.isprintable():
            raise node._wrong("a printable string")
        return node.value

    def texts(self, *keys: str) -> tuple[str, ...]:
        """A list of strings."""
        return tuple(node.text() for node in self.items(*keys))

    def number(self, *keys: str, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite number between ``low`` and ``high``."""
        node = self.at(*keys)
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise node._wrong("a number")
        try:
            number = float(value)
        except OverflowError:  # JSON's whole numbers have no end
            number = math.inf
        if not math.isfinite(number) or not low <= number <= high:
            raise node._wrong(f"a number from {low:g} to {high:g}")
        return number

    def integer(self, *keys: str, low: float = -math.inf, high: float = math.inf) -> int:
        """A whole number between ``low`` and ``high``."""
        value = self.number(*keys, low=low, high=high)
        if value != int(value):
            raise self.at(*keys)._wrong("a whole number")
        return int(value)

    def numbers(
        self, *keys: str, low: float = -math.inf, high: float = math.inf
    ) -> tuple[float, ...]:
        """A list of finite numbers."""
        return tuple(node.number(low=low, high=high) for node in self.items(*keys))

    def _wrong(self, wanted: str) -> ModelError:
        return ModelError(f"{self.place} must be {wanted}")
