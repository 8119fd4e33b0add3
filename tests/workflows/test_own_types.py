"""The file beside the configuration that the types of the library are kept in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from models.planted import planted

from tagger.errors import UsageError
from tagger.models.bundle import find_bundle, load_bundle
from tagger.models.music_types import fit_types
from tagger.workflows import own_types
from tagger.workflows.own_types import load_types, save_types, types_path, with_own_types


@pytest.fixture(scope="module")
def bundle():
    return load_bundle(find_bundle("default"))


@pytest.fixture(scope="module")
def types(bundle):
    return fit_types(planted((0,) * 9 + (1,) * 6, bundle.features), bundle, k=2)[0]


@pytest.fixture
def place(tmp_path) -> dict[str, str]:
    return {"GENRETAG_CONFIG": str(tmp_path / "deep" / "mine.toml")}


def test_they_are_kept_beside_the_configuration(tmp_path, place, types, bundle):
    assert load_types(place) is None
    assert with_own_types(bundle, place) == (bundle, "")
    path = save_types(types, place)
    assert path == tmp_path / "deep" / "types.json" == types_path(place)
    assert load_types(place) == types
    owned, notice = with_own_types(bundle, place)
    assert notice == ""
    assert owned.clusters.names == tuple(kind.name for kind in types.types)
    assert replace(owned, clusters=bundle.clusters) == bundle
    assert list(path.parent.iterdir()) == [path]
    save_types(replace(types, next_number=9), place)
    assert load_types(place).next_number == 9


def test_a_link_to_the_file_stays_one(tmp_path, place, types):
    real = tmp_path / "synced.json"
    path = types_path(place)
    path.parent.mkdir()
    path.symlink_to(real)
    save_types(types, place)
    assert path.is_symlink()
    assert json.loads(real.read_text())["genretag_types"] == 1


def test_types_that_a_model_cannot_tell_are_not_given(place, types, bundle):
    save_types(replace(types, analysis=types.analysis + 1), place)
    without, notice = with_own_types(bundle, place)
    assert without.clusters is None
    assert "`genretag cluster --refit` fits them anew" in notice
    assert notice.startswith(str(types_path(place)))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "types.json"),
        (b'{"genretag_types": 7}', "format 7"),
    ],
)
def test_a_damaged_file_is_one_line_that_says_what_to_do(place, content, said):
    path = types_path(place)
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said) as refused:
        load_types(place)
    assert "move it away" in str(refused.value)
    assert str(path) in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_file_that_is_too_large_or_none(place, monkeypatch):
    path = types_path(place)
    path.parent.mkdir()
    path.write_bytes(b"{}")
    monkeypatch.setattr(own_types, "_MOST_BYTES", 1)
    with pytest.raises(UsageError, match="too large"):
        load_types(place)
    path.unlink()
    path.mkdir()
    monkeypatch.undo()
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        load_types(place)


def test_a_failed_write_leaves_the_old_types_and_nothing_beside(place, types, monkeypatch):
    path = save_types(types, place)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(own_types.os, "fsync", full)
    with pytest.raises(UsageError, match="cannot be written: No space left"):
        save_types(replace(types, next_number=9), place)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_user_without_a_home(types, bundle, monkeypatch):
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert load_types({}) is None
    assert with_own_types(bundle, {}) == (bundle, "")
    with pytest.raises(UsageError, match="set GENRETAG_CONFIG"):
        save_types(types, {})
