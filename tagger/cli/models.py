"""``genretag models``."""

from __future__ import annotations

from typing import Annotated

import typer

from tagger.cli.options import ModelOption
from tagger.cli.plain import PlainApp

__all__ = ["models_app"]

models_app = PlainApp("models", "The models that come with genretag.")


@models_app.plain("list")
def list_models() -> None:
    """List the built-in models."""
    from tagger.models.bundle import builtin_bundles, load_bundle

    for folder in builtin_bundles():
        bundle = load_bundle(folder)
        typer.echo(f"{bundle.name}\t{bundle.version}\t{', '.join(bundle.labels)}")


@models_app.plain()
def show(
    model: Annotated[
        str,
        typer.Argument(metavar="NAME|DIR", help="Name of a built-in model, or a model's folder."),
    ] = "default",
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what a model knows, what it is made of, and the figures published with it."""
    from tagger.models.bundle import find_bundle, load_bundle
    from tagger.models.described import described
    from tagger.report.model import model_json, print_model

    found = described(load_bundle(find_bundle(model)))
    if json:
        typer.echo(model_json(found))
    else:
        print_model(found)


@models_app.plain()
def verify(model: ModelOption = "default") -> None:
    """Check every file of a model against its digest, and that none holds what harms."""
    from tagger.models.bundle import find_bundle, load_bundle
    from tagger.models.weights import check_weights

    bundle = load_bundle(find_bundle(model))
    check_weights(bundle)
    typer.echo(f"{bundle.identity}: {len(bundle.weights)} files match their digests")
