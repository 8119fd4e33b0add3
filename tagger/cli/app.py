"""The commands, put together."""

from __future__ import annotations

import inspect
from typing import Annotated

import typer

from tagger import __version__
from tagger.cli.apply import apply
from tagger.cli.cache import cache_app
from tagger.cli.cluster import cluster
from tagger.cli.compare import compare
from tagger.cli.config import config_app
from tagger.cli.doctor import doctor
from tagger.cli.evaluate import evaluate
from tagger.cli.explore import explore
from tagger.cli.models import models_app
from tagger.cli.page import page
from tagger.cli.playlist import playlist
from tagger.cli.scan import scan
from tagger.cli.show import show
from tagger.cli.similar import similar
from tagger.cli.train import train
from tagger.cli.undo import undo

__all__ = ["app"]

app = typer.Typer(
    name="genretag",
    help="Listens to a music library and writes genres and music types into its tags.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    add_completion=False,  # `completion` prints scripts that need no Python on each key
)


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
    """Listens to a music library and writes genres and music types into its tags."""


def completion(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", help="Which shell.")],
) -> None:
    """Print a script that lets a shell complete commands, options and their choices.

    bash: `genretag completion bash >> ~/.bashrc`. zsh: `genretag completion zsh > _genretag` in
    a folder of $fpath. fish: `genretag completion fish > ~/.config/fish/completions/genretag.fish`.
    """
    from tagger.cli.completion import SHELLS, completion_script
    from tagger.cli.options import chosen

    typer.echo(completion_script(chosen("completion", shell, *SHELLS)), nl=False)


def _unwrapped(text: str | None) -> str:
    """A docstring's paragraphs on one line each: typer keeps line breaks as they are."""
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


for _command in (
    scan, apply, undo, show, cluster, similar, playlist, train, evaluate, compare, explore,
    doctor, completion,
):  # fmt: skip
    app.command(help=_unwrapped(_command.__doc__))(_command)
app.command("app", help=_unwrapped(page.__doc__))(page)
app.add_typer(models_app, name="models")
app.add_typer(cache_app, name="cache")
app.add_typer(config_app, name="config")
