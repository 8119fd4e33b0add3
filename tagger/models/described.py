"""What a model is, as one JSON object: for ``genretag models show``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from tagger.analysis.version import ANALYSIS_VERSION
from tagger.errors import ModelError
from tagger.models.bundle import Bundle
from tagger.models.files import read_bounded

__all__ = ["described"]

FIGURES: Final = "figures.json"
"""What a training measured, beside the card; no part of the model, and without a digest."""

_MAX_FIGURES_BYTES: Final = 16 << 20
_HELD_OUT: Final = ("n", "accuracy", "kappa", "macro_f1", "ece")
_WRITTEN: Final = ("share", "accuracy")


def described(bundle: Bundle) -> dict[str, Any]:
    """A model's labels, analysis, parts and size, and the figures that were published with it.

    ``figures`` is None where no file of them lies beside the model or it is none of ours;
    shares, probabilities and thresholds are from 0 to 1, sizes in bytes.
    """
    sizes = {name: len(data) for name, data in bundle.weights.items()}
    return {
        "name": bundle.name,
        "version": bundle.version,
        "folder": str(bundle.folder),
        "bytes": sum(sizes.values()),
        "files": sizes,
        "labels": list(bundle.labels),
        "thresholds": dict(bundle.thresholds),
        "analysis": {
            "version": ANALYSIS_VERSION,
            "excerpts": bundle.excerpts.count,
            "excerpt_s": bundle.excerpts.seconds,
            "features": len(bundle.features),
        },
        "ensemble": [
            {"name": member.name, "file": member.file, "weight": member.weight}
            for member in bundle.members
        ],
        "network": {
            "file": bundle.cnn.file,
            "patch_s": bundle.cnn.patch_s,
            "every_frame": bundle.cnn.every_frame,
            "embedding": bundle.cnn.embedding,
        },
        "fusion": {
            "ensemble": bundle.fusion.ensemble,
            "network": bundle.fusion.cnn,
            "temperature": bundle.fusion.temperature,
            "bias": dict(zip(bundle.fitted_labels, bundle.fusion.bias, strict=False)),
        },
        "added": [genre.label for genre in bundle.added],
        "music_types": list(bundle.clusters.names) if bundle.clusters else [],
        "not_music": (
            {"kinds": list(bundle.music.kinds), "threshold": bundle.music.threshold}
            if bundle.music
            else None
        ),
        "figures": _figures(bundle.folder / FIGURES),
    }


def _figures(path: Path) -> dict[str, Any] | None:
    """The figures that a reader of the card sees first, if they are there and make sense."""
    try:
        value = json.loads(read_bounded(path, _MAX_FIGURES_BYTES))
    except (OSError, ValueError, RecursionError, ModelError):
        return None
    value = _crossed(value) or value
    found = {
        "held_out": _numbers(value, "held_out", _HELD_OUT),
        "recall": _numbers(_inner(value, "held_out"), "per_genre"),
        "written": _numbers(value, "written", _WRITTEN),
    }
    return found if found["held_out"] else None


def _crossed(value: object) -> dict[str, Any]:
    """Means over the seeds of a cross-validation, if there was one: every track was kept apart in
    it, and thresholds were judged on artists that they were not chosen on."""
    fused = _inner(_inner(value, "cross"), "fused")
    if not isinstance(fused, dict):
        return {}
    recall, written = _inner(fused, "per_genre"), _inner(fused, "written")
    means = {name: _inner(fused.get(name), "mean") for name in _HELD_OUT[1:]}
    return {
        "held_out": {
            "n": fused.get("n"),
            **means,
            "per_genre": {genre: _inner(_inner(recall, genre), "mean") for genre in recall}
            if isinstance(recall, dict)
            else {},
        },
        "written": {name: _inner(_inner(written, name), "mean") for name in _WRITTEN},
    }


def _inner(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, dict) else None


def _numbers(value: object, key: str, names: tuple[str, ...] = ()) -> dict[str, float]:
    """The numbers below a key: those named, which must all be there, or whatever is one."""
    inner = _inner(value, key)
    if not isinstance(inner, dict):
        return {}
    numbers = {
        name: number
        for name, number in inner.items()
        if type(number) in (int, float) and 0 <= number < float("inf")
    }
    if not names:
        return numbers
    return {name: numbers[name] for name in names} if numbers.keys() >= set(names) else {}
