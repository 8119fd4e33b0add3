"""``genretag show`` of a whole track: drawn, in rows, for programs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import synth
from cli.running import genretag_here as genretag
from cli.running import snapshot, surroundings

PNG = b"\x89PNG\r\n\x1a\n"


def test_timeline_and_json(pristine):
    before = snapshot(pristine)
    rows = genretag("show", "--timeline", pristine / "b.flac").stdout
    assert rows.index("Along the track") > rows.index("Tags")
    value = json.loads(genretag("show", "--json", "-t", pristine / "b.flac").stdout)
    assert value["path"] == str(pristine / "b.flac")
    (stretch,) = value["timeline"]
    # A short track is one window: what is heard along it is what a scan hears.
    assert stretch["genres"] == value["genres"]
    assert "timeline" not in json.loads(genretag("show", "--json", pristine / "b.flac").stdout)
    assert snapshot(pristine) == before


def test_spectrogram(pristine, tmp_path):
    pytest.importorskip("matplotlib")
    before = snapshot(pristine)
    picture = tmp_path / "line\nbreak.png"
    done = genretag("show", pristine / "line\nbreak \x1b[31mred.flac", "--spectrogram", picture)
    assert done.stderr == ""
    assert picture.read_bytes().startswith(PNG)
    assert list(tmp_path.iterdir()) == [picture]
    assert snapshot(pristine) == before


def test_a_picture_of_silence_says_why_nothing_is_heard(pristine, tmp_path):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "a.png"
    done = genretag("show", pristine / "silent.wav", "--spectrogram", picture, code=2)
    assert done.stderr.splitlines() == [
        f"genretag: {pristine / 'silent.wav'}: silent: nothing above -70 dBFS"
    ]
    assert picture.read_bytes().startswith(PNG)


def test_music_is_never_drawn_over(tmp_path):
    pytest.importorskip("matplotlib")
    song = synth.write(tmp_path / "song.wav", synth.song(3.5))
    before = song.read_bytes()
    named = song.rename(tmp_path / "song.png")
    for picture, said in ((named, "the music itself"), (tmp_path / "a.mp3", "must end in .png")):
        done = genretag("show", named, "--spectrogram", picture, code=2)
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
    assert named.read_bytes() == before
    assert list(tmp_path.iterdir()) == [named]


def test_what_cannot_be_heard_leaves_no_picture(pristine, tmp_path):
    pytest.importorskip("matplotlib")
    done = genretag("show", pristine / "text.mp3", "--spectrogram", tmp_path / "a.png", code=2)
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "arguments", "said"),
    [
        ("matplotlib", ["show", "a.mp3", "--spectrogram", "a.png"],
         "genretag show --spectrogram needs matplotlib: pip install 'genretag[plot]'"),
        ("gradio", ["app"], "genretag app needs gradio: pip install 'genretag[app]'"),
    ],
)  # fmt: skip
def test_a_missing_extra_is_named_in_one_line(module, arguments, said):
    program = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] == {module!r}:\n"
        "            raise ModuleNotFoundError(name=name)\n"
        "import importlib.util\n"
        "whole = importlib.util.find_spec\n"
        "def find_spec(name, package=None):\n"
        f"    return None if name == {module!r} else whole(name, package)\n"
        "importlib.util.find_spec = find_spec\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from tagger.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=surroundings(),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (2, f"genretag: {said}\n")
