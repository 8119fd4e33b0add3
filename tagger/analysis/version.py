"""The version of the analysis, apart from it: knowing it must not cost librosa's import."""

from typing import Final

__all__ = ["ANALYSIS_VERSION"]

ANALYSIS_VERSION: Final = 1
"""Raised whenever the same samples would give other numbers."""
