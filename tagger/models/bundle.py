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
from tagger.models.schema import Node
from tagger.models.similarity_spec import SimilaritySpec, read_similarity

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


@dataclass(frozen=True, slots=True)
class MemberSpec:
    """One classifier of the ensemble: an ONNX file that maps features to probabilities."""

    name: str
    file: str
    weight: float


@dataclass(frozen=True, slots=True)
class CnnSpec:
    """The network: a patch of ``columns`` columns, ``(x / 255 - offset) * scale``, to logits.

    Attributes:
        column_s: seconds between two columns, :data:`COLUMN_S`, or :data:`FRAME_S` for a
            network that looks at every frame.
        embedding: width of the network's second output, what it hears in a patch before it
            names a genre; 0 for a network without.
    """

    file: str
    columns: int
    offset: float
    scale: float
    column_s: float = COLUMN_S
    embedding: int = 0

    @property
    def every_frame(self) -> bool:
        """Whether the network's pictures have a column for each frame."""
        return self.column_s == FRAME_S

    @property
    def patch_s(self) -> float:
        """Length of a patch in seconds."""
        return self.columns * self.column_s


@dataclass(frozen=True, slots=True)
class FusionSpec:
    """Weights of the log-probabilities, one temperature for the sum, a bias for each label.

    ``bias`` makes up for labels that the training data could not weigh against all others;
    empty means none.
    """

    ensemble: float
    cnn: float
    temperature: float
    bias: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """K-means music types.

    Attributes:
        features: indices into the bundle's features.
        mean, scale: standardisation of those features.
        centroids: one row a type, in standardised units.
        names: what each type is called.
        axes: principal components in which the centroids lie, shape (n_features, n_components),
            row by row; empty if they lie among the standardised features.
    """

    features: tuple[int, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    centroids: tuple[tuple[float, ...], ...]
    names: tuple[str, ...]
    axes: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class MusicSpec:
    """Multinomial logistic regression that tells music from other sounds.

    Attributes:
        features: indices into the bundle's features.
        mean, scale: standardisation of those features.
        limit: standardised features are kept within ±limit.
        kinds: what is heard that is no music, in words for people: ``speech``, ``noise``…
        coefficients: one row a kind; music is the reference, whose score is 0.
        intercepts: one a kind.
        threshold: least probability of being no music at which a track is not tagged.
    """

    features: tuple[int, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    limit: float
    kinds: tuple[str, ...]
    coefficients: tuple[tuple[float, ...], ...]
    intercepts: tuple[float, ...]
    threshold: float


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified model, weights as bytes not yet loaded into any runtime."""

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
        clusters=_clusters(root, len(features)) if root.has("clusters") else None,
        weights=MappingProxyType(
            {name: _verified(folder, name, digest) for name, digest in digests.items()}
        ),
        music=_music(root, len(features)) if root.has("music") else None,
        similarity=read_similarity(root.at("similarity")) if root.has("similarity") else None,
    )
    if len(bundle.fusion.bias) not in (0, len(labels)):
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


def _clusters(root: Node, n_features: int) -> ClusterSpec:
    node = root.at("clusters")
    spec = ClusterSpec(
        features=tuple(i.integer(low=0, high=n_features - 1) for i in node.items("features")),
        mean=node.numbers("mean"),
        scale=node.numbers("scale", low=1e-12),
        centroids=tuple(row.numbers() for row in node.items("centroids")),
        names=node.texts("names"),
    )
    width = len(spec.features)
    rows = {len(row) for row in spec.centroids}
    if (len(spec.mean), len(spec.scale)) != (width, width) or rows != {width}:
        raise ModelError(f"{root.place}: the clusters' arrays differ in width")
    if len(spec.names) != len(spec.centroids):
        raise ModelError(f"{root.place}: each cluster needs one name")
    return spec


def _music(root: Node, n_features: int) -> MusicSpec:
    node = root.at("music")
    spec = MusicSpec(
        features=tuple(i.integer(low=0, high=n_features - 1) for i in node.items("features")),
        mean=node.numbers("mean"),
        scale=node.numbers("scale", low=1e-12),
        limit=node.number("limit", low=0.1, high=1e6),
        kinds=node.texts("kinds"),
        coefficients=tuple(row.numbers() for row in node.items("coefficients")),
        intercepts=node.numbers("intercepts"),
        threshold=node.number("threshold", low=0.0, high=1.0),
    )
    width = len(spec.features)
    rows = {len(row) for row in spec.coefficients}
    if (len(spec.mean), len(spec.scale)) != (width, width) or rows != {width}:
        raise ModelError(f"{node.place}: the arrays differ in width")
    if not len(spec.kinds) == len(spec.coefficients) == len(spec.intercepts):
        raise ModelError(f"{node.place}: each kind needs one row and one intercept")
    return spec


def _read_manifest(folder: Path) -> Any:
    path = folder / MANIFEST
    try:
        if path.stat().st_size > _MAX_MANIFEST_BYTES:
            raise ModelError(f"{path} is too large to be a model's manifest")
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not valid JSON: {error}") from error


def _verified(folder: Path, name: str, digest: str) -> bytes:
    if Path(name).name != name or name in {"", ".", ".."} or not name.isprintable():
        raise ModelError(f"{folder}: {name!r} is not a plain file name")
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise ModelError(f"{folder / name} cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise ModelError(
            f"{folder / name} differs from its digest in {MANIFEST}: "
            "the model is damaged or was edited; install it again"
        )
    return data
