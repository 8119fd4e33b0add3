"""Versions, processor and memory."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from tagger import __version__
from tagger.domain import Finding, Health
from tagger.engine.limits import available_cores, available_memory, default_jobs

__all__ = ["cpu_features", "machine", "versions"]

_LIBRARIES: Final = (
    "ai-edge-litert", "librosa", "mutagen", "numpy", "onnxruntime", "scipy", "soundfile", "soxr",
)  # fmt: skip
_TELLING: Final = ("sse4_2", "avx", "avx2", "avx512f", "asimd")
_LEAST_BYTES: Final = 300 << 20  # a scan's own process and a worker, and something to spare


def versions() -> Iterator[Finding]:
    """genretag, Python, and the libraries that do the work."""
    python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("genretag", Health.OK, f"{__version__}, {python}")
    found, missing = [], []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    yield Finding("libraries", Health.OK, ", ".join(found))
    if missing:
        yield Finding(
            "libraries",
            Health.PROBLEM,
            f"not installed: {', '.join(missing)}",
            f"{sys.executable} -m pip install {' '.join(missing)}",
        )


def machine(proc: Path = Path("/proc")) -> Iterator[Finding]:
    """Processor and memory, as far as this process may use them.

    Args:
        proc: where procfs lies.
    """
    features = cpu_features(proc)
    if features is not None:
        named = ", ".join(name for name in _TELLING if name in features) or "none that matter"
        plain = platform.machine() in ("x86_64", "AMD64") and "avx" not in features
        yield Finding(
            "processor",
            Health.NOTE if plain else Health.OK,
            f"features: {named}",
            "without AVX a scan works; TensorFlow, which training needs, does not" if plain else "",
        )
    cores, memory, jobs = available_cores(), available_memory(), default_jobs()
    there = os.cpu_count() or cores
    fewer = f" of {there}" if there != cores else ""
    text = f"{cores}{fewer} {'core' if there == 1 else 'cores'}"
    if memory is not None:
        text += f" and {memory / 2**30:.1f} GiB of memory to use"
    small = memory is not None and memory < _LEAST_BYTES
    yield Finding(
        "room",
        Health.PROBLEM if small else Health.OK,
        f"{text}: a scan starts {jobs} worker {'process' if jobs == 1 else 'processes'}",
        "end other programs, or raise the container's memory limit to 512 MB" if small else "",
    )


def cpu_features(proc: Path = Path("/proc")) -> set[str] | None:
    """The processor's features as Linux names them; None if nobody tells."""
    try:
        text = (proc / "cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        name, _, features = line.partition(":")
        if name.strip().lower() in ("flags", "features"):
            return set(features.split())
    return None
