"""One name for a genre, however a folder, a tag or a table spells it."""

from __future__ import annotations

from tagger.models.vocabulary import DEFAULT_ALIASES
from tagger.report.text import shown
from tagger.words import comparable

__all__ = ["named_genre"]


def named_genre(label: str) -> str:
    """A label as players spell the genre: ``hiphop`` is Hip-Hop, ``zouk`` is Zouk.

    ``;``, ``/`` and ``,``, at which servers cut a tag's value, become hyphens. What cannot be
    printed is written out: a model's labels are a line of text each.
    """
    known = DEFAULT_ALIASES.get(comparable(label))
    if known:
        return known
    for separator in ";/,":
        label = label.replace(separator, "-")
    label = " ".join(label.split())
    return shown(label.title() if label.islower() else label)
