"""Names and tags of files that are made to be acted upon, through every command that shows them.

What people read holds no control character of theirs; what programs read holds the right bytes.
"""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path
from typing import NamedTuple

import mutagen.flac
import pytest
import synth
from cli.running import attempt_here, snapshot

from tagger.report.text import shown

pytestmark = pytest.mark.skipif(os.name != "posix", reason="names that POSIX alone allows")

NAMES = (
    "line\nbreak\r",
    "escape\x1b[31m\x1b]0;title\x07",
    "c1\x9b31m\x7f\u202e\u2028",
    "[bold]markup[red] [link=x]",
    os.fsdecode(b"caf\xe9\xff\x9b31m"),
    "n" * 250,
    "<script>alert(1)<b>&\"'",
    "=cmd|' C calc'!A0",
    "$(touch x)`id`;%s{0}",
    "#tab\there ",
    " space",
    "-n",
)
FOLDER = "dir\x1b[2J[bold]"
TAGS = {
    "artist": "artist\x1b[32m\n[bold]",
    "title": "title\x1b]0;x\x07[red]",
    "genre": "genre\x1b[5m[blink]\nRock",
}
TERMINAL = {"FORCE_COLOR": "1", "TERM": "xterm"}
OF_A_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[mhlAK]|\r")
"""Colours and the bar's moves, which are ours; that of FOLDER is not among them."""


