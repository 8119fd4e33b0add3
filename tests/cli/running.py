"""Running the command as people and cron do: a process of its own, its output read back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

REPOSITORY: Final = Path(__file__).parents[2]
GENRETAG: Final = (sys.executable, "-m", "tagger")


def surroundings(**variables: str) -> dict[str, str]:
    """This process' environment with the repository to import from, and ``variables``."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "COLUMNS": "200", **variables}


def attempt(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command, however it ends."""
    return subprocess.run(
        [*GENRETAG, *map(os.fspath, arguments)],
        env=surroundings(**variables),
        capture_output=True,
        text=True,
        errors="surrogateescape",
    )


def genretag(
    *arguments: str | Path, code: int = 0, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command and check how it ends; it must never show a traceback."""
    done = attempt(*arguments, **variables)
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return done


def report_of(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The track objects of a JSON Lines report by file name, and its summary."""
    *tracks, last = [json.loads(line) for line in path.read_text().split("\n")[:-1]]
    by_name = {track["path"].rpartition("/")[2]: track for track in tracks}
    assert len(by_name) == len(tracks)
    return by_name, last["summary"]


def snapshot(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Content, time and inode of every file below a folder, whatever its name."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            status = path.stat()
            name = str(path.relative_to(folder))
            found[name] = (path.read_bytes(), status.st_mtime_ns, status.st_ino)
    return found
