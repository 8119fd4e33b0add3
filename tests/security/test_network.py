"""Nothing is told to anybody, by us or by the libraries that listen."""

from __future__ import annotations

import shutil
import subprocess

import pytest
import synth
from cli.running import GENRETAG, surroundings

_MADE_BY_OTHERS = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "ORT_DISABLE_TELEMETRY")
"""Variables under which libraries keep quiet by themselves."""


@pytest.fixture
def usual(tmp_path):
    """The environment of a user who has set nothing."""
    folders = {
        f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("CACHE", "STATE", "CONFIG", "DATA")
    }
    variables = surroundings(HOME=str(tmp_path), **folders)
    return {name: value for name, value in variables.items() if name not in _MADE_BY_OTHERS}


def test_nothing_is_sent_or_kept_to_be_sent(tmp_path, usual):
    """A library would keep a number of this machine, and what it is to send about it."""
    song = synth.write(tmp_path / "a.flac", synth.song(4.0))
    calls = tmp_path / "calls"
    trace = ["strace", "-f", "-q", "-e", "trace=socket,connect,sendto", "-o", calls]
    line = [*GENRETAG, "scan", song]
    if shutil.which("strace") is None or subprocess.run([*trace, "true"], check=False).returncode:
        calls.write_text("")  # not there, or not permitted
    else:
        line = [*trace, *line]
    subprocess.run(line, env=usual, check=True, capture_output=True)
    assert "AF_INET" not in calls.read_text(errors="replace")
    made = {path.relative_to(tmp_path).parts[:2] for path in tmp_path.rglob("*") if path.is_file()}
    assert made == {("a.flac",), ("calls",), ("CACHE", "genretag"), ("STATE", "genretag")}
