"""The page as a file: whole, in its place, and nothing in it but what we put there."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report.reports import HOSTILE, failed, summary, tagged

from tagger.domain import Status, TrackReport
from tagger.errors import UsageError
from tagger.report.html import spool
from tagger.report.html.texts import script_json
from tagger.report.records import open_records
from tagger.report.text import one_line, shown

MARKUP = {
    "ends the script": "</script><script>alert(1)</script>",
    "ends it in capitals": "</ScRiPt ><img src=x onerror=alert(1)>",
    "opens a comment": "<!--<script>",
    "closes a comment": "-->]]>",
    "quotes": "\"'`'\"; alert(1); //",
    "entities": "&lt;b&gt;&amp;&#60;",
    "backslashes": "\\u003c\\\\\\",
    "a placeholder of the page": "@DATA@@SCRIPT@@STYLE@@POLICY@",
    "a lone surrogate": "a\ud800b\udcffc",
    "all planes": "é \U0001f3b5 漢字",
}


class Elements(HTMLParser):
    """What a browser would find: each element with its attributes, each script with its text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.comments: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in self.raw:
            self._inside = tag
            self.raw[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.raw[self._inside][-1] += data


def elements(path: Path) -> Elements:
    found = Elements()
    found.feed(path.read_bytes().decode("utf-8"))  # strictly
    found.close()
    return found


def write(path: Path, *tracks: TrackReport, **more: Any) -> Path:
    records = open_records(path)
    for track in tracks:
        records.track(track)
    records.finish(summary(tracks=len(tracks), **more))
    return path


def data_of(path: Path) -> dict[str, Any]:
    """The page's data, its columns as arrays."""
    data: dict[str, Any] = json.loads(elements(path).raw["script"][0])
    data["columns"] = {
        name: np.frombuffer(base64.b64decode(text, validate=True), f"<u{size}")
        for name, (size, text) in data["columns"].items()
    }
    return data


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Elements:
    """A page without tracks."""
    return elements(write(tmp_path_factory.mktemp("bare") / "r.html"))


def digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_it_asks_nobody_for_anything(tmp_path):
    path = write(tmp_path / "r.html", tagged(), failed())
    page = elements(path)
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in {"src", "href", "action", "srcset", "data", "poster"}:
                assert value in {"#tracks", "data:,"}, (tag, name, value)
    (style,) = page.raw["style"]
    text = path.read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style
    known = {"http://www.w3.org/2000/svg"}  # a name, which is not fetched
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) <= known
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon)\b", text)


def test_no_script_writes_markup(bare):
    script = bare.raw["script"][1]
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                "Function(", "DOMParser", "createContextualFragment", "srcdoc",
                "javascript:"):  # fmt: skip
        assert way not in script


