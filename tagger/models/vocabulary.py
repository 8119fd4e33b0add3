"""From the labels of a model to the words of a user's library.

A model's labels are the names of its training data; a collector has names of their own. Each
label becomes a word by an alias, is dropped if it is to be ignored, and climbs the tree of
parents until it reaches a word that the whitelist allows. Labels that become the same word add
up: what one says of *Disco* and of *House* may be enough to write *Dance*.

Pure: no file is read here. Words are compared without case, accents and punctuation throughout.
"""

from __future__ import annotations

import graphlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from tagger.domain import Candidate, Route
from tagger.errors import UsageError
from tagger.words import comparable

__all__ = ["DEFAULT_ALIASES", "DEFAULT_THRESHOLD", "Thresholds", "Vocabulary"]

DEFAULT_THRESHOLD: Final = 0.5
"""Least probability of a label for which nobody gave a threshold."""

_SEPARATORS: Final = re.compile("[;/,]")

_SPELLINGS: Final[dict[str, tuple[str, ...]]] = {
    "Blues": (),
    "Classical": ("Classic", "Classical Music", "European Classical"),
    "Country": ("Country Music", "Country & Western", "Country and Western"),
    "Disco": (),
    "Electronic": (
        "Electronica", "Electronic Music", "EDM", "Electronic Dance Music",
        "Electronic/Dance", "Dance/Electronic", "Dance & Electronic",
    ),
    "Hip-Hop": ("Rap", "Hip-Hop/Rap", "Rap/Hip-Hop", "Hip-Hop & Rap", "Rap & Hip-Hop"),
    "Jazz": ("Jazz Music",),
    "Metal": ("Metal Music",),
    "Pop": ("Pop Music",),
    "Reggae": ("Reggae Music",),
    "Rock": ("Rock Music",),
    "R&B": (
        "RnB", "R'n'B", "R and B", "Rhythm & Blues", "Rhythm and Blues", "Contemporary R&B",
        "R&B/Soul", "Soul/R&B", "Soul & R&B", "Soul-RnB",
    ),
    "Drum & Bass": ("Drum and Bass", "Drum'n'Bass", "DnB", "D&B", "D'n'B"),
    "Folk": ("Folk Music",),
    "Rock & Roll": ("Rock and Roll", "Rock'n'Roll"),
    "Synthpop": ("Synth-Pop", "Synthesizer Pop"),
    "Soundtrack": ("Soundtracks", "OST", "Original Soundtrack", "Film Score"),
    "World Music": ("World", "Worldmusic"),
    "New Age": ("New Age Music",),
    "Trip-Hop": (),
    "BritPop": (),
    "Downtempo": ("Down Tempo",),
    "Psytrance": ("Psy-Trance", "Psychedelic Trance"),
}  # fmt: skip
"""Names that players know, after the ID3 list, and what else the same music is called."""

