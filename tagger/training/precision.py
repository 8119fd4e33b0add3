"""Whether this processor multiplies in bfloat16, or only pretends to."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["has_bfloat16"]

_CPU_INFO: Final = Path("/proc/cpuinfo")
_FLAGS: Final = frozenset({"avx512_bf16", "amx_bf16", "bf16"})  # the last is ARM's


def has_bfloat16(cpu_info: Path = _CPU_INFO) -> bool:
    """Whether the processor has instructions for bfloat16.

    Without them it is emulated: a step of the residual network then takes ten times as long as in
    float32, where it is about 1.4 times as fast with them. Where the system does not tell, the
    answer is no.
    """
    try:
        lines = cpu_info.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    flags = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return any(_FLAGS & set(line.split()) for line in flags)
