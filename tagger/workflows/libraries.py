"""The settings of one run: command line, environment and file, for the library that it is over."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from tagger.errors import UsageError
from tagger.workflows.config import ID3_VERSIONS, Config, ConfigFile, Library, load_file
from tagger.workflows.settings import Layer, Settings, from_environment, given, resolve

__all__ = ["Chosen", "settings_for"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What holds for one run.

    Attributes:
        settings: of the run.
        config: the words for genres.
        library: the section of the file that it is over, or None.
    """

    settings: Settings
    config: Config
    library: Library | None = None


def settings_for(
    paths: Sequence[Path],
    options: Mapping[str, Any],
    environment: Mapping[str, str] = os.environ,
    file: ConfigFile | None = None,
) -> Chosen:
    """The settings of a run over some paths.

    The section of the nearest folder above a path holds for it. A run has one set of settings:
    where paths, or a folder below one of them, have others, it is refused rather than run with
    what was not meant for them.

    Args:
        paths: what is scanned; none for a command that is over no library.
        options: of the command line, by setting; None where it says nothing.
        environment: variables of the process.
        file: the configuration file, if it is read already.

    Raises:
        UsageError: a value cannot be meant, or one run cannot do justice to all paths.
    """
    file = load_file(environment) if file is None else file
    stronger = [given(options), *from_environment(environment)]
    if not file.libraries or not paths:
        return _chosen(stronger, file, None)
    libraries = [(Path(os.path.realpath(library.folder)), library) for library in file.libraries]
    each = {path: _chosen(stronger, file, _nearest(path, libraries)) for path in paths}
    first = paths[0]
    for path, chosen in each.items():
        if not _alike(chosen, each[first]):
            raise UsageError(
                f"{first} and {path} have different settings in {file.path}; "
                "scan them one at a time"
            )
    for path in paths:
        for folder, library in libraries:
            inside = _below(folder, path)
            chosen = _chosen(stronger, file, library)
            if not inside or not folder.exists() or _alike(chosen, each[path]):
                continue
            if not _left_out(inside, each[path].settings["exclude"]):
                raise UsageError(
                    f"{folder} lies below {path} and has settings of its own in {file.path}; scan "
                    f"it by itself, and leave it out here: --exclude '{glob.escape(inside)}'"
                )
    return each[first]


def _chosen(stronger: list[Layer], file: ConfigFile, library: Library | None) -> Chosen:
    layers = [*stronger, Layer("file", file.settings)]
    config = file.config
    if library is not None:
        layers.insert(-1, Layer(f'file, library "{library.folder}"', library.settings))
        config = library.config
    settings = resolve(layers)
    new_id3 = ID3_VERSIONS[settings["id3_version"]]
    words = replace(config, new_id3=new_id3, cluster_fields=settings["cluster_fields"])
    return Chosen(settings, words, library)


def _nearest(path: Path, libraries: list[tuple[Path, Library]]) -> Library | None:
    real = os.path.realpath(path)
    above = [(f, lib) for f, lib in libraries if Path(real).is_relative_to(f)]
    return max(above, key=lambda pair: len(pair[0].parts), default=(None, None))[1]


def _below(folder: Path, path: Path) -> str:
    """Where a folder lies below a path; empty if it does not."""
    real = Path(os.path.realpath(path))
    return str(folder.relative_to(real)) if folder.is_relative_to(real) and folder != real else ""


def _left_out(inside: str, exclude: Sequence[str]) -> bool:
    """Whether a walk would not get there, as it matches names and paths from the root down."""
    parts = inside.split("/")
    ways = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    return any(
        fnmatch(name, pattern) or fnmatch(way, pattern)
        for name, way in zip(parts, ways, strict=True)
        for pattern in exclude
    )


def _alike(one: Chosen, other: Chosen) -> bool:
    return one.settings.values == other.settings.values and one.config == other.config
