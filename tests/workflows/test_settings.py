from __future__ import annotations

from pathlib import Path

import pytest

from tagger.errors import UsageError
from tagger.workflows.settings import (
    SETTINGS,
    Found,
    Layer,
    from_environment,
    given,
    resolve,
    unknown_variables,
)

TEXTS = {
    "dry_run": ("yes", True),
    "policy": ("append", "append"),
    "min_confidence": ("0.25", 0.25),
    "max_genres": ("3", 3),
    "consistent": ("album", "album"),
    "model": ("mine", "mine"),
    "rescan": ("1", True),
    "jobs": ("4", 4),
    "exclude": ("*.m4a; Live: *;", ("*.m4a", "Live: *")),
    "report": ("r.jsonl", Path("r.jsonl")),
    "plan": ("p.jsonl", Path("p.jsonl")),
    "log": ("~/x.log", Path.home() / "x.log"),
    "mtime": ("preserve", "preserve"),
    "write": ("in-place", "in-place"),
    "time_limit": ("1h30m", 5400.0),
    "nice": ("0", 0),
    "dask": ("tcp://host:8786", "tcp://host:8786"),
    "quiet": ("OFF", False),
    "verbose": ("on", True),
    "id3_version": ("2.3", "2.3"),
    "cluster_fields": ("MOOD; GROUPING", ("GROUPING", "MOOD")),
}


def test_every_setting_has_a_variable():
    assert list(TEXTS) == list(SETTINGS)
    environment = {SETTINGS[name].variable: text for name, (text, _) in TEXTS.items()}
    settings = resolve(from_environment(environment))
    for name, (_, value) in TEXTS.items():
        assert settings.found[name] == Found(value, f"GENRETAG_{name.upper()}")


def test_an_empty_variable_is_not_set():
    environment = dict.fromkeys((s.variable for s in SETTINGS.values()), "")
    assert from_environment(environment) == []
    assert resolve([]).chosen == {}


def test_the_strongest_place_wins_and_is_named():
    settings = resolve(
        [
            given({"policy": "append", "jobs": None, "exclude": []}),
            *from_environment({"GENRETAG_JOBS": "3", "GENRETAG_POLICY": "overwrite"}),
            Layer('file, library "/m"', {"jobs": 5, "nice": 6}),
            Layer("file", {"jobs": 7, "nice": 8, "mtime": "preserve", "dry_run": True}),
        ]
    )
    assert settings.chosen == {
        "policy": Found("append", "command line"),
        "jobs": Found(3, "GENRETAG_JOBS"),
        "nice": Found(6, 'file, library "/m"'),
        "mtime": Found("preserve", "file"),
        "dry_run": Found(True, "file"),
    }
    assert settings["max_genres"] == 1


def test_no_is_said_too():
    assert resolve([given({"quiet": False}), Layer("file", {"quiet": True})])["quiet"] is False


def test_what_is_left_out_adds_up():
    layers = [given({"exclude": ["a", "b"]}), Layer("file", {"exclude": ("b", "c")})]
    assert resolve(layers).found["exclude"] == Found(("a", "b", "c"), "command line, file")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("policy", "sometimes", "must be fill, append or overwrite"),
        ("max_genres", "12", "must be a whole number from 1 to 11"),
        ("max_genres", "1.5", "must be a whole number from 1 to 11"),
        ("min_confidence", "nan", "must be a number from 0 to 1"),
        ("min_confidence", "high", "must be a number from 0 to 1"),
        ("quiet", "perhaps", "must be true or false"),
        ("time_limit", "2 hours", "must be like 2h, 90m, 1h30m, 45s or 3600"),
        ("nice", "-5", "must be a whole number from 0 to 19"),
    ],
)
def test_a_variable_that_cannot_be_meant(name, text, expected):
    variable = SETTINGS[name].variable
    with pytest.raises(UsageError, match=f"^{variable}={text}: {expected}"):
        from_environment({variable: text})


def test_a_misspelt_variable_is_named():
    environment = {
        "GENRETAG_POLCY": "append",
        "GENRETAG_CONFIG": "x",
        "GENRETAG_JOBS": "1",
        "HOME": "/",
        "GENRETAG_ZZ": "",
    }
    assert unknown_variables(environment) == [
        "the variable GENRETAG_POLCY means nothing to genretag: did you mean GENRETAG_POLICY?",
        "the variable GENRETAG_ZZ means nothing to genretag",
    ]
