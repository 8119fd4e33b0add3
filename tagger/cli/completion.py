"""Completion for bash, zsh and fish, as scripts that need no genretag to run.

On a small machine Python takes a second to start, which is too long for a press of a key; so
all words stand in the script itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Final

import typer

from tagger.cli.grammar import Command, Parameter, grammar

__all__ = ["SHELLS", "completion", "completion_script"]


def completion(
    shell: Annotated[str, typer.Argument(metavar="bash|zsh|fish", help="Which shell.")],
) -> None:
    """Print a script that lets a shell complete commands, options and their choices.

    bash: `genretag completion bash >> ~/.bashrc`. zsh: `genretag completion zsh > _genretag` in
    a folder of $fpath. fish: `genretag completion fish > ~/.config/fish/completions/genretag.fish`.
    """
    from tagger.cli.options import chosen

    typer.echo(completion_script(chosen("completion", shell, *SHELLS)), nl=False)


def completion_script(shell: str) -> str:
    """The script for one of :data:`SHELLS`."""
    return SHELLS[shell](grammar())


def _place(command: Command) -> str:
    """``/config/show``; empty for genretag itself."""
    return "".join(f"/{word}" for word in command.path[1:])


def _flags(command: Command) -> list[str]:
    return [flag for option in command.options for flag in (*option.flags, *option.opposites)]


_BASH: Final = """\
# bash completion for genretag: source it, or put it where bash-completion looks.
_genretag() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} at="" word
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$at/$word" in
            {places}) at="$at/$word" ;;
        esac
    done
    COMPREPLY=()
    case "$at $prev" in
{values}
    esac
    case "$at" in
{words}
    esac
}}
complete -o default -F _genretag genretag
"""


def _bash(top: Command) -> str:
    values, words = [], []
    for command in top.all():
        for option in command.options:
            if option.metavar:
                cases = "|".join(f'"{_place(command)} {flag}"' for flag in option.flags)
                reply = _bash_reply(" ".join(option.choices)) if option.choices else "return"
                values.append(f"        {cases}) {reply} ;;")
        names = " ".join(below.name for below in command.commands)
        flags = " ".join(_flags(command))
        first = f"if [[ $cur == -* ]]; then {_bash_reply(flags)}; fi"
        rest = f"; {_bash_reply(names)}" if names else ""
        words.append(f'        "{_place(command)}") {first}{rest} ;;')
    places = "|".join(_place(command) for command in top.all() if _place(command))
    return _BASH.format(places=places, values="\n".join(values), words="\n".join(words))


def _bash_reply(words: str) -> str:
    return f'COMPREPLY=($(compgen -W "{words}" -- "$cur")); return'


def _zsh(top: Command) -> str:
    functions = "\n".join(_zsh_function(command) for command in top.all())
    head = "#compdef genretag\n# zsh completion: put it into a folder of $fpath.\n"
    return f'{head}{functions}\n_genretag "$@"\n'


def _zsh_function(command: Command) -> str:
    name = "_".join(("", *command.path))
    specs = [line for option in command.options for line in _zsh_option(option)]
    if not command.commands:
        specs += ["'*:file:_files'"]
        return f"{name}() {{\n    _arguments -s \\\n        " + " \\\n        ".join(specs) + "\n}"
    described = "\n".join(
        f"        '{below.name}:{_zsh_quoted(below.first_sentence)}'" for below in command.commands
    )
    cases = "\n".join(
        f"            {below.name}) {name}_{below.name} ;;" for below in command.commands
    )
    arguments = " \\\n        ".join([*specs, "'1:command:->command'", "'*::argument:->rest'"])
    return f"""\
{name}() {{
    local curcontext=$curcontext state line
    local -a commands
    commands=(
{described}
    )
    _arguments -C \\
        {arguments}
    case $state in
        command) _describe command commands ;;
        rest) case $line[1] in
{cases}
        esac ;;
    esac
}}"""


def _zsh_option(option: Parameter) -> Iterator[str]:
    about = _zsh_quoted(option.help).replace("[", "\\[").replace("]", "\\]")
    values = f"({' '.join(option.choices)})" if option.only_choices else "_files"
    after = f":{_zsh_quoted(option.metavar)}:{values}" if option.metavar else ""
    for flag in (*option.flags, *option.opposites):
        joined = "=" if option.metavar and flag.startswith("--") else ""
        yield f"'{flag}{joined}[{about}]{after}'"


def _zsh_quoted(text: str) -> str:
    return text.replace("'", "'\\''").replace(":", "\\:")


_FISH: Final = """\
# fish completion for genretag.
function __genretag_at
    set -l at ""
    for word in (commandline -opc)[2..]
        switch "$at/$word"
            case {places}
                set at "$at/$word"
        end
    end
    test "$at" = "$argv[1]"
end
"""


def _fish(top: Command) -> str:
    lines = [_FISH.format(places=" ".join(_place(c) for c in top.all() if _place(c)))]
    for command in top.all():
        here = f"complete -c genretag -n '__genretag_at \"{_place(command)}\"'"
        lines += [
            f"{here} -f -a {below.name} -d {_fish_quoted(below.first_sentence)}"
            for below in command.commands
        ]
        for option in command.options:
            about = _fish_quoted(option.help)
            for flag in (*option.flags, *option.opposites):
                key = f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
                words = f" -a '{' '.join(option.choices)}'" if option.choices else ""
                only = "x" if option.only_choices else "r"
                value = f" -{only}{words}" if option.metavar else ""
                lines.append(f"{here} {key}{value} -d {about}")
    return "\n".join(lines) + "\n"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SHELLS: Final[dict[str, Callable[[Command], str]]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
"""The shells there are scripts for."""
