"""A model bundle: a folder of data that a model is read from.

``model.json`` says everything that is not a weight: labels, the analysis that the model
asks for, how its parts are fused and calibrated, its music types. The weights lie beside
it as ``.onnx`` (ensemble members) and ``.tflite`` (the network): formats that hold numbers
and known operators, so that loading a bundle, from anybody, runs no code of theirs.
The SHA-256 of each file stands in ``model.json`` and is checked on every load.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from tagger.analysis.picture import COLUMN_S, FRAME_S
from tagger.analysis.version import ANALYSIS_VERSION
from tagger.audio.excerpts import ExcerptPlan
from tagger.errors import ModelError
from tagger.models.files import read_bounded
from tagger.models.schema import Node
from tagger.models.similarity_spec import SimilaritySpec, read_similarity
from tagger.models.specs import (
    AddedGenre,
    ClusterSpec,
    CnnSpec,
    FusionSpec,
    MemberSpec,
    MusicSpec,
    read_added,
    read_clusters,
    read_music,
)

__all__ = [
    "BUILTIN_MODEL",
    "FORMAT",
    "MANIFEST",
    "MAX_DIMS",
    "Bundle",
    "ClusterSpec",
    "CnnSpec",
    "FusionSpec",
    "MemberSpec",
    "MusicSpec",
    "builtin_bundles",
    "find_bundle",
    "load_bundle",
]

FORMAT: Final = 1
BUILTIN_MODEL: Final = "default"
MANIFEST: Final = "model.json"
MAX_DIMS: Final = 64
"""Widest embedding: it is kept for each track, and the cache promises to stay small."""

_MAX_MANIFEST_BYTES: Final = 4 << 20
_MAX_WEIGHT_BYTES: Final = 512 << 20
_MAX_HEARD_S: Final = 600.0
_MAX_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified model, weights as bytes not yet loaded into any runtime.

    ``labels`` end with those of the ``added`` genres, which ensemble and network do not know.
    """

    name: str
    version: str
    folder: Path
    labels: tuple[str, ...]
    features: tuple[str, ...]
    excerpts: ExcerptPlan
    members: tuple[MemberSpec, ...]
    cnn: CnnSpec
    fusion: FusionSpec
    thresholds: Mapping[str, float]
    clusters: ClusterSpec | None
    weights: Mapping[str, bytes]
    music: MusicSpec | None = None
    similarity: SimilaritySpec | None = None
    added: tuple[AddedGenre, ...] = ()

    @property
    def fitted_labels(self) -> tuple[str, ...]:
        """The labels that ensemble and network answer with."""
        return self.labels[: len(self.labels) - len(self.added)]

    @property
    def identity(self) -> str:
        """What is written into files as the model that was heard with: ``default 1.0.0``."""
        return f"{self.name} {self.version}"


def builtin_bundles() -> list[Path]:
    """The folders of the models that come with genretag."""
    package = Path(__file__).resolve().parent.parent
    # In the wheel the bundles lie inside the package; in a checkout, at its top level.
    parents = (package / "bundles", package.parent / "models")
    found = next((p for p in parents if p.is_dir()), None)
    return sorted(m.parent for m in found.glob(f"*/{MANIFEST}")) if found else []


