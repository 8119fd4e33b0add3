"""``genretag show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagger.cli.options import ModelSetting

__all__ = ["show"]


def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One audio file.")],
    model: ModelSetting = None,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="Also show how genres become words, and which are written."
        ),
    ] = False,
) -> None:
    """Show what is heard in a file, excerpt by excerpt, and the tags it has. Writes nothing."""
    from tagger.report.track import print_track
    from tagger.workflows.show import listen

    print_track(listen(file, model), verbose=verbose)
