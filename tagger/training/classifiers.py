"""Classical classifiers by name, ready to be fitted, and votes among them.

Nothing heavy at import: scikit-learn comes with the first classifier that is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Literal

from tagger.errors import UsageError
from tagger.training.classifier_table import CLASSIFIERS, Classifier

__all__ = [
    "CLASSIFIERS",
    "Classifier",
    "Imbalance",
    "available_classifiers",
    "check_classifier",
    "make_classifier",
    "parameter_prefix",
    "to_onnx",
    "vote",
]

Imbalance = Literal["none", "weights", "balanced"]
"""Whether rare labels count as much as others: not, by weights, or by repeated rows."""


def available_classifiers() -> tuple[str, ...]:
    """Names of those whose packages are installed."""
    return tuple(name for name, c in CLASSIFIERS.items() if not c.package or find_spec(c.package))


def check_classifier(name: str, imbalance: Imbalance = "none") -> None:
    """Make sure that a classifier can be made.

    Raises:
        UsageError: it is unknown, takes no weights where they are asked for, or its package
            is not installed.
    """
    if name not in CLASSIFIERS:
        raise UsageError(f"no classifier is called {name!r}; there are {', '.join(CLASSIFIERS)}")
    classifier = CLASSIFIERS[name]
    if imbalance == "weights" and not classifier.weighted:
        raise UsageError(f"{name} takes no weights; choose balanced sampling instead")
    if classifier.package and not find_spec(classifier.package):
        raise UsageError(
            f"{name} needs a package of its own: pip install 'genretag[{classifier.package}]'"
        )


def make_classifier(
    name: str,
    seed: int,
    n_features: int,
    n_labels: int,
    *,
    imbalance: Imbalance = "none",
    parameters: Mapping[str, Any] | None = None,
) -> Any:
    """An unfitted classifier, behind a scaler where that makes a difference.

    Args:
        name: one of :data:`CLASSIFIERS`.
        seed: of all that it draws.
        imbalance: what is done for rare labels.
        parameters: of the classifier itself, in place of the table's.

    Returns:
        An estimator with ``fit``, ``predict`` and ``predict_proba``.

    Raises:
        UsageError: as by :func:`check_classifier`.
    """
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    from tagger.training.imbalance import Balanced

    check_classifier(name, imbalance)
    classifier = CLASSIFIERS[name]
    estimator = classifier.make(seed, n_features, n_labels).set_params(**(parameters or {}))
    scaler = [("scaler", StandardScaler())] if classifier.scaled else []
    pipeline = Pipeline([*scaler, ("classifier", estimator)])
    return pipeline if imbalance == "none" else Balanced(pipeline, imbalance, seed)


def parameter_prefix(imbalance: Imbalance) -> str:
    """What stands before the classifier's parameters in those of :func:`make_classifier`."""
    return "classifier__" if imbalance == "none" else "estimator__classifier__"


def vote(members: Mapping[str, Any], how: Literal["soft", "hard"] = "soft") -> Any:
    """An unfitted classifier that lets others vote.

    Args:
        members: name to unfitted classifier.
        how: ``soft`` adds probabilities up; ``hard`` counts labels, and of as many votes the
            first label wins.
    """
    from sklearn.ensemble import VotingClassifier

    return VotingClassifier(list(members.items()), voting=how, flatten_transform=False)


def to_onnx(fitted: Any, n_features: int) -> bytes:
    """A fitted classifier of the table's as an ONNX file, as a bundle's member has to be.

    A soft vote is written as its members, each a file.
    """
    from tagger.training import ensemble
    from tagger.training.imbalance import Balanced
    from tagger.training.svc_onnx import register_pairwise_svc

    register_pairwise_svc()
    return ensemble.to_onnx(
        fitted.estimator_ if isinstance(fitted, Balanced) else fitted, n_features
    )
