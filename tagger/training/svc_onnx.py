"""How :class:`~tagger.training.svc.PairwiseSVC` is written in ONNX: plain arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from skl2onnx import update_registered_converter
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

from tagger.training.svc import MAX_LOGIT, PairwiseSVC

__all__ = ["register_pairwise_svc"]

_FLOAT = 1  # of onnx.TensorProto


def register_pairwise_svc() -> None:
    """Make the converter known to skl2onnx; again does no harm."""
    update_registered_converter(
        PairwiseSVC,
        "GenretagPairwiseSVC",
        calculate_linear_classifier_output_shapes,
        _convert,
        options={"zipmap": [True, False], "nocl": [True, False]},
    )


def _pair_coefficients(model: PairwiseSVC) -> npt.NDArray[np.float64]:
    """Weight of each support vector in each pair, shape (n_support, n_pairs).

    libsvm keeps for a vector of label i its weight against label j in row j, or in row j - 1
    where j comes after i.
    """
    machine = model.svc_
    of_label = np.repeat(np.arange(len(machine.n_support_)), machine.n_support_)
    coefficients = np.zeros((len(of_label), len(model.pairs_)))
    for pair, (first, second) in enumerate(model.pairs_):
        of_first, of_second = of_label == first, of_label == second
        coefficients[of_first, pair] = machine.dual_coef_[second - 1, of_first]
        coefficients[of_second, pair] = machine.dual_coef_[first, of_second]
    return coefficients


def _convert(scope: Any, operator: Any, container: Any) -> None:
    model: PairwiseSVC = operator.raw_operator
    machine = model.svc_
    sign = -1.0 if len(model.classes_) == 2 else 1.0  # as in svc._pairwise_values
    weights = sign * _pair_coefficients(model) * model.slopes_
    shifts = sign * machine.intercept_ * model.slopes_ + model.shifts_
    first, second = np.eye(len(model.classes_))[np.array(model.pairs_).T]
    vectors = machine.support_vectors_

    def constant(values: Any, integers: bool = False) -> str:
        name: str = scope.get_unique_variable_name("constant")
        array = np.asarray(values, dtype=np.int64 if integers else np.float32)
        kind = 7 if integers else _FLOAT
        container.add_initializer(name, kind, list(array.shape), array.ravel().tolist())
        return name

    def node(kind: str, *inputs: str, **attributes: Any) -> str:
        name: str = scope.get_unique_variable_name(kind.lower())
        container.add_node(
            kind, list(inputs), name, name=scope.get_unique_operator_name(kind), **attributes
        )
        return name

    x = operator.inputs[0].full_name
    columns = constant([1], integers=True)
    kernel = node("MatMul", x, constant(vectors.T))
    if model.kernel == "rbf":
        # -gamma |x - v|², term by term.
        squares = node("ReduceSum", node("Mul", x, x), columns, keepdims=1, op_version=13)
        doubled = node("Mul", kernel, constant(2 * model.gamma))
        own = node("Mul", squares, constant(-model.gamma))
        theirs = constant(-model.gamma * np.square(vectors).sum(axis=1)[None])
        kernel = node("Exp", node("Add", node("Add", doubled, own), theirs))
    logits = node("Add", node("MatMul", kernel, constant(weights)), constant(shifts))
    logits = node("Clip", logits, constant(-MAX_LOGIT), constant(MAX_LOGIT), op_version=13)
    against_second = node("MatMul", node("Exp", node("Neg", logits)), constant(first))
    against_first = node("MatMul", node("Exp", logits), constant(second))
    odds = node("Add", node("Add", against_second, against_first), constant(1.0))
    shares = node("Reciprocal", odds)
    total = node("ReduceSum", shares, columns, keepdims=1, op_version=13)
    label, probabilities = operator.outputs
    container.add_node("Div", [shares, total], probabilities.full_name, name="probabilities")
    best = node("ArgMax", probabilities.full_name, axis=1, keepdims=0, op_version=13)
    classes = constant(model.classes_, integers=True)
    container.add_node("Gather", [classes, best], label.full_name, name="label")
