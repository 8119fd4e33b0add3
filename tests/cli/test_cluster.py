"""Music types and playlists from the command line, on audio that is heard."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import mutagen
import numpy as np
import pytest
import synth
from cli.running import attempt_here as attempt
from cli.running import genretag_here as genretag
from cli.running import report_of, snapshot

PLAIN, MELLOW, BEAT = range(3)
HOSTILE = "a\x1b[31m[bold]\nb.flac"


def sound(kind: int, seed: int) -> np.ndarray:
    """A song, the same behind a wall, or with beats of noise over it."""
    y = synth.song(3.2, seed=seed)
    if kind == MELLOW:
        window = np.hanning(60)
        return (2 * np.convolve(y, window / window.sum(), "same")).astype(np.float32)
    if kind == BEAT:
        t = np.arange(len(y)) / 22_050
        beats = synth.noise(3.2, amplitude=0.4, seed=seed) * np.exp(-((t * 8) % 1) * 10)
        return (0.5 * y + beats).astype(np.float32)
    return y


NAMES = {PLAIN: "plain", MELLOW: "mellow", BEAT: "beat"}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifteen tracks of three kinds, cache and types beside them; not to be written to."""
    top = tmp_path_factory.mktemp("cluster")
    for kind, name in NAMES.items():
        folder = top / "m" / name
        folder.mkdir(parents=True)
        for i in range(5):
            synth.write(folder / f"{name[0]}{i}.flac", sound(kind, 10 * kind + i))
    tags = mutagen.File(top / "m/plain/p0.flac")
    tags["genre"], tags["artist"], tags["title"] = ["Ska", "Dub"], ["Ann"], ["One"]
    tags.save()
    tags = mutagen.File(top / "m/plain/p1.flac")
    tags["genre"], tags["grouping"] = ["SKA"], ["Mine"]
    tags.save()
    (top / "m/plain/p2.flac").rename(top / "m/plain" / HOSTILE)
    (top / "m/text.mp3").write_text("no music\n" * 99)
    (top / "config.toml").touch()
    places = {"GENRETAG_CACHE_DIR": "cache", "GENRETAG_CONFIG": "config.toml"}
    drawn = ["--plots", top / "plots"] if find_spec("matplotlib") else []
    places = {name: str(top / place) for name, place in places.items()}
    done = genretag("cluster", top / "m", *drawn, **places)
    (top / "said.txt").write_text(done.stdout)
    (top / "noted.txt").write_text(done.stderr)
    return top