DEFAULT_ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {comparable(each): word for word, others in _SPELLINGS.items() for each in (word, *others)}
)
"""Words for usual labels, by their comparable spelling."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Least probabilities, from the most general to the one that overrides all.

    Attributes:
        labels: by label of the model, from its bundle.
        words: by word, as :func:`~tagger.words.comparable` spells it; the user's.
        for_all: one for every word, or None.
    """

    labels: Mapping[str, float]
    words: Mapping[str, float] = field(default_factory=dict)
    for_all: float | None = None

    def least(self, label: str, word: str) -> float:
        """Least probability of a word whose most probable label is ``label``."""
        if self.for_all is not None:
            return self.for_all
        return self.words.get(comparable(word), self.labels.get(label, DEFAULT_THRESHOLD))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The user's words for a model's labels.

    Attributes:
        aliases: label to word; the word is final, it is not looked up again. These go before
            :data:`DEFAULT_ALIASES`, of which none renames what is itself on the whitelist.
        ignore: labels and words that are never written.
        parents: word to the more general word above it.
        whitelist: the words that may be written, as they are spelled here; if empty, all.

    Raises:
        UsageError: if a word could not stand in a tag, or the tables contradict themselves;
            the message names the table and the word.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()
    parents: Mapping[str, str] = field(default_factory=dict)
    whitelist: tuple[str, ...] = ()
    _words: dict[str, str] = field(init=False, repr=False, compare=False)
    _ignored: frozenset[str] = field(init=False, repr=False, compare=False)
    _above: dict[str, str] = field(init=False, repr=False, compare=False)
    _allowed: dict[str, str] = field(init=False, repr=False, compare=False)
    _spellings: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the tables and key them by comparable spelling."""
        for table, given in (
            ("aliases", self.aliases.values()),
            ("parents", self.parents.values()),
            ("whitelist", self.whitelist),
        ):
            for word in given:
                _check_word(word, f"vocabulary.{table}")
        allowed = _one_spelling(self.whitelist, "whitelist")
        spellings = _one_spelling(self.aliases.values(), "aliases") | allowed
        ignored = {comparable(word): word for word in self.ignore}
        if both := sorted(ignored[key] for key in ignored.keys() & allowed.keys()):
            raise UsageError(
                f"vocabulary: {both[0]!r} stands in ignore and in whitelist; take one away"
            )
        _one_spelling(self.aliases, "aliases")
        _one_spelling(self.parents, "parents")
        _check_tree(self.parents)
        defaults = {key: word for key, word in DEFAULT_ALIASES.items() if key not in allowed}
        chosen = {comparable(label): word for label, word in self.aliases.items()}
        words = {key: chosen.get(comparable(word), word) for key, word in defaults.items()}
        for name, value in (
            ("_words", words | chosen),
            ("_ignored", frozenset(ignored)),
            ("_above", {comparable(word): above for word, above in self.parents.items()}),
            ("_allowed", allowed),
            ("_spellings", spellings),
        ):
            object.__setattr__(self, name, value)

    def route(self, label: str) -> Route:
        """What becomes of one label, step by step."""
        plain = " ".join(_SEPARATORS.sub(" ", label).split())
        word = self._spelled(self._words.get(comparable(label), plain))
        steps: list[tuple[str, str]] = []
        if word != label:
            same = comparable(word) == comparable(label)
            steps.append(("spelling" if same else "alias", word))
        if not any(c.isalpha() for c in word):
            return Route(label, tuple(steps), None, "not a word")
        if not self._ignored.isdisjoint({comparable(label), comparable(word)}):
            return Route(label, tuple(steps), None, "ignored")
        while self._allowed and comparable(word) not in self._allowed:
            above = self._above.get(comparable(word))
            if above is None:
                return Route(label, tuple(steps), None, "not on the whitelist")
            word = self._spelled(above)
            steps.append(("parent", word))
        return Route(label, tuple(steps), word)

    def candidates(
        self, genres: Sequence[tuple[str, float]], thresholds: Thresholds
    ) -> tuple[Candidate, ...]:
        """The words for what was heard, most probable first.

        Args:
            genres: labels and their probabilities.
            thresholds: least probabilities; a word of several labels has the one of the most
                probable of them, unless the user gave the word its own.
        """
        heard: dict[str, list[tuple[str, str, float]]] = {}
        for label, probability in sorted(genres, key=lambda pair: -pair[1]):
            word = self.route(label).word
            if word is not None:
                heard.setdefault(comparable(word), []).append((word, label, probability))
        found = [
            Candidate(
                word=(word := group[0][0]),
                probability=min(1.0, math.fsum(probability for _, _, probability in group)),
                threshold=thresholds.least(group[0][1], word),
                labels=tuple(label for _, label, _ in group),
            )
            for group in heard.values()
        ]
        return tuple(sorted(found, key=lambda candidate: -candidate.probability))

    def _spelled(self, word: str) -> str:
        return self._spellings.get(comparable(word), word)


def _check_word(word: str, table: str) -> None:
    if found := _SEPARATORS.search(word):
        raise UsageError(
            f"{table}: {word!r} holds {found[0]!r}; players take ; / and , for the end of a genre"
        )
    if not any(c.isalpha() for c in word) or not word.isprintable() or word != word.strip():
        raise UsageError(
            f"{table}: {word!r} must be one line with a letter in it and no spaces around it"
        )


def _one_spelling(words: Iterable[str], table: str) -> dict[str, str]:
    """Words by comparable spelling.

    Raises:
        UsageError: if a word comes in two spellings; players would show two genres.
    """
    spelled: dict[str, str] = {}
    for word in words:
        first = spelled.setdefault(comparable(word), word)
        if first != word:
            raise UsageError(
                f"vocabulary.{table}: {first!r} and {word!r} are the same word; spell it one way"
            )
    return spelled


def _check_tree(parents: Mapping[str, str]) -> None:
    names = {comparable(word): word for pair in parents.items() for word in pair}
    below = {comparable(word): [comparable(above)] for word, above in parents.items()}
    try:
        graphlib.TopologicalSorter(below).prepare()
    except graphlib.CycleError as error:
        way = " → ".join(repr(names[key]) for key in reversed(error.args[1]))
        raise UsageError(f"vocabulary.parents: {way} is a circle; take one step out") from None
