"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

__all__ = ["ModelOption"]

ModelOption: TypeAlias = Annotated[
    str, typer.Option(metavar="NAME|DIR", help="Name of a built-in model, or a model's folder.")
]
