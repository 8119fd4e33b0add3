"""Help as plain text, alike whatever version of typer is there."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from tagger.cli.grammar import HELP, Parameter, first_sentence, of_typer, parameter

__all__ = ["PlainApp", "PlainCommand", "PlainGroup"]

Command = TypeVar("Command", bound=Callable[..., None])


class _Plain:
    """What commands and groups of them share.

    Attributes:
        further: options that typer does not know.
    """

    further: tuple[Parameter, ...] = ()
    if TYPE_CHECKING:
        get_params: Callable[..., Any]

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What follows the command's name in its first line."""
        pieces = ["[OPTIONS]"]
        for found in self.get_params(ctx):
            if found.param_type_name == "argument":
                name = parameter(found).metavar
                pieces.append(name if found.required else f"[{name}]")
        return pieces

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, each with what it is for."""
        own: dict[str, list[Parameter]] = {"argument": [], "option": []}
        for found in self.get_params(ctx):
            own[found.param_type_name].append(parameter(found))
        options = [option for option in own["option"] if not of_typer(option)]
        for title, shown in (
            ("Arguments", own["argument"]),
            ("Options", [*self.further, *options, HELP]),
        ):
            if shown:
                with formatter.section(title):
                    formatter.write_dl([(one.name, one.help) for one in shown])


class PlainCommand(_Plain, TyperCommand):
    """A command."""


class PlainGroup(_Plain, TyperGroup):
    """A command with commands of its own."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The same, and that a command follows."""
        return [*super().collect_usage_pieces(ctx), "COMMAND ..."]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, or show the help where there is nothing to parse."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, and the commands."""
        super().format_options(ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl(self.lines(ctx))

    def lines(self, ctx: Any) -> list[tuple[str, str]]:
        """Each command's name, and what it does."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        return [(name, f"{first_sentence(one.help or '')}.") for name, one in found if one]


class PlainApp(typer.Typer):
    """Commands whose help is plain.

    Boxes and colours take longer to import than everything else that help needs.

    Args:
        name: of the command that they are below.
        about: what they are for.
        group: the class of that command.
    """

    def __init__(self, name: str, about: str, group: type[PlainGroup] = PlainGroup) -> None:
        super().__init__(
            name=name,
            cls=group,
            help=about,
            context_settings={"help_option_names": ["-h", "--help"]},
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            add_completion=False,  # `completion` prints scripts that need no Python on each key
        )

    def plain(self, name: str | None = None) -> Callable[[Command], Command]:
        """Take a function as a command; its help is its docstring."""

        def taken(function: Command) -> Command:
            text = _unwrapped(function.__doc__)
            return self.command(name, cls=PlainCommand, help=text)(function)

        return taken


def _unwrapped(text: str | None) -> str:
    """A docstring's paragraphs on one line each: typer keeps line breaks as they are."""
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
