"""``genretag similar``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tagger.cli.options import JobsOption, ModelSetting

__all__ = ["similar"]


def similar(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One audio file.")],
    within: Annotated[
        list[Path] | None,
        typer.Option(
            "--in",
            metavar="PATH",
            help="Look below this file or folder, and hear what is new there; repeatable. "
            "Without it: all that earlier runs have heard and that is still there.",
        ),
    ] = None,
    n: Annotated[
        int, typer.Option("-n", metavar="N", min=1, max=1000, help="How many tracks.")
    ] = 20,
    per_artist: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Most tracks of one artist (of one folder, where no artist is known); 0: any "
            "number.",
        ),
    ] = 2,
    playlist: Annotated[
        Path | None,
        typer.Option(metavar="OUT.m3u8", help="Write FILE and its neighbours as a playlist."),
    ] = None,
    model: ModelSetting = None,
    jobs: JobsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find the tracks that sound most like one, and say in which way. Writes nothing into music.

    What is compared is what was heard: rhythm, timbre and harmony, and the genres that the model
    recognises. 1.00 is the same sound. Copies of the same audio are passed over.
    """
    from tagger.report.learning import LearningConsole
    from tagger.report.m3u import check_playlist_name
    from tagger.report.similar import playlist_of, print_similar, similar_as_json
    from tagger.workflows.libraries import settings_for
    from tagger.workflows.manners import one_thread

    one_thread()
    from tagger.workflows.similar import SimilarOptions
    from tagger.workflows.similar import similar as find

    if playlist:
        check_playlist_name(playlist)  # before anything is heard
    console = LearningConsole()
    heard_with = settings_for([file], {"model": model}).settings["model"]
    options = SimilarOptions(file, tuple(within or ()), n, per_artist, heard_with, jobs)
    with console.hearing("Hearing and comparing") as progress:
        found = find(options, progress, console.say)
    if playlist:
        for line in playlist_of(found, playlist):
            console.say(line)
    if as_json:
        similar_as_json(found)
    else:
        print_similar(found)
