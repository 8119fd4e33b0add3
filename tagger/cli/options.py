"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias, TypeVar

import typer

__all__ = [
    "DataArgument",
    "JobsOption",
    "LabelsOption",
    "LogOption",
    "ModelOption",
    "MtimeOption",
    "QuietOption",
    "ReportOption",
    "TableOption",
    "VerboseOption",
    "WriteOption",
    "chosen",
    "label_source",
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
ReportOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write a report: one line a track, .jsonl or .csv; or .html, a page with a map of "
        "the library, charts and a table to search.",
    ),
]
LogOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--log",
        metavar="FILE",
        help="Append what is written and what fails to a log; it is rotated at 5 MB.",
    ),
]
MtimeOption: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="bump|preserve",
        help="Whether a changed file's date changes. Media servers notice changes by it.",
    ),
]
WriteOption: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="safe|in-place",
        help="safe: a checked copy takes the file's place in one step. in-place: change the file "
        "itself, which keeps hard links and needs no room, but a crash or power cut in the middle "
        "of it damages the file.",
    ),
]
QuietOption: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Only say what failed.")
]
VerboseOption: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show every track and every field.")
]

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
