"""What must stay unloaded: help answers at once, and a NAS carries no trainer around.

Each test asks a process of its own, as this one has loaded everything already.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import synth

REPOSITORY = Path(__file__).parents[1]

HEAVY = {
    "numpy", "scipy", "librosa", "numba", "soundfile", "soxr", "audioread", "sklearn",
    "tensorflow", "keras", "onnxruntime", "ai_edge_litert", "mutagen",
}  # fmt: skip
NEVER_IN_A_SCAN = {"librosa", "numba", "sklearn", "tensorflow", "keras", "matplotlib", "joblib"}

RUN = """
import json, sys
from tagger.cli import main
try:
    main()
except SystemExit as end:
    code = end.code
print("", json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]), sep="\\n")
"""

HEAR = """
import json, sys
from pathlib import Path
from tagger.models.bundle import find_bundle
from tagger.workflows.hear import hear, start_listener
start_listener(find_bundle("default"))
heard = hear(Path(sys.argv[1])).heard_s
print("", json.dumps([heard, sorted({name.partition(".")[0] for name in sys.modules})]), sep="\\n")
"""


def loaded(script: str, *arguments: object) -> tuple[float, set[str]]:
    """What a script ended with, and the packages that its process has imported."""
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    value, modules = json.loads(done.stdout.splitlines()[-1])
    return value or 0, set(modules)


@pytest.fixture(scope="module")
def song(tmp_path_factory) -> Path:
    return synth.write(tmp_path_factory.mktemp("song") / "song.flac", synth.song(4.0))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["scan", "--help"],
        ["show", "--help"],
        ["similar", "--help"],
        ["cluster", "--help"],
        ["playlist", "--help"],
        ["models", "--help"],
    ],
    ids=" ".join,
)
def test_help_loads_nothing_heavy(arguments):
    code, modules = loaded(RUN, *arguments)
    assert code == 0
    assert "typer" in modules
    assert modules & (HEAVY | {"rich", "pydantic", "sqlite3"}) == set()


def test_the_parent_of_a_scan(song):
    code, modules = loaded(RUN, "scan", "-n", song)
    assert code == 0
    assert {"onnxruntime", "mutagen", "sqlite3"} <= modules  # a whole scan did take place
    assert modules & (NEVER_IN_A_SCAN | {"scipy", "soundfile", "ai_edge_litert"}) == set()


def test_similar_tracks_of_what_was_heard(song):
    code, modules = loaded(RUN, "similar", song, "--in", song.parent)
    assert code == 0
    assert {"onnxruntime", "mutagen", "sqlite3"} <= modules
    assert modules & (NEVER_IN_A_SCAN | {"scipy", "soundfile", "ai_edge_litert"}) == set()


def test_similar_tracks_when_all_was_heard_before(song):
    search = ("similar", song, "--in", song.parent)
    loaded(RUN, *search)
    code, modules = loaded(RUN, *search)
    assert code == 0
    assert {"numpy", "mutagen", "sqlite3"} <= modules
    assert modules & (HEAVY - {"numpy", "mutagen"} | {"multiprocessing"}) == set()


def test_a_worker(song):
    heard_s, modules = loaded(HEAR, song)
    assert heard_s == pytest.approx(4.0, abs=0.1)
    assert {"soundfile", "ai_edge_litert"} <= modules
    never = NEVER_IN_A_SCAN - {"librosa"} | {"onnxruntime"}  # librosa alone loads nothing
    assert modules & never == set()
