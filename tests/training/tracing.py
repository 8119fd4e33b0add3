"""Trainings of a few steps, which TensorFlow would trace for longer than they last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["untraced"]


@contextmanager
def untraced() -> Iterator[None]:
    """Run networks operation by operation: the same arithmetic, without the graph."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)
