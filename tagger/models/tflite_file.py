"""What a LiteRT file from a stranger may hold, checked before the runtime sees it.

The runtime follows a damaged file's offsets out of it and dies; it reserves whatever memory a
tensor's shape asks for; and operators of its own choosing may be anything. So the whole file is
read here first: each offset must stay in it, each operator be one that a network for pictures
needs, each tensor small. The numbers are those of LiteRT's schema.fbs.
"""

from __future__ import annotations

import math
import struct
from typing import Any, Final

from tagger.errors import ModelError
from tagger.models.flatbuffer import (
    BYTE,
    INT,
    LONG,
    STRING,
    Choice,
    Scalar,
    Schema,
    Tables,
    Vector,
    read_table,
)

__all__ = ["MAX_PATCH_BYTES", "check_tflite"]

MAX_PATCH_BYTES: Final = 64 << 20
"""Most that one tensor may take for one patch; VGG16 needs 12 MiB."""

_OPERATORS: Final = {
    0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D",
    8: "FLOOR", 9: "FULLY_CONNECTED", 11: "L2_NORMALIZATION", 14: "LOGISTIC", 17: "MAX_POOL_2D",
    18: "MUL", 19: "RELU", 20: "RELU_N1_TO_1", 21: "RELU6", 22: "RESHAPE", 23: "RESIZE_BILINEAR",
    25: "SOFTMAX", 28: "TANH", 34: "PAD", 36: "GATHER", 39: "TRANSPOSE", 40: "MEAN", 41: "SUB",
    42: "DIV", 43: "SQUEEZE", 45: "STRIDED_SLICE", 47: "EXP", 49: "SPLIT", 50: "LOG_SOFTMAX",
    53: "CAST", 54: "PRELU", 55: "MAXIMUM", 57: "MINIMUM", 59: "NEG", 65: "SLICE",
    70: "EXPAND_DIMS", 73: "LOG", 74: "SUM", 75: "SQRT", 76: "RSQRT", 77: "SHAPE", 78: "POW",
    81: "REDUCE_PROD", 82: "REDUCE_MAX", 83: "PACK", 88: "UNPACK", 89: "REDUCE_MIN",
    92: "SQUARE", 94: "FILL", 97: "RESIZE_NEAREST_NEIGHBOR", 98: "LEAKY_RELU",
    99: "SQUARED_DIFFERENCE", 101: "ABS", 102: "SPLIT_V", 105: "REVERSE_V2", 111: "ELU",
    117: "HARD_SWISH", 126: "BATCH_MATMUL", 150: "GELU",
}  # fmt: skip
"""Without custom ones, control flow, variables, tables and random numbers."""

_CUSTOM: Final = 32
_BYTES: Final = {0: 4, 1: 2, 2: 4, 3: 1, 4: 8, 6: 1, 7: 2, 9: 1, 10: 8, 15: 4, 16: 2}
"""Bytes of a value, by type; without texts, resources and what is packed below a byte."""

_UINT: Final = Scalar("<I")
_INTS: Final = Vector(INT)
_SHAPED: Final = Schema({0: ("shape", _INTS)})
_OPTIONS: Final = Choice(
    "kind",
    {
        8: Schema({i: (f"number {i}", BYTE) for i in range(5)}),  # of FULLY_CONNECTED
        17: _SHAPED,  # of RESHAPE
        30: _SHAPED,  # of SQUEEZE
    },
    Schema({}, closed=False),  # nothing but numbers
)
_CODE: Final = Schema(
    {0: ("short", BYTE), 1: ("custom", STRING), 2: ("version", INT), 3: ("code", INT)}
)
_QUANTIZATION: Final = Schema(
    {
        0: ("min", _INTS),
        1: ("max", _INTS),
        2: ("scale", _INTS),
        3: ("zero", Vector(LONG)),
        4: ("kind", BYTE),
        6: ("dimension", INT),
    }
)
_TENSOR: Final = Schema(
    {
        0: ("shape", _INTS),
        1: ("type", BYTE),
        2: ("buffer", _UINT),
        3: ("name", STRING),
        4: ("quantization", _QUANTIZATION),
        5: ("variable", BYTE),
        7: ("signature", _INTS),
        8: ("ranked", BYTE),
    }
)
_OPERATOR: Final = Schema(
    {
        0: ("code", _UINT),
        1: ("inputs", _INTS),
        2: ("outputs", _INTS),
        3: ("kind", BYTE),
        4: ("options", _OPTIONS),
        6: ("custom format", BYTE),
        7: ("mutating", STRING),
        8: ("intermediates", _INTS),
        13: ("debug", INT),
    }
)
_GRAPH: Final = Schema(
    {
        0: ("tensors", Tables(_TENSOR)),
        1: ("inputs", _INTS),
        2: ("outputs", _INTS),
        3: ("operators", Tables(_OPERATOR)),
        4: ("name", STRING),
        5: ("debug", INT),
    }
)
_BUFFER: Final = Schema({0: ("data", STRING), 1: ("offset", LONG), 2: ("size", LONG)})
_METADATA: Final = Schema({0: ("name", STRING), 1: ("buffer", _UINT)})
_MAP: Final = Schema({0: ("name", STRING), 1: ("tensor", _UINT)})
_SIGNATURE: Final = Schema(
    {
        0: ("inputs", Tables(_MAP)),
        1: ("outputs", Tables(_MAP)),
        2: ("key", STRING),
        4: ("graph", _UINT),
    }
)
_MODEL: Final = Schema(
    {
        0: ("version", _UINT),
        1: ("codes", Tables(_CODE)),
        2: ("graphs", Tables(_GRAPH)),
        3: ("description", STRING),
        4: ("buffers", Tables(_BUFFER)),
        5: ("metadata_buffer", _INTS),
        6: ("metadata", Tables(_METADATA)),
        7: ("signatures", Tables(_SIGNATURE)),
    }
)


