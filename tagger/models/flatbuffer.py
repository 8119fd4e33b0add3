"""Reading a FlatBuffer by its schema, with every offset checked before it is followed.

The runtimes that read such files follow offsets without looking where they lead. What has been
read here once lies in the file as the schema says, so that a damaged file is no crash.

Layout after the FlatBuffers documentation, "FlatBuffer Internals": a table begins with the distance
back to its vtable, which says for each field where in the table it lies; strings, vectors and
tables are stored elsewhere, and the field has the distance to them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

__all__ = [
    "BYTE",
    "INT",
    "LONG",
    "STRING",
    "Choice",
    "Scalar",
    "Schema",
    "Tables",
    "Vector",
    "read_table",
]

_MOST_TABLES: Final = 200_000
"""No file has more; offsets may lead to one table again and again."""


class Scalar(NamedTuple):
    """A number of a :mod:`struct` format, as field or as element of a vector."""

    format: str


class Vector(NamedTuple):
    """Numbers in a row; read as a view of their bytes."""

    of: Scalar


class Tables(NamedTuple):
    """Tables in a row."""

    of: Schema


class Choice(NamedTuple):
    """A table whose schema an earlier field chooses, as in a union."""

    by: str
    of: Mapping[int, Schema]
    otherwise: Schema


BYTE, INT, LONG = Scalar("<b"), Scalar("<i"), Scalar("<q")
STRING: Final = Vector(BYTE)


@dataclass(frozen=True, slots=True)
class Schema:
    """A table's fields by number: name and kind.

    Attributes:
        closed: fields that are not named must be absent; otherwise they may be numbers.
    """

    fields: Mapping[int, tuple[str, Scalar | Vector | Tables | Choice | Schema]]
    closed: bool = True


def read_table(data: bytes, schema: Schema) -> dict[str, Any]:
    """The root table of a file: fields by name, those that are absent not among them.

    Raises:
        ValueError: an offset leads out of the file, or there is what the schema does not know.
    """
    reader = _Reader(memoryview(data))
    return reader.table(reader.there(0), schema)


class _Reader:
    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._tables = 0

    def number(self, scalar: Scalar, at: int) -> int:
        size = struct.calcsize(scalar.format)
        if not 0 <= at <= len(self._data) - size:
            raise ValueError("an offset leads out of the file")
        return int(struct.unpack_from(scalar.format, self._data, at)[0])

    def there(self, at: int) -> int:
        """Where the distance at a place leads; always forwards."""
        return at + self.number(Scalar("<I"), at)

    def table(self, at: int, schema: Schema) -> dict[str, Any]:
        self._tables += 1
        if self._tables > _MOST_TABLES:
            raise ValueError("too many tables")
        vtable = at - self.number(INT, at)
        width, size = self.number(Scalar("<H"), vtable), self.number(Scalar("<H"), vtable + 2)
        if width < 4 or width % 2 or size < 4 or at + size > len(self._data):
            raise ValueError("a table is cut short")
        found: dict[str, Any] = {}
        for i in range((width - 4) // 2):
            offset = self.number(Scalar("<H"), vtable + 4 + 2 * i)
            if not offset:
                continue
            if offset >= size:
                raise ValueError("a field lies outside of its table")
            known = schema.fields.get(i)
            if known:
                name, kind = known
                if isinstance(kind, Choice):
                    kind = kind.of.get(found.get(kind.by, 0), kind.otherwise)
                found[name] = self._value(at + offset, kind)
            elif schema.closed:
                raise ValueError("a field that is not known")
            else:
                self.number(INT, at + offset)
        return found

    def _value(self, at: int, kind: Scalar | Vector | Tables | Schema) -> Any:
        if isinstance(kind, Scalar):
            return self.number(kind, at)
        target = self.there(at)
        if isinstance(kind, Schema):
            return self.table(target, kind)
        count, first = self.number(Scalar("<I"), target), target + 4
        if isinstance(kind, Vector):
            end = first + count * struct.calcsize(kind.of.format)
            if end > len(self._data):
                raise ValueError("a vector is cut short")
            return self._data[first:end]
        if first + 4 * count > len(self._data) or count > _MOST_TABLES:
            raise ValueError("a vector is cut short")
        return [self.table(self.there(first + 4 * i), kind.of) for i in range(count)]
