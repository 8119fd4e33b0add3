"""``genretag config``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from tagger.cli.plain import PlainApp

__all__ = ["config_app"]

config_app = PlainApp(
    "config",
    "The configuration file: what it says, where it is, and a commented one to begin with.",
)


@config_app.plain()
def show(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", help="Music whose library section counts, too."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show each setting as it holds for a scan, and where it comes from."""
    from tagger.report.settings import print_settings, settings_json
    from tagger.report.text import shown
    from tagger.workflows.config_view import view_config
    from tagger.workflows.settings import unknown_variables

    view = view_config(path)
    if json:
        typer.echo(settings_json(view.path, view.found, view.rows))
    else:
        print_settings(view.path, view.found, view.rows)
    for line in unknown_variables(os.environ):
        typer.echo(f"genretag: {shown(line)}", err=True)


@config_app.plain("path")
def path_() -> None:
    """Print where the configuration file is, or would be."""
    from tagger.errors import UsageError
    from tagger.report.text import shown
    from tagger.workflows.config import config_path

    path = config_path()
    if path is None:
        raise UsageError("the home folder is not known; name a file with GENRETAG_CONFIG")
    typer.echo(shown(path))


@config_app.plain()
def init(
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there.")
    ] = False,
) -> None:
    """Write a commented configuration file; one that is there is left alone."""
    from tagger.report.text import shown
    from tagger.workflows.config import config_path
    from tagger.workflows.config_text import write_config

    typer.echo(shown(write_config(config_path(), force=force)))
