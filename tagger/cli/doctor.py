"""``genretag doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["doctor"]


def doctor(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Folders of music to look at, too."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Look whether all is there that a scan needs, and say what to do where it is not.

    Versions, processor, memory, folders, codecs and model are looked at, and a made track is
    heard, tagged and read back as MP3 and FLAC. Nothing of yours is written to.

    Exit code: 0 all works (there may be notes), 1 there is a problem.
    """
    from tagger.report.doctor import findings_json, print_findings
    from tagger.workflows.doctor import examine

    findings = examine(paths or [])
    if json:
        text, well = findings_json(findings)
        typer.echo(text)
    else:
        well = print_findings(findings)
    raise typer.Exit(0 if well else 1)
