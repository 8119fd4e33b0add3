from __future__ import annotations

from pathlib import Path

import pytest

from tagger.errors import UsageError
from tagger.models.vocabulary import Vocabulary
from tagger.workflows import config
from tagger.workflows.config import Config, load_config


def loaded(folder: Path, text: str | bytes) -> Config:
    file = folder / "config.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_config({"GENRETAG_CONFIG": str(file)})


WHOLE = """
[vocabulary]
ignore = ["Disco"]
whitelist = ["Rock", "R&B"]

[vocabulary.aliases]
"Pop/Rock" = "Rock"

[vocabulary.parents]
Metal = "Rock"

[thresholds]
"R&B" = 0.7
Rock = 1

[write]
id3_version = "2.3"
cluster_fields = ["MOOD", "GROUPING"]
"""


@pytest.mark.parametrize("change", [str.encode, lambda t: b"\xef\xbb\xbf" + t.encode(),
                                    lambda t: t.replace("\n", "\r\n").encode()])  # fmt: skip
def test_every_key(tmp_path, change):
    found = loaded(tmp_path, change(WHOLE))
    assert found.vocabulary == Vocabulary(
        aliases={"Pop/Rock": "Rock"},
        ignore=frozenset({"Disco"}),
        parents={"Metal": "Rock"},
        whitelist=("Rock", "R&B"),
    )
    assert found.thresholds == {"rb": 0.7, "rock": 1.0}
    assert found.new_id3 == 3
    assert found.cluster_fields == ("GROUPING", "MOOD")


@pytest.mark.parametrize("text", ["", "# nothing", "[vocabulary]", "[vocabulary.aliases]",
                                  "[thresholds]\n[write]\nid3_version = '2.4'"])  # fmt: skip
def test_every_key_may_be_absent(tmp_path, text):
    assert loaded(tmp_path, text) == Config(Vocabulary(), {}, 4)


def test_the_files_place(tmp_path):
    def put(place: str, threshold: float) -> Path:
        file = tmp_path / place
        file.parent.mkdir(parents=True)
        file.write_text(f"[thresholds]\nRock = {threshold}\n")
        return file

    home = {"HOME": str(tmp_path / "home")}
    xdg = {**home, "XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    assert load_config(home) == load_config(xdg) == Config()  # no file is no error
    put("home/.config/genretag/config.toml", 0.1)
    put("xdg/genretag/config.toml", 0.2)
    named = put("named.d/mine.toml", 0.3)
    for environment, threshold in (
        (home, 0.1),
        ({**home, "XDG_CONFIG_HOME": "xdg"}, 0.1),
        (xdg, 0.2),
        ({**xdg, "GENRETAG_CONFIG": ""}, 0.2),
        ({**xdg, "GENRETAG_CONFIG": str(named)}, 0.3),
    ):
        assert load_config(environment).thresholds == {"rock": threshold}


def test_a_user_without_a_home(monkeypatch):
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(config.Path, "home", homeless)
    assert load_config({}) == Config()


@pytest.mark.parametrize(
    ("name", "message"),
    [("none.toml", "no such file; GENRETAG_CONFIG names it"),
     ("a.toml/b.toml", "no such file"),
     ("folder", "cannot be read: Is a directory")],
)  # fmt: skip
def test_a_named_file_must_be_there(tmp_path, name, message):
    (tmp_path / "a.toml").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match=message) as caught:
        load_config({"GENRETAG_CONFIG": str(tmp_path / name)})
    assert str(tmp_path / name) in str(caught.value)


