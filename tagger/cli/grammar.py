"""The commands and their options as values, for what is generated from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["HELP", "Command", "Parameter", "first_sentence", "grammar", "of_typer", "parameter"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """An option or an argument.

    Attributes:
        flags: ``--dry-run``, ``-n``…; none for an argument.
        opposites: flags that say no.
        metavar: what follows it; empty for a switch.
        help: about it.
    """

    flags: tuple[str, ...]
    opposites: tuple[str, ...]
    metavar: str
    help: str

    @property
    def name(self) -> str:
        """How it is written: ``-n, --dry-run / --no-dry-run``, ``--jobs N``, ``PATH``."""
        flags = ", ".join(sorted(self.flags, key=len))
        return " ".join(
            part for part in (" / ".join((flags, *self.opposites)), self.metavar) if part
        )

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that may follow, as far as they can be listed."""
        return tuple(word for word in self.metavar.split("|") if word.islower())

    @property
    def only_choices(self) -> bool:
        """Whether nothing else may follow."""
        return bool(self.choices) and len(self.choices) == len(self.metavar.split("|"))


HELP: Final = Parameter(("--help", "-h"), (), "", "Show this message and exit.")


@dataclass(frozen=True, slots=True)
class Command:
    """A command, with the commands below it."""

    path: tuple[str, ...]
    help: str
    options: tuple[Parameter, ...]
    arguments: tuple[Parameter, ...]
    commands: tuple[Command, ...]

    @property
    def name(self) -> str:
        """Its last word."""
        return self.path[-1]

    @property
    def first_sentence(self) -> str:
        """Its help in one line."""
        return first_sentence(self.help)

    def all(self) -> Iterator[Command]:
        """This one, and all below it."""
        yield self
        for command in self.commands:
            yield from command.all()


def grammar() -> Command:
    """The whole command line."""
    import typer

    from tagger.cli.app import app

    return _command(typer.main.get_command(app), ("genretag",))


def first_sentence(text: str) -> str:
    """A help text in one line, without its full stop."""
    return text.partition("\n")[0].partition(". ")[0].rstrip(".")


def _command(found: Any, path: tuple[str, ...]) -> Command:
    below = getattr(found, "commands", {})
    parameters = [(p.param_type_name == "option", parameter(p)) for p in found.params]
    own = [p for is_option, p in parameters if is_option and not of_typer(p)]
    return Command(
        path,
        found.help or "",
        (*getattr(found, "further", ()), *own, HELP),
        tuple(p for is_option, p in parameters if not is_option),
        tuple(_command(found.get_command(None, name), (*path, name)) for name in below),
    )


def of_typer(parameter: Parameter) -> bool:
    """Whether typer adds it of its own accord."""
    return bool({"--install-completion", "--show-completion", "--help"} & set(parameter.flags))


def parameter(found: Any) -> Parameter:
    """An option or an argument as typer has it."""
    is_option = found.param_type_name == "option"
    switch = getattr(found, "is_flag", False)
    return Parameter(
        tuple(found.opts) if is_option else (),
        tuple(found.secondary_opts),
        "" if switch else (found.metavar or "VALUE"),
        (getattr(found, "help", None) or "") + _default(found),
    )


def _default(found: Any) -> str:
    value = found.default
    if not getattr(found, "show_default", False) or callable(value):
        return ""
    silent = value is None or value is False or value in ("", (), [])
    return "" if silent else f" (default: {value})"
