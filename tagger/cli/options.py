"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import typer

from tagger.workflows.kinds import Switch
from tagger.workflows.settings import SETTINGS

__all__ = [
    "DataArgument",
    "JobsOption",
    "LabelsOption",
    "LogOption",
    "ModelOption",
    "ModelSetting",
    "MtimeOption",
    "QuietOption",
    "ReportOption",
    "TableOption",
    "VerboseOption",
    "WriteOption",
    "chosen",
    "label_source",
    "option",
]

ModelOption: TypeAlias = Annotated[
    str, typer.Option(metavar="NAME|DIR", help="Name of a built-in model, or a model's folder.")
]
DataArgument: TypeAlias = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="Labelled music: a folder per genre, a tagged library, a CSV, or a spectrogram "
        "archive (.npz).",
    ),
]
JobsOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--jobs", "-j", min=1, max=512, metavar="N", help="Processes; without it, one a core."
    ),
]
LabelsOption: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="folders|tags|CSV",
        help="Where the genres stand; without it, that is told from what DATA is.",
    ),
]
TableOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--features", metavar="CSV", help="Feature table of a spectrogram archive."),
]


def option(name: str) -> Any:
    """The option of a setting, as the table of settings describes it.

    Its value is None where the command line says nothing, so that environment and file are
    asked; and it is checked by whoever puts these together.
    """
    setting = SETTINGS[name]
    flags = [setting.option]
    if isinstance(setting.kind, Switch):
        flags = [f"{setting.option}/--no-{setting.option[2:]}"]
    if setting.short:
        flags.append(setting.short)
    default = "" if setting.default in (None, False, ()) else f" (default: {setting.default})"
    return typer.Option(
        *flags,
        metavar=setting.kind.metavar or None,
        help=setting.help + default,
        show_default=False,
    )


ModelSetting: TypeAlias = Annotated[str | None, option("model")]
ReportOption: TypeAlias = Annotated[Path | None, option("report")]
LogOption: TypeAlias = Annotated[Path | None, option("log")]
MtimeOption: TypeAlias = Annotated[str | None, option("mtime")]
WriteOption: TypeAlias = Annotated[str | None, option("write")]
QuietOption: TypeAlias = Annotated[bool | None, option("quiet")]
VerboseOption: TypeAlias = Annotated[bool | None, option("verbose")]

T = TypeVar("T", bound=str)


def chosen(option: str, value: str, *choices: T) -> T:
    """The choice that a value names.

    Raises:
        UsageError: none.
    """
    from tagger.errors import UsageError

    for choice in choices:
        if choice == value:
            return choice
    raise UsageError(f"{option} {value}: must be {' or '.join(choices)}")


def label_source(value: str) -> Literal["auto", "folders", "tags"] | Path:
    """Where genres stand, as ``--labels`` says: a word of ours, or a CSV file."""
    match value:
        case "auto" | "folders" | "tags":
            return value
    return Path(value)
