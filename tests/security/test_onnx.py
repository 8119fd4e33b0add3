"""ONNX files from strangers are refused before a runtime reads what they name."""

from __future__ import annotations

import pytest

from tagger.errors import ModelError
from tagger.models.bundle import find_bundle, load_bundle
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
    import json
    import shutil
    from hashlib import sha256

    from tagger.models.ensemble import Ensemble

    folder = tmp_path / "m"
    shutil.copytree(find_bundle("default"), folder)
    evil = model(field(5, ELSEWHERE))
    manifest = json.loads((folder / "model.json").read_text())
    name = manifest["ensemble"]["members"][0]["file"]
    (folder / name).write_bytes(evil)
    manifest["files"][name] = sha256(evil).hexdigest()
    (folder / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match=OUTSIDE):
        Ensemble(load_bundle(folder))
