"""``genretag config``, and where a scan's settings come from."""

from __future__ import annotations

import json

import pytest
from cli.running import genretag_here as genretag
from cli.running import report_of, snapshot


def test_init_then_show(tmp_path):
    config = tmp_path / "new" / "config.toml"
    named = {"GENRETAG_CONFIG": str(config)}
    assert genretag("config", "path", **named).stdout == f"{config}\n"
    assert genretag("config", "init", **named).stdout == f"{config}\n"
    again = genretag("config", "init", code=2, **named)
    assert (
        again.stderr == f"genretag: {config} exists; it was left alone (--force writes over it)\n"
    )
    config.write_text('[scan]\npolicy = "append"\nnice = 3\n')
    done = genretag("config", "show", GENRETAG_NICE="5", GENRETAG_NICEST="1", **named)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["configuration:", str(config)]
    assert ["scan.policy", "append", "file"] in lines
    assert ["scan.nice", "5", "GENRETAG_NICE"] in lines
    assert ["scan.mtime", "bump", "default"] in lines
    assert done.stderr.startswith("genretag: the variable GENRETAG_NICEST means nothing")
    genretag("config", "init", "--force", **named)
    shown = json.loads(genretag("config", "show", "--json", **named).stdout)
    assert {value["source"] for value in shown["settings"].values()} == {"default"}


def test_show_for_a_library(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(
        f"[thresholds]\nRock = 0.7\n[library.'{tmp_path}']\nmtime = 'preserve'\n"
        f"[library.'{tmp_path}'.thresholds]\nJazz = 0.4\n"
    )
    done = genretag("config", "show", tmp_path, "--json", GENRETAG_CONFIG=str(config))
    found = json.loads(done.stdout)["settings"]
    section = f'file, library "{tmp_path}"'
    assert found["scan.mtime"] == {"value": "preserve", "source": section}
    assert found['thresholds."jazz"'] == {"value": 0.4, "source": section}
    assert found['thresholds."rock"'] == {"value": 0.7, "source": "file"}


def test_without_a_file():
    assert "(not there)" in genretag("config", "show").stdout


def test_a_scan_does_what_file_and_environment_say(library, tmp_path):
    folder, report = library("a.mp3", "b.flac"), tmp_path / "r.jsonl"
    config = tmp_path / "config.toml"
    config.write_text(
        f'[scan]\ndry_run = true\nexclude = ["*.flac"]\nmin_confidence = 0\nreport = "{report}"\n'
    )
    before = snapshot(folder)
    said = {"GENRETAG_CONFIG": str(config), "GENRETAG_POLICY": "overwrite"}
    done = genretag("scan", "-v", folder, **said)
    assert snapshot(folder) == before
    tracks, summary = report_of(report)
    assert set(tracks) == {"a.mp3"}
    assert summary["dry_run"] is True
    for words in ("policy overwrite (GENRETAG_POLICY)", "dry_run yes (file)",
                  "verbose yes (command line)"):  # fmt: skip
        assert words in done.stderr
    genretag("scan", "--no-dry-run", folder, **said)
    assert snapshot(folder)["a.mp3"] != before["a.mp3"]
    assert snapshot(folder)["b.flac"] == before["b.flac"]


@pytest.mark.parametrize(
    ("text", "variables", "said"),
    [
        ("[scan]\npolicy = 'filll'\n", {}, 'scan.policy must be "fill", "append" or "overwrite"'),
        ("", {"GENRETAG_POLICY": "fil"}, "GENRETAG_POLICY=fil: must be fill, append or overwrite"),
        ("", {"GENRETAG_JOBS": "two\x1b[31m"}, "GENRETAG_JOBS=two\\x1b[31m: must be a whole"),
    ],
)
def test_what_cannot_be_meant_stops_the_scan(library, tmp_path, text, variables, said):
    folder = library("a.mp3")
    before = snapshot(folder)
    (tmp_path / "config.toml").write_text(text)
    done = genretag(
        "scan", folder, code=2, GENRETAG_CONFIG=str(tmp_path / "config.toml"), **variables
    )
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert snapshot(folder) == before
