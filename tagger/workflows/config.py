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

    [scan]
    policy = "append"                   # every option of a scan, by its long name

    [library."/volume1/music/Classical"]
    min_confidence = 0.8                # the same, for what lies below a folder
    [library."/volume1/music/Classical".thresholds]
    "Classical" = 0.6

Each key may be absent. One that is not known is refused, as it would be ignored in silence.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from tagger.errors import UsageError
from tagger.models.vocabulary import Vocabulary
from tagger.trust import not_ours
from tagger.words import comparable
from tagger.workflows.settings import SETTINGS, Setting

__all__ = [
    "ID3_VERSIONS",
    "Config",
    "ConfigFile",
    "Library",
    "config_path",
    "load_config",
    "load_file",
]

_SCAN: Final = {s.name: s for s in SETTINGS.values() if s.table == "scan"}
_WRITE: Final = {s.name: s for s in SETTINGS.values() if s.table == "write"}
_VOCABULARY: Final = ("aliases", "ignore", "parents", "whitelist")
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "scan": tuple(_SCAN),
    "write": tuple(_WRITE),
    "vocabulary": _VOCABULARY,
    "thresholds": (),  # the keys are the user's words
    "library": (),  # and here the user's folders
}
_LIBRARY_KEYS: Final = (*_SCAN, *_WRITE, "vocabulary", "thresholds")
ID3_VERSIONS: Final[Mapping[str, Literal[3, 4]]] = {"2.3": 3, "2.4": 4}


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


@dataclass(frozen=True, slots=True)
class Library:
    """A section of the file for what lies below a folder.

    Attributes:
        folder: as the file names it, with the user's home put in for ``~``.
        settings: by the names of :data:`~tagger.workflows.settings.SETTINGS`.
        config: the words for genres here: those of the whole file where this section has none.
    """

    folder: Path
    settings: Mapping[str, Any]
    config: Config


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The whole file.

    Attributes:
        path: where it is, or would be; None if no place can be told.
        found: whether it is there.
        settings: of ``[scan]`` and ``[write]``.
        config: the words for genres.
        libraries: in the order of the file.
    """

    path: Path | None = None
    found: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    config: Config = field(default_factory=Config)
    libraries: tuple[Library, ...] = ()


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
    """The words for genres that the configuration file gives; without one, the defaults.

    Raises:
        UsageError: as :func:`load_file`.
    """
    return load_file(environment).config


def load_file(environment: Mapping[str, str] = os.environ) -> ConfigFile:
    """Read the configuration file; without one, it says nothing.

    Args:
        environment: as for :func:`config_path`.

    Raises:
        UsageError: the file that ``GENRETAG_CONFIG`` names does not exist, or a file cannot be
            read or says what cannot be meant; one line names file and key.
    """
    path = config_path(environment)
    if path is None:
        return ConfigFile()
    try:
        why = not_ours(path)
        if why and not environment.get("GENRETAG_CONFIG"):  # or its owner says what a run does
            raise UsageError(
                f"{path}: not obeyed: {why}; name it with GENRETAG_CONFIG if that is meant"
            )
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if environment.get("GENRETAG_CONFIG"):
            raise UsageError(f"{path}: no such file; GENRETAG_CONFIG names it") from None
        return ConfigFile(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: the configuration cannot be read: {reason}") from error
    try:
        return replace(_file(_parsed(data)), path=path, found=True)
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


def _file(root: Mapping[str, Any]) -> ConfigFile:
    _check_keys(root, _KEYS, "")
    tables = {name: _table(root.get(name, {}), name) for name in _KEYS}
    for name, known in _KEYS.items():
        if known:
            _check_keys(tables[name], known, f"{name}.")
    settings = {
        **_settings(tables["scan"], _SCAN, "scan."),
        **_settings(tables["write"], _WRITE, "write."),
    }
    words, thresholds = tables["vocabulary"], tables["thresholds"]
    libraries = []
    for folder, table in tables["library"].items():
        place = f'library."{folder}"'
        section = _table(table, place)
        _check_keys(section, _LIBRARY_KEYS, f"{place}.")
        own_words = _table(section.get("vocabulary", {}), f"{place}.vocabulary")
        own_thresholds = _table(section.get("thresholds", {}), f"{place}.thresholds")
        _check_keys(own_words, _VOCABULARY, f"{place}.vocabulary.")
        own = _settings(section, _SCAN | _WRITE, f"{place}.")
        config = _config(
            {**words, **own_words}, {**thresholds, **own_thresholds}, {**settings, **own}
        )
        libraries.append(Library(_library_folder(folder), own, config))
    return ConfigFile(
        settings=MappingProxyType(settings),
        config=_config(words, thresholds, settings),
        libraries=tuple(libraries),
    )


def _library_folder(text: str) -> Path:
    folder = Path(os.path.expanduser(text))  # noqa: PTH111 (keeps a ~user that is unknown)
    if not folder.is_absolute():
        raise UsageError(f'library."{text}" must be a whole path, as [library."/volume1/music"]')
    return folder


def _settings(
    table: Mapping[str, Any], known: Mapping[str, Setting], prefix: str
) -> Mapping[str, Any]:
    values = {
        name: setting.check_toml(table[name], f"{prefix}{name}")
        for name, setting in known.items()
        if name in table
    }
    for name, value in values.items():
        # From cron it would be another file than from a terminal.
        if isinstance(value, Path) and not value.is_absolute():
            raise UsageError(f"{prefix}{name} must be a whole path, from / or ~")
    return MappingProxyType(values)


def _config(
    words: Mapping[str, Any], thresholds: Mapping[str, Any], settings: Mapping[str, Any]
) -> Config:
    return Config(
        Vocabulary(
            aliases=_texts(words.get("aliases", {}), "vocabulary.aliases"),
            ignore=frozenset(_words(words.get("ignore", []), "vocabulary.ignore")),
            parents=_texts(words.get("parents", {}), "vocabulary.parents"),
            whitelist=_words(words.get("whitelist", []), "vocabulary.whitelist"),
        ),
        _thresholds(thresholds),
        ID3_VERSIONS[settings.get("id3_version", "2.4")],
        settings.get("cluster_fields", ()),
    )


def _check_keys(table: Mapping[str, Any], known: Iterable[str], prefix: str) -> None:
    choices = tuple(known)
    for key in table:
        if key not in choices:
            listed = ", ".join(f"{prefix}{choice}" for choice in choices)
            said = f"unknown key {f'{prefix}{key}'!r}"
            raise UsageError(f"{said}: {_hint(key, choices, prefix)}the keys are {listed}")


def _hint(key: str, choices: tuple[str, ...], prefix: str) -> str:
    """What was meant, if that can be guessed: here, or in another table."""
    name = key.casefold().replace("-", "_")
    setting = SETTINGS.get(name)
    if setting and not setting.table:
        return f"{name} belongs to one run: {setting.option} or {setting.variable}; "
    close = get_close_matches(name, choices, 1)
    if close:
        return f"did you mean {prefix}{close[0]}? "
    for table, keys in _KEYS.items():
        if name in keys:
            return f"did you mean {table}.{name}? "
    return ""


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
