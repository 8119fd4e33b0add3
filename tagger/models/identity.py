"""Which model comes with genretag, told without loading it."""

from __future__ import annotations

import json

from tagger.models.bundle import BUILTIN_MODEL, MANIFEST, find_bundle

__all__ = ["builtin_identity"]


def builtin_identity() -> str:
    """Name and version of the built-in model, as its manifest says: ``default 1.0.0``.

    Raises:
        ModelError: it is missing.
    """
    manifest = json.loads((find_bundle(BUILTIN_MODEL) / MANIFEST).read_text(encoding="utf-8"))
    return f"{manifest['name']} {manifest['version']}"
