"""How to look at a figure that was written, without eyes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from matplotlib.text import Text

__all__ = ["cut_off", "kept_figures", "texts"]


@contextmanager
def kept_figures() -> Iterator[list[Any]]:
    """Collect the figures that would have been closed; they are closed in the end."""
    from matplotlib import pyplot as plt

    close, kept = plt.close, []
    with mock.patch.object(plt, "close", kept.append):
        yield kept
    for figure in kept:
        close(figure)


def texts(figure: Any) -> list[str]:
    """All words of a figure."""
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible()]


def cut_off(figure: Any) -> list[str]:
    """Axes of which something stands outside the figure (by more than two pixels)."""
    figure.draw_without_rendering()
    width, height = figure.bbox.size
    boxes = [(axes, axes.get_tightbbox()) for axes in figure.axes]
    return [
        f"{axes.get_title()!r}: {box}"
        for axes, box in boxes
        if min(box.x0, box.y0) < -2 or box.x1 > width + 2 or box.y1 > height + 2
    ]
