"""The commands, put together."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from tagger import __version__
from tagger.cli.commands import Commands
from tagger.cli.plain import PlainApp

__all__ = ["app"]

ABOUT: Final = "Listens to a music library and writes genres and music types into its tags."

app = PlainApp("genretag", ABOUT, Commands)


def _version(wanted: bool) -> None:
    if wanted:
        from tagger.models.identity import builtin_identity

        typer.echo(f"genretag {__version__} (model {builtin_identity()})")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version, and that of the model.",
            callback=_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """See :data:`ABOUT`."""
