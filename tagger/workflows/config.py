"""The configuration file: what a user decides once, for all runs.

It is TOML, ``genretag/config.toml`` in the user's configuration folder::

    [vocabulary]
    ignore = ["Disco"]                  # never written
    whitelist = ["Rock", "Jazz", "R&B"] # nothing else is written

    [vocabulary.aliases]
    "Hip-Hop" = "Rap"                   # the model's label = your word

    [vocabulary.parents]
    "Metal" = "Rock"                    # written as Rock if Metal is not on the whitelist

    [thresholds]
    "Rock" = 0.7                        # least probability of a word

    [write]
    id3_version = "2.3"                 # of tags that are new; those that stand keep theirs
    cluster_fields = ["GROUPING"]       # the music type goes into these, too, where nothing stands

Each key may be absent. One that is not known is refused, as it would be ignored in silence.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from tagger.errors import UsageError
from tagger.models.vocabulary import Vocabulary
from tagger.tags.fields import TYPE_FIELDS
from tagger.words import comparable

__all__ = ["Config", "config_path", "load_config"]

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "vocabulary": ("aliases", "ignore", "parents", "whitelist"),
    "thresholds": (),  # the keys are the user's words
    "write": ("cluster_fields", "id3_version"),
}
_ID3_VERSIONS: Final[Mapping[str, Literal[3, 4]]] = {"2.3": 3, "2.4": 4}


@dataclass(frozen=True, slots=True)
class Config:
    """What the configuration file says, and where it says nothing, the defaults.

    Attributes:
        vocabulary: words for the model's labels.
        thresholds: least probability by word, as :func:`~tagger.words.comparable` spells it.
        new_id3: version of an ID3v2 tag where there is none yet.
        cluster_fields: fields that the music type goes into beside our own.
    """

    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    new_id3: Literal[3, 4] = 4
    cluster_fields: tuple[str, ...] = ()


def config_path(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where the file is, or would be.

    Args:
        environment: ``GENRETAG_CONFIG`` names the file; otherwise it is
            ``genretag/config.toml`` in ``XDG_CONFIG_HOME`` or else in ``~/.config``.

    Returns:
        None if this user has no home.
    """
    named = environment.get("GENRETAG_CONFIG")
    return Path(named) if named else _default_path(environment)


def load_config(environment: Mapping[str, str] = os.environ) -> Config:
    """Read the configuration file; without one, all is as by default.

    Args:
        environment: as for :func:`config_path`.

    Raises:
        UsageError: the file that ``GENRETAG_CONFIG`` names does not exist, or a file cannot be
            read or says what cannot be meant; one line names file and key.
    """
    path = config_path(environment)
    if path is None:
        return Config()
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if environment.get("GENRETAG_CONFIG"):
            raise UsageError(f"{path}: no such file; GENRETAG_CONFIG names it") from None
        return Config()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: the configuration cannot be read: {reason}") from error
    try:
        return _config(_parsed(data))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _default_path(environment: Mapping[str, str]) -> Path | None:
    base = Path(environment.get("XDG_CONFIG_HOME", ""))
    if not base.is_absolute():  # the XDG specification: a relative path is to be ignored
        home = environment.get("HOME")
        try:
            base = Path(home or Path.home()) / ".config"
        except RuntimeError:  # a service's user may have no home
            return None
    return base / "genretag" / "config.toml"


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode("utf-8-sig"))  # some editors put a mark before the text
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"line {line} is not UTF-8 text; save the file as UTF-8") from None
    except (ValueError, RecursionError) as error:  # the parser's own errors say the line
        raise UsageError(f"not valid TOML: {error}") from None


def _config(root: Mapping[str, Any]) -> Config:
    _check_keys(root, _KEYS, "")
    tables = {name: _table(root.get(name, {}), name) for name in _KEYS}
    for name, known in _KEYS.items():
        if known:
            _check_keys(tables[name], known, f"{name}.")
    words = tables["vocabulary"]
    return Config(
        Vocabulary(
            aliases=_texts(words.get("aliases", {}), "vocabulary.aliases"),
            ignore=frozenset(_words(words.get("ignore", []), "vocabulary.ignore")),
            parents=_texts(words.get("parents", {}), "vocabulary.parents"),
            whitelist=_words(words.get("whitelist", []), "vocabulary.whitelist"),
        ),
        _thresholds(tables["thresholds"]),
        _id3_version(tables["write"].get("id3_version", "2.4")),
        _cluster_fields(tables["write"].get("cluster_fields", [])),
    )


def _check_keys(table: Mapping[str, Any], known: Iterable[str], prefix: str) -> None:
    choices = tuple(known)
    for key in table:
        if key not in choices:
            close = get_close_matches(key.casefold(), choices, 1)
            hint = f"did you mean {prefix}{close[0]}? " if close else ""
            listed = ", ".join(f"{prefix}{choice}" for choice in choices)
            raise UsageError(f"unknown key {f'{prefix}{key}'!r}: {hint}the keys are {listed}")


def _table(value: object, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{place} must be a table, [{place}]")
    return value


def _texts(value: object, place: str) -> Mapping[str, str]:
    table = _table(value, place)
    for key, word in table.items():
        if not isinstance(word, str):
            raise UsageError(f"{place}: {key!r} must be a word in quotes")
    return MappingProxyType(dict(table))


def _words(value: object, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise UsageError(f'{place} must be a list of words in quotes: ["Rock", "Jazz"]')
    return tuple(value)


def _thresholds(table: Mapping[str, Any]) -> Mapping[str, float]:
    found: dict[str, tuple[str, float]] = {}
    for word, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise UsageError(f"thresholds: {word!r} must be a number from 0 to 1")
        first, _ = found.setdefault(comparable(word), (word, float(value)))
        if first != word:
            raise UsageError(f"thresholds: {first!r} and {word!r} are the same word; keep one")
    return MappingProxyType({key: value for key, (_, value) in found.items()})


def _id3_version(value: object) -> Literal[3, 4]:
    if not isinstance(value, str) or value not in _ID3_VERSIONS:
        raise UsageError('write.id3_version must be "2.3" or "2.4", in quotes')
    return _ID3_VERSIONS[value]


def _cluster_fields(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not set(map(str, value)) <= set(TYPE_FIELDS):
        known = ", ".join(f'"{name}"' for name in TYPE_FIELDS)
        raise UsageError(f"write.cluster_fields must be a list of some of {known}")
    return tuple(name for name in TYPE_FIELDS if name in value)
