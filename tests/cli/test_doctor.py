"""``genretag doctor`` on what is well and on what is not."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from cli.running import genretag, genretag_here, snapshot

from tagger.domain import Health
from tagger.models.bundle import find_bundle
from tagger.workflows.doctor.folders import file_system, folders, music_folder
from tagger.workflows.doctor.machine import cpu_features, machine


def examined(*arguments: str | Path, code: int = 0, **variables: str) -> list[tuple[str, ...]]:
    done = genretag_here("doctor", "--json", *arguments, code=code, **variables)
    assert done.stderr == ""
    value = json.loads(done.stdout)
    assert value["ok"] == (code == 0)
    return [(f["part"], f["health"], f["text"], f["advice"]) for f in value["findings"]]


def test_all_is_well_and_nothing_is_written(pristine, tmp_path):
    before = snapshot(pristine)
    home = {f"GENRETAG_{name}_DIR": str(tmp_path / name) for name in ("CACHE", "STATE")}
    done = genretag("doctor", pristine, **home)
    lines = done.stdout.splitlines()
    assert done.stderr == ""
    for words in (
        "ok      genretag      0.",
        "numpy ",
        "MP3, FLAC, Ogg Vorbis, Opus, WAV, AIFF (libsndfile ",
        "files match their digests",
        "ok      self-test     MP3: heard as ",
        "ok      self-test     FLAC: heard as ",
        f"ok      music         {pristine} on ",
        "cores and ",
    ):
        assert words in done.stdout
    assert lines[-1].startswith(("0 problems, ", "All is well."))
    assert snapshot(pristine) == before
    assert list(tmp_path.iterdir()) == []


def test_a_broken_configuration_is_one_problem_and_the_rest_goes_on(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text("[scan]\npolcy = 'fill'\n")
    found = examined(code=1, GENRETAG_CONFIG=str(config), GENRETAG_POLCY="x")
    problems = [(part, text) for part, health, text, _ in found if health == "problem"]
    assert len(problems) == 1
    assert problems[0][0] == "configuration"
    assert "did you mean scan.policy?" in problems[0][1]
    assert any("GENRETAG_POLCY means nothing" in text for _, health, text, _ in found)
    assert sum(part == "self-test" and health == "ok" for part, health, *_ in found) == 2


def test_a_damaged_model(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(find_bundle("default"), folder)
    with (folder / "cnn.tflite").open("ab") as file:
        file.write(b"x")
    found = examined(code=1, GENRETAG_MODEL=str(folder))
    problems = [text for _, health, text, _ in found if health == "problem"]
    assert len(problems) == 1
    assert "cnn.tflite differs from its digest" in problems[0]


def test_folders_that_cannot_be_used(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    monkeypatch.setenv("GENRETAG_STATE_DIR", "relative")
    monkeypatch.setenv("GENRETAG_CACHE_DIR", str(open_to_all / "below"))
    found = {f.part: f for f in folders() if f.health is Health.PROBLEM}
    assert set(found) == {"state", "cache"}
    assert "must be an absolute path" in found["state"].text
    assert found["cache"].text.startswith(f"{open_to_all} can be written by everybody")
    assert found["cache"].advice.startswith(f"chmod o-w {open_to_all}")
    open_to_all.chmod(0o1777)  # as the usual folder for temporary files
    (open_to_all / "below").mkdir(mode=0o700)
    assert {f.part for f in folders() if f.health is Health.PROBLEM} == {"state"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_music_that_can_only_be_read(tmp_path):
    tmp_path.chmod(0o500)
    (finding,) = music_folder(tmp_path)
    assert finding.health is Health.PROBLEM
    assert "cannot be written: permission denied" in finding.text


def test_music_that_is_not_there(tmp_path):
    (finding,) = music_folder(tmp_path / "gone")
    assert finding.health is Health.PROBLEM
    assert finding.text == f"{tmp_path}/gone: no such file or directory"


def test_the_kind_of_file_system(tmp_path):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
        f"2 1 0:9 / {tmp_path} rw - btrfs /dev/sdb rw\n"
        f"3 1 0:10 / {tmp_path}/my\\040nas rw,x master:1 - nfs4 nas:/v rw\n"
    )
    (tmp_path / "my nas").mkdir()
    assert file_system(Path("/"), mounts) == "ext4"
    assert file_system(tmp_path, mounts) == "btrfs"
    assert file_system(tmp_path / "my nas", mounts) == "nfs4"
    assert file_system(tmp_path / "my nasal", mounts) == "btrfs"
    assert file_system(tmp_path, tmp_path / "none") == "a file system of unknown kind"


@pytest.mark.parametrize(
    ("text", "health", "said"),
    [
        ("flags\t\t: fpu sse4_2 avx avx2\n", Health.OK, "features: sse4_2, avx, avx2"),
        ("flags\t\t: fpu sse4_2 aes\n", Health.NOTE, "features: sse4_2"),
    ],
)
def test_a_processor_without_avx_is_noted(tmp_path, monkeypatch, text, health, said):
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{text}")
    first, *_ = machine(tmp_path)
    assert (first.health, first.text) == (health, said)
    assert ("TensorFlow" in first.advice) == (health is Health.NOTE)


def test_other_processors(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nFeatures\t: fp asimd crc32\n")
    assert cpu_features(tmp_path) == {"fp", "asimd", "crc32"}
    assert cpu_features(tmp_path / "none") is None