@pytest.fixture
def home(tmp_path, monkeypatch, pristine) -> Path:
    """A folder of one's own: configuration, journal, cache and music in it."""
    shutil.copytree(pristine / "cache", tmp_path / "cache")
    shutil.copytree(pristine / "m", tmp_path / "m")
    shutil.copy(pristine / "types.json", tmp_path)
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GENRETAG_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("GENRETAG_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text('[write]\ncluster_fields = ["GROUPING"]\n')
    return tmp_path


def types_in(home: Path) -> dict[str, tuple[str, str]]:
    """Type and grouping in each track's tags, by its path below the music."""
    found = {}
    for path in (home / "m").rglob("*.flac"):
        tags = mutagen.File(path)
        kind, grouping = (tags.get(key, [""])[0] for key in ("genretag_cluster", "grouping"))
        found[str(path.relative_to(home / "m"))] = (kind, grouping)
    return found


def kept(home: Path) -> list[tuple[int, str]]:
    value = json.loads((home / "types.json").read_text())
    return [(kind["number"], kind["name"]) for kind in value["types"]]


def test_what_is_said_of_types_that_are_found(pristine):
    out = (pristine / "said.txt").read_text()
    assert "3 music types in 15 tracks; 1 file left out" in out
    assert "chosen, elbow, highest silhouette" in out
    assert out.count("  5 tracks, 33 % ") == 3
    assert out.count("typical: ") == 3
    assert f"Kept in {pristine / 'types.json'}" in out
    assert "No tags were written" in out
    assert all(line.isprintable() for line in out.split("\n"))


def test_types_are_written_and_stay_when_tracks_are_added(home):
    before = snapshot(home / "m")
    names = dict(kept(home))
    assert list(names) == [1, 2, 3]

    # Into our field, and into the user's where nothing stands.
    done = genretag("cluster", "--write", home / "m", code=1)  # one file is no audio
    assert "Fitted earlier on 15 tracks; names and numbers stay." in done.stdout
    assert "15 files changed" in done.stdout
    first = types_in(home)
    by_folder = {folder: {first[path][0] for path in first if path.startswith(folder)}
                 for folder in NAMES.values()}  # fmt: skip
    assert sorted(map(len, by_folder.values())) == [1, 1, 1]
    assert set.union(*by_folder.values()) == set(names.values())
    others = {path: kind for path, kind in first.items() if path != "plain/p1.flac"}
    assert all(kind == grouping for kind, grouping in others.values())
    assert first["plain/p1.flac"][1] == "Mine"
    assert mutagen.File(home / "m/plain/p0.flac")["genre"] == ["Ska", "Dub"]

    # A scan assigns what is added to them.
    file = (home / "types.json").read_bytes()
    for i in range(3):
        synth.write(home / "m" / f"new {i}.flac", sound(MELLOW, 90 + i))
    genretag("scan", "-q", home / "m", "--report", home / "run.jsonl", code=1)
    tracks, _ = report_of(home / "run.jsonl")
    assert {tracks[f"new {i}.flac"]["cluster"] for i in range(3)} == by_folder["mellow"]
    assert {path: types_in(home)[path] for path in first} == first
    assert (home / "types.json").read_bytes() == file

    # Nothing to change, nothing is written.
    again = snapshot(home / "m")
    genretag("cluster", "--write", "-q", home / "m", code=1)
    assert snapshot(home / "m") == again

    # Undo knows these runs as it knows others.
    assert "Run 1: `genretag undo 1` puts everything back" in done.stdout
    genretag("undo", "2")
    genretag("undo", "1")
    after = {name: content for name, (content, *_) in snapshot(home / "m").items()}
    assert {name: after[name] for name in before} == {n: c for n, (c, *_) in before.items()}


def test_a_refit_says_what_moves_and_a_dry_run_keeps_nothing(home):
    before = (home / "types.json").read_bytes(), snapshot(home / "m")
    out = genretag("cluster", home / "m", "--refit", "--k", "2", "--pca", "0.9", "-n").stdout
    assert "k = 2 was asked for" in out
    assert "5 of 15 tracks moved to another type" in out
    (gone,) = (line.split(": ")[1] for line in out.splitlines() if line.startswith("  gone: "))
    assert gone in dict(kept(home)).values()
    assert "  new: " not in out
    assert "Dry run: nothing was kept or written." in out
    assert ((home / "types.json").read_bytes(), snapshot(home / "m")) == before


def test_types_of_another_analysis_are_said_and_not_given(home):
    path = home / "types.json"
    value = json.loads(path.read_text())
    value["analysis"]["version"] += 1
    path.write_text(json.dumps(value))
    done = genretag("scan", "-n", home / "m", "--report", home / "r.jsonl", code=1)
    assert "fitted on what another model or version hears" in done.stdout + done.stderr
    assert {track["cluster"] for track in report_of(home / "r.jsonl")[0].values()} == {None}
    done = genretag("playlist", home / "m", "--by", "cluster", "--out", home / "o", code=2)
    assert "--refit" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (home / "o").exists()
    out = genretag("cluster", "--refit", home / "m").stdout
    assert "none can be compared" in out
    assert [number for number, _ in kept(home)] == [4, 5, 6]


def test_pictures(pristine):
    pytest.importorskip("matplotlib")
    pictures = sorted(path.name for path in (pristine / "plots").iterdir())
    assert pictures == ["genre_mix.png", "how_many_types.png", "types_map.png"]
    assert (pristine / "noted.txt").read_text().count("Plot: ") == 3


def playlist_of(path: Path) -> list[Path]:
    lines = path.read_text("utf-8").splitlines()
    assert lines[0] == "#EXTM3U"
    return [(path.parent / line).resolve() for line in lines if not line.startswith("#")]


def test_playlists_of_types_of_genres_and_of_a_seed(home):
    out, before = home / "lists", snapshot(home / "m")
    done = genretag("playlist", home / "m", "--by", "cluster", "--out", out)
    lists = {path.stem: playlist_of(path) for path in out.iterdir()}
    assert set(lists) == {name for _, name in kept(home)}
    assert sorted(map(len, lists.values())) == [4, 5, 5]  # a line break cannot stand in one
    assert {len({path.parent for path in some}) for some in lists.values()} == {1}
    assert r"b.flac: left out, a playlist has no line breaks" in done.stderr
    assert "1 file could not be heard" in done.stderr

    done = genretag("playlist", home / "m", "--by", "genre", "--out", out)
    assert playlist_of(out / "Ska.m3u8") == [
        home / "m/plain/p0.flac",
        home / "m/plain/p1.flac",
    ]
    assert playlist_of(out / "Dub.m3u8") == [home / "m/plain/p0.flac"]
    assert "#EXTINF:3,Ann - One" in (out / "Dub.m3u8").read_text()

    genretag("playlist", home / "m", "--seed", home / "m/plain/p0.flac", "-n", "3", "--out", out)
    found = playlist_of(out / "Like Ann – One.m3u8")
    assert found[0] == home / "m/plain/p0.flac"
    assert len(found) <= 4
    assert snapshot(home / "m") == before

    # Somebody's own playlist is never written over; then none is written.
    shutil.rmtree(out)
    out.mkdir()
    (out / "Ska.m3u8").write_text("#EXTM3U\nmine.mp3\n")
    done = genretag("playlist", home / "m", "--by", "genre", "--out", out, code=2)
    assert "not made by genretag; it was left alone" in done.stderr
    assert [path.read_text() for path in out.iterdir()] == ["#EXTM3U\nmine.mp3\n"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cluster", "m", "--k", "1"], "--k 1: must be auto, or a number from 2 to 50"),
        (["cluster", "m", "--k", "2"], "there are 3 music types already; --refit fits them anew"),
        (["cluster", "m/plain", "--refit"], "5 tracks are too few: types need 12 or more"),
        (["cluster", "m", "--plots", "config.toml"], "--plots config.toml: cannot be made"),
        (["playlist", "m", "--out", "o"], "say one of --by cluster, --by genre and --seed FILE"),
        (["playlist", "m", "--out", "config.toml", "--by", "genre"], "is no folder"),
    ],
)
def test_wrong_usage_is_one_line(pristine, tmp_path, monkeypatch, arguments, said):
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(pristine / "cache"))
    (tmp_path / "m").symlink_to(pristine / "m")
    (tmp_path / "config.toml").touch()
    monkeypatch.setenv("GENRETAG_CONFIG", "config.toml")
    shutil.copy(pristine / "types.json", tmp_path)
    monkeypatch.chdir(tmp_path)
    done = attempt(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
