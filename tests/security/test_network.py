"""Nothing is told to anybody, by us or by the libraries that listen."""

from __future__ import annotations

import os
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


def test_no_library_keeps_anything_of_this_user(tmp_path, usual):
    """One of them would keep a number of this machine, and what it is to send about it."""
    song = synth.write(tmp_path / "a.flac", synth.song(4.0))
    subprocess.run([*GENRETAG, "scan", song], env=usual, check=True, capture_output=True)
    made = {path.relative_to(tmp_path).parts[:2] for path in tmp_path.rglob("*") if path.is_file()}
    assert made == {("a.flac",), ("CACHE", "genretag"), ("STATE", "genretag")}


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace, to see what is called")
def test_no_address_is_spoken_to(tmp_path, usual):
    song = synth.write(tmp_path / "a.flac", synth.song(4.0))
    calls = tmp_path / "calls"
    trace = ["strace", "-f", "-q", "-e", "trace=socket,connect,sendto", "-o", calls]
    done = subprocess.run(
        [*trace, *GENRETAG, "show", song], env=usual, check=False, capture_output=True, text=True
    )
    if "ptrace" in done.stderr.lower():
        pytest.skip("strace is not permitted here")
    assert done.returncode == 0, done.stderr
    assert "AF_INET" not in calls.read_text(errors="replace")
    assert os.fspath(song) in done.stdout
