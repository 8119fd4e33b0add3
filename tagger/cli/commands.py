"""Where each command is: it is imported when it is asked for, so that help need not wait."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any, Final, NamedTuple

import typer

from tagger.cli.grammar import Parameter
from tagger.cli.plain import PlainApp, PlainGroup

__all__ = ["COMMANDS", "Commands", "Place"]


class Place(NamedTuple):
    """Where a command is, and what it does.

    Attributes:
        module: below ``tagger.cli``.
        name: of a function, or of a :class:`PlainApp` with commands of its own.
        line: what the list of all commands says of it: the first sentence of its help.
    """

    module: str
    name: str
    line: str


COMMANDS: Final = {
    "scan": Place("scan", "scan", "Listen to music and write what is heard into its tags."),
    "apply": Place(
        "apply", "apply", "Write a plan saved earlier: exactly what it says, and nothing else."
    ),
    "undo": Place(
        "undo",
        "undo",
        "Put back what a run replaced: every file byte for byte as it was, with its former date.",
    ),
    "show": Place(
        "show", "show", "Show what is heard in a file, excerpt by excerpt, and its tags."
    ),
    "cluster": Place(
        "cluster",
        "cluster",
        "Find the music types of a library: groups of tracks that sound alike, named by what sets"
        " them apart.",
    ),
    "similar": Place(
        "similar", "similar", "Find the tracks that sound most like one, and say in which way."
    ),
    "playlist": Place(
        "playlist",
        "playlist",
        "Write playlists of a library: by music type, by genre, or of what sounds like a track.",
    ),
    "train": Place(
        "train", "train", "Train a model on your own genres, and say honestly how good it is."
    ),
    "evaluate": Place(
        "evaluate",
        "evaluate",
        "Judge a model on labelled music: how often it is right, on which genres, and how sure.",
    ),
    "compare": Place(
        "compare", "compare", "Compare what features and classifiers make of labelled music."
    ),
    "explore": Place("explore", "explore", "Look at labelled music before training on it."),
    "doctor": Place(
        "doctor",
        "doctor",
        "Look whether all is there that a scan needs, and say what to do where it is not.",
    ),
    "completion": Place(
        "completion",
        "completion",
        "Print a script that lets a shell complete commands, options and their choices.",
    ),
    "app": Place(
        "page",
        "page",
        "Open a page for the browser: drop a track or record one, see what is heard in it.",
    ),
    "models": Place("models", "models_app", "The models that come with genretag."),
    "cache": Place(
        "cache",
        "cache_app",
        "What was heard of each track, kept so that no track is heard twice.",
    ),
    "config": Place(
        "config",
        "config_app",
        "The configuration file: what it says, where it is, and a commented one to begin with.",
    ),
}


class Commands(PlainGroup):
    """All commands of :data:`COMMANDS`."""

    further = (Parameter(("--version",), (), "", "Show the version, and that of the model."),)

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**{**attributes, "add_help_option": False})
        names: dict[str, Any] = dict.fromkeys(COMMANDS)
        self.commands = names  # each is made when it is got

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, or show the version or the help.

        typer would take these options, too; but then it imports what it checks values with,
        whatever command follows.
        """
        if args[:1] in (["--help"], ["-h"]):
            typer.echo(ctx.get_help())
            ctx.exit()
        if args[:1] == ["--version"]:
            from tagger import __version__
            from tagger.models.identity import builtin_identity

            typer.echo(f"genretag {__version__} (model {builtin_identity()})")
            ctx.exit()
        return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One of them, or None."""
        return _command(cmd_name) if cmd_name in COMMANDS else None

    def lines(self, ctx: Any) -> list[tuple[str, str]]:
        """What each does, for which the table suffices."""
        return [(name, place.line) for name, place in COMMANDS.items()]


@cache
def _command(name: str) -> Any:
    place = COMMANDS[name]
    found = getattr(importlib.import_module(f"tagger.cli.{place.module}"), place.name)
    if not isinstance(found, PlainApp):
        alone = PlainApp(name, place.line)
        alone.plain(name)(found)
        found = alone
    return typer.main.get_command(found)
