from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tagger.errors import UsageError
from tagger.workflows.config import Config, load_file
from tagger.workflows.config_text import config_text, write_config
from tagger.workflows.libraries import Chosen, settings_for
from tagger.workflows.settings import SETTINGS


@pytest.fixture
def music(tmp_path):
    for name in ("music/Classical/Opera", "music/Classics", "music/Rock", "else"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "config.toml").write_text(f"""
[scan]
policy = "append"
exclude = ["*.m4a"]
[write]
id3_version = "2.3"
[thresholds]
Rock = 0.9
Jazz = 0.8
[vocabulary]
ignore = ["Pop"]

[library."{tmp_path}/music/Classical"]
policy = "overwrite"
exclude = ["Drafts"]
id3_version = "2.4"
[library."{tmp_path}/music/Classical".thresholds]
Rock = 0.5

[library."{tmp_path}/music/Classical/Opera"]
max_genres = 2
""")
    return tmp_path


def chosen(music: Path, *names: str, **options: object) -> Chosen:
    environment = {"GENRETAG_CONFIG": str(music / "config.toml")}
    return settings_for([music / name for name in names], options, environment)


def test_the_nearest_section_above_counts(music):
    plain, classical = chosen(music, "else"), chosen(music, "music/Classical", exclude=["Opera"])
    opera, twin = chosen(music, "music/Classical/Opera/x.mp3"), chosen(music, "music/Classics")
    assert [c.settings["policy"] for c in (plain, classical, opera, twin)] == [
        "append", "overwrite", "append", "append",
    ]  # fmt: skip
    assert [c.settings["max_genres"] for c in (classical, opera)] == [1, 2]
    assert [c.config.new_id3 for c in (plain, classical, opera)] == [3, 4, 3]
    assert classical.config.thresholds == {"rock": 0.5, "jazz": 0.8}
    assert plain.config.thresholds == opera.config.thresholds == {"rock": 0.9, "jazz": 0.8}
    assert classical.config.vocabulary.ignore == {"Pop"}
    assert classical.settings["exclude"] == ("Opera", "Drafts", "*.m4a")
    assert classical.settings.found["policy"].source == (f'file, library "{music}/music/Classical"')
    assert chosen(music, "music/Classics", policy="fill").settings["policy"] == "fill"


def test_a_link_to_a_library_is_that_library(music):
    (music / "link").symlink_to(music / "music/Classical/Opera")
    assert chosen(music, "link").settings["max_genres"] == 2


def test_paths_of_several_libraries_are_refused(music):
    with pytest.raises(UsageError, match=r"have different settings in .*; scan them one at a time"):
        chosen(music, "music/Rock", "music/Classical/Opera")
    assert chosen(music, "music/Rock", "else").library is None


def test_a_library_below_is_refused_unless_left_out(music):
    with pytest.raises(UsageError, match=r"lies below .*--exclude 'Classical'$"):
        chosen(music, "music")
    assert chosen(music, "music", exclude=["Classical"]).settings["policy"] == "append"
    assert chosen(music, "music", exclude=["C*l"]).settings["policy"] == "append"
    with pytest.raises(UsageError, match=r"--exclude 'Opera'$"):
        chosen(music, "music/Classical")
    (music / "music/Classical/Opera").rmdir()  # not mounted, say
    assert chosen(music, "music/Classical").settings["policy"] == "overwrite"


def test_the_same_settings_are_no_hindrance(music):
    text = (music / "config.toml").read_text()
    (music / "config.toml").write_text(
        text.split("[library")[0]
        + f"""
[library."{music}/music/Rock"]
policy = "append"
"""
    )
    assert chosen(music, "music").settings["policy"] == "append"


def test_the_commented_file_says_nothing_and_shows_everything(tmp_path):
    text = config_text()
    path = write_config(tmp_path / "new" / "config.toml", force=False)
    assert path.read_text() == text
    file = load_file({"GENRETAG_CONFIG": str(path)})
    assert (dict(file.settings), file.config, file.libraries) == ({}, Config(), ())
    shown = [line.removeprefix("# ") for line in text.splitlines() if line[:1] in ("#", "[")]
    said = "\n".join(line for line in shown if line.startswith("[") or " = " in line)
    path.write_text(said.replace('"~/', '"/'))
    everything = load_file({"GENRETAG_CONFIG": str(path)})
    assert set(everything.settings) == {s.name for s in SETTINGS.values() if s.table}
    assert everything.libraries[0].settings == {"min_confidence": 0.8}
    assert tomllib.loads(said)["vocabulary"]["ignore"] == ["Pop"]


def test_a_file_that_stands_is_left_alone(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("[scan]\n")
    with pytest.raises(UsageError, match="exists; it was left alone"):
        write_config(path, force=False)
    assert path.read_text() == "[scan]\n"
    write_config(path, force=True)
    assert path.read_text() == config_text()
    assert [p.name for p in tmp_path.iterdir()] == ["config.toml"]


@pytest.mark.parametrize("place", ["file/config.toml", "folder"])
def test_a_file_that_cannot_be_written(tmp_path, place):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError):
        write_config(tmp_path / place, force=True)
