"""Similar tracks from the command line, on audio that is heard."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import mutagen
import numpy as np
import pytest
import synth
from cli.running import genretag_here as genretag
from cli.running import snapshot

ESCAPE = "bad\x1b[31m[bold]\nname.flac"


def pulses(seed: int) -> np.ndarray:
    """Bursts of noise, ten a second."""
    y = synth.noise(4.0, amplitude=0.4, seed=seed)
    t = np.arange(len(y)) / 22_050
    return (y * np.exp(-((t * 10) % 1) * 8)).astype(np.float32)


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four songs and three beats; heard once, into the cache beside them."""
    folder = tmp_path_factory.mktemp("similar") / "m"
    folder.mkdir()
    for i, name in enumerate(("one.flac", "two.flac", "three.flac", ESCAPE)):
        synth.write(folder / "new.flac", synth.song(4.0, seed=i)).rename(folder / name)
        tags = mutagen.File(folder / name)
        tags["artist"] = [f"Singer {i}" if i else "Ann"]
        tags["title"] = ["Song \x1b[2J" if name == ESCAPE else f"Song {i}"]
        tags.save()
    for i in range(3):
        synth.write(folder / f"beat {i}.flac", pulses(i))
    shutil.copy2(folder / "one.flac", folder / "copy.flac")
    (folder / "text.mp3").write_text("no music\n" * 99)
    return folder


@pytest.fixture
def similar(music, monkeypatch):
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(music.parent / "cache"))

    def run(*arguments, **options):
        return genretag("similar", *arguments, **options)

    return run


def names(found: dict) -> list[str]:
    return [Path(track["path"]).name for track in found["neighbours"]]


def test_what_sounds_alike_is_found_and_nothing_is_written(similar, music):
    before = snapshot(music)
    done = similar(music / "one.flac", "--in", music, "--json", "--per-artist", "0")
    found = json.loads(done.stdout)
    assert snapshot(music) == before
    songs, beats = {"two.flac", "three.flac", ESCAPE}, {f"beat {i}.flac" for i in range(3)}
    assert set(names(found)[:3]) == songs
    assert set(names(found)[3:]) <= beats  # as far as they pass for music
    assert (found["artist"], found["title"]) == ("Ann", "Song 0")
    assert found["not_heard"] == 1
    near = [track["similarity"] for track in found["neighbours"]]
    assert near == sorted(near, reverse=True)
    for track in found["neighbours"]:
        assert track["distance"] == pytest.approx(1 - track["similarity"], abs=1e-4)
        assert track["why"]
        assert len(track["genres"]) == 11
    # By now it is known, and asks for no path; -n cuts.
    again = json.loads(similar(music / "one.flac", "--json", "-n", "2").stdout)
    assert names(again) == names(found)[:2]
    assert again["not_heard"] == 0


def test_at_most_two_of_a_folder_where_no_artist_is_known(similar, music):
    found = json.loads(similar(music / "beat 0.flac", "--in", music, "--json").stdout)
    assert len([name for name in names(found) if name.startswith("beat")]) <= 2
    one = json.loads(
        similar(music / "one.flac", "--in", music, "--json", "--per-artist", "1").stdout
    )
    artists = [track["artist"] for track in one["neighbours"]]
    assert len(set(artists)) == len(artists)


def test_what_people_read_is_safe(similar, music):
    out = similar(music / "one.flac", "--in", music, COLUMNS="80").stdout
    assert all(line.isprintable() for line in out.split("\n"))
    assert r"bad\x1b[31m[bold]\nname.flac" in out
    assert r"Song \x1b[2J" in out
    assert "Ann – Song 0" in out
    assert "Nearest of" in out
    assert "1 file could not be heard" in out


def test_a_file_from_elsewhere(similar, music, tmp_path):
    seed = shutil.copy2(music / "two.flac", tmp_path / "seed.flac")
    found = json.loads(similar(seed, "--in", music, "--json").stdout)
    assert "two.flac" not in names(found)  # the same audio
    assert {"one.flac", "copy.flac"} & set(names(found))


def test_a_playlist_begins_with_the_track(similar, music, tmp_path):
    path = tmp_path / "like one.m3u8"
    done = similar(music / "one.flac", "--in", music, "-n", "3", "--playlist", path)
    lines = path.read_text("utf-8").splitlines()
    assert (lines[0], lines[2]) == ("#EXTM3U", "#EXTINF:4,Ann - Song 0")
    files = [(path.parent / line).resolve() for line in lines[3::2]]
    assert files[0] == music / "one.flac"
    assert set(files[1:]) == {music / "two.flac", music / "three.flac"}
    assert "3 tracks written to" in done.stderr
    assert "left out, a playlist has no line breaks" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["one.flac", "--playlist", "two.flac"], "must end in .m3u8"),
        (["gone.flac"], "gone.flac: no such file"),
        (["text.mp3"], "text.mp3: "),
        (["."], "is a folder"),
        (["one.flac", "--in", "nowhere"], "nowhere: no such file or folder"),
        (["one.flac", "--model", "nowhere"], "no model 'nowhere'"),
    ],
)
def test_wrong_usage_is_one_line(similar, music, monkeypatch, arguments, said):
    monkeypatch.chdir(music)
    done = similar(*arguments, code=2)
    assert said in done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
