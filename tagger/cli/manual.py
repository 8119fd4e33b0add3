"""The manual page, in the macros of man(7), from the grammar and the table of settings."""

from __future__ import annotations

import re
import textwrap
from typing import Final

from tagger import __version__
from tagger.cli.grammar import Command, Parameter, grammar
from tagger.workflows.settings import SETTINGS

__all__ = ["manual"]

_FILES: Final = {
    "~/.config/genretag/config.toml": "The configuration; GENRETAG_CONFIG names another.",
    "~/.cache/genretag": "What was heard of each track; may be thrown away at any time. "
    "GENRETAG_CACHE_DIR names another.",
    "~/.local/state/genretag": "The journal, which `genretag undo` needs, and the lock. "
    "GENRETAG_STATE_DIR names another.",
}
_EXIT: Final = {
    "0": "Done.",
    "1": "Some files failed, or (doctor) there is a problem.",
    "2": "Wrong usage or configuration.",
    "3": "Another run is under way.",
    "130": "Interrupted by Ctrl-C or SIGTERM; what was written is whole.",
}
_EXAMPLES: Final = {
    "genretag scan --dry-run ~/Music": "Look first: what would be written, and how sure it is.",
    "genretag scan --quiet --nice 10 --time-limit 2h ~/Music": "Every night, from cron.",
    "genretag undo": "Put back what the last run replaced, byte for byte.",
}


def manual() -> str:
    """The whole page."""
    top = grammar()
    lines = [
        f'.TH GENRETAG 1 "" "genretag {__version__}" "User Commands"',
        ".SH NAME",
        "genretag \\- hear a music library and write genres into its tags",
        ".SH SYNOPSIS",
        ".B genretag",
        "\\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...",
        ".SH DESCRIPTION",
        _text(top.help),
        ".SH OPTIONS",
        *(line for option in top.options for line in _option(option)),
        ".SH COMMANDS",
    ]
    for command in top.all():
        if command.path[1:] and not command.commands:
            lines += _command(command)
    lines += [
        ".SH ENVIRONMENT",
        "Each has the say where the command line has none, and before the configuration file.",
    ]
    for setting in SETTINGS.values():
        values = setting.kind.metavar or "true|false"
        where = f"The option {setting.option} of scan." if setting.has_option else setting.help
        lines += [".TP", f"\\fB{setting.variable}\\fR={_text(values)}", _text(where)]
    for title, table in (("FILES", _FILES), ("EXIT STATUS", _EXIT), ("EXAMPLES", _EXAMPLES)):
        lines.append(f".SH {title}")
        for name, about in table.items():
            lines += [".TP", f".B {_text(name)}", _text(about)]
    return "\n".join(lines) + "\n"


def _command(command: Command) -> list[str]:
    arguments = "".join(f" \\fI{_text(a.metavar)}\\fR" for a in command.arguments)
    lines = [f".SS {_text(' '.join(command.path[1:]))}{arguments}"]
    for number, paragraph in enumerate(command.help.split("\n\n")):
        if number:
            lines.append(".PP")
        lines.append(_text(" ".join(paragraph.split())))
    return lines + [line for option in command.options[:-1] for line in _option(option)]


def _option(option: Parameter) -> list[str]:
    flags = ", ".join(f"\\fB{_text(flag)}\\fR" for flag in (*option.flags, *option.opposites))
    value = f" \\fI{_text(option.metavar)}\\fR" if option.metavar else ""
    return [".TP", f"{flags}{value}", _text(option.help)]


def _text(text: str) -> str:
    """Text with nothing in it that would be taken for a request, in lines of usual length."""
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti")
    plain = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", plain)
    lines = textwrap.wrap(plain, 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"\\&{line}" if line[0] in (".", "'") else line for line in lines)
