"""What stands in a bundle's ``model.json``, part by part, and how some of it is read.

Apart from :mod:`tagger.models.bundle`, which reads the whole, and without numpy, as the command
line asks for a model's name.
"""

from __future__ import annotations

from dataclasses import dataclass

from tagger.analysis.picture import COLUMN_S, FRAME_S
from tagger.errors import ModelError
from tagger.models.schema import Node

__all__ = [
    "AddedGenre",
    "ClusterSpec",
    "CnnSpec",
    "FusionSpec",
    "MemberSpec",
    "MusicSpec",
    "read_added",
    "read_clusters",
    "read_music",
]


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
class AddedGenre:
    """Logistic regression that tells one genre from all others.

    Attributes:
        label: the genre.
        mean, scale: standardisation of the model's features.
        limit: standardised features are kept within ±limit.
        coefficients: one a feature.
        intercept: the score of a track whose features are all at their mean.
    """

    label: str
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    limit: float
    coefficients: tuple[float, ...]
    intercept: float


def read_clusters(root: Node, n_features: int) -> ClusterSpec:
    """The music types that stand in a manifest.

    Raises:
        ModelError: they are not as they must be; the message names the key at fault.
    """
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


def read_music(root: Node, n_features: int) -> MusicSpec:
    """The judge of what is no music; as :func:`read_clusters`."""
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


def read_added(root: Node, n_features: int) -> tuple[AddedGenre, ...]:
    """The added genres that stand in a manifest.

    Raises:
        ModelError: they are not as they must be; the message names the key at fault.
    """
    if not root.has("added"):
        return ()
    found = []
    for node in root.items("added"):
        genre = AddedGenre(
            label=node.text("label"),
            mean=node.numbers("mean"),
            scale=node.numbers("scale", low=1e-12),
            limit=node.number("limit", low=0.1, high=1e6),
            coefficients=node.numbers("coefficients"),
            intercept=node.number("intercept"),
        )
        if {len(genre.mean), len(genre.scale), len(genre.coefficients)} != {n_features}:
            raise ModelError(f"{node.place}: the arrays must hold one number per feature")
        found.append(genre)
    return tuple(found)
