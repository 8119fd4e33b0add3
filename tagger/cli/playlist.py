"""``genretag playlist``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tagger.cli.options import JobsOption, ModelSetting, chosen

__all__ = ["playlist"]


def playlist(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Files and folders of music.")
    ],
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder that the playlists go into; made if need be."),
    ],
    by: Annotated[
        str | None,
        typer.Option(
            metavar="cluster|genre",
            help="A playlist of each music type, or of each genre: the one in the tags, or where "
            "none stands the one heard, if that is sure.",
        ),
    ] = None,
    seed: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="One playlist: a track, and what sounds most like it."),
    ] = None,
    n: Annotated[
        int, typer.Option("-n", metavar="N", min=1, max=1000, help="With --seed: how many tracks.")
    ] = 50,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Leave out names or paths that match; repeatable."),
    ] = None,
    model: ModelSetting = None,
    jobs: JobsOption = None,
) -> None:
    """Write playlists of a library: by music type, by genre, or of what sounds like a track.

    They are M3U8 files in UTF-8 with relative paths, as mpd, VLC and others read them. Nothing is
    written into music, and no file that genretag did not make is written over. What no earlier
    run has heard is heard now.
    """
    from tagger.errors import UsageError
    from tagger.report.learning import LearningConsole
    from tagger.workflows.libraries import settings_for
    from tagger.workflows.manners import one_thread

    if (by is None) == (seed is None):
        raise UsageError("say one of --by cluster, --by genre and --seed FILE")
    settings_of = settings_for(paths, {"model": model, "jobs": jobs, "exclude": exclude})
    said = settings_of.settings
    console = LearningConsole()
    one_thread()
    if seed is not None:
        from tagger.report.similar import playlist_of
        from tagger.workflows.playlists import seed_playlist
        from tagger.workflows.similar import SimilarOptions, similar

        if exclude:
            raise UsageError("--exclude goes with --by")
        options = SimilarOptions(seed, tuple(paths), n, model=said["model"], jobs=said["jobs"])
        with console.hearing("Hearing and comparing") as progress:
            found = similar(options, progress, console.say)
        for line in playlist_of(found, seed_playlist(out, found)):
            console.say(line)
        return
    from tagger.report.playlists import print_playlists
    from tagger.workflows.playlists import PlaylistOptions, playlists

    wanted: Literal["cluster", "genre"] = chosen("--by", by or "", "cluster", "genre")
    with console.hearing() as progress:
        written = playlists(
            PlaylistOptions(
                tuple(paths), wanted, out, said["model"], said["jobs"], said["exclude"]
            ),
            settings_of.config,
            progress,
        )
    print_playlists(written)
