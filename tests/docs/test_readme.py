"""The README's blocks do what they say: taken out of it, and run on a small library."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import synth
from typer.main import get_command

from tagger.cli.app import app

REPOSITORY: Final = Path(__file__).parents[2]
README: Final = (REPOSITORY / "README.md").read_text(encoding="utf-8")
TASK: Final = re.compile(r"<!-- task: (\w+) -->\n```sh\n(.*?)```", re.DOTALL)
TASKS: Final = dict(TASK.findall(README))


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("songs")
    sounds = synth.song(4.0), synth.song(4.0, seed=1)
    names = ("one.mp3", "two words.flac")
    return [synth.write(folder / name, y) for name, y in zip(names, sounds, strict=True)]


@pytest.fixture
def home(songs: list[Path], tmp_path: Path) -> Path:
    """A home with music, and `genretag` on the path."""
    shutil.copytree(songs[0].parent, tmp_path / "Music/Album")
    command = tmp_path / "bin/genretag"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tagger "$@"\n')
    command.chmod(0o755)
    return tmp_path


def run(block: str, home: Path) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=home,
        env={
            "HOME": str(home),
            "PATH": f"{home / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
            "COLUMNS": "120",
            "GENRETAG_CACHE_DIR": str(home.parent / "heard"),  # one for all tests
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def content(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (home / "Music/Album").iterdir()}


def test_all_tasks_are_run():
    here = {name.removeprefix("test_task_") for name in globals() if name.startswith("test_task_")}
    assert set(TASKS) == here


def test_task_preview(home):
    before = content(home)
    scans, applies = TASKS["preview"].split("genretag apply")
    shown = run(scans, home)
    assert content(home) == before
    assert shown.count("two words.flac") == 2  # each of the two shows every track
    assert "2 files changed" in run(f"genretag apply{applies}", home)
    assert all(content(home)[name] != data for name, data in before.items())


def test_task_nightly(home):
    assert run(TASKS["nightly"], home) == ""
    assert b"GENRETAG_GENRES" in content(home)["two words.flac"]
    assert "2 files changed" in (home / "genretag.log").read_text()


def test_task_undo(home):
    before = content(home)
    run("genretag scan -q ~/Music", home)
    assert content(home) != before
    run(TASKS["undo"], home)
    assert content(home) == before


def test_task_words(home):
    assert "Dry run: nothing was written." in run(TASKS["words"], home)
    # It was that file that counted.
    with (home / ".config/genretag/config.toml").open("a") as config:
        config.write('"Jazz" = "likely"\n')
    with pytest.raises(AssertionError, match="'Jazz' must be a number"):
        run("genretag scan -n ~/Music", home)


def check_options(line: str) -> None:
    """Raise what a user would be told of a command and its options, before it runs."""
    command: Any = get_command(app)
    name, *arguments = shlex.split(line, comments=True)
    while hasattr(command, "commands"):
        name, *arguments = arguments
        command = command.get_command(None, name)
        assert command is not None, f"no command {name}"
    command.make_context(name, arguments)


def test_task_train():
    """The commands themselves are run by tests/cli."""
    for line in TASKS["train"].splitlines():
        check_options(line)


def test_every_command_that_stands_there_can_be_given():
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line[:9] == "genretag "]
    assert len(lines) > 40
    for line in lines:
        check_options(line)
    with pytest.raises(Exception, match="No such option"):  # Typer has a Click of its own, or not
        check_options("genretag scan --frobnicate ~/Music")


def test_task_playlists(home):
    before = content(home)
    run(TASKS["playlists"], home)
    assert content(home) == before
    lists = list((home / "Music/Lists").glob("*.m3u8"))
    named = [line for path in lists for line in path.read_text("utf-8").splitlines()]
    found = {(home / "Music/Lists" / name).resolve() for name in named if name[:1] != "#"}
    assert found == set((home / "Music/Album").iterdir())


def test_the_two_commands_can_be_read_by_a_machine():
    for mark in ("run", "test"):
        behind = README.split(f"<!-- {mark} -->\n")[1]
        fence, command, end = behind.splitlines()[:3]
        assert (fence, end) == ("```sh", "```")
        assert command.startswith("python3 -m venv ")
        assert subprocess.run(["bash", "-n", "-c", command]).returncode == 0


def test_links_lead_somewhere():
    anchors = {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"(?m)^#+ (.+)$", README)
    }
    for target in re.findall(r"\]\(([^)]+)\)", README):
        path, _, anchor = target.partition("#")
        assert (REPOSITORY / path).exists(), target
        assert path or anchor in anchors, target
