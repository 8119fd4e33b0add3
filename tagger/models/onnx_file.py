"""What an ONNX file from a stranger may hold, checked before a runtime sees it.

A model may name files on this machine that its numbers are to be read from, may loop without
end, and may blow up a few bytes into any amount of memory. None of it has a place in a bundle.
(What grows by other means is bounded by :mod:`tagger.models.memory`.) The messages and their
numbers are those of onnx.proto; all that is read of them is what these checks need.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tagger.errors import ModelError

__all__ = ["check_onnx"]

_DOMAINS: Final = frozenset({"", "ai.onnx", "ai.onnx.ml"})
_ALSO: Final = frozenset({("com.microsoft", "CDist")})  # distances, as scikit-learn's are exported
_LOOPS: Final = frozenset({"Loop", "Scan", "SequenceMap"})
_INFLATING: Final = frozenset(
    {
        "Bernoulli", "ConstantOfShape", "Expand", "EyeLike", "GridSample", "MaxUnpool", "OneHot",
        "Pad", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Range",
        "Resize", "ScatterElements", "ScatterND", "Tile", "Upsample",
    }
)  # fmt: skip
"""What gives a result of any size out of a number or two that say how large it is."""

_NEVER: Final = _LOOPS | _INFLATING
_DEEPEST: Final = 20
_MOST_NODES: Final = 10_000
_MOST_VALUES: Final = 64 << 20  # of a sparse tensor, which is made a dense one
_LEAST_BYTES: Final = 0.5  # of a value: there are types of four bits

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MODEL_GRAPH, _MODEL_FUNCTION = 7, 25
_GRAPH_NODE, _GRAPH_TENSOR, _GRAPH_SPARSE = 1, 5, 15
_NODE_OP, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = (5, 10), (6, 11), (22, 23)
_TENSOR_DIMS, _TENSOR_EXTERNAL, _TENSOR_LOCATION = 1, 13, 14
_SPARSE_TENSORS, _SPARSE_DIMS = (1, 2), 3

# A forest's attributes are hundreds of thousands of fields, one for each number of each node.
# These are floats, ints and short strings, which refer to nothing: they are passed over in bulk.
_SHORT_STRINGS: Final = rb"|".join(rb"\x%02x.{%d}" % (size, size) for size in range(32))
_PLAIN_FIELDS: Final = re.compile(
    rb"(?:\x3d.{4}|\x40[\x80-\xff]{0,9}[\x00-\x7f]|\x4a(?:" + _SHORT_STRINGS + rb"))*+", re.DOTALL
)


def check_onnx(data: bytes, name: str) -> None:
    """Refuse a file with numbers kept elsewhere, endless loops, or operators that are not ONNX's.

    Args:
        data: the file.
        name: what it is called in messages.

    Raises:
        ModelError: with the reason.
    """
    try:
        for number, value in _fields(memoryview(data)):
            if number == _MODEL_FUNCTION:
                raise ModelError(f"{name}: defines operators of its own")
            if number == _MODEL_GRAPH and isinstance(value, memoryview):
                _check_graph(value, name, 0)
    except (IndexError, ValueError) as error:
        raise ModelError(
            f"{name}: the ensemble cannot be loaded: not an ONNX file, or damaged"
        ) from error


def _check_graph(graph: memoryview, name: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise ModelError(f"{name}: graphs in graphs, too deep")
    nodes = 0
    for number, value in _fields(graph):
        if not isinstance(value, memoryview):
            continue
        if number == _GRAPH_NODE:
            nodes += 1
            if nodes > _MOST_NODES:
                raise ModelError(f"{name}: more than {_MOST_NODES:,} operators")
            _check_node(value, name, depth)
        elif number == _GRAPH_TENSOR:
            _check_tensor(value, name)
        elif number == _GRAPH_SPARSE:
            _check_sparse(value, name)


def _check_node(node: memoryview, name: str, depth: int) -> None:
    operator = domain = ""
    for number, value in _fields(node):
        if not isinstance(value, memoryview):
            continue
        if number == _NODE_OP:
            operator = bytes(value).decode()
        elif number == _NODE_DOMAIN:
            domain = bytes(value).decode()
        elif number == _NODE_ATTRIBUTE:
            _check_attribute(value, name, depth)
    known = domain in _DOMAINS or (domain, operator) in _ALSO
    if not known or operator in _NEVER:
        full = f"{domain}.{operator}".lstrip(".")
        raise ModelError(f"{name}: the operator {full[:100]!r} has no place in a model")


def _check_attribute(attribute: memoryview, name: str, depth: int) -> None:
    for number, value in _fields(attribute, _PLAIN_FIELDS):
        if not isinstance(value, memoryview):
            continue
        if number in _ATTRIBUTE_TENSORS:
            _check_tensor(value, name)
        elif number in _ATTRIBUTE_GRAPHS:
            _check_graph(value, name, depth + 1)
        elif number in _ATTRIBUTE_SPARSE:
            _check_sparse(value, name)


def _check_sparse(sparse: memoryview, name: str) -> None:
    values = 1
    for number, value in _fields(sparse):
        if number in _SPARSE_TENSORS and isinstance(value, memoryview):
            _check_tensor(value, name)
        elif number == _SPARSE_DIMS:
            values *= _dims(value)
    if values > _MOST_VALUES:
        raise ModelError(f"{name}: a sparse tensor of {values:,} values")


def _check_tensor(tensor: memoryview, name: str) -> None:
    values = 1
    for number, value in _fields(tensor):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value):
            raise ModelError(f"{name}: its numbers are to be read from another file")
        if number == _TENSOR_DIMS:
            values *= _dims(value)
    if values * _LEAST_BYTES > len(tensor):
        raise ModelError(f"{name}: a tensor says that it has {values:,} values, and has fewer")


def _dims(value: int | memoryview) -> int:
    """Product of the dimensions that a field holds: one, or several packed."""
    if isinstance(value, int):
        return value
    product, at = 1, 0
    while at < len(value):
        dim, at = _varint(value, at)
        product *= dim
    return product


def _fields(
    message: memoryview, passed_over: re.Pattern[bytes] | None = None
) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field of a protobuf message.

    Args:
        message: its bytes.
        passed_over: what this matches, if only the empty string, is not looked at.

    Raises:
        IndexError, ValueError: the message is damaged.
    """
    at = 0
    while True:
        if passed_over and (plain := passed_over.match(message, at)):
            at = plain.end()
        if at >= len(message):
            return
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError("unknown kind of field")
        if size > len(message) - at:
            raise ValueError("cut short")
        yield number, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number is too long")
