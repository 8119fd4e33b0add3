"""Which genres in files genretag wrote itself: a model must not learn its own answers.

A scan leaves ``GENRETAG_GENRES`` in a file also where it kept the user's genre, so that this
field alone does not tell who wrote the genre. The journal does: it holds each change of the
genre field. It is believed where it knows a file from before genretag first wrote into it.
Otherwise (the file was moved, or tagged on another machine) a genre that ``GENRETAG_GENRES``
names is taken for genretag's. That loses genres of the user with which a model agreed; the
other way round, a model's errors would come back as truth.

A genre that the user changed after a scan is the user's, and so are genres that genretag
added others to.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

from tagger.domain import CurrentTags, TagChange
from tagger.errors import UsageError
from tagger.library.folders import state_folder
from tagger.library.journal import Journal
from tagger.models.vocabulary import Vocabulary
from tagger.tags.fields import GENRE, GENRES
from tagger.words import comparable

__all__ = ["own_answers"]


def own_answers(
    tracks: Mapping[Path, CurrentTags], vocabulary: Vocabulary
) -> tuple[dict[Path, frozenset[str]], str]:
    """The words in each file's genre field that genretag put there.

    Args:
        tracks: files and what stands in them.
        vocabulary: the user's words for a model's labels.

    Returns:
        for each file with such words, these in comparable spelling; and why the journal could
        not be asked, or an empty string.
    """
    scanned = {path: tags for path, tags in tracks.items() if tags.values.get(GENRES.name)}
    if not scanned:
        return {}, ""
    real = {os.path.realpath(path): path for path in scanned}
    try:
        journalled, problem = _journalled(real), ""
    except UsageError as error:
        journalled, problem = {}, str(error)
    words = {
        path: journalled[path] if path in journalled else _named(tags, vocabulary)
        for path, tags in scanned.items()
    }
    return {path: own for path, own in words.items() if own}, problem


def _journalled(real: Mapping[str, Path]) -> dict[Path, frozenset[str]]:
    """Words that the journal's standing entries added to the genre of files that it knows from
    the first."""
    added: dict[Path, set[str]] = {}
    from_the_first = set()
    with closing(Journal.open(state_folder(create=False), create=False)) as journal:
        for run in journal.runs():
            for entry in journal.entries(run.number):
                path = real.get(os.fspath(entry.replacement.path))
                if path is None or not entry.state.stands:
                    continue
                for change in entry.replacement.changes:
                    if change.field == GENRE.name:
                        added.setdefault(path, set()).update(_added(change))
                    elif change.field == GENRES.name and not change.before:
                        from_the_first.add(path)
    return {path: frozenset(added.get(path, ())) for path in from_the_first}


def _added(change: TagChange) -> Iterable[str]:
    return set(map(comparable, change.after)) - set(map(comparable, change.before))


def _named(tags: CurrentTags, vocabulary: Vocabulary) -> frozenset[str]:
    """Words that ``GENRETAG_GENRES`` names, as labels and as the vocabulary's words."""
    labels = [ranked.rpartition("=")[0] or ranked for ranked in tags.values[GENRES.name]]
    words = (word for label in labels for word in (label, vocabulary.route(label).word) if word)
    return frozenset(map(comparable, words))
