"""``scan --report out.html`` from its command line to the page, also where the run is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from cli.conftest import FAILED, SKIPPED
from cli.running import GENRETAG, report_of, surroundings
from cli.running import genretag_here as genretag
from report.test_html import data_of

from tagger.report.text import shown


def rows(page: Path) -> dict[str, tuple[str, str, list[str], float]]:
    """Each file to what was done, why, its genres heard, and the first one's probability."""
    data = data_of(page)
    columns = data["columns"]
    return {
        name: (
            data["deeds"][columns["deed"][i]]["word"],
            data["texts"][columns["reason"][i]],
            [data["genres"][columns[f"genre{k}"][i] - 1] for k in range(3) if columns["genre0"][i]],
            columns["p0"][i] / 10_000,
        )
        for i, name in enumerate(data["names"])
    }


def test_the_page_says_what_the_other_report_says(library, tmp_path):
    folder = library()
    genretag("scan", "-n", folder, "--report", tmp_path / "r.jsonl", code=1)
    done = genretag("scan", "-n", folder, "--report", tmp_path / "r.html", code=1)
    assert str(tmp_path / "r.html") in done.stdout
    tracks, _ = report_of(tmp_path / "r.jsonl")
    page = rows(tmp_path / "r.html")
    assert set(page) == {shown(name) for name in tracks}
    for name, track in tracks.items():
        deed, reason, genres, p = page[shown(name)]
        assert reason == track["reason"]
        assert genres == [genre for genre, _ in track["genres"][:3]]
        assert p == pytest.approx(track["genres"][0][1] if track["genres"] else 0.0, abs=2e-4)
        if name in FAILED:
            assert deed == "fails"
        elif name in SKIPPED:
            assert deed == "would skip"
        else:
            assert deed in {"would write", "would keep", "unsure", "same"}
    assert data_of(tmp_path / "r.html")["run"]["dry_run"] is True


def test_tracks_as_before_are_on_the_map_too(library, tmp_path):
    folder = library("b.flac", "d.opus")
    genretag("scan", folder)
    genretag("scan", folder, "--report", tmp_path / "r.html")
    data = data_of(tmp_path / "r.html")
    assert [d["key"] for d in data["deeds"]] == ["as before"]
    assert len(data["names"]) == 2
    assert (data["columns"]["genre0"] > 0).all()
    assert (data["columns"]["genre2"] > 0).all()


def test_a_stopped_run_gives_a_whole_page(pristine, tmp_path):
    folder = tmp_path / "library"
    folder.mkdir()
    original = (pristine / "d.opus").read_bytes()
    for i in range(300):
        (folder / f"{i:03}.opus").write_bytes(original)
    page = tmp_path / "r.html"
    process = subprocess.Popen(
        [*GENRETAG, "scan", "-v", "-n", "-j", "1", "--report", page, folder],
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["library", "r.html"]
    data = data_of(page)
    assert data["run"]["interrupted"] is True
    assert 0 < len(data["names"]) < 300


def test_somebodys_page_is_left_alone(library, tmp_path):
    theirs = tmp_path / "index.html"
    theirs.write_text("<h1>My records</h1>")
    done = genretag("scan", "-n", library("d.opus"), "--report", theirs, code=2)
    assert "no report of ours; it was left alone" in done.stderr
    assert done.stderr.count("\n") == 1
    assert theirs.read_text() == "<h1>My records</h1>"
