"""A small bundle whose weights are no weights: enough to be read and verified."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tagger.analysis.version import ANALYSIS_VERSION

FILES: Final = {"cnn.tflite": b"network", "a.onnx": b"first member", "b.onnx": b"second member"}

_MANIFEST: Final[dict[str, Any]] = {
    "format": 1,
    "name": "small",
    "version": "0.0.1",
    "labels": ["Folk", "Ska"],
    "analysis": {
        "version": ANALYSIS_VERSION,
        "excerpts": {"count": 2, "seconds": 15.0},
        "features": ["one", "two", "three"],
    },
    "ensemble": {
        "members": [
            {"name": "a", "file": "a.onnx", "weight": 1.0},
            {"name": "b", "file": "b.onnx", "weight": 0},
        ]
    },
    "cnn": {"file": "cnn.tflite", "columns": 192, "offset": 0.5, "scale": 4.0},
    "fusion": {"ensemble": 0.6, "cnn": 0.4, "temperature": 1.5},
    "thresholds": {"Folk": 0.5, "Ska": 0.75},
    "clusters": {
        "features": [2, 0],
        "mean": [1.0, 10.0],
        "scale": [2.0, 5.0],
        "centroids": [[0.0, 0.0], [1.0, -1.0], [5.0, 5.0]],
        "names": ["calm", "lively", "wild"],
    },
    "music": {
        "features": [1, 2],
        "mean": [5.0, 0.0],
        "scale": [2.0, 0.5],
        "limit": 3.0,
        "kinds": ["speech", "a tone"],
        "coefficients": [[2.0, 0.0], [0.0, 2.0]],
        "intercepts": [-4.0, -4.0],
        "threshold": 0.5,
    },
    "files": {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()},
}


def small_bundle(folder: Path, edit: Callable[[dict[str, Any]], object] | None = None) -> Path:
    """Write the small bundle into a new folder, its manifest changed by ``edit``."""
    folder.mkdir()
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    manifest = copy.deepcopy(_MANIFEST)
    if edit:
        edit(manifest)
    (folder / "model.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def put(place: str, value: object) -> Callable[[dict[str, Any]], None]:
    """An edit: set the value at ``a.b.0.c``."""

    def edit(manifest: dict[str, Any]) -> None:
        node, key = _resolve(manifest, place)
        node[key] = value

    return edit


def drop(place: str) -> Callable[[dict[str, Any]], None]:
    """An edit: take away what stands at ``a.b.0.c``."""

    def edit(manifest: dict[str, Any]) -> None:
        node, key = _resolve(manifest, place)
        del node[key]

    return edit


def _resolve(manifest: dict[str, Any], place: str) -> tuple[Any, str | int]:
    *way, last = place.split(".")
    node: Any = manifest
    for key in way:
        node = node[int(key) if isinstance(node, list) else key]
    return node, int(last) if isinstance(node, list) else last
