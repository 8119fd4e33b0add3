"""What lies among somebody's music is not obeyed by whoever stands in that folder."""

from __future__ import annotations

import subprocess
import sys

import pytest
import synth
from cli.running import GENRETAG, surroundings

PLANTED = (
    "json", "librosa", "multiprocessing", "mutagen", "numpy", "onnxruntime", "pickle", "random",
    "re", "scipy", "signal", "sitecustomize", "soundfile", "tagger", "threading", "usercustomize",
)  # fmt: skip
AS_INSTALLED = """
import sys
from tagger.cli import main
if __name__ == "__main__":
    sys.exit(main())
"""
"""As pip writes it into the folder of programs, which Python then looks into first."""


@pytest.fixture
def folder(tmp_path):
    """A song, and modules that would leave a mark."""
    music = tmp_path / "music"
    music.mkdir()
    synth.write(music / "a.flac", synth.song(4.0))
    for name in PLANTED:
        (music / f"{name}.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'a').write({name!r})")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "genretag").write_text(AS_INSTALLED)
    return music


def test_modules_beside_the_music(folder):
    variables = surroundings()
    variables.pop("PYTHONSAFEPATH", None)
    program = folder.parent / "bin" / "genretag"
    done = subprocess.run(
        [sys.executable, program, "scan", "-n", "."],
        env=variables, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not (folder.parent / "mark").exists(), (folder.parent / "mark").read_text()
    assert done.returncode == 0, done.stderr
    assert "a.flac" in done.stdout


def test_settings_of_plots_beside_the_music(tmp_path):
    """TeX would be run with the names of files."""
    pytest.importorskip("matplotlib")
    synth.write(tmp_path / "$x^2$ $\\frac{.flac", synth.song(4.0))
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\n")
    line = ["show", "$x^2$ $\\frac{.flac", "--spectrogram", "out.png"]
    done = subprocess.run(
        [*GENRETAG, *line], env=surroundings(), cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
