"""``genretag scan`` from its command line to the bytes on disk."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutagen
import mutagen.id3
import pytest
from cli.conftest import FAILED, SKIPPED, SONGS, STANDING
from cli.running import GENRETAG, report_of, snapshot, surroundings
from cli.running import genretag as as_a_process
from cli.running import genretag_here as genretag

from tagger import __version__
from tagger.library.identity import payload_digest
from tagger.models.bundle import find_bundle

TRACK_KEYS = {
    "path", "status", "reason", "genres", "cluster", "current", "changes", "duration_s",
    "heard_s", "cached",
}  # fmt: skip
OWN = ("GENRETAG_GENRES", "GENRETAG_CLUSTER", "GENRETAG_MODEL", "GENRETAG_VERSION")


def fields(path: Path) -> dict[str, list[str]]:
    """A file's fields as mutagen reads them, and nothing of ours."""
    tags = mutagen.File(path).tags
    if isinstance(tags, mutagen.id3.ID3):
        names = {"TCON": "GENRE", "TIT2": "TITLE"}
        return {
            names.get(frame.FrameID, getattr(frame, "desc", frame.FrameID)): list(frame.text)
            for frame in tags.values()
        }
    return {key.upper(): list(values) for key, values in tags.as_dict().items()}


@dataclass(frozen=True)
class Run:
    """A finished scan of the whole library."""

    folder: Path
    before: dict[str, tuple[bytes, int, int]]
    after: dict[str, tuple[bytes, int, int]]
    out: str
    err: str
    tracks: dict[str, dict[str, Any]]
    summary: dict[str, Any]


def scan(folder: Path, report: Path, *options: str, code: int = 1) -> Run:
    before = snapshot(folder)
    done = genretag("scan", folder, "--report", report, *options, code=code)
    return Run(folder, before, snapshot(folder), done.stdout, done.stderr, *report_of(report))


