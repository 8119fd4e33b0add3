"""``genretag app``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagger.cli.options import ModelOption

__all__ = ["page"]


def page(
    within: Annotated[
        list[Path] | None,
        typer.Option(
            "--in",
            metavar="PATH",
            help="Look for similar tracks below this file or folder, and hear what is new there; "
            "repeatable. Without it: all that earlier runs have heard.",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=1024, max=65_535, metavar="N", help="Port of the page.")
    ] = 7860,
    model: ModelOption = "default",
) -> None:
    """Open a page for the browser: drop a track or record one, see what is heard in it.

    Only this machine can reach it (127.0.0.1), and nothing is sent anywhere. What is dropped there
    is deleted with the next track, and when the page ends (Ctrl-C). Needs genretag[app].
    """
    from tagger.cli.extras import needing
    from tagger.cli.run_tracks import sigterm_as_interrupt
    from tagger.workflows.manners import one_thread

    one_thread()
    with needing("app", "app", "gradio", "matplotlib"), sigterm_as_interrupt():
        from tagger.app.serve import serve

        try:
            serve(model, tuple(within or ()), port, _started)
        except KeyboardInterrupt:
            return  # the one way to end it


def _started(address: str) -> None:
    typer.echo(f"genretag listens at {address} (Ctrl-C ends it)")
