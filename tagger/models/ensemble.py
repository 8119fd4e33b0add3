"""The classical ensemble: ONNX members, a weighted soft vote."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Final

import numpy as np
import numpy.typing as npt

from tagger.errors import ModelError
from tagger.models.bundle import Bundle
from tagger.models.memory import ROOM, memory_bound
from tagger.models.onnx_file import check_onnx

__all__ = ["Ensemble"]

_TRACK_ROOM: Final = 64 << 10  # bytes, for one track: its features, and each support vector's say


class Ensemble:
    """Runs the ensemble's members with onnxruntime, on one thread."""

    def __init__(self, bundle: Bundle) -> None:
        onnxruntime = _runtime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # Members have a few operators: to look for better ones takes longer than all else here,
        # and made none of them faster.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4  # it warns on stderr about GPUs that it cannot see
        self._n_labels: Final = len(bundle.fitted_labels)
        self._n_features: Final = len(bundle.features)
        for member in bundle.members:
            check_onnx(bundle.weights[member.file], f"{bundle.folder / member.file}")
        try:
            with memory_bound():
                self._sessions = [
                    onnxruntime.InferenceSession(
                        bundle.weights[member.file], options, providers=["CPUExecutionProvider"]
                    )
                    for member in bundle.members
                ]
        except Exception as error:  # onnxruntime raises bare RuntimeError kinds of its own
            raise ModelError(f"{bundle.folder}: the ensemble cannot be loaded: {error}") from error
        weights = np.array([member.weight for member in bundle.members])
        if not weights.sum() > 0:
            raise ModelError(f"{bundle.folder}: the ensemble's weights sum to 0")
        self._weights = weights / weights.sum()

    def probabilities(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Weighted mean of the members' probabilities.

        Args:
            features: shape (n_tracks, n_features).

        Returns:
            shape (n_tracks, n_labels); rows sum to 1.

        Raises:
            ModelError: a member does not answer with one probability per label.
        """
        total = np.zeros((len(features), self._n_labels))
        for session, weight in zip(self._sessions, self._weights, strict=True):
            try:
                with memory_bound(ROOM + len(features) * _TRACK_ROOM):
                    outputs = session.run(None, {session.get_inputs()[0].name: features})
            except Exception as error:
                raise ModelError(
                    f"the ensemble fails, or wants more memory than a model may take: {error}"
                ) from error
            votes = np.asarray(outputs[-1], dtype=np.float64)
            if votes.shape != total.shape:
                raise ModelError(f"an ensemble member answers {votes.shape}, not {total.shape}")
            total += weight * votes
        return np.asarray(total / total.sum(axis=1, keepdims=True))


def _runtime() -> ModuleType:
    """Import onnxruntime, which from 1.29 on tells its makers of each session unless told not to.

    The variable is read once, when it starts: then it neither sends nor keeps anything. On Windows
    it does not look there, and stops when called upon.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    module: ModuleType = onnxruntime
    return module