def test_the_policy_lets_only_its_own_script_and_style_act(bare):
    (policy,) = (
        attributes["content"]
        for tag, attributes in bare.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    data, script = bare.raw["script"]
    assert json.loads(data)["names"] == []
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'{digest(script)}'"
    assert rules["style-src"] == f"'{digest(bare.raw['style'][0])}'"
    assert rules["require-trusted-types-for"] == "'script'"
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    assert "unsafe" not in policy
    # A policy says nothing of what stands above it.
    above = bare.tags[: next(i for i, (_, a) in enumerate(bare.tags) if "http-equiv" in a)]
    assert {tag for tag, _ in above} <= {"html", "head", "meta"}


@pytest.mark.parametrize("text", [*MARKUP.values(), *(raw for raw, _ in HOSTILE.values())])
def test_hostile_text_is_data_everywhere(tmp_path, bare, text):
    track = tagged(
        f"/m/{text}/{text}.mp3",
        reason=text,
        genres=((text, 0.9), ("Pop", 0.1)),
        cluster=text,
        current={"GENRE": (text, text)},
        changes=(),
        outcome=text,
    )
    path = write(tmp_path / "r.html", track, model=text, version=text)
    page = elements(path)
    assert page.tags == bare.tags
    assert page.comments == []
    assert page.raw["script"][1:] == bare.raw["script"][1:]
    data = data_of(path)
    line = one_line(text)
    assert data["names"] == [shown(os.path.basename(track.path))]  # noqa: PTH119
    assert data["texts"][data["columns"]["reason"][0]] == line
    assert data["texts"][data["columns"]["before"][0]] == f"{line}; {line}"
    assert data["genres"] == [line, "Pop"]
    assert data["types"] == [line]
    assert data["run"]["model"] == line
    # Nothing that turns text around or leaves the line reaches the reader.
    assert all(s.isprintable() for s in [*data["names"], *data["texts"], *data["genres"]])


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_whatever_the_tracks_are_they_come_back(tmp_path, bare, data):
    anything = st.text(st.characters(), max_size=20) | st.sampled_from([*MARKUP.values()])
    part = anything.map(lambda text: text.replace("/", "⁄").replace("\0", "")).filter(
        lambda text: text not in ("", ".", "..")
    )
    track = st.builds(
        tagged,
        st.tuples(part, part).map(lambda parts: "/" + "/".join(parts)),
        reason=anything,
        genres=st.dictionaries(anything, st.floats(0, 1), max_size=5).map(
            lambda d: tuple(d.items())
        ),
        cluster=st.none() | anything,
        current=st.fixed_dictionaries({"GENRE": st.tuples(anything)}),
        changes=st.just(()),
        status=st.sampled_from(Status),
        duration_s=st.floats(0, 1e6),
    )
    tracks = data.draw(st.lists(track, max_size=6))
    path = write(tmp_path / "r.html", *tracks)
    page = elements(path)
    assert page.tags == bare.tags
    assert page.raw["script"][1:] == bare.raw["script"][1:]
    found = data_of(path)
    columns, texts = found["columns"], found["texts"]
    assert found["names"] == [shown(t.path.name) for t in tracks]
    assert {len(column) for column in columns.values()} == {len(tracks)}
    for i, t in enumerate(tracks):
        assert texts[columns["folder"][i]] == shown(t.path.parent)
        assert texts[columns["reason"][i]] == one_line(t.reason)
        assert texts[columns["before"][i]] == one_line("; ".join(t.current["GENRE"]))
        assert columns["seconds"][i] == round(t.duration_s)
        ranked = [
            (found["genres"][columns[f"genre{k}"][i] - 1], columns[f"p{k}"][i] / 10_000)
            for k in range(3)
            if columns[f"genre{k}"][i]
        ]
        assert [genre for genre, _ in ranked] == [one_line(g) for g, _ in t.genres[:3]]
        for (_, p), (_, meant) in zip(ranked, t.genres, strict=False):
            assert abs(p - meant) <= 1e-4
        type_ = columns["type"][i]
        assert (found["types"][type_ - 1] if type_ else None) == (
            None if t.cluster is None else one_line(t.cluster)
        )


def test_json_in_a_script_is_json():
    value = {"a<b>&c": ["</script>", "\u2028\u2029", "\ud800", "é"]}
    text = script_json(value)
    assert json.loads(text) == value
    assert not set(b"<>&") & set(text)


def test_more_tracks_than_are_held_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "_TOGETHER", 6)
    monkeypatch.setattr(spool, "_PAIRS_TOGETHER", 7)  # so that tracks are torn apart
    tracks = [
        failed(f"/m/{i}.mp3")
        if i % 5 == 3
        else tagged(f"/m/{i}.mp3", genres=(("Rock", 0.9 - i / 100), ("Pop", 0.1 + i / 100)))
        for i in range(40)
    ]
    small = data_of(write(tmp_path / "small.html", *tracks))
    monkeypatch.undo()
    large = data_of(write(tmp_path / "large.html", *tracks))
    assert small["names"] == large["names"] == [f"{i}.mp3" for i in range(40)]
    for name, column in large["columns"].items():
        assert small["columns"][name].tolist() == column.tolist(), name
    heard = large["columns"]["genre0"] > 0
    assert heard.sum() == 32
    assert (
        len(set(zip(large["columns"]["x"][heard], large["columns"]["y"][heard], strict=True))) > 20
    )


def test_the_map_does_not_depend_on_who_was_done_first(tmp_path):
    rng = np.random.default_rng(0)
    genres = ("Rock", "Pop", "Jazz")
    tracks = []
    for i in range(60):
        p = rng.dirichlet(np.ones(3))
        order = np.argsort(-p)
        tracks.append(tagged(f"/m/{i}.mp3", genres=tuple((genres[k], float(p[k])) for k in order)))
    maps = []
    for some in (tracks, tracks[::-1]):
        data = data_of(write(tmp_path / "r.html", *some))
        columns = data["columns"]
        maps.append({n: (columns["x"][i], columns["y"][i]) for i, n in enumerate(data["names"])})
    assert maps[0] == maps[1]
    assert len(set(maps[0].values())) > 50


