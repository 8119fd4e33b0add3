"""Every setting of a scan, declared once: option, environment variable, key of the file.

Help, command line, environment, configuration file, ``config show``, ``config init``, manual
and completion all read this table. A value comes from the first of these that has one::

    command line > environment > [library."/music"] > [scan] > default

Of a setting that is a list, all of them add up: what one place excludes, none lets in again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

from tagger.domain import Policy
from tagger.errors import UsageError
from tagger.tags.fields import TYPE_FIELDS
from tagger.workflows.kinds import (
    Choice,
    Duration,
    Kind,
    Number,
    Place,
    Several,
    Switch,
    Text,
    Whole,
    Words,
    expected_in_toml,
)

__all__ = [
    "PREFIX",
    "SETTINGS",
    "Found",
    "Layer",
    "Setting",
    "Settings",
    "from_environment",
    "given",
    "resolve",
    "unknown_variables",
]

PREFIX: Final = "GENRETAG_"
_OF_FOLDERS: Final = ("GENRETAG_CACHE_DIR", "GENRETAG_CONFIG", "GENRETAG_STATE_DIR")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        name: as in the file; options and variables are made from it.
        kind: what it may be.
        default: where nothing is said; None means what the model or the machine says.
        help: for help, manual and the commented file.
        short: its short option, or empty.
        table: where it stands in the file; empty if it belongs to one run and not in a file.
        has_option: whether the command line knows it.
    """

    name: str
    kind: Kind
    default: Any
    help: str
    short: str = ""
    table: str = "scan"
    has_option: bool = True

    @property
    def option(self) -> str:
        """``--min-confidence``."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """``GENRETAG_MIN_CONFIDENCE``."""
        return PREFIX + self.name.upper()

    @property
    def key(self) -> str:
        """``scan.min_confidence``."""
        return f"{self.table}.{self.name}"

    def check(self, value: Any, said: str) -> Any:
        """A value of the command line as the program uses it.

        Args:
            value: as it was given.
            said: who says so, for the message.

        Raises:
            UsageError: it cannot be meant.
        """
        try:
            return self.kind.check(value)
        except ValueError:
            raise UsageError(f"{said}: must be {self.kind.expected}") from None

    def check_toml(self, value: Any, key: str) -> Any:
        """A value of the file as the program uses it.

        Args:
            value: as the file has it.
            key: where it stands, for the message.

        Raises:
            UsageError: it cannot be meant.
        """
        try:
            return self.kind.check(value)
        except ValueError:
            raise UsageError(f"{key} must be {expected_in_toml(self.kind)}") from None

    def read(self, text: str) -> Any:
        """The value of its environment variable.

        Raises:
            UsageError: it cannot be meant.
        """
        try:
            return self.kind.read(text)
        except ValueError:
            said = f"{self.variable}={text}"
            raise UsageError(f"{said}: must be {self.kind.expected}") from None


_TABLE: Final = (
    Setting("dry_run", Switch(), False, "Show what would be written; write nothing.", "-n"),
    Setting(
        "policy",
        Choice(tuple(Policy)),
        "fill",
        "fill: only where no genre stands, or a generic one such as 'Other'. append: behind the "
        "genre that stands. overwrite: in its place.",
    ),
    Setting(
        "min_confidence",
        Number(0, 1),
        None,
        "Least probability of a genre to be written; without it, each genre has its own.",
    ),
    Setting("max_genres", Whole(1, 11), 1, "Most genres written to one file."),
    Setting(
        "consistent",
        Choice(("none", "album")),
        "none",
        "album: the tracks of one album in one folder get one genre, decided from all of them "
        "together; compilations are left alone.",
    ),
    Setting("model", Text("NAME|DIR"), "default", "Name of a built-in model, or a model's folder."),
    Setting(
        "rescan",
        Switch(),
        False,
        "Hear everything again, whatever earlier runs have heard.",
        table="",
    ),
    Setting("jobs", Whole(1, 512), None, "Processes; without it, one a core.", "-j"),
    Setting(
        "exclude",
        Words("GLOB"),
        (),
        "Leave out names or paths that match; repeatable, and added to those of the configuration.",
    ),
    Setting(
        "report",
        Place(),
        None,
        "Write a report: one line a track, .jsonl or .csv; or .html, a page with a map of the "
        "library, charts and a table to search.",
    ),
    Setting(
        "plan",
        Place(),
        None,
        "Write nothing to the music, and save what would be written for `apply`.",
        table="",
    ),
    Setting(
        "log",
        Place(),
        None,
        "Append what is written and what fails to a log; it is rotated at 5 MB.",
    ),
    Setting(
        "mtime",
        Choice(("bump", "preserve")),
        "bump",
        "Whether a changed file's date changes. Media servers notice changes by it.",
    ),
    Setting(
        "write",
        Choice(("safe", "in-place")),
        "safe",
        "safe: a checked copy takes the file's place in one step. in-place: change the file "
        "itself, which keeps hard links and needs no room, but a crash or power cut in the middle "
        "of it damages the file.",
    ),
    Setting(
        "time_limit",
        Duration(),
        None,
        "Stop after this time, as in 2h or 90m; the next run goes on from there.",
    ),
    Setting("nice", Whole(0, 19), None, "Leave processor and disk to others: 1 to 19."),
    Setting(
        "dask",
        Text("ADDRESS"),
        None,
        "Hear on the workers of a Dask scheduler (tcp://host:8786) that see the music under the "
        "same path. Needs genretag[dask].",
    ),
    Setting("quiet", Switch(), False, "Only say what failed.", "-q"),
    Setting("verbose", Switch(), False, "Show every track and every field.", "-v"),
    Setting(
        "id3_version",
        Choice(("2.3", "2.4")),
        "2.4",
        "ID3 version of tags that are new; those that stand keep theirs.",
        table="write",
        has_option=False,
    ),
    Setting(
        "cluster_fields",
        Several(tuple(TYPE_FIELDS)),
        (),
        "The music type goes into these, too, where nothing stands.",
        table="write",
        has_option=False,
    ),
)

SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType({s.name: s for s in _TABLE})
"""Every setting by its name, in the order in which people read of them."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One place that settings come from: ``source`` names it, for people."""

    source: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A value, and where it came from."""

    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What all places together come to, by the names of :data:`SETTINGS`."""

    found: Mapping[str, Found]

    def __getitem__(self, name: str) -> Any:
        return self.found[name].value

    @property
    def values(self) -> dict[str, Any]:
        """The values alone."""
        return {name: found.value for name, found in self.found.items()}

    @property
    def chosen(self) -> dict[str, Found]:
        """Those that somebody decided."""
        return {name: found for name, found in self.found.items() if found.source != "default"}


