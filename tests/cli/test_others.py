"""``genretag show``, ``genretag models`` and what all commands share."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from cli.conftest import FAILED, SKIPPED, STANDING
from cli.running import genretag_here as genretag
from cli.running import snapshot, surroundings

from tagger import __version__
from tagger.models.bundle import find_bundle, load_bundle


def test_show(pristine):
    before = snapshot(pristine)
    done = genretag("show", pristine / "b.flac")
    assert done.stderr == ""
    bundle = load_bundle(find_bundle("default"))
    first, *_ = done.stdout.splitlines()
    assert first == str(pristine / "b.flac")
    for words in ("0:04 long, 4 s heard", bundle.identity, "0:00 to 0:04", " needs "):
        assert words in done.stdout
    tags = [line.split() for line in done.stdout.splitlines()]
    assert ["kind", "Vorbis", "comments"] in tags
    assert ["GENRE", STANDING["b.flac"]] in tags
    assert any(label in done.stdout for label in bundle.labels)
    assert snapshot(pristine) == before


def test_show_in_full_follows_the_configuration(pristine, tmp_path):
    before = snapshot(pristine)
    plain = genretag("show", "-v", pristine / "b.flac", GENRETAG_CONFIG="", XDG_CONFIG_HOME="/-")
    kept = f"a scan would report: kept genre {STANDING['b.flac']} (policy fill)"
    assert kept in plain.stdout
    labels = load_bundle(find_bundle("default")).labels
    config = tmp_path / "config.toml"
    aliases = "".join(f'"{label}" = "Everything"\n' for label in labels)
    config.write_text(f"[vocabulary.aliases]\n{aliases}[thresholds]\nEverything = 0.25\n")
    done = genretag("show", "--verbose", pristine / "b.flac", GENRETAG_CONFIG=str(config))
    assert "→ (alias) Everything" in done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    whole = next(line for line in lines if line[:1] == ["Everything"])
    assert whole[2:] == ["%", "needs", "25", "%", "sure", "enough"]
    assert int(whole[1]) >= 99
    assert kept in done.stdout
    assert snapshot(pristine) == before


def test_show_names_what_is_wrong_in_the_configuration(pristine, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text("[vocabulary]\nwhitelst = []\n")
    done = genretag("show", pristine / "b.flac", code=2, GENRETAG_CONFIG=str(config))
    assert done.stderr.startswith(f"genretag: {config}: unknown key 'vocabulary.whitelst'")
    assert done.stderr.count("\n") == 1


def test_show_prints_no_name_raw(pristine):
    done = genretag("show", pristine / "line\nbreak \x1b[31mred.flac")
    assert done.stdout.splitlines()[0].endswith("/line\\nbreak \\x1b[31mred.flac")
    assert all(line.isprintable() for line in done.stdout.split("\n"))


@pytest.mark.parametrize("name", [*FAILED, *SKIPPED, "gone.mp3", "new\nline \x1b[31m.mp3", "."])
def test_show_what_cannot_be_heard(pristine, name):
    done = genretag("show", pristine / name, code=2)
    assert done.stdout == ""
    assert done.stderr.startswith("genretag: ")
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


def test_models_list():
    bundle = load_bundle(find_bundle("default"))
    lines = genretag("models", "list").stdout.splitlines()
    assert f"{bundle.name}\t{bundle.version}\t{', '.join(bundle.labels)}" in lines


def test_models_show():
    bundle = load_bundle(find_bundle("default"))
    shown = genretag("models", "show", COLUMNS="80").stdout
    lines = shown.splitlines()
    assert lines[0] == bundle.identity
    assert max(map(len, lines)) <= 80
    rows = {" ".join(line.split()) for line in lines}
    for label, threshold in bundle.thresholds.items():
        assert any(row.startswith(f"{label} {100 * threshold:.0f} %") for row in rows)
    for words in ("2 excerpts of 15 s, 473 features", bundle.cnn.file, *bundle.clusters.names):
        assert words in shown
    value = json.loads(genretag("models", "show", bundle.folder, "--json").stdout)
    assert value["labels"] == list(bundle.labels)
    assert value["fusion"]["bias"]["Electronic"] == bundle.fusion.bias[4]
    assert value["bytes"] == sum(map(len, bundle.weights.values()))
    figures = json.loads((bundle.folder / "figures.json").read_text())
    crossed = figures["cross"]["fused"]
    assert value["figures"]["held_out"]["n"] == 932
    assert value["figures"]["held_out"]["accuracy"] == crossed["accuracy"]["mean"]
    assert value["figures"]["recall"]["Jazz"] == crossed["per_genre"]["Jazz"]["mean"]
    assert value["figures"]["written"]["accuracy"] == crossed["written"]["accuracy"]["mean"]


def test_models_show_of_figures_without_a_cross_validation(tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(find_bundle("default"), folder)
    figures = json.loads((folder / "figures.json").read_text())
    del figures["cross"]
    (folder / "figures.json").write_text(json.dumps(figures))
    found = json.loads(genretag("models", "show", "--json", folder).stdout)["figures"]
    assert found["held_out"]["n"] == figures["held_out"]["n"]
    assert found["recall"] == figures["held_out"]["per_genre"]
    assert found["written"] == figures["written"]


@pytest.mark.parametrize(
    "figures",
    [
        *(
            None,
            "[" * 100_000,
            '{"held_out": {"n": "many"}}',
            '{"held_out": [1]}',
            "\x1b[31m",
            "NaN",
        ),
        '{"cross": {"fused": {"n": 1, "accuracy": [], "per_genre": {"Jazz": 1}}}}',
        '{"cross": {"fused": {"per_genre": [], "written": 3}}}',
    ],
)
def test_models_show_of_a_stranger(tmp_path, figures):
    folder = tmp_path / "copy"
    shutil.copytree(find_bundle("default"), folder)
    (folder / "figures.json").unlink()
    manifest = json.loads((folder / "model.json").read_text())
    manifest["name"] = "[/red]:smile:"
    (folder / "model.json").write_text(json.dumps(manifest))
    if figures is not None:
        (folder / "figures.json").write_text(figures)
    shown = genretag("models", "show", folder).stdout
    assert shown.startswith(f"[/red]:smile: {manifest['version']}\n")
    assert "kappa" not in shown
    assert all(line.isprintable() for line in shown.split("\n"))
    assert json.loads(genretag("models", "show", folder, "--json").stdout)["figures"] is None
    assert "no model 'nowhere'" in genretag("models", "show", "nowhere", code=2).stderr


def test_models_verify(tmp_path):
    assert "match their digests" in genretag("models", "verify").stdout
    folder = tmp_path / "copy"
    shutil.copytree(find_bundle("default"), folder)
    assert "match their digests" in genretag("models", "verify", "--model", folder).stdout
    name = load_bundle(folder).cnn.file
    with (folder / name).open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes([byte[0] ^ 1]))
    done = genretag("models", "verify", "--model", folder, code=2)
    assert f"{name} differs from its digest" in done.stderr
    assert done.stdout == ""


def test_version_and_help():
    model = load_bundle(find_bundle("default")).identity
    assert genretag("--version").stdout == f"genretag {__version__} (model {model})\n"
    assert "--policy" in genretag("scan", "-h").stdout
    for group in ([], ["models"]):  # without a command: the help
        alone = genretag(*group, code=2)
        assert alone.stdout == genretag(*group, "--help").stdout
        assert alone.stderr == ""


@pytest.mark.parametrize("arguments", [["frobnicate"], ["show"], ["scan"], ["models", "nothing"]])
def test_wrong_usage(arguments):
    done = genretag(*arguments, code=2)
    assert "Usage" in done.stderr
    assert done.stdout == ""


def test_ctrl_c_before_a_scan_has_begun():
    program = """
import tagger.workflows.show
def interrupted(path, model):
    raise KeyboardInterrupt
tagger.workflows.show.listen = interrupted
from tagger.cli import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "show", "x"],
        env=surroundings(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