def test_a_default_file_that_cannot_be_read_is_no_absent_one(tmp_path):
    (tmp_path / "genretag/config.toml").mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be read"):
        load_config({"XDG_CONFIG_HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[vocabulry]", "unknown key 'vocabulry': did you mean vocabulary?"),
        ("[x]", "unknown key 'x': the keys are scan, write, vocabulary"),
        ("ignore = []", "unknown key 'ignore': did you mean vocabulary.ignore. the keys are scan"),
        ("[vocabulary]\nWhitelist = []",
         "unknown key 'vocabulary.Whitelist': did you mean vocabulary.whitelist?"),
        ("[write]\nid3_verison = '2.3'", "did you mean write.id3_version?"),
        ('[write]\n"a\\nb" = 1', r"unknown key 'write.a\\nb'"),
        ("vocabulary = 1", r"vocabulary must be a table, \[vocabulary\]"),
        ("thresholds = [0.5]", r"thresholds must be a table, \[thresholds\]"),
        ("[[write]]", r"write must be a table, \[write\]"),
        ("[vocabulary]\nignore = 'Pop'", "vocabulary.ignore must be a list of words in quotes"),
        ("[vocabulary]\nwhitelist = ['Pop', 1]", "vocabulary.whitelist must be a list of words"),
        ("[vocabulary]\naliases = ['Pop']", "vocabulary.aliases must be a table"),
        ("[vocabulary.aliases]\nPop = ['a', 'b']", "vocabulary.aliases: 'Pop' must be a word"),
        ("[vocabulary.parents]\nR.B = 'Soul'", "vocabulary.parents: 'R' must be a word in quotes"),
        ("[vocabulary.aliases]\nPop = 'Pop/Rock'", "vocabulary.aliases: 'Pop/Rock' holds '/'"),
        ("[vocabulary]\nwhitelist = ['Folk, World']", "vocabulary.whitelist: 'Folk, World' holds"),
        ("[vocabulary.parents]\nPop = 'a;b'", "vocabulary.parents: 'a;b' holds ';'"),
        ("[vocabulary.parents]\nA = 'B'\nB = 'A'", "vocabulary.parents: .* is a circle"),
        ("[thresholds]\nRock = 70", "thresholds: 'Rock' must be a number from 0 to 1"),
        ("[thresholds]\nRock = -0.1", "thresholds: 'Rock' must be a number from 0 to 1"),
        ("[thresholds]\nRock = nan", "thresholds: 'Rock' must be a number from 0 to 1"),
        ("[thresholds]\nRock = true", "thresholds: 'Rock' must be a number from 0 to 1"),
        ("[thresholds]\nRock = '0.7'", "thresholds: 'Rock' must be a number from 0 to 1"),
        ("[thresholds]\n'Hip-Hop' = 0.5\n'hip hop' = 0.5", "'Hip-Hop' and 'hip hop' are the same"),
        ("[write]\nid3_version = 2.3", 'id3_version must be "2.3" or "2.4", in quotes'),
        ("[write]\nid3_version = '2.2'", 'id3_version must be "2.3" or "2.4", in quotes'),
        ("policy = 'fill'", "unknown key 'policy': did you mean scan.policy. "),
        ("[scan]\nmin-confidence = 0.5", "did you mean scan.min_confidence?"),
        ("[scan]\nid3_version = '2.3'", "did you mean write.id3_version?"),
        ("[scan]\nplan = '/p'", "plan belongs to one run: --plan or GENRETAG_PLAN"),
        ("[scan]\npolicy = 'filll'", 'scan.policy must be "fill", "append" or "overwrite"'),
        ("[scan]\njobs = true", "scan.jobs must be a whole number from 1 to 512"),
        ("[scan]\nexclude = '*.m4a'", "scan.exclude must be a list in brackets"),
        ("[scan]\nlog = 'x.log'", "scan.log must be a whole path, from / or ~"),
        ("[scan]\ntime_limit = 1.5", 'scan.time_limit must be like "2h"'),
        ("[library.music]", 'library."music" must be a whole path'),
        ("[library]\n'/m' = 1", 'library."/m" must be a table'),
        ("[library.'/m']\npolcy = 'fill'", "did you mean library.\"/m\".policy?"),
        ("[library.'/m'.thresholds]\nRock = 2", "thresholds: 'Rock' must be a number"),
        ("[write]\ncluster_fields = 'MOOD'", 'must be a list of some of "GROUPING" and "MOOD"'),
        ("[write]\ncluster_fields = ['GENRE']", 'must be a list of some of "GROUPING" and "MOOD"'),
        ("[write]\n[write]", "not valid TOML: .*line 2"),
        ("[thresholds]\nRock = 0,7", "not valid TOML: .*line 2"),
        ("[thresholds]\nRock & Roll = 0.7", "not valid TOML: .*line 2"),
        ("[thresholds]\nRock = '\n", "not valid TOML: "),
        ("[vocabulary]\nignore = ['Pop',", "not valid TOML: "),
        (b"[vocabulary]\n\nignore = ['M\xfasica']", "line 3 is not UTF-8 text"),
        ("a = " + "[" * 100_000, "not valid TOML"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_line_that_names_file_and_key(tmp_path, text, message):
    with pytest.raises(UsageError, match=message) as caught:
        loaded(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'config.toml'}: ")
    assert len(str(caught.value).splitlines()) == 1
