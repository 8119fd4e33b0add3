"""What networks put in front of the normalised log-mel patch, as fixed layers of their graphs.

All networks take the same input, so that any of them goes into a bundle and is run by a scan.
MFCC and three-channel images are computed from it inside the graph, by layers that hold no
weights and compute in float32 whatever the policy: bfloat16 has three digits, and the patch's
grey levels need all of them.
"""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
import scipy.fft
from keras import layers

from tagger.analysis.filters import TOP_DB
from tagger.analysis.picture import N_MELS
from tagger.training.networks_registry import OFFSET, SCALE

__all__ = ["dct_matrix", "grey_levels", "image", "log_mel_input", "mfcc", "mfcc_centre_and_spread"]

_CHANNELS: Final = 3


def log_mel_input(columns: int) -> Any:
    """The input of every network: normalised patches, shape (batch, N_MELS, columns, 1)."""
    return keras.Input((N_MELS, columns, 1), name="log_mel")


def grey_levels(patches: Any) -> Any:
    """The patch before it was normalised: 0..1, which stands for 80 dB. Shape as it was."""
    return layers.Rescaling(1 / SCALE, offset=OFFSET, dtype="float32", name="grey_levels")(patches)


def mfcc(patches: Any, n_mfcc: int) -> Any:
    """Standardised MFCC of normalised patches, shape (batch, columns, n_mfcc)."""
    centre, spread = mfcc_centre_and_spread(n_mfcc)
    frames = layers.Reshape(patches.shape[1:3], dtype="float32")(grey_levels(patches))
    frames = layers.Permute((2, 1), dtype="float32")(frames)
    raw = Mfcc(n_mfcc, dtype="float32", name="mfcc")(frames)
    return layers.Rescaling(
        (1 / spread).tolist(),
        offset=(-centre / spread).tolist(),
        dtype="float32",
        name="standardised_mfcc",
    )(raw)


def image(patches: Any, size: int, scale: float, offset: tuple[float, float, float]) -> Any:
    """Patches as square images of three equal channels, ``255 * grey * scale + offset``.

    Returns:
        shape (batch, size, size, 3).
    """
    resized = layers.Resizing(size, size, dtype="float32", name="resized")(grey_levels(patches))
    repeated = layers.Concatenate(dtype="float32", name="channels")([resized] * _CHANNELS)
    return layers.Rescaling(255 * scale, offset=list(offset), dtype="float32", name="preprocessed")(
        repeated
    )


def dct_matrix(n_mfcc: int) -> npt.NDArray[np.float32]:
    """Orthonormal DCT-II of N_MELS values, its first coefficients, shape (N_MELS, n_mfcc)."""
    basis = scipy.fft.dct(np.eye(N_MELS), type=2, norm="ortho", axis=1)
    return np.asarray(basis[:, :n_mfcc], dtype=np.float32)


def mfcc_centre_and_spread(
    n_mfcc: int,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Roughly the mean and the standard deviation of music's MFCC over all frames, in dB.

    Measured on a quarter of GTZAN's clips: the level 418 ± 99, the tilt 104 ± 41; from there the
    spread falls as ``8 + 33 / k``, within a quarter of what was measured up to k = 39.

    Returns:
        two arrays of shape (n_mfcc,).
    """
    k = np.arange(n_mfcc)
    centre = np.select([k == 0, k == 1], [420.0, 100.0], 0.0)
    spread = np.where(k == 0, 100.0, 8 + 33 / np.maximum(k, 1))
    return centre.astype(np.float32), spread.astype(np.float32)


@keras.saving.register_keras_serializable(package="genretag")
class Mfcc(layers.Layer):  # type: ignore[misc]
    """MFCC of log-mel frames, in dB above the picture's floor, as librosa scales them.

    From (batch, frames, N_MELS) in 0..1 (80 dB) to (batch, frames, n_mfcc).
    """

    def __init__(self, n_mfcc: int, **options: Any) -> None:
        super().__init__(**options)
        self.n_mfcc = n_mfcc
        self._basis = TOP_DB * dct_matrix(n_mfcc)

    def call(self, frames: Any) -> Any:
        return keras.ops.matmul(frames, self._basis)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*shape[:-1], self.n_mfcc)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n_mfcc": self.n_mfcc}
