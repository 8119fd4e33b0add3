"""Running the command as people and cron do, its output read back.

``genretag`` and ``attempt`` start a process of its own for it. Where nothing depends on that,
``genretag_here`` and ``attempt_here`` do the same in this one, which has imported all already
and whose fork server is warm; relative paths are then those of the folder that pytest was
started in.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from tagger.cli import main

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


def attempt_here(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, however it ends."""
    line = [*GENRETAG[-1:], *map(os.fspath, arguments)]
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code: object = 0
    with (
        patch.dict(os.environ, surroundings(**variables)),
        patch.object(sys, "argv", line),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    assert isinstance(code, int)
    said = (stream.buffer.getvalue().decode("utf-8", "surrogateescape") for stream in (out, err))
    return subprocess.CompletedProcess(line, code, *said)


def genretag(
    *arguments: str | Path, code: int = 0, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command and check how it ends; it must never show a traceback."""
    return _checked(attempt(*arguments, **variables), code)


def genretag_here(
    *arguments: str | Path, code: int = 0, **variables: str
) -> subprocess.CompletedProcess[str]:
    """The same in this process."""
    return _checked(attempt_here(*arguments, **variables), code)


def _checked(done: subprocess.CompletedProcess[str], code: int) -> subprocess.CompletedProcess[str]:
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
