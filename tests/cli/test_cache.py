from __future__ import annotations

import re
from pathlib import Path

import pytest
from library.cache_writers import LISTENING, hearing
from typer.testing import CliRunner, Result

from tagger.cli.cache import cache_app
from tagger.errors import UsageError
from tagger.library.cache import Cache
from tagger.library.cache_file import CACHE


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def filled(folder, tmp_path) -> Path:
    """A cache with two tracks, one of which is gone."""
    folder.mkdir()
    (tmp_path / "0.mp3").touch()
    with Cache.open(folder) as cache:
        for number in range(2):
            cache.keep(tmp_path / f"{number}.mp3", 1, 2, None, LISTENING, hearing(number))
    return folder


def run(command: str) -> Result:
    return CliRunner().invoke(cache_app, [command], catch_exceptions=False)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("info", "There is no cache yet; a scan will begin it at {}"),
        ("clear", "There was no cache."),
        ("prune", "There is no cache."),
    ],
)
@pytest.mark.parametrize("has_folder", [False, True])
def test_no_cache(folder, command, said, has_folder):
    if has_folder:
        folder.mkdir()
    result = run(command)
    assert (result.stdout, result.stderr) == (said.format(folder / CACHE) + "\n", "")
    assert not (folder / CACHE).exists()


def test_info(filled):
    lines = dict(line.split(maxsplit=1) for line in run("info").stdout.splitlines()[:5])
    assert lines["file"] == str(filled / CACHE)
    assert re.fullmatch(r"0\.\d MB \(\d+\.\d kB a track\)", lines["size"])
    assert (lines["tracks"], lines["hearings"], lines["problems"]) == ("2", "2", "0")
    assert re.search(r"(?m)^oldest use  \d{4}-\d\d-\d\d$", run("info").stdout)


def test_prune(filled):
    assert re.fullmatch(r"Removed 1 track and 0 hearings: \d\.\d MB freed\n", run("prune").stdout)
    assert "tracks      1\n" in run("info").stdout


def test_clear(filled):
    assert re.fullmatch(r"Removed the cache: 0\.\d MB\n", run("clear").stdout)
    assert run("clear").stdout == "There was no cache.\n"


def test_clear_while_a_run_uses_it(filled):
    with Cache.open(filled), pytest.raises(UsageError) as caught:
        run("clear")
    assert str(caught.value) == (
        "the analysis cache cannot be removed: another run uses it; run again when that one is done"
    )
    assert (filled / CACHE).exists()


def test_a_damaged_cache(filled):
    (filled / CACHE).write_text("dear diary")
    result = run("info")
    assert result.stderr == (
        "genretag: the analysis cache was damaged and is begun anew; the old one is "
        f"{filled / CACHE}.damaged\n"
    )
    assert "tracks      0\n" in result.stdout


def test_a_cache_that_cannot_be_opened(filled):
    (filled / "cache.lock").unlink()
    (filled / "cache.lock").mkdir()
    for command in ("info", "prune"):
        with pytest.raises(UsageError, match="no analysis cache for this run: is a directory"):
            run(command)


def test_what_trainings_keep_is_told_and_cleared(filled):
    kept = filled / "training.sqlite3"
    kept.write_bytes(bytes(250_000))
    assert "trainings   0.2 MB more, of labelled tracks" in run("info").stdout
    run("clear")
    assert not kept.exists()
    assert "labelled tracks" not in run("info").stdout
