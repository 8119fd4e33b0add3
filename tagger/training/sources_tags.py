"""Labelled music as a tagged library: the genres that stand in its files.

A track has one genre to learn. Its words become the user's by the vocabulary, each climbs the
genre tree to the top (or to the first genre on the user's whitelist), and the one that most of
them arrive at is taken. This is how the Free Music Archive's tracks were given their
``genre_top`` (Defferrard et al., "FMA: A Dataset for Music Analysis", ISMIR 2017). Tracks of
one genre climb as well: a library must not hold Techno once as Techno and once as Electronic.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from tagger.domain import CurrentTags
from tagger.models.vocabulary import Vocabulary
from tagger.report.text import counted
from tagger.tags.artists import artist_and_album, tags_or_none
from tagger.tags.fields import GENRE
from tagger.tags.genres import is_generic, named, split
from tagger.training.examples import Example, Labelled
from tagger.training.genre_tree import GenreTree
from tagger.training.own_answers import own_answers
from tagger.words import comparable

__all__ = ["read_library"]

_SHOWN: Final = 5


def read_library(
    data: Path,
    files: Iterable[Path],
    vocabulary: Vocabulary,
    parents: Mapping[str, str] | None,
    seed: int,
) -> Labelled:
    """Label files by their genre fields.

    Args:
        data: the folder of the library; ties are decided by where a file lies in it.
        files: its audio files.
        vocabulary: the user's words; what it ignores or keeps off its whitelist is no label.
        parents: the user's genre → more general genre, in place of the vocabulary's.
        seed: of the draw that decides ties.

    Raises:
        UsageError: ``parents`` lead in a circle.
    """
    notes = []
    found = {path: tags_or_none(path) for path in files}
    tracks = {path: tags for path, tags in found.items() if tags}
    if unreadable := len(found) - len(tracks):
        notes.append(f"{counted(unreadable, 'file')} with tags that cannot be read: left out")
    own, problem = own_answers(tracks, vocabulary)
    if problem:
        notes.append(f"{problem}; who wrote a genre was told by the tags alone")
    labels = _Labels(vocabulary, vocabulary.parents if parents is None else parents)
    tally: Counter[str] = Counter()
    climbed: dict[str, Counter[str]] = {}
    examples = []
    for path, tags in tracks.items():
        words = _words(tags)
        by_user = [word for word in words if comparable(word) not in own.get(path, ())]
        votes = labels.votes(by_user)
        if not votes:
            tally["none" if not words else "own" if not by_user else "dropped"] += 1
            continue
        most = max(map(len, votes.values()))
        first = sorted(label for label, voters in votes.items() if len(voters) == most)
        genre = first[0]
        if len(first) > 1:
            tally["tied"] += 1
            genre = random.Random(f"{seed}/{path.relative_to(data)!r}").choice(first)
        for voter in votes[genre]:
            if comparable(voter) != comparable(genre):
                climbed.setdefault(genre, Counter())[voter] += 1
        examples.append(Example(path, genre, *artist_and_album(tags)))
    notes += _notes(tally, seed)
    notes += [
        f"{_listed([word for word, _ in voters.most_common()])} counted as {genre}"
        for genre, voters in sorted(climbed.items())
    ]
    if climbed:
        notes.append("a genre stays what it is where vocabulary.whitelist names it")
    return Labelled(tuple(examples), tuple(notes), tally["none"])


class _Labels:
    """From the words of a genre field to labels."""

    def __init__(self, vocabulary: Vocabulary, parents: Mapping[str, str]) -> None:
        self._allowed = {comparable(word): word for word in vocabulary.whitelist}
        self._ignored = set(map(comparable, vocabulary.ignore))
        # What is on the whitelist is spelled so, and not renamed by a default alias; the way up
        # to it is the tree's matter.
        aliased = set(map(comparable, vocabulary.aliases))
        aliases = {word: word for key, word in self._allowed.items() if key not in aliased}
        for label, word in vocabulary.aliases.items():
            aliases[label] = self._allowed.get(comparable(word), word)
        self._spelling = replace(vocabulary, aliases=aliases, parents={}, whitelist=())
        self._tree = GenreTree(parents, spelled=lambda word: self._spelled(word) or word)

    def votes(self, words: Iterable[str]) -> dict[str, list[str]]:
        """The labels that some words stand for, each with its voters; a word votes once,
        however often and in whatever spelling it stands there."""
        spelled = {comparable(s): s for word in words if (s := self._spelled(word))}
        votes: dict[str, list[str]] = {}
        for word in spelled.values():
            if label := self._label(word):
                votes.setdefault(label, []).append(word)
        return votes

    def _spelled(self, word: str) -> str | None:
        return self._spelling.route(word).word

    def _label(self, word: str) -> str | None:
        way = self._tree.way_up(word)
        if self._allowed:
            keys = map(comparable, way)
            return next((self._allowed[key] for key in keys if key in self._allowed), None)
        return way[-1] if comparable(way[-1]) not in self._ignored else None


def _words(tags: CurrentTags) -> list[str]:
    words = map(named, split(tags.values.get(GENRE.name, ())))
    return [word for word in words if not is_generic(word)]


def _notes(tally: Mapping[str, int], seed: int) -> list[str]:
    told = (
        ("none", "without a genre: left out"),
        ("own", "with no genre but what genretag wrote itself: left out"),
        ("dropped", "with no genre that the vocabulary allows: left out"),
        ("tied", f"between several genres: decided by the seed ({seed})"),
    )
    return [f"{counted(tally[kind], 'track')} {what}" for kind, what in told if tally[kind]]


def _listed(words: list[str]) -> str:
    if len(words) == 1:
        return f"{words[0]} is"
    if len(words) <= _SHOWN:
        return f"{', '.join(words[:-1])} and {words[-1]} are"
    return f"{', '.join(words[:_SHOWN])} and {len(words) - _SHOWN} more genres are"
