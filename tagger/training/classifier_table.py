"""The table of classical classifiers: what each is, and what a search draws from.

The parameters are for some hundred tracks and some hundred features. Packages are imported when
a classifier is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

__all__ = ["CLASSIFIERS", "Classifier"]

Space = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Classifier:
    """One row of the table.

    Attributes:
        description: for help and reports.
        make: (seed, n_features, n_labels) to an estimator of scikit-learn's kind.
        space: n_features to what a search draws each parameter from: a list or a
            distribution of scipy's.
        onnx: whether a bundle can hold it.
        weighted: whether it can be told how much each row counts.
        scaled: whether features are standardised for it. Trees ask only what is greater, and
            rounding in a scaler of another runtime could turn that about.
        package: what it needs besides the ``train`` extra; also the name of its own extra.
    """

    description: str
    make: Callable[[int, int, int], Any]
    space: Callable[[int], Space]
    onnx: bool = True
    weighted: bool = True
    scaled: bool = True
    package: str = ""


def _uniform(low: float, high: float) -> Any:
    from scipy.stats import uniform

    return uniform(low, high - low)


def _log(low: float, high: float) -> Any:
    from scipy.stats import loguniform

    return loguniform(low, high)


def _whole(low: int, high: int) -> Any:
    from scipy.stats import randint

    return randint(low, high + 1)


def _logistic_regression(seed: int, n_features: int, n_labels: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=0.03, max_iter=2000)


def _knn(seed: int, n_features: int, n_labels: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    # Weights by distance come out of skl2onnx wrong by up to 0.02 of a probability.
    return KNeighborsClassifier(10)


def _svc(seed: int, n_features: int, n_labels: int) -> Any:
    from tagger.training.svc import PairwiseSVC

    return PairwiseSVC(C=5.0, gamma=0.2 / n_features, random_state=seed)


def _linear_svc(seed: int, n_features: int, n_labels: int) -> Any:
    from tagger.training.svc import PairwiseSVC

    # Of few features each has to say more.
    return PairwiseSVC(C=1.5 / n_features, kernel="linear", random_state=seed)


def _random_forest(seed: int, n_features: int, n_labels: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(200, min_samples_leaf=2, random_state=seed)


def _extra_trees(seed: int, n_features: int, n_labels: int) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(150, min_samples_leaf=3, max_features=0.2, random_state=seed)


def _naive_bayes(seed: int, n_features: int, n_labels: int) -> Any:
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB(var_smoothing=0.01)


def _qda(seed: int, n_features: int, n_labels: int) -> Any:
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

    # Shrunk towards a multiple of unity, a covariance has full rank however few the rows.
    return QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=0.3)


def _gradient_boosting(seed: int, n_features: int, n_labels: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=60, max_leaf_nodes=8, min_samples_leaf=8, max_features=0.1, random_state=seed
    )


def _xgboost(seed: int, n_features: int, n_labels: int) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(
        n_estimators=60,
        max_depth=3,
        learning_rate=0.1,
        colsample_bynode=0.1,
        n_jobs=1,
        random_state=seed,
    )


def _mlp(seed: int, n_features: int, n_labels: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(
        (128,), alpha=1.0, learning_rate_init=0.003, tol=1e-3, max_iter=500, random_state=seed
    )


CLASSIFIERS: Final[Mapping[str, Classifier]] = MappingProxyType(
    {
        "logistic-regression": Classifier(
            "multinomial logistic regression, L2 penalty",
            _logistic_regression,
            lambda n: {"C": _log(1e-3, 10)},
        ),
        "knn": Classifier(
            "k nearest neighbours",
            _knn,
            lambda n: {"n_neighbors": _whole(3, 30)},
            weighted=False,
        ),
        "svc": Classifier(
            "support vector machine, radial kernel",
            _svc,
            lambda n: {"C": _log(0.3, 100), "gamma": _log(0.03 / n, 3 / n)},
        ),
        "linear-svc": Classifier(
            "support vector machine, linear kernel",
            _linear_svc,
            lambda n: {"C": _log(0.1 / n, 100 / n)},
        ),
        "random-forest": Classifier(
            "random forest, 200 trees",
            _random_forest,
            lambda n: {"min_samples_leaf": _whole(1, 6), "max_features": _log(0.02, 0.5)},
            scaled=False,
        ),
        "extra-trees": Classifier(
            "extremely randomised trees, 150 of them",
            _extra_trees,
            lambda n: {"min_samples_leaf": _whole(1, 6), "max_features": _log(0.02, 0.5)},
            scaled=False,
        ),
        "naive-bayes": Classifier(
            "Gaussian naive Bayes",
            _naive_bayes,
            lambda n: {"var_smoothing": _log(1e-6, 1)},
        ),
        "qda": Classifier(
            "quadratic discriminant analysis, shrunk covariances",
            _qda,
            lambda n: {"shrinkage": _uniform(0.1, 0.9)},
            weighted=False,
        ),
        "gradient-boosting": Classifier(
            "gradient boosting on histograms",
            _gradient_boosting,
            lambda n: {"max_leaf_nodes": _whole(4, 16), "learning_rate": _log(0.03, 0.3)},
            onnx=False,
            scaled=False,
        ),
        "xgboost": Classifier(
            "gradient boosting by XGBoost",
            _xgboost,
            lambda n: {"max_depth": _whole(2, 6), "learning_rate": _log(0.03, 0.3)},
            onnx=False,
            scaled=False,
            package="xgboost",
        ),
        "mlp": Classifier(
            "perceptron with one hidden layer of 128",
            _mlp,
            lambda n: {
                "hidden_layer_sizes": [(64,), (128,), (256,), (128, 64)],
                "alpha": _log(0.01, 10),
            },
        ),
    }
)