def find_bundle(name_or_folder: str) -> Path:
    """The folder of a built-in model, by name, or of any other, by path.

    Raises:
        ModelError: neither exists.
    """
    for folder in builtin_bundles():
        if folder.name == name_or_folder:
            return folder
    folder = Path(name_or_folder)
    try:
        if (folder / MANIFEST).is_file():
            return folder
    except OSError as error:  # a name that is too long, a folder that may not be entered
        raise ModelError(f"{folder} cannot be read: {error.strerror}") from error
    if folder.is_dir():
        raise ModelError(f"{folder} is not a model: it holds no {MANIFEST}")
    raise ModelError(
        f"no model {name_or_folder!r}: give the folder of a model, or '{BUILTIN_MODEL}'"
    )


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle and verify it whole.

    Raises:
        ModelError: a file is missing or differs from its digest, or ``model.json`` is not
            what this version of genretag reads; the message names the key at fault.
    """
    root = Node(_read_manifest(folder), f"{folder / MANIFEST}")
    if (found := root.integer("format")) != FORMAT:
        raise ModelError(f"{folder} has bundle format {found}; this genretag reads {FORMAT}")
    files = root.at("files")
    if (trained_on := root.integer("analysis", "version")) != ANALYSIS_VERSION:
        raise ModelError(
            f"{folder} was trained on analysis version {trained_on}, this genretag has "
            f"{ANALYSIS_VERSION}: train the model again"
        )
    digests = {file: files.text(file) for file in files.names()}
    labels, cnn = root.texts("labels"), root.at("cnn")
    features = root.texts("analysis", "features")
    if len(labels) < 2 or len(set(labels)) != len(labels):
        raise ModelError(f"{folder}: labels must be two or more, each once")
    bundle = Bundle(
        name=root.text("name"),
        version=root.text("version"),
        folder=folder,
        labels=labels,
        features=features,
        excerpts=ExcerptPlan(
            root.integer("analysis", "excerpts", "count", low=1, high=100),
            root.number("analysis", "excerpts", "seconds", low=5.0, high=600.0),
        ),
        members=tuple(
            MemberSpec(m.text("name"), m.text("file"), m.number("weight", low=0.0))
            for m in root.items("ensemble", "members")
        ),
        cnn=CnnSpec(
            file=root.text("cnn", "file"),
            columns=root.integer("cnn", "columns", low=8, high=4096),
            offset=root.number("cnn", "offset"),
            scale=root.number("cnn", "scale"),
            column_s=root.number("cnn", "column_s") if cnn.has("column_s") else COLUMN_S,
            embedding=cnn.integer("embedding", low=0, high=MAX_DIMS) if cnn.has("embedding") else 0,
        ),
        fusion=FusionSpec(
            ensemble=root.number("fusion", "ensemble", low=0.0),
            cnn=root.number("fusion", "cnn", low=0.0),
            temperature=root.number("fusion", "temperature", low=0.01, high=100.0),
            bias=(
                root.numbers("fusion", "bias", low=-100.0, high=100.0)
                if root.at("fusion").has("bias")
                else ()
            ),
        ),
        thresholds=MappingProxyType(
            {label: root.number("thresholds", label, low=0.0, high=1.0) for label in labels}
        ),
        clusters=read_clusters(root, len(features)) if root.has("clusters") else None,
        weights=MappingProxyType(
            {name: _verified(folder, name, digest) for name, digest in digests.items()}
        ),
        music=read_music(root, len(features)) if root.has("music") else None,
        similarity=read_similarity(root.at("similarity")) if root.has("similarity") else None,
        added=read_added(root, len(features)),
    )
    if labels != (*bundle.fitted_labels, *(genre.label for genre in bundle.added)):
        raise ModelError(f"{root.place}: labels must end with those of the added genres")
    if bundle.excerpts.total_s > _MAX_HEARD_S:
        raise ModelError(f"{root.place}: excerpts of more than {_MAX_HEARD_S:g} s in sum")
    named = (*labels, *(bundle.clusters.names if bundle.clusters else ()), bundle.identity)
    if too_long := next((name for name in named if len(name) > _MAX_NAME), None):
        raise ModelError(f"{root.place}: a name is too long for a tag: {too_long[:40]}…")
    if len(bundle.fusion.bias) not in (0, len(bundle.fitted_labels)):
        raise ModelError(f"{root.place}: fusion: bias must hold one number per label, or none")
    if bundle.cnn.column_s not in (COLUMN_S, FRAME_S):
        raise ModelError(
            f"{root.place}: cnn: column_s is {bundle.cnn.column_s:g}; this genretag draws a "
            f"column every {COLUMN_S:g} or every {FRAME_S:g} seconds"
        )
    if not bundle.members:
        raise ModelError(f"{folder}: the ensemble has no members")
    maps = (bundle.similarity.file,) if bundle.similarity else ()
    for file in (*(m.file for m in bundle.members), bundle.cnn.file, *maps):
        if file not in bundle.weights:
            raise ModelError(f"{folder}: {file} has no digest in {MANIFEST}")
    return bundle


def _read_manifest(folder: Path) -> Any:
    path = folder / MANIFEST
    try:
        return json.loads(read_bounded(path, _MAX_MANIFEST_BYTES).decode("utf-8"))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not valid JSON: {error}") from error


def _verified(folder: Path, name: str, digest: str) -> bytes:
    if Path(name).name != name or name in {"", ".", ".."} or not name.isprintable():
        raise ModelError(f"{folder}: {name!r} is not a plain file name")
    try:
        data = read_bounded(folder / name, _MAX_WEIGHT_BYTES)
    except OSError as error:
        raise ModelError(f"{folder / name} cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise ModelError(
            f"{folder / name} differs from its digest in {MANIFEST}: "
            "the model is damaged or was edited; install it again"
        )
    return data
