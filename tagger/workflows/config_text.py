"""The configuration file as ``config init`` writes it: every key, commented out, explained."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any, Final

from tagger.errors import UsageError
from tagger.trust import growing
from tagger.workflows.kinds import Choice
from tagger.workflows.settings import SETTINGS, Setting

__all__ = ["config_text", "write_config"]

_HEAD: Final = """\
# genretag's configuration. What is commented out is as it stands here, or an example.
# The command line and GENRETAG_... variables come before what is said here;
# `genretag config show` tells what holds, and from where.
"""
_TAIL: Final = """\
# Your own words for genres: aliases first, then the ignore list, then from word to parent
# until one is on the whitelist.
[vocabulary]
# ignore = ["Pop"]                  # never written
# whitelist = ["Rock", "Jazz"]      # nothing else is written; without it, everything is

[vocabulary.aliases]
# "Hip-Hop" = "Rap"                 # the model's label = your word

[vocabulary.parents]
# "Metal" = "Rock"                  # written as Rock if Metal is not on the whitelist

# Least probability, by word.
[thresholds]
# "Rock" = 0.7

# What is different below a folder: any key of [scan], id3_version, and tables of its own for
# vocabulary and thresholds. Of several folders above a file, the nearest counts.
# [library."/volume1/music/Classical"]
# min_confidence = 0.8
# [library."/volume1/music/Classical".thresholds]
# "Classical" = 0.6
"""
_EXAMPLES: Final[dict[str, Any]] = {
    "min_confidence": 0.6,
    "jobs": 2,
    "exclude": ["*.m4a", "Audiobooks"],
    "report": "~/genretag.jsonl",
    "log": "~/genretag.log",
    "time_limit": "2h",
    "nice": 10,
    "dask": "tcp://host:8786",
}
"""Of settings that have no default that could be shown."""


def config_text() -> str:
    """A file that says nothing and shows everything; TOML."""
    parts = [_HEAD]
    for table in ("scan", "write"):
        parts.append(f"[{table}]")
        parts += [_lines(s) for s in SETTINGS.values() if s.table == table]
    return "\n".join([*parts, _TAIL])


def _lines(setting: Setting) -> str:
    about = textwrap.wrap(setting.help, 92, initial_indent="# ", subsequent_indent="# ")
    value = _EXAMPLES.get(setting.name, setting.default)
    choices = f"  # {setting.kind.expected}" if isinstance(setting.kind, Choice) else ""
    return "\n".join([*about, f"# {setting.name} = {json.dumps(value)}{choices}", ""])


def write_config(path: Path | None, *, force: bool) -> Path:
    """Write the commented file.

    Args:
        path: where to; None if no place is known.
        force: write it also where a file stands.

    Raises:
        UsageError: a file stands there, or it cannot be written.
    """
    if path is None:
        raise UsageError("the home folder is not known; name a file with GENRETAG_CONFIG")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if force:
            with growing(path) as stream:
                stream.write(config_text().encode())
        else:
            with path.open("xb") as stream:
                stream.write(config_text().encode())
    except FileExistsError:
        raise UsageError(f"{path} exists; it was left alone (--force writes over it)") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from error
    return path
