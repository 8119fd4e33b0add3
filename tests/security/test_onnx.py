"""ONNX files from strangers are refused before a runtime reads what they name."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from security.strangers import model_with

from tagger.errors import ModelError
from tagger.models.bundle import find_bundle, load_bundle
from tagger.models.ensemble import Ensemble
from tagger.models.memory import memory_bound
from tagger.models.onnx_file import check_onnx


def _varint(n: int) -> bytes:
    out = b""
    while n > 0x7F:
        out += bytes((n & 0x7F | 0x80,))
        n >>= 7
    return out + bytes((n,))


def field(number: int, value: bytes | int) -> bytes:
    """A field of a protobuf message."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def node(operator: str, domain: str = "", *attributes: bytes) -> bytes:
    inner = b"".join(field(5, attribute) for attribute in attributes)
    return field(1, field(4, operator.encode()) + field(7, domain.encode()) + inner)


def model(graph: bytes) -> bytes:
    return field(1, 8) + field(7, graph)


NUMBERS = b"\x3d....\x40\x80\x01\x4a\x04LEAF" * 9
"""Floats, ints and strings of an attribute, as a forest has them by the thousand."""
ELSEWHERE = field(13, field(1, b"location") + field(2, b"/etc/passwd"))
OUTSIDE = "read from another file"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (model(field(5, ELSEWHERE)), OUTSIDE),
        (model(field(5, field(14, 1))), OUTSIDE),
        (model(node("Constant", "", field(5, ELSEWHERE))), OUTSIDE),
        (model(node("Constant", "", NUMBERS + field(5, ELSEWHERE) + NUMBERS)), OUTSIDE),
        (model(node("Constant", "", NUMBERS + b"\x4a\x05LEAF")), "damaged"),
        (model(field(15, field(1, ELSEWHERE))), OUTSIDE),
        (model(node("If", "", field(6, field(5, ELSEWHERE)))), OUTSIDE),
        (model(node("Loop")), "'Loop' has no place"),
        (model(node("If", "", field(6, node("Loop")))), "'Loop' has no place"),
        (model(node("Evil", "com.evil")), "'com.evil.Evil' has no place"),
        (model(node("EPContext", "com.microsoft")), "has no place"),
        (field(25, b""), "operators of its own"),
        *(
            (model(node(name)), f"'{name}' has no place")
            for name in ("ConstantOfShape", "Expand", "Tile", "Range", "Scan", "Resize", "OneHot")
        ),
        (model(field(5, field(1, 2**20) * 3 + field(9, bytes(64)))), "values, and has fewer"),
        (model(field(5, field(1, _varint(2**40)) + field(9, bytes(64)))), "values, and has fewer"),
        (model(node("Constant", "", field(5, field(1, 2**40)))), "values, and has fewer"),
        (model(field(15, field(3, 2**20) * 2)), "a sparse tensor"),
        (model(node("Add") * 10_001), "more than 10,000 operators"),
        (model(node("Add"))[:-1], "damaged"),
        (b"\xff" * 20, "damaged"),
    ],
)
def test_what_has_no_place_in_a_model(data, said):
    with pytest.raises(ModelError, match=said):
        check_onnx(data, "a.onnx")


def test_graphs_without_end():
    graph = b""
    for _ in range(50):
        graph = node("If", "", field(6, graph))
    with pytest.raises(ModelError, match="too deep"):
        check_onnx(model(graph), "a.onnx")


def test_the_default_models_members_pass():
    bundle = load_bundle(find_bundle("default"))
    for member in bundle.members:
        check_onnx(bundle.weights[member.file], member.file)


def test_the_ensemble_asks_first(tmp_path):
    evil = model(field(5, ELSEWHERE))
    with pytest.raises(ModelError, match=OUTSIDE):
        Ensemble(load_bundle(model_with(tmp_path / "m", "onnx", evil)))


def tensor(name: str, *dims: int) -> bytes:
    values = bytes(4 * math.prod(dims))
    head = b"".join(field(1, dim) for dim in dims)
    return head + field(2, 1) + field(8, name.encode()) + field(9, values)


def sum_of(*names: str) -> bytes:
    """A node that adds two tensors."""
    *inputs, output = (name.encode() for name in names)
    return field(1, b"".join(field(1, i) for i in inputs) + field(2, output) + field(4, b"Add"))


def table(n: int) -> bytes:
    """A network of legal operators: a column and a row of n constants make a square."""
    features, answer = (
        field(1, name) + field(2, field(1, field(1, 1) + field(2, field(1, b"") * 2)))
        for name in (b"x", b"y")
    )
    graph = (
        sum_of("column", "row", "square")
        + field(1, field(1, b"square") + field(2, b"least") + field(4, b"ReduceMin"))
        + sum_of("x", "least", "y")
        + field(2, b"g")
        + field(5, tensor("column", n, 1))
        + field(5, tensor("row", 1, n))
        + field(11, features)
        + field(12, answer)
    )
    return field(1, 8) + field(8, field(1, b"") + field(2, 17)) + field(7, graph)


def probabilities_of(folder, data: bytes):
    bundle = load_bundle(model_with(folder, "onnx", data))
    return Ensemble(bundle).probabilities(np.ones((1, len(bundle.features)), np.float32))


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux alone")
def test_memory_that_legal_operators_make(tmp_path):
    """160 KB of constants, and 1.6 GB of what they make."""
    with pytest.raises(ModelError, match="wants more memory than a model may take"):
        probabilities_of(tmp_path / "m", table(20_000))


def test_the_same_of_a_small_size_is_loaded_and_runs(tmp_path):
    with pytest.raises(ModelError, match=r"member answers \(1, \d+\)"):
        probabilities_of(tmp_path / "m", table(20))


def test_the_limit_is_put_back():
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    with memory_bound():
        pass
    assert resource.getrlimit(resource.RLIMIT_AS) == before