def check_tflite(data: bytes, name: str) -> None:
    """Refuse a damaged file, operators that have no place in a model, and tensors without end.

    Args:
        data: the file.
        name: what it is called in messages.

    Raises:
        ModelError: with the reason.
    """
    if data[4:8] != b"TFL3":
        raise ModelError(f"{name}: the network cannot be loaded: not a LiteRT file, or damaged")
    try:
        model = read_table(data, _MODEL)
        codes = [_checked(code, name) for code in model.get("codes", ())]
        buffers = [_buffer(buffer, name) for buffer in model.get("buffers", ())]
        graphs = model.get("graphs", ())
        if len(graphs) != 1:
            raise ModelError(f"{name}: a network must be one graph, not {len(graphs)}")
        _check_graph(graphs[0], len(codes), buffers, name)
        for signature in model.get("signatures", ()):
            maps = (*signature.get("inputs", ()), *signature.get("outputs", ()))
            if any(one.get("tensor", 0) >= len(graphs[0]["tensors"]) for one in maps):
                raise ValueError("a signature names a tensor that is not there")
    except (KeyError, ValueError, struct.error) as error:
        raise ModelError(
            f"{name}: the network cannot be loaded: the file is damaged or cut short ({error})"
        ) from error


def _checked(code: dict[str, Any], name: str) -> str:
    number = max(code.get("short", 0), code.get("code", 0))
    if number in _OPERATORS and "custom" not in code:
        return _OPERATORS[number]
    called = bytes(code.get("custom", b"")).decode("utf-8", "backslashreplace")[:100]
    said = repr(called) if called else f"number {number}"
    what = "a custom operator" if number == _CUSTOM or called else "the operator"
    raise ModelError(f"{name}: {what}, {said}, has no place in a model")


def _buffer(buffer: dict[str, Any], name: str) -> int:
    """How many bytes it holds."""
    if buffer.get("offset") or buffer.get("size"):
        raise ModelError(f"{name}: its numbers lie outside of the file's own structure")
    return len(buffer.get("data", b""))


def _check_graph(graph: dict[str, Any], codes: int, buffers: list[int], name: str) -> None:
    tensors = graph["tensors"]
    for tensor in tensors:
        _check_tensor(tensor, buffers, name)
    used = [graph["inputs"], graph["outputs"]]
    for operator in graph["operators"]:
        if operator.get("code", 0) >= codes:
            raise ValueError("an operator that is not there")
        used += [operator.get("inputs", b""), operator.get("outputs", b"")]
    for indices in used:
        if any(not -1 <= i < len(tensors) for i in _ints(indices)):  # -1: an input left out
            raise ValueError("a tensor that is not there")


def _check_tensor(tensor: dict[str, Any], buffers: list[int], name: str) -> None:
    kind, buffer = tensor.get("type", 0), tensor.get("buffer", 0)
    if kind not in _BYTES:
        raise ModelError(f"{name}: a tensor of type {kind} has no place in a model")
    if buffer >= len(buffers):
        raise ValueError("a buffer that is not there")
    shape = _ints(tensor.get("shape", b""))
    if any(n < 0 for n in shape):
        raise ValueError("a shape below zero")
    size = _BYTES[kind] * math.prod(shape)
    if buffers[buffer]:
        if size != buffers[buffer]:
            raise ValueError("a tensor of another length than its numbers")
    elif size > MAX_PATCH_BYTES:
        raise ModelError(f"{name}: a tensor wants {size >> 20:,} MB of memory for one patch")


def _ints(view: Any) -> tuple[int, ...]:
    return struct.unpack(f"<{len(view) // 4}i", view)