class World(NamedTuple):
    songs: tuple[Path, ...]
    folder: Path
    variables: dict[str, str]

    @property
    def in_one_line(self) -> set[bytes]:
        """Paths that a line of a playlist can hold."""
        return {os.fsencode(song) for song in self.songs if "\n" not in song.name}

    def run(
        self, *arguments: str | Path, code: int | None = 0, **variables: str
    ) -> tuple[str, str]:
        """What the command says on both streams, once it is seen to be harmless."""
        done = attempt_here(*arguments, **{**self.variables, **variables})
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        assert code is None or done.returncode == code, done.stdout + done.stderr
        out, err = done.stdout, done.stderr
        if "FORCE_COLOR" in variables:
            out, err = OF_A_TERMINAL.sub("", out), OF_A_TERMINAL.sub("", err)
        assert (out + err).replace("\n", "").isprintable()
        return out, err


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A library that was scanned, dryly."""
    top = tmp_path_factory.mktemp("names")
    folder = top / FOLDER
    folder.mkdir()
    songs = []
    for seed, name in enumerate(NAMES):
        song = synth.write(top / "a.flac", synth.song(3.6, seed=seed))
        file = mutagen.flac.FLAC(song)
        file.update(TAGS)
        file.save()
        songs.append(song.rename(folder / f"{name}.flac"))
    (folder / "broken\x1b[31m\n.mp3").write_text("no music\n" * 500)
    variables = {f"GENRETAG_{kind}_DIR": str(top / kind) for kind in ("STATE", "CACHE")}
    variables["XDG_CONFIG_HOME"] = str(top / "config")
    there = World(tuple(sorted(songs)), folder, variables)
    there.run("scan", "-n", folder, code=1)
    return there


def bytes_of(paths) -> list[bytes]:
    return sorted(os.fsencode(path) for path in paths)


@pytest.mark.parametrize("where", ["pipe", "terminal"])
def test_scan(world, where):
    look = TERMINAL if where == "terminal" else {}
    out, err = world.run("scan", "-n", world.folder, code=1, **look)
    lines = [line for line in (out + err).split("\n") if ".flac" in line]
    assert len(lines) == len(world.songs)
    assert all(any(shown(song) in line for line in lines) for song in world.songs)
    assert r"broken\x1b[31m\n.mp3: not audio" in err


def test_a_plan_is_written_and_undone(world, tmp_path):
    before = snapshot(world.folder)
    plan, log = tmp_path / "plan\n\x1b[1m.jsonl", tmp_path / "log\n\x1b[1m.log"
    table = tmp_path / "report\n\x1b[1m.csv"
    world.run("scan", world.folder, "--plan", plan, code=1)
    out, err = world.run("apply", plan, "--in", world.folder, "-v", "--log", log, "--report", table)
    assert f"all below {shown(world.folder)}" in err
    assert all(shown(song) in out for song in world.songs)
    assert all(mutagen.flac.FLAC(song)["genretag_version"] for song in world.songs)

    with table.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert bytes_of(row["path"] for row in rows) == bytes_of(world.songs)
    lines = log.read_text(encoding="utf-8").split("\n")[:-1]
    assert all(re.match(r"\d{4}-\d\d-\d\dT", line) and line.isprintable() for line in lines)
    assert all(any(shown(song) in line for line in lines) for song in world.songs)

    world.run("undo", "--list")
    out, _ = world.run("undo", "-v")
    assert all(shown(song) in out for song in world.songs)
    assert {name: found[:2] for name, found in snapshot(world.folder).items()} == {
        name: found[:2] for name, found in before.items()
    }


def test_reports(world, tmp_path):
    lines, page = tmp_path / "report\n.jsonl", tmp_path / "report\x1b[1m.html"
    world.run("scan", "-n", world.folder, "--report", lines, code=1)
    world.run("scan", "-n", world.folder, "--report", page, code=1)
    *tracks, _ = map(json.loads, lines.read_text(encoding="ascii").split("\n")[:-1])
    paths = (track["path"] for track in tracks)
    assert bytes_of(paths) == bytes_of(world.folder.iterdir())
    text = page.read_text(encoding="utf-8")
    assert "alert(1)" in text
    assert "<script>alert" not in text
    assert "\x1b" not in text


def test_show(world):
    name = NAMES[1]
    out, _ = world.run("show", world.folder / f"{name}.flac", **TERMINAL)
    assert shown(name) in out.replace("\n", "")
    song = world.folder / f"{NAMES[4]}.flac"
    out, _ = world.run("show", song, "--json")
    assert os.fsencode(json.loads(out)["path"]) == os.fsencode(song)


def test_similar(world, tmp_path):
    song = world.songs[0]
    out, _ = world.run("similar", song, "--in", world.folder, "-n", "50", "--per-artist", "0")
    assert r"artist\x1b[32m\n[bold]" in out
    playlist = tmp_path / "list\x1b[1m.m3u8"
    out, _ = world.run("similar", song, "--in", world.folder, "--json", "--playlist", playlist)
    found = json.loads(out)
    assert os.fsencode(found["path"]) == os.fsencode(song)
    near = bytes_of(track["path"] for track in found["neighbours"])
    assert set(near) < set(bytes_of(world.songs))
    assert read_playlist(playlist) == {*near, os.fsencode(song)} & world.in_one_line


def read_playlist(playlist: Path) -> set[bytes]:
    """The paths in a playlist, byte for byte."""
    lines = playlist.read_bytes().split(b"\n")
    assert all(line.decode().isprintable() for line in lines if line.startswith(b"#"))
    folder = os.fsencode(playlist.parent)
    return {
        os.path.normpath(folder + b"/" + line)
        for line in lines
        if line and not line.startswith(b"#")
    }


@pytest.mark.parametrize("by", ["genre", "cluster", "seed"])
def test_playlists(world, tmp_path, by):
    folder = tmp_path / "lists\n\x1b[1m"
    how = ("--seed", world.songs[0]) if by == "seed" else ("--by", by)
    out, err = world.run("playlist", world.folder, "--out", folder, *how)
    playlists = list(folder.iterdir())
    assert all(playlist.name.isprintable() for playlist in playlists)
    assert shown(folder) in out + err
    found = set[bytes]().union(*map(read_playlist, playlists))
    if by == "seed":  # of one artist not all are taken
        assert os.fsencode(world.songs[0]) in found
        assert found <= world.in_one_line
    else:
        assert found == world.in_one_line
        assert "line\\nbreak" in err


def test_cluster(world):
    out, _ = world.run("cluster", world.folder, "--k", "2", "-n", "-v", **TERMINAL)
    assert r"artist\x1b[32m\n[bold]" in out
    assert shown(world.folder) in out


def test_a_table_of_labels(world, tmp_path):
    table = tmp_path / "labels\n\x1b[1m.csv"
    missing = tmp_path / "missing\x1b[31m\n.flac"
    with table.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["path", "genre", "artist"])
        for i, path in enumerate((*world.songs, missing)):
            rows.writerow([path, ("Rock", "Jazz")[i % 2], f"{i}\x1b[31m\n"])
    out, err = world.run("evaluate", table, "--json")
    assert json.loads(out)["n"] == len(world.songs)
    assert r"missing\x1b[31m\n.flac" in err
    for command in (("explore", "--plots", "x"), ("compare",), ("train", "--out", "x")):
        _, err = world.run(*command, missing.with_suffix(".csv"), code=2)
        assert r"missing\x1b[31m\n.csv" in err


EVIL = "x\x1b]0;y\x07\n[bold]\udcff"


@pytest.mark.parametrize(
    "line",
    [
        ("scan", EVIL),
        ("scan", "--model", EVIL, "."),
        ("scan", "--policy", EVIL, "."),
        ("scan", "--exclude", EVIL, EVIL),
        ("scan", f"--{EVIL}"),
        ("scan", "--jobs", EVIL, "."),
        ("scan", "--report", EVIL, "."),
        ("scan", "--report", f"{EVIL}/a.csv", "."),
        ("scan", "--plan", f"{EVIL}/a.jsonl", "."),
        ("scan", "--log", f"{EVIL}/a.log", "."),
        ("apply", EVIL),
        ("show", EVIL),
        ("similar", EVIL),
        ("similar", EVIL, "--in", EVIL),
        ("cluster", EVIL),
        ("playlist", EVIL, "--out", EVIL),
        ("undo", EVIL),
        ("models", "show", EVIL),
        ("models", "verify", EVIL),
        ("evaluate", EVIL),
        ("config", "show", EVIL),
        (EVIL,),
    ],
    ids=lambda line: " ".join(line[:2]).encode("ascii", "backslashreplace").decode(),
)
def test_what_is_typed_comes_back_harmless(world, tmp_path, monkeypatch, line):
    monkeypatch.chdir(tmp_path)
    _, err = world.run(*line, code=2, **TERMINAL)
    assert err


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GENRETAG_STATE_DIR", EVIL),
        ("GENRETAG_STATE_DIR", f"/dev/null/{EVIL}"),
        ("GENRETAG_CACHE_DIR", f"/dev/null/{EVIL}"),
        ("GENRETAG_CONFIG", f"/dev/null/{EVIL}"),
        (f"GENRETAG_{EVIL}", EVIL),
        ("GENRETAG_JOBS", EVIL),
    ],
    ids=ascii,
)
def test_variables(world, tmp_path, variable, value):
    (tmp_path / "music").mkdir()
    said = []
    for command in (("scan", tmp_path / "music"), ("cache", "info"), ("config", "show")):
        said += world.run(*command, code=None, **{variable: value})
    assert any(r"x\x1b]0;y\x07\n[bold]" in text for text in said)


def test_the_doctor(world):
    variables = {"GENRETAG_STATE_DIR": EVIL, f"GENRETAG_{EVIL}": "1"}
    out, _ = world.run("doctor", world.folder, code=None, **variables)
    assert shown(world.folder) in out
    assert out.count(r"x\x1b]0;y\x07\n[bold]") >= 2


def test_the_cache(world):
    folder = world.folder / "cache\n"
    out, _ = world.run("cache", "info", GENRETAG_CACHE_DIR=str(folder))
    assert shown(folder) in out
    world.run("cache", "prune")


def test_a_configuration_file(world, tmp_path):
    file = tmp_path / "config\n\x1b[1m.toml"
    named = {"GENRETAG_CONFIG": str(file)}
    world.run("config", "init", **named)
    world.run("config", "init", code=2, **named)
    world.run("config", "path", **named)
    model = '[scan]\nmodel = "x\\u001b[31m\\n[bold]"'
    for text in ("a\x1b[1m = 1", '["scan\\u001b"]', '[scan]\n"m\\u001b" = 1', model):
        file.write_text(text)
        code = 0 if text is model else 2
        out, err = world.run("config", "show", code=code, **named)
        assert shown(file) in out + err
    world.run("scan", world.folder, code=2, **named)
