"""The command line, put together."""

from __future__ import annotations

from typing import Final

from tagger.cli.commands import Commands
from tagger.cli.plain import PlainApp

__all__ = ["app"]

ABOUT: Final = "Listens to a music library and writes genres and music types into its tags."

app = PlainApp("genretag", ABOUT, Commands)


@app.callback()
def root() -> None:
    """See :data:`ABOUT`."""