def from_environment(environment: Mapping[str, str]) -> list[Layer]:
    """A layer for each variable that is set; one that is empty counts as not set.

    Raises:
        UsageError: a value cannot be meant; the message names the variable.
    """
    return [
        Layer(setting.variable, {setting.name: setting.read(text)})
        for setting in SETTINGS.values()
        if (text := environment.get(setting.variable, ""))
    ]


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """A line for each variable that looks as if it were ours and is not."""
    ours = [*(setting.variable for setting in SETTINGS.values()), *_OF_FOLDERS]
    lines = []
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in ours:
            own_part = name.removeprefix(PREFIX)  # the other is alike in all of them
            close = get_close_matches(own_part, [our.removeprefix(PREFIX) for our in ours], 1)
            hint = f": did you mean {PREFIX}{close[0]}?" if close else ""
            lines.append(f"the variable {name} means nothing to genretag{hint}")
    return lines


def given(options: Mapping[str, Any]) -> Layer:
    """The layer of the command line.

    Args:
        options: by setting; None where the command line says nothing.

    Raises:
        UsageError: a value cannot be meant; the message names the option.
    """
    checked = {
        name: SETTINGS[name].check(value, f"{SETTINGS[name].option} {_said(value)}")
        for name, value in options.items()
        if value is not None and value != []
    }
    return Layer("command line", checked)


def _said(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def resolve(layers: list[Layer]) -> Settings:
    """What layers together come to, the strongest first."""
    return Settings({setting.name: _found(setting, layers) for setting in SETTINGS.values()})


def _found(setting: Setting, layers: list[Layer]) -> Found:
    said = [layer for layer in layers if setting.name in layer.values]
    if not said:
        return Found(setting.default, "default")
    if isinstance(setting.kind, Words):
        words = dict.fromkeys(word for layer in said for word in layer.values[setting.name])
        return Found(tuple(words), ", ".join(layer.source for layer in said))
    return Found(said[0].values[setting.name], said[0].source)