@pytest.fixture(scope="module")
def home(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the library that the runs below share."""
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(pristine, home / "library")
    return home


@pytest.fixture(scope="module")
def dry(home: Path) -> Run:
    return scan(home / "library", home / "dry.jsonl", "-n", "-j", "2")


@pytest.fixture(scope="module")
def written(home: Path, dry: Run) -> Run:
    return scan(home / "library", home / "written.jsonl", "-v", "-j", "1", "--min-confidence", "0")


@pytest.fixture(scope="module")
def again(home: Path, written: Run) -> Run:
    return scan(home / "library", home / "again.jsonl", "-v", "-j", "1", "--min-confidence", "0")


class TestDryRun:
    def test_changes_nothing(self, dry):
        assert dry.after == dry.before
        assert dry.out.endswith("Dry run: nothing was written.\n")
        assert "nothing will be written" in dry.err

    def test_shows_each_song_on_a_line(self, dry):
        lines = dry.out.split("\n")
        for name in SONGS:
            shown = name.replace("\n", "\\n").replace("\x1b", "\\x1b")
            shown = shown.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            assert sum(line.endswith(f"/{shown}") for line in lines) == 1

    def test_shows_problems_on_stderr(self, dry):
        problems = dry.err.splitlines()[1:]
        assert len(problems) == len(SKIPPED) + len(FAILED)
        for name, reason in SKIPPED.items():
            assert any(f"/{name}: {reason}" in p and p.startswith("would skip") for p in problems)
        for name in FAILED:
            assert any(f"/{name}: " in p and p.startswith("fails") for p in problems)
            assert name not in dry.out

    def test_prints_nothing_that_a_terminal_would_obey(self, dry):
        assert all(line.isprintable() for line in (dry.out + dry.err).split("\n"))

    def test_report(self, dry):
        assert set(dry.tracks) == {*SONGS, *SKIPPED, *FAILED}
        for name, track in dry.tracks.items():
            assert set(track) == TRACK_KEYS
            assert track["path"] == str(dry.folder / name)
            assert track["cached"] is False
        assert {dry.tracks[name]["status"] for name in SKIPPED} == {"skipped"}
        assert {dry.tracks[name]["status"] for name in FAILED} == {"failed"}
        for name in SONGS:
            track = dry.tracks[name]
            assert track["status"] in {"proposed", "abstained"}
            probabilities = [p for _, p in track["genres"]]
            assert probabilities == sorted(probabilities, reverse=True)
            assert sum(probabilities) == pytest.approx(1.0, abs=0.01)
            assert track["duration_s"] == pytest.approx(3.6, abs=0.1)
            assert track["current"].get("GENRE") == ([STANDING[name]] if name in STANDING else None)
            assert {c["field"] for c in track["changes"]} >= set(OWN)

    def test_summary_adds_up(self, dry):
        assert dry.summary["tracks"] == len(dry.tracks)
        for status in ("tagged", "proposed", "unchanged", "abstained", "skipped", "failed"):
            number = sum(t["status"] == status for t in dry.tracks.values())
            assert dry.summary[status] == number
        assert sum(dry.summary["genres"].values()) == len(SONGS)
        assert (dry.summary["dry_run"], dry.summary["interrupted"]) == (True, False)
        assert dry.summary["version"] == __version__

    def test_order_is_the_walks(self, dry, home):
        paths = [t["path"] for t in dry.tracks.values()]
        assert [os.fsencode(p) for p in paths] == sorted(os.fsencode(p) for p in paths)


def test_any_number_of_jobs_says_the_same(dry, written, home):
    for name, track in dry.tracks.items():  # heard by two processes, and by one
        for key in ("genres", "cluster", "duration_s", "heard_s", "current"):
            assert written.tracks[name][key] == track[key]


def test_jobs_give_identical_objects(home, written):
    options = ("-j", "2", "--rescan", "--min-confidence", "0")
    two = scan(home / "library", home / "two.jsonl", *options)

    def heard(run: Run) -> dict[str, Any]:
        keys = ("genres", "cluster", "duration_s", "heard_s")
        return {name: [track[key] for key in keys] for name, track in run.tracks.items()}

    assert heard(two) == heard(written)


class TestWrite:
    def test_songs_are_tagged_and_nothing_else_is(self, written):
        changed = {name for name in written.before if written.before[name] != written.after[name]}
        assert changed == set(SONGS)
        assert set(written.after) == set(written.before)  # no copy is left behind
        assert {written.tracks[name]["status"] for name in SONGS} == {"tagged"}
        assert written.summary["changed"] == written.summary["tagged"] == len(SONGS)

    def test_the_audio_is_the_same(self, written, pristine):
        for name in SONGS:
            assert payload_digest(written.folder / name) == payload_digest(pristine / name)

    @pytest.mark.parametrize("name", SONGS)
    def test_another_reader_sees_what_the_report_says(self, written, name):
        track, found = written.tracks[name], fields(written.folder / name)
        for change in track["changes"]:
            assert found[change["field"]] == change["after"]
        label, probability = track["genres"][0]
        standing = STANDING.get(name)
        assert found["GENRE"] == ([standing] if standing == "Zydeco" else [label])
        assert found["GENRETAG_GENRES"][0] == f"{label}={probability:.2f}"
        assert found["GENRETAG_CLUSTER"] == [track["cluster"]]
        assert found["GENRETAG_MODEL"] == [written.summary["model"]]
        assert found["GENRETAG_VERSION"] == [__version__]

    @pytest.mark.parametrize("name", SONGS)
    def test_what_was_not_ours_stays(self, written, pristine, name):
        before, after = fields(pristine / name), fields(written.folder / name)
        assert before["TITLE"] == [f"Title of {Path(name).suffix}"]
        ours = {"GENRE", *OWN}
        assert {k: v for k, v in after.items() if k not in ours} == {
            k: v for k, v in before.items() if k not in ours
        }

    def test_verbose_shows_each_field(self, written):
        assert written.out.count("GENRETAG_MODEL ") == len(SONGS)
        assert all(line.isprintable() for line in written.out.split("\n"))


def test_a_second_run_changes_nothing(again):
    assert again.after == again.before
    assert {again.tracks[name]["status"] for name in SONGS} == {"unchanged"}
    assert all(track["changes"] == [] for track in again.tracks.values())
    assert again.summary["changed"] == 0


@pytest.mark.parametrize("policy", ["fill", "append", "overwrite"])
def test_policy(library, tmp_path, policy):
    folder = library("a.mp3", "b.flac", "c.ogg")
    options = ("--policy", policy, "--min-confidence", "0")
    run = scan(folder, tmp_path / "r.jsonl", *options, code=0)
    heard = {name: track["genres"][0][0] for name, track in run.tracks.items()}
    assert fields(folder / "a.mp3")["GENRE"] == [heard["a.mp3"]]
    assert (
        fields(folder / "b.flac")["GENRE"]
        == {
            "fill": ["Zydeco"],
            "append": ["Zydeco", heard["b.flac"]],
            "overwrite": [heard["b.flac"]],
        }[policy]
    )
    assert fields(folder / "c.ogg")["GENRE"] == [heard["c.ogg"]]  # "Other" is no genre
    assert all("GENRETAG_GENRES" in fields(folder / name) for name in run.tracks)


def test_min_confidence_of_one_abstains_and_still_says_what_was_heard(library, tmp_path):
    folder = library("a.mp3", "b.flac")
    options = ("--min-confidence", "1", "--policy", "overwrite")
    run = scan(folder, tmp_path / "r.jsonl", *options, code=0)
    assert {track["status"] for track in run.tracks.values()} == {"abstained"}
    assert "unsure" in run.tracks["a.mp3"]["reason"]
    assert "GENRE" not in fields(folder / "a.mp3")
    assert fields(folder / "b.flac")["GENRE"] == ["Zydeco"]
    for name in run.tracks:
        assert set(OWN) <= set(fields(folder / name))


def test_max_genres_and_mtime_preserve(library, tmp_path):
    folder = library("a.mp3", "c.ogg", "e.wav")
    for path in folder.iterdir():
        os.utime(path, ns=(10**18, 10**18 + 123_456_789))
    options = ("--max-genres", "3", "--min-confidence", "0", "--mtime", "preserve")
    run = scan(folder, tmp_path / "r.jsonl", *options, code=0)
    for name, track in run.tracks.items():
        least = track["genres"][0][1] / 3
        expected = [label for label, p in track["genres"][:3] if p >= least]
        assert fields(folder / name)["GENRE"] == expected
        assert run.before[name][0] != run.after[name][0]
        assert (folder / name).stat().st_mtime_ns == 10**18 + 123_456_789


def test_mtime_bumps_by_default_and_excluded_files_are_not_looked_at(library, tmp_path):
    folder = library("a.mp3", "e.wav", "f.aiff", "zero.mp3")
    for path in folder.iterdir():
        os.utime(path, ns=(10**18, 10**18))
    options = ("--exclude", "e.*", "--exclude", "zero*")
    run = scan(folder, tmp_path / "r.jsonl", *options, code=0)
    assert set(run.tracks) == {"a.mp3", "f.aiff"}
    assert run.after["e.wav"] == run.before["e.wav"]
    assert all((folder / name).stat().st_mtime_ns > 10**18 for name in run.tracks)


def test_quiet_prints_problems_alone(library):
    folder = library("a.mp3", "silent.wav", "text.mp3", "zero.mp3")
    done = genretag("scan", folder, "-q", code=1)
    assert done.stdout == ""
    names = [line.partition(": ")[0].rpartition("/")[2] for line in done.stderr.splitlines()]
    assert names == ["silent.wav", "text.mp3", "zero.mp3"]
    for name in names:
        (folder / name).unlink()
    done = genretag("scan", folder, "--quiet")
    assert (done.stdout, done.stderr) == ("", "")


def test_an_empty_folder_is_done_and_says_so(tmp_path):
    done = genretag("scan", tmp_path)
    assert "no audio files were found" in done.stdout
    assert "0 tracks" in done.stdout


def test_csv_report(library, tmp_path):
    folder = library("a.mp3", "zero.mp3")
    genretag("scan", "-n", folder, "--report", tmp_path / "r.csv", code=1)
    header, *rows = (tmp_path / "r.csv").read_text().splitlines()
    assert header.startswith("path,status,reason,")
    assert [row.split(",")[1] for row in rows] in (["proposed", "failed"], ["abstained", "failed"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--frobnicate"], "No such option"),
        (["--policy", "sometimes"], "sometimes: must be fill, append or overwrite"),
        (["--min-confidence", "1.5"], "--min-confidence 1.5: must be a number from 0 to 1"),
        (["--max-genres", "0"], "--max-genres 0: must be a whole number from 1 to 11"),
        (["--jobs", "none"], "'--jobs'"),
        (["--mtime", "forget"], "--mtime forget: must be bump or preserve"),
        (["no-such-folder"], "no-such-folder: no such file or folder"),
        (["x" * 300], "File name too long"),
        (["no-such\x1b[31m"], "no-such\\x1b[31m: no such file"),
        (["--model", "nope"], "no model 'nope'"),
        (["--model", "/"], "holds no model.json"),
        (["--report", "r.xlsx"], "must end in .jsonl or .csv"),
        (["--report", "/no/such/folder/r.jsonl"], "cannot be created"),
    ],
)
def test_wrong_usage(library, options, said):
    folder = library("a.mp3")
    before = snapshot(folder)
    done = genretag("scan", folder, *options, code=2)
    assert said in done.stderr
    assert done.stdout == ""
    assert snapshot(folder) == before


def broken_network(folder: Path) -> Path:
    """The default model with a network that is none, and a digest that agrees."""
    shutil.copytree(find_bundle("default"), folder)
    manifest = json.loads((folder / "model.json").read_text())
    name = manifest["cnn"]["file"]
    (folder / name).write_bytes(b"no network at all" * 99)
    manifest["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "model.json").write_text(json.dumps(manifest))
    return folder


def test_a_model_that_fails_in_the_workers_stops_the_run(library, tmp_path):
    folder = library("a.mp3", "e.wav")
    before = snapshot(folder)
    model = broken_network(tmp_path / "m")
    done = genretag("scan", "-q", folder, "--model", model, code=2)
    assert "the network cannot be loaded" in done.stderr
    assert done.stderr.count("\n") == 1
    assert snapshot(folder) == before


@pytest.fixture
def full() -> Path:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    return Path("/dev/full")


def test_a_full_disk_under_the_report(library, tmp_path, full):
    (tmp_path / "r.jsonl").symlink_to(full)
    folder = library("a.mp3")
    done = genretag("scan", "-n", "-q", folder, "--report", tmp_path / "r.jsonl", code=2)
    assert "r.jsonl: cannot be written: No space left" in done.stderr


def test_a_full_disk_under_stdout(library, full):
    with full.open("w") as out:
        done = subprocess.run(
            [*GENRETAG, "scan", "-n", library("a.mp3")],
            env=surroundings(),
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 2
    assert done.stderr.endswith("output cannot be written: No space left on device\n")
    assert "Traceback" not in done.stderr


def test_output_that_nobody_reads_any_more(library):
    done = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" | head -1', "_", *GENRETAG, "scan", "-n", library()],
        env=surroundings(),
        capture_output=True,
        text=True,
    )
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_terminal_that_knows_no_unicode(library):
    done = as_a_process("scan", "-n", library("a.mp3"), PYTHONIOENCODING="ascii")
    assert "\\u2501" in done.stdout
