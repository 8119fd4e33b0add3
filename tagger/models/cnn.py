"""The network: patches of the log-mel picture through LiteRT."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tagger.analysis.picture import N_MELS, Picture
from tagger.errors import ModelError
from tagger.models.bundle import Bundle, CnnSpec
from tagger.models.fusion import log_softmax

__all__ = ["Cnn", "cut_patches"]

Patches = npt.NDArray[np.float32]


def cut_patches(
    picture: Picture, part_starts_s: Sequence[float], spec: CnnSpec
) -> tuple[Patches, tuple[float, ...]]:
    """Cut the picture into patches as wide as the network's input.

    A part of C columns gives ``round(C / columns) * 2 - 1`` patches, at least one, evenly
    spaced from its start to its end (about half overlapping); a narrower one is repeated.

    Returns:
        float32, shape (n_patches, N_MELS, columns, 1), normalised; and where each patch
        begins in the track, in seconds.
    """
    width = spec.columns
    patches = []
    starts_s = []
    for part, part_start_s in zip(picture.parts, part_starts_s, strict=True):
        n_columns = part.shape[1]
        if n_columns < width:
            part = np.tile(part, -(-width // n_columns))[:, :width]
        n_patches = max(1, 2 * round(n_columns / width) - 1)
        for start in np.linspace(0, part.shape[1] - width, n_patches).round().astype(int):
            patches.append(part[:, start : start + width])
            starts_s.append(part_start_s + float(start) * spec.column_s)
    normalised = (np.stack(patches).astype(np.float32) / 255.0 - spec.offset) * spec.scale
    return np.asarray(normalised[..., None], dtype=np.float32), tuple(starts_s)


class Cnn:
    """Runs the network on one thread. Not thread-safe; each process has its own."""

    def __init__(self, bundle: Bundle) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self.spec: Final = bundle.cnn
        self._n_labels: Final = len(bundle.fitted_labels)
        try:
            self._interpreter: Any = Interpreter(
                model_content=bundle.weights[self.spec.file], num_threads=1
            )
            self._input = self._interpreter.get_input_details()[0]
            self._output = self._interpreter.get_output_details()[0]
        except (ValueError, RuntimeError, IndexError) as error:
            raise ModelError(f"{bundle.folder}: the network cannot be loaded: {error}") from error
        if tuple(self._input["shape_signature"][1:]) != (N_MELS, self.spec.columns, 1):
            raise ModelError(
                f"{bundle.folder}: the network's input is {self._input['shape_signature']}, "
                f"not (any, {N_MELS}, {self.spec.columns}, 1)"
            )
        self._batch = 0

    def log_probs(self, patches: Patches) -> npt.NDArray[np.float32]:
        """Log-probabilities of each patch.

        Args:
            patches: float32, shape (n, N_MELS, columns, 1), from :func:`cut_patches`.

        Returns:
            float32, shape (n, n_labels).

        Raises:
            ModelError: the network fails or answers in another shape.
        """
        try:
            if len(patches) != self._batch:
                self._interpreter.resize_tensor_input(self._input["index"], patches.shape)
                self._interpreter.allocate_tensors()
                self._batch = len(patches)
            self._interpreter.set_tensor(self._input["index"], patches)
            self._interpreter.invoke()
            logits = self._interpreter.get_tensor(self._output["index"])
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"the network fails: {error}") from error
        if logits.shape != (len(patches), self._n_labels):
            raise ModelError(f"the network answers {logits.shape} for {len(patches)} patches")
        return np.asarray(log_softmax(logits.astype(np.float32)), dtype=np.float32)
