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
    timeline: Annotated[
        bool,
        typer.Option("--timeline", "-t", help="Also hear the whole track and show its course."),
    ] = False,
    spectrogram: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.png",
            help="Draw waveform, spectrogram and the genres along the whole track; needs "
            "the extra plot.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="Also show how genres become words, and which are written."
        ),
    ] = False,
) -> None:
    """Show what is heard in a file, excerpt by excerpt, and its tags. Does not write to it."""
    from tagger.cli.extras import needing
    from tagger.report.timeline import print_timeline, print_track_json
    from tagger.report.track import print_track
    from tagger.workflows.manners import one_thread

    one_thread()
    if spectrogram is not None:
        with needing("plot", "show --spectrogram", "matplotlib"):
            from tagger.report.timeline_plot import check_picture_path, draw_timeline, write_picture

            check_picture_path(spectrogram, file)
    from tagger.workflows.show import look_at

    look = look_at(file, model, whole=timeline or spectrogram is not None)
    if spectrogram is not None and look.timeline is not None:
        heard = look.view.whole if look.view else None
        write_picture(draw_timeline(look.timeline, heard), spectrogram)
    if look.problem is not None:
        raise look.problem  # a picture shows why
    assert look.view is not None
    if as_json:
        print_track_json(look.view, look.timeline)
        return
    print_track(look.view, verbose=verbose)
    if timeline and look.timeline is not None:
        print_timeline(look.timeline)