def test_a_track_that_is_recalled_lies_where_it_lay_when_it_was_heard(tmp_path, monkeypatch):
    monkeypatch.setattr("tagger.report.html.projection.LANDMARKS", 40)
    rng = np.random.default_rng(1)
    genres = ("Blues", "Jazz", "Pop", "Rock")
    chances = [rng.dirichlet(np.full(4, 0.2)) for _ in range(60)]
    maps = []
    for kept in (lambda p: p, lambda p: round(p, 4)):  # as cached reports hold them
        tracks = [
            tagged(
                f"/m/{i}.mp3",
                genres=tuple((g, kept(float(x))) for g, x in zip(genres, p, strict=True)),
            )
            for i, p in enumerate(chances)
        ]
        columns = data_of(write(tmp_path / "r.html", *tracks))["columns"]
        maps.append((columns["x"].tolist(), columns["y"].tolist()))
    assert maps[0] == maps[1]


def test_more_texts_than_are_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr("tagger.report.html.texts._REMEMBERED", 3)
    tracks = [tagged(f"/m/{i % 7}/{i}.mp3", reason=f"why {i % 5}") for i in range(30)]
    data = data_of(write(tmp_path / "r.html", *tracks))
    texts = data["texts"]
    assert [texts[n] for n in data["columns"]["folder"]] == [f"/m/{i % 7}" for i in range(30)]
    assert [texts[n] for n in data["columns"]["reason"]] == [f"why {i % 5}" for i in range(30)]


def test_what_happened_is_in_the_words_of_a_dry_run(tmp_path):
    for dry, word in ((True, "would write"), (False, "wrote")):
        data = data_of(write(tmp_path / "r.html", tagged(), failed(), dry_run=dry))
        assert data["deeds"][data["columns"]["deed"][0]]["word"] == word
        assert data["deeds"][data["columns"]["deed"][1]]["key"] == "failed"
        assert data["run"]["dry_run"] is dry


def test_certain_is_not_said_of_what_is_not(tmp_path):
    nearly = tagged(genres=(("Rock", 0.999999), ("Pop", 0.000001)))
    data = data_of(write(tmp_path / "r.html", nearly, tagged(genres=(("Rock", 1.0),))))
    assert data["columns"]["p0"].tolist() == [9_999, 10_000]


class TestItsPlace:
    def test_nothing_is_there_until_the_run_is_over(self, tmp_path):
        records = open_records(tmp_path / "r.html")
        for i in range(3_100):
            records.track(failed(f"/m/{i}.mp3"))
        assert list(tmp_path.iterdir()) == []
        records.finish(summary(interrupted=True))
        assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
        data = data_of(tmp_path / "r.html")
        assert len(data["names"]) == 3_100
        assert data["run"]["interrupted"] is True

    def test_an_earlier_page_stands_until_then_and_is_replaced(self, tmp_path):
        path = write(tmp_path / "r.html", tagged("/m/old.mp3"))
        before = path.read_bytes()
        records = open_records(path)
        records.track(tagged("/m/new.mp3"))
        assert path.read_bytes() == before
        records.finish(summary())
        assert data_of(path)["names"] == ["new.mp3"]

    def test_a_page_that_is_not_ours_is_left_alone(self, tmp_path):
        path = tmp_path / "index.html"
        path.write_text("<!doctype html><title>My home page</title>")
        with pytest.raises(UsageError, match=r"no report of ours; it was left alone"):
            open_records(path)
        assert "My home page" in path.read_text()

    def test_an_empty_file_is_nobodys(self, tmp_path):
        (tmp_path / "r.html").touch()
        assert data_of(write(tmp_path / "r.html", tagged()))["names"] == ["a.mp3"]

    def test_a_link_stays_one(self, tmp_path):
        (tmp_path / "there").mkdir()
        link = tmp_path / "r.html"
        link.symlink_to(tmp_path / "there" / "page.html")
        write(link, tagged())
        assert link.is_symlink()
        assert data_of(tmp_path / "there" / "page.html")["names"] == ["a.mp3"]

    def test_where_nothing_can_be_written(self, tmp_path):
        (tmp_path / "folder.html").mkdir()
        for path in (tmp_path / "no/such/r.html", tmp_path / "folder.html"):
            with pytest.raises(UsageError, match=f"--report {path}: cannot be created"):
                open_records(path)

    def test_a_disk_that_fills_up_leaves_nothing_behind(self, tmp_path, monkeypatch):
        records = open_records(tmp_path / "r.html")
        records.track(tagged())

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(UsageError, match=r"r\.html: cannot be written: No space left"):
            records.finish(summary())
        assert list(tmp_path.iterdir()) == []
