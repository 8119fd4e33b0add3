"""Short digests of what results depend on, so that old ones are used only where they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Final

from tagger import __version__
from tagger.analysis.version import ANALYSIS_VERSION
from tagger.models.bundle import Bundle

__all__ = ["decision_fingerprint", "listening_fingerprint"]

_SIZE: Final = 16


def listening_fingerprint(bundle: Bundle) -> bytes:
    """Of all that a hearing depends on beside the audio: analysis, excerpts, network.

    Ensemble, fusion, thresholds and vocabulary have no part in it: they work on hearings.
    """
    network = hashlib.sha256(bundle.weights[bundle.cnn.file]).digest()
    return _digest(ANALYSIS_VERSION, bundle.excerpts, bundle.features, bundle.cnn, network)


def decision_fingerprint(bundle: Bundle, *settings: object) -> bytes:
    """Of all that a decision depends on beside the hearing and the file's tags.

    Args:
        bundle: the model.
        settings: plain values, enums, mappings, and frozen dataclasses of these.
    """
    weights = [hashlib.sha256(data).digest() for _, data in sorted(bundle.weights.items())]
    spec = (bundle.identity, bundle.labels, bundle.members, bundle.fusion, bundle.clusters)
    heard = listening_fingerprint(bundle)
    judges = (bundle.music, bundle.added)
    return _digest(__version__, heard, spec, weights, bundle.thresholds, *judges, *settings)


def _digest(*values: object) -> bytes:
    return hashlib.blake2b(_plain(values).encode(), digest_size=_SIZE).digest()


def _plain(value: object) -> str:
    """Text that is the same for equal values, whatever their order of making."""
    if isinstance(value, Mapping):
        return f"{{{','.join(sorted(f'{_plain(k)}:{_plain(v)}' for k, v in value.items()))}}}"
    if isinstance(value, (set, frozenset)):
        return f"{{{','.join(sorted(map(_plain, value)))}}}"
    if isinstance(value, (list, tuple)):
        return f"({','.join(map(_plain, value))})"
    if is_dataclass(value) and not isinstance(value, type):
        return f"{type(value).__name__}{_plain([getattr(value, f.name) for f in fields(value)])}"
    return repr(value)
