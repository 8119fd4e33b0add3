"""The network: patches of the log-mel picture through LiteRT."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tagger.analysis.picture import N_MELS, Picture
from tagger.errors import ModelError
from tagger.models.bundle import Bundle, CnnSpec
from tagger.models.fusion import log_softmax
from tagger.models.memory import ROOM, memory_bound
from tagger.models.tflite_file import check_tflite

__all__ = ["EMBEDDING", "LOGITS", "Cnn", "Look", "cut_patches"]

LOGITS: Final = "logits"
EMBEDDING: Final = "embedding"
"""Names of the outputs of a network that has two: their order is the converter's."""

_PATCH_ROOM: Final = 32 << 20  # bytes, for one patch; VGG16 takes 25 MiB

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


class Look(NamedTuple):
    """What the network says of some patches.

    Attributes:
        log_probs: float32, shape (n, n_labels).
        embeddings: float32, shape (n, n_dims); n_dims is 0 for a network without.
    """

    log_probs: npt.NDArray[np.float32]
    embeddings: npt.NDArray[np.float32]


class Cnn:
    """Runs the network on one thread. Not thread-safe; each process has its own."""

    def __init__(self, bundle: Bundle) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self.spec: Final = bundle.cnn
        self._n_labels: Final = len(bundle.fitted_labels)
        check_tflite(bundle.weights[self.spec.file], f"{bundle.folder / self.spec.file}")
        try:
            with memory_bound():
                self._interpreter: Any = Interpreter(
                    model_content=bundle.weights[self.spec.file], num_threads=1
                )
            self._input = self._interpreter.get_input_details()[0]
            self._outputs = self._outputs_of(self._interpreter)
        except (ValueError, RuntimeError, LookupError, TypeError, MemoryError) as error:
            raise ModelError(f"{bundle.folder}: the network cannot be loaded: {error}") from error
        if tuple(self._input["shape_signature"][1:]) != (N_MELS, self.spec.columns, 1):
            raise ModelError(
                f"{bundle.folder}: the network's input is {self._input['shape_signature']}, "
                f"not (any, {N_MELS}, {self.spec.columns}, 1)"
            )
        if not self._outputs:
            raise ModelError(
                f"{bundle.folder}: the network has no outputs named {LOGITS} and {EMBEDDING}"
            )
        self._batch = 0

    def _outputs_of(self, interpreter: Any) -> list[int]:
        """Where logits and embedding are; none if they cannot be told."""
        named = {}
        if len(interpreter.get_signature_list()) == 1:
            named = interpreter.get_signature_runner().get_output_details()
        names = (LOGITS, EMBEDDING) if self.spec.embedding else (LOGITS,)
        if {*names} <= {*named}:
            return [named[name]["index"] for name in names]
        return [] if self.spec.embedding else [interpreter.get_output_details()[0]["index"]]

    def look(self, patches: Patches) -> Look:
        """What the network says of each patch.

        Args:
            patches: float32, shape (n, N_MELS, columns, 1), from :func:`cut_patches`.

        Raises:
            ModelError: the network fails or answers in another shape.
        """
        logits, *more = self._run(patches)
        if logits.shape != (len(patches), self._n_labels):
            raise ModelError(f"the network answers {logits.shape} for {len(patches)} patches")
        log_probs = np.asarray(log_softmax(logits.astype(np.float32)), dtype=np.float32)
        if not self.spec.embedding:
            return Look(log_probs, np.zeros((len(patches), 0), dtype=np.float32))
        embeddings = more[0]
        if embeddings.shape != (len(patches), self.spec.embedding):
            raise ModelError(
                f"the network's embedding is {embeddings.shape} for {len(patches)} patches"
            )
        if not np.isfinite(embeddings).all():
            raise ModelError("the network's embedding is no finite number")
        return Look(log_probs, embeddings.astype(np.float32))

    def log_probs(self, patches: Patches) -> npt.NDArray[np.float32]:
        """Log-probabilities alone, shape (n, n_labels), as :meth:`look` gives them."""
        return self.look(patches).log_probs

    def _run(self, patches: Patches) -> list[npt.NDArray[Any]]:
        try:
            with memory_bound(ROOM + len(patches) * _PATCH_ROOM):
                if len(patches) != self._batch:
                    self._interpreter.resize_tensor_input(self._input["index"], patches.shape)
                    self._interpreter.allocate_tensors()
                    self._batch = len(patches)
                self._interpreter.set_tensor(self._input["index"], patches)
                self._interpreter.invoke()
                return [self._interpreter.get_tensor(index) for index in self._outputs]
        except (ValueError, RuntimeError, MemoryError) as error:
            raise ModelError(
                f"the network fails, or wants more memory than a model may take: {error}"
            ) from error
