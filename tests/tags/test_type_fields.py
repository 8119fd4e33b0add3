"""The music type: in our own field always, in the user's where asked for and nothing stands."""

from __future__ import annotations

import io
from pathlib import Path

import mutagen
import pytest
from tags.id3_samples import frame, frames_in, id3, written
from tags.tagging_samples import FORMATS, ID3_FORMATS, MP4_FORMATS, content, make, recorder

from tagger.domain import CurrentTags, Prediction, TagChange
from tagger.library.identity import payload_digest_of
from tagger.tags.fields import FIELDS, TYPE_FIELDS
from tagger.tags.formats.mpeg import Mpeg
from tagger.tags.policy import PolicySettings, decide, decide_type
from tagger.tags.read import read_tags
from tagger.tags.writer import write_changes

BOTH = PolicySettings(type_fields=("GROUPING", "MOOD"))
AUDIO = content("mp3")


def current(**values: str) -> CurrentTags:
    return CurrentTags("ID3v2.4", {name: (value,) for name, value in values.items()})


def planned(tags: CurrentTags, settings: PolicySettings = BOTH) -> dict[str, tuple[str, ...]]:
    return {change.field: change.after for change in decide_type(tags, "calm", settings, "1")}


@pytest.mark.parametrize(
    ("standing", "after"),
    [
        ({}, {"GROUPING": "calm", "MOOD": "calm"}),
        ({"GROUPING": "Mine"}, {"MOOD": "calm"}),
        ({"GROUPING": "Mine", "MOOD": "Sad"}, {}),
        # What a type before put there goes with it; what the user made of it stays.
        ({"GENRETAG_CLUSTER": "wild", "GROUPING": "wild", "MOOD": "Wild"}, {"GROUPING": "calm"}),
        ({"GENRETAG_CLUSTER": "calm", "GROUPING": "calm", "MOOD": "calm"}, None),
        ({"GENRETAG_CLUSTER": "calm"}, {"GROUPING": "calm", "MOOD": "calm"}),
    ],
)
def test_the_users_fields_are_theirs(standing, after):
    plan = planned(current(**standing))
    others = {name: values[0] for name, values in plan.items() if name in TYPE_FIELDS}
    assert others == (after or {})
    same = standing.get("GENRETAG_CLUSTER") == "calm"
    assert plan.get("GENRETAG_CLUSTER") == (None if same else ("calm",))
    # A scan plans the same.
    heard = Prediction((("Rock", 0.9),), "calm")
    scan = decide(current(**standing), heard, (), BOTH, "m", "1").changes
    assert {c.field: c.after[0] for c in scan if c.field in TYPE_FIELDS} == others


def test_nothing_but_our_own_field_unless_asked_for():
    assert set(planned(current(), PolicySettings())) == {"GENRETAG_CLUSTER", "GENRETAG_VERSION"}
    assert planned(current(GENRETAG_CLUSTER="calm", GENRETAG_VERSION="0"), BOTH) != {}
    same = current(GENRETAG_CLUSTER="calm", GENRETAG_VERSION="0")
    assert planned(same, PolicySettings()) == {}  # a new version alone is no reason to write


def put(path: Path, **values: str) -> None:
    current = read_tags(path)
    changes = tuple(
        TagChange(name, current.values.get(name, ()), (value,)) for name, value in values.items()
    )
    write_changes(path, changes, payload_digest=payload_digest_of, recorded=recorder()[1])


@pytest.mark.parametrize("format_", FORMATS)
def test_other_programs_find_it_where_they_look(tmp_path, format_):
    path = make(tmp_path, format_)
    put(path, GROUPING="bright and calm", MOOD="bright and calm")
    tags = mutagen.File(path).tags
    if format_ in ID3_FORMATS:
        found = [tags["TIT1"].text[0], tags["TMOO"].text[0]]
    elif format_ in MP4_FORMATS:
        found = [tags["\xa9grp"][0], bytes(tags["----:com.apple.iTunes:MOOD"][0]).decode()]
    else:
        found = [tags["grouping"][0], tags["mood"][0]]
    assert found == ["bright and calm"] * 2
    values = read_tags(path).values
    assert values["GROUPING"] == values["MOOD"] == ("bright and calm",)


def got(data: bytes, name: str) -> tuple[str, ...]:
    return Mpeg(io.BytesIO(data), 4).get(FIELDS[name])


@pytest.mark.parametrize(
    ("major", "title", "grouping", "mood"),
    [(2, b"TT2", b"TT1", b"TXX"), (3, b"TIT2", b"TIT1", b"TXXX"), (4, b"TIT2", b"TIT1", b"TMOO")],
)
def test_each_version_of_id3_has_its_own_frames(major, title, grouping, mood):
    data = id3(major, frame(major, title, b"\0Song") + bytes(200)) + AUDIO
    new = written(Mpeg, data, {"GROUPING": ("calm",), "MOOD": ("calm",)})
    assert [name for name, _ in frames_in(new)] == [title, grouping, mood]
    assert got(new, "MOOD") == got(new, "GROUPING") == ("calm",)


@pytest.mark.parametrize(
    ("major", "name", "field"),
    [(4, b"GRP1", "GROUPING"), (2, b"GP1", "GROUPING"), (3, b"TMOO", "MOOD")],
)
def test_a_value_in_another_programs_frame_stands(major, name, field):
    data = id3(major, frame(major, name, b"\0Mine") + bytes(200)) + AUDIO
    assert got(data, field) == ("Mine",)
