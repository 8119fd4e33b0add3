"""The log-mel picture as a value: what the network looks at and how it is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["COLUMN_S", "FRAME_S", "N_MELS", "Picture"]

N_MELS: Final = 128
"""Mel bands, the rows of a picture."""

COLUMN_S: Final = 0.0775
"""Seconds between two columns of a picture."""

FRAME_S: Final = 512 / 22_050
"""Seconds between two columns of a picture that shows every frame of the spectrum."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The log-mel pictures of a track's excerpts, scaled together.

    Attributes:
        parts: one uint8 array per excerpt, shape (N_MELS, columns), lowest band first.
    """

    parts: tuple[npt.NDArray[np.uint8], ...]
