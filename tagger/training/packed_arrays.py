"""Arrays that lie in a model's bundle as an ``.npz``: a stranger's, maybe."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_BYTES", "unpack_arrays"]

MAX_BYTES: Final = 64 << 20
"""Of all arrays together; a bundle's own take 2 MB."""


def unpack_arrays(data: bytes) -> dict[str, npt.NDArray[Any]]:
    """The arrays by name.

    Neither what is compressed nor what an array says of its size is believed before it is
    measured: both could ask for any amount of memory.

    Raises:
        ValueError: not an archive of plain arrays, or they are too large.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    left = MAX_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                with archive.open(info) as stream:
                    body = stream.read(left + 1)
                left -= len(body)
                if left < 0:
                    raise ValueError(f"the arrays take more than {MAX_BYTES} bytes")
                arrays[info.filename.removesuffix(".npy")] = _array(body)
    # A NotImplementedError is an unknown compression, a RuntimeError an encrypted member.
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError("not an archive of arrays") from error
    return arrays


def _array(body: bytes) -> npt.NDArray[Any]:
    stream = io.BytesIO(body)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):  # what numpy writes for all that is plain
        raise ValueError("not a plain array")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(body) - stream.tell():
        raise ValueError("an array is not as large as it says")
    stream.seek(0)
    return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
