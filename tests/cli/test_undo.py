"""Preview, write, take back: plans, the journal and undo as people use them."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import mutagen
import mutagen.id3
import pytest
from cli.running import genretag_here as genretag
from cli.running import report_of, snapshot

SONGS = ("a.mp3", "b.flac", "c.ogg", "d.opus", "e.wav", "f.aiff")


def contents(folder):
    """Bytes and time of each file: what an undo brings back."""
    return {name: (data, mtime) for name, (data, mtime, _) in snapshot(folder).items()}


def test_a_scan_is_undone_to_the_last_byte(library):
    folder = library(*SONGS)
    before = contents(folder)
    done = genretag("scan", "--policy", "overwrite", "--min-confidence", "0", folder)
    assert "Run 1: `genretag undo 1` puts everything back" in done.stdout
    after = contents(folder)
    assert all(after[name] != before[name] for name in before)

    listed = genretag("undo", "--list").stdout.splitlines()
    assert listed[1].split()[0] == "1"
    assert listed[1].split()[3:5] == ["scan", "6"]
    assert "default 1." in listed[1]

    preview = genretag("undo", "-n")
    assert preview.stdout.count("would restore") == 6 + 1
    assert "nothing was written" in preview.stdout
    assert contents(folder) == after

    done = genretag("undo", "-v")
    assert re.search(r"restored +6 +byte for byte", done.stdout)
    assert "GENRETAG_MODEL" in done.stdout
    assert contents(folder) == before
    assert genretag("undo", "--list").stdout.splitlines()[1].split()[4:6] == ["0", "6"]
    assert "nothing to undo" in genretag("undo", code=2).stderr
    assert "Nothing is left to undo" in genretag("undo", "1").stdout


def test_a_dry_run_leaves_no_run(library):
    genretag("scan", "-n", library("a.mp3"))
    assert "No run has written anything" in genretag("undo", "--list").stdout
    assert "nothing to undo" in genretag("undo", code=2).stderr
    assert "there is no run 7" in genretag("undo", "7", code=2).stderr


def test_what_others_changed_since_stays(library):
    folder = library("a.mp3", "b.flac")
    before = contents(folder)
    genretag("scan", folder)
    file = mutagen.File(folder / "b.flac")
    file["title"] = ["By somebody else"]
    file.save()
    theirs = contents(folder)["b.flac"]
    done = genretag("undo", code=1)
    assert "b.flac: its tags were changed since by another program" in done.stderr
    assert contents(folder) == {"a.mp3": before["a.mp3"], "b.flac": theirs}


def test_runs_are_undone_from_the_last(library):
    folder = library("a.mp3")
    before = contents(folder)
    genretag("scan", "--min-confidence", "1", folder)  # too unsure of any genre
    first = contents(folder)
    assert first != before
    genretag("scan", "--policy", "overwrite", "--min-confidence", "0", folder)
    assert contents(folder) != first
    assert "run 2 wrote to it later; undo that first" in genretag("undo", "1", code=1).stderr
    genretag("undo")
    assert contents(folder) == first
    genretag("undo")
    assert contents(folder) == before


def test_a_plan_is_written_exactly(library, tmp_path):
    folder = library(*SONGS)
    plan = tmp_path / "plan.jsonl"
    before = snapshot(folder)
    done = genretag("scan", "--plan", plan, "--max-genres", "2", "--min-confidence", "0", folder)
    assert "`genretag apply` writes it" in done.stdout
    assert snapshot(folder) == before
    planned = {}
    for line in plan.read_text().splitlines()[1:-1]:
        track = json.loads(line)
        planned[Path(track["path"]).name] = track["changes"]
    assert planned.keys() == set(SONGS)

    file = mutagen.File(folder / "b.flac")
    file["title"] = ["Changed since"]
    file.save()
    os.utime(folder / "c.ogg")
    (folder / "d.opus").unlink()
    done = genretag("apply", plan, "--report", tmp_path / "r.jsonl", code=1)
    tracks, summary = report_of(tmp_path / "r.jsonl")
    assert {name: track["status"] for name, track in tracks.items()} == {
        "a.mp3": "tagged", "b.flac": "failed", "c.ogg": "failed", "d.opus": "failed",
        "e.wav": "tagged", "f.aiff": "tagged",
    }  # fmt: skip
    assert "tags have changed since this was planned" in tracks["b.flac"]["reason"]
    assert "the file has changed since this was planned" in tracks["c.ogg"]["reason"]
    assert "the file is gone" in tracks["d.opus"]["reason"]
    assert summary["changed"] == 3
    for name in ("a.mp3", "e.wav", "f.aiff"):
        assert tracks[name]["changes"] == planned[name]
        written = mutagen.File(folder / name).tags
        for change in planned[name]:
            key = "TCON" if change["field"] == "GENRE" else f"TXXX:{change['field']}"
            assert list(written[key].text) == change["after"]
    genretag("undo")
    assert snapshot(folder)["a.mp3"][:2] == before["a.mp3"][:2]


def test_a_plan_that_is_none(tmp_path):
    (tmp_path / "p.jsonl").write_text("Dear diary\n")
    assert "line 1 is damaged" in genretag("apply", tmp_path / "p.jsonl", code=2).stderr
    assert "No such file" in genretag("apply", tmp_path / "q.jsonl", code=2).stderr


def test_one_album_gets_one_genre(library, tmp_path):
    folder = library(*SONGS[:3])
    for name in SONGS[:3]:
        file = mutagen.File(folder / name)
        if isinstance(file.tags, mutagen.id3.ID3):
            file.tags.add(mutagen.id3.TALB(encoding=3, text=["One"]))
            file.tags.add(mutagen.id3.TPE2(encoding=3, text=["Somebody"]))
        else:
            file["album"], file["albumartist"] = ["one"], ["Somebody"]
        file.save()
    shutil.copy(folder / "c.ogg", folder / "z.ogg")
    file = mutagen.File(folder / "z.ogg")
    file["album"] = ["Another"]
    file.save()
    options = ("--policy", "overwrite", "--min-confidence", "0", "--max-genres", "3")
    genretag(
        "scan", "-n", "--consistent", "album", *options, "--report", tmp_path / "r.jsonl", folder
    )
    tracks, _ = report_of(tmp_path / "r.jsonl")
    genres = {
        name: next(c["after"] for c in track["changes"] if c["field"] == "GENRE")
        for name, track in tracks.items()
    }
    assert genres["a.mp3"] == genres["b.flac"] == genres["c.ogg"]
    assert "album of 3 tracks" in tracks["a.mp3"]["reason"]
    assert "album of" not in tracks["z.ogg"]["reason"]
    heard = [
        next(c["after"] for c in track["changes"] if c["field"] == "GENRETAG_GENRES")
        for track in tracks.values()
    ]
    assert heard[0] != heard[1]  # what was heard in the track itself


def test_leftovers_of_a_killed_run(library):
    folder = library("a.mp3")
    leftover = folder / ".genretag-0123456789abcdef.tmp"
    leftover.write_bytes(b"half a copy")
    genretag("scan", "-n", folder)
    assert leftover.exists()
    done = genretag("scan", folder)
    assert "Removed 1 temporary file of an interrupted run" in done.stderr
    assert not leftover.exists()


def test_writing_in_place(library):
    folder = library("a.mp3", "b.flac")
    before = contents(folder)
    os.link(folder / "a.mp3", folder.parent / "twin.mp3")
    assert "2 hard links" in genretag("scan", folder).stderr
    genretag("undo")
    genretag("scan", "--write", "in-place", folder)
    assert (folder / "a.mp3").samefile(folder.parent / "twin.mp3")
    assert contents(folder)["a.mp3"] != before["a.mp3"]
    genretag("undo", "--write", "in-place")
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("option", "value", "choices"),
    [
        ("--consistent", "artists", "none or album"),
        ("--write", "fast", "safe or in-place"),
        ("--mtime", "yes", "bump or preserve"),
    ],
)
def test_choices(library, option, value, choices):
    done = genretag("scan", option, value, library("a.mp3"), code=2)
    assert f"{option} {value}: must be {choices}" in done.stderr


def test_the_configuration_counts(library, tmp_path):
    folder = library("a.mp3", "e.wav")
    mutagen.File(folder / "e.wav").delete()
    report = tmp_path / "r.jsonl"
    genretag("scan", "-n", "--report", report, folder)
    heard = report_of(report)[0]["e.wav"]["genres"][0][0]
    config = tmp_path / "config.toml"
    config.write_text(
        f'[vocabulary.aliases]\n{heard!r} = "Musique"\n[write]\nid3_version = "2.3"\n'
    )
    options = ("--min-confidence", "0", "--policy", "overwrite")
    genretag("scan", *options, folder, GENRETAG_CONFIG=str(config))
    tags = mutagen.File(folder / "e.wav").tags
    assert tags.version == (2, 3, 0)
    assert tags["TCON"].text == ["Musique"]
    assert heard in tags["TXXX:GENRETAG_GENRES"].text[0]
    config.write_text("[vocabulari]\n")
    wrong = genretag("scan", folder, code=2, GENRETAG_CONFIG=str(config))
    assert "vocabulari" in wrong.stderr
    assert len(wrong.stderr.splitlines()) == 1


def test_a_state_folder_that_cannot_be_used(library, tmp_path):
    (tmp_path / "state").write_text("a file")
    folder = library("a.mp3")
    before = snapshot(folder)
    done = genretag("scan", folder, code=2, GENRETAG_STATE_DIR=str(tmp_path / "state"))
    assert str(tmp_path / "state") in done.stderr
    assert snapshot(folder) == before
