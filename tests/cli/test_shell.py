"""Completion in the shells themselves, the manual page, and what the wheel carries of both."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from cli.running import genretag_here as genretag

from tagger.cli.commands import COMMANDS
from tagger.cli.grammar import grammar
from tagger.cli.share import FOLDER, shared_files
from tagger.workflows.settings import SETTINGS


def needing(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


@pytest.mark.parametrize("name", ["genretag.1", "genretag.bash", "_genretag", "genretag.fish"])
def test_what_the_wheel_carries_is_what_the_grammar_says(name):
    text = shared_files()[name]
    assert (FOLDER / name).read_text() == text, "run python -m tagger.cli.share"
    if name == "genretag.1":  # hyphens are written otherwise in a manual
        text = text.replace("\\-", "-")
    for command in grammar().all():
        assert command.name in text
        for option in command.options:
            assert all(flag.strip("-") in text for flag in option.flags)


def test_the_grammar_has_every_option_of_the_table():
    scan = next(c for c in grammar().commands if c.name == "scan")
    options = {flag for option in scan.options for flag in option.flags}
    assert {s.option for s in SETTINGS.values() if s.has_option} <= options


def test_whatever_follows_an_option_has_a_name():
    parameters = [p for c in grammar().all() for p in (*c.options, *c.arguments)]
    assert len(parameters) > 80
    assert not [p for p in parameters if p.metavar == "VALUE"]


def test_the_list_of_commands_says_what_their_help_begins_with():
    for command in grammar().commands:
        begins = command.help.partition("\n")[0].partition(". ")[0].rstrip(".")
        assert COMMANDS[command.name].line == f"{begins}."
    listed = genretag("--help").stdout
    for name, place in COMMANDS.items():
        assert re.search(rf"^  {name} +{place.line.split()[0]}", listed, re.MULTILINE)


def test_help_names_every_option_with_its_default():
    shown = " ".join(genretag("train", "--help").stdout.split())
    train = next(c for c in grammar().commands if c.name == "train")
    for parameter in (*train.options[:-1], *train.arguments):
        assert " ".join(f"{parameter.name} {parameter.help}".split()) in shown
    assert "--epochs N" in shown
    assert "(default: 5)" in shown
    assert "train [OPTIONS] DATA Train a model on" in shown


def test_a_command_that_is_mistyped():
    done = genretag("scn", code=2)
    assert "Error: No such command 'scn'." in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed(shell):
    name = {"zsh": "_genretag"}.get(shell, f"genretag.{shell}")
    assert genretag("completion", shell).stdout == (FOLDER / name).read_text()


def test_another_shell():
    done = genretag("completion", "csh", code=2)
    assert done.stderr == "genretag: completion csh: must be bash or zsh or fish\n"


CASES = [
    (["sc"], {"scan"}),
    (["s"], {"scan", "show", "similar"}),
    (["config", ""], {"show", "path", "init"}),
    (["scan", "--policy", ""], {"fill", "append", "overwrite"}),
    (["scan", "--policy", "fill", "--mti"], {"--mtime"}),
    (["config", "show", "--j"], {"--json"}),
    (["show", "--mod"], {"--model"}),
    (["completion", "--he"], {"--help"}),
]
"""What is typed behind the command, and what it may become."""


@pytest.mark.parametrize(("typed", "offered"), CASES)
def test_bash(typed, offered):
    script = f"""
        source {FOLDER}/genretag.bash
        COMP_WORDS=(genretag "$@") COMP_CWORD=$#
        _genretag
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        [needing("bash"), "--norc", "-c", script, "bash", *typed],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (set(done.stdout.split()), done.stderr) == (offered, "")


@pytest.mark.parametrize(("typed", "offered"), CASES)
def test_fish(typed, offered, tmp_path):
    line = " ".join(["genretag", *typed])
    done = subprocess.run(
        [needing("fish"), "-N", "-c", f"source {FOLDER}/genretag.fish; complete -C '{line}'"],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert {line.partition("\t")[0] for line in done.stdout.splitlines()} == offered


def test_zsh(tmp_path):
    """Typed into a terminal, with the key that completes."""
    (tmp_path / ".zshrc").write_text(
        f"fpath=({FOLDER} $fpath); autoload -Uz compinit; compinit -u -D; PS1='> '\n"
    )
    program = needing("zsh")
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(ZDOTDIR=str(tmp_path), TERM="dumb", HOME=str(tmp_path))
        os.execv(program, [program, "-d", "-i"])
    try:
        said(terminal, "> ")
        for typed, completed in (
            ("genretag sca\t", "genretag scan "),
            ("genretag scan --policy=o\t", "--policy=overwrite"),
            ("genretag config in\t", "config init "),
            ("genretag scan --min\t", "--min-confidence="),
        ):
            os.write(terminal, typed.encode())
            said(terminal, completed)
            os.write(terminal, b"\x15")  # Ctrl-U: away with the line
    finally:
        os.write(terminal, b"\x15exit\n")
        os.close(terminal)
        os.waitpid(child, 0)


def said(terminal: int, text: str, limit_s: float = 20.0) -> None:
    """Read a terminal until a text has come."""
    seen, end = "", time.monotonic() + limit_s
    while text not in seen.replace("\x08", ""):
        ready, _, _ = select.select([terminal], [], [], max(0.0, end - time.monotonic()))
        assert ready, f"{text!r} did not come in {seen!r}"
        seen += os.read(terminal, 4096).decode(errors="replace")


@pytest.mark.parametrize("name", ["genretag.bash", "_genretag", "genretag.fish"])
def test_the_shells_find_no_fault(name):
    shell = {"_genretag": "zsh"}.get(name) or name.rpartition(".")[2]
    done = subprocess.run(
        [needing(shell), "-n", FOLDER / name], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_manual_has_no_fault():
    page = FOLDER / "genretag.1"
    done = subprocess.run(
        [needing("mandoc"), "-Tlint", "-Wwarning", page],
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line for line in done.stdout.splitlines() if "missing date" not in line]
    assert found == []


def test_the_manual_reads(tmp_path):
    page = Path(shutil.copy(FOLDER / "genretag.1", tmp_path))
    done = subprocess.run(
        [needing("man"), "-l", page],
        env={**os.environ, "MANWIDTH": "200", "LC_ALL": "C"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for words in (
        "--policy fill|append|overwrite",
        "GENRETAG_MIN_CONFIDENCE=P",
        "~/.config/genretag/config.toml",
        "'Other'. append: behind",
        "config init",
    ):
        assert words in done.stdout
