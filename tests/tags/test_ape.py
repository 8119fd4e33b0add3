"""APEv2 behind MP3 audio: what players that prefer it show, and what must stay in it."""

from __future__ import annotations

import io
import struct

import mutagen.apev2
import mutagen.id3 as m
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tags.id3_samples import frame, id3, written
from tags.tagging_samples import content

from tagger.errors import TagsRefusedError
from tagger.tags.fields import ALBUM_FIELDS, FIELDS, GENRE, MODEL
from tagger.tags.formats.mpeg import Mpeg

few = settings(max_examples=30, deadline=None, derandomize=True)
AUDIO = content("mp3")
V1 = b"TAG" + bytes(124) + b"\x11"
POP = {"GENRE": ("Pop", "摇滚")}
HEAD = id3(4, frame(4, b"TIT2", b"\3x") + bytes(300))


def item(key: str, value: bytes, flags: int = 0) -> bytes:
    return struct.pack("<II", len(value), flags) + key.encode("latin-1") + b"\0" + value


def ape(*items: bytes, header: bool = True, version: int = 2000, flags: int = 0) -> bytes:
    body = b"".join(items)
    flags |= 0x80000000 if header else 0

    def frame_(more: int) -> bytes:
        fields = struct.pack("<IIII", version, len(body) + 32, len(items), flags | more)
        return b"APETAGEX" + fields + bytes(8)

    return (frame_(0x20000000) if header else b"") + body + frame_(0)


def mpeg(data: bytes) -> Mpeg:
    return Mpeg(io.BytesIO(data), 4)


GAIN = item("REPLAYGAIN_TRACK_GAIN", b"-3 dB")
COVER = item("Cover Art (Front)", b"front.jpg\0" + bytes(range(256)) * 9, 2)
TITLE = item("Title", b"Song")
keys = st.sampled_from(["Title", "Artist", "MP3GAIN_MINMAX", "Cover Art (Front)", "x\xfcy"])
foreign = st.lists(
    st.one_of(
        st.builds(item, keys, st.binary(max_size=200), st.just(2)),
        st.builds(item, keys, st.just(b"text"), st.sampled_from([0, 1, 4])),
    ),
    max_size=6,
)
ours = st.lists(
    st.builds(
        item,
        st.sampled_from(["Genre", "GENRE", "genre", "GenreTag_Model"]),
        st.sampled_from([b"Rock", b"Rock\0Jazz", b"Rock/Pop", b"17", b"", b"caf\xe9"]),
        st.sampled_from([0, 2]),
    ),
    max_size=3,
)
wanted_fields = st.fixed_dictionaries(
    {},
    optional={
        "GENRE": st.sampled_from([("Pop",), ("Électro", "Drum & Bass"), ()]),
        "GENRETAG_GENRES": st.just(("Rock=0.83", "Électro=0.10")),
        "GENRETAG_MODEL": st.sampled_from([("m1",), ()]),
    },
).filter(bool)


@few
@given(foreign, ours, st.booleans(), st.booleans(), st.booleans(), wanted_fields, st.randoms())
def test_any_tag(others, own, header, with_id3, with_v1, wanted, random):
    items = [*others, *own]
    random.shuffle(items)
    old = (HEAD if with_id3 else b"") + AUDIO + ape(*items, header=header)
    old += V1 if with_v1 else b""
    new = written(Mpeg, old, wanted)
    kept = [i for i in items if i in others]
    tail = new[new.index(AUDIO) + len(AUDIO) :]
    at = [0]
    for stored in kept:
        at.append(tail.index(stored, at[-1]) + len(stored))
    assert mpeg(new).audio == ((new.index(AUDIO), new.index(AUDIO) + len(AUDIO)),)
    assert len(tail) == len(old) - old.index(AUDIO) - len(AUDIO) or own or not with_id3
    refused_by_mutagen = any(mark in new for mark in (b"x\xfcy", b"caf\xe9"))
    if mpeg(new).kind == "APEv2" and not refused_by_mutagen:
        witness = mutagen.apev2.APEv2(io.BytesIO(new))
        for name, said in wanted.items():
            assert (list(witness[FIELDS[name].ape]) if said else []) == list(said)


def test_a_genre_beside_an_id3_tag_follows():
    data = HEAD + AUDIO + ape(TITLE, item("GENRE", b"Rock\0Jazz", 0), COVER) + V1
    assert mpeg(data).kind == "ID3v2.4"
    assert mpeg(data).get(GENRE) == ("Rock", "Jazz")
    new = written(Mpeg, data, POP)
    assert new.endswith(ape(TITLE, item("GENRE", "Pop\0摇滚".encode()), COVER) + V1[:-1] + b"\x0d")
    assert len(new) - len(data) == len("Pop\0摇滚".encode()) - len(b"Rock\0Jazz")
    assert m.ID3(io.BytesIO(new))["TCON"].text == ["Pop", "摇滚"]
    gone = written(Mpeg, new, {"GENRE": ()})
    assert gone.endswith(ape(TITLE, COVER) + V1[:-1] + b"\xff")
    assert "TCON" not in m.ID3(io.BytesIO(gone), load_v1=False)


def test_a_tag_without_a_genre_beside_an_id3_tag_stays():
    data = HEAD + AUDIO + ape(TITLE, GAIN)
    assert written(Mpeg, data, POP).endswith(ape(TITLE, GAIN))


def test_the_id3_tag_comes_first():
    genre = id3(3, frame(3, b"TCON", b"\0Jazz"))
    assert mpeg(genre + AUDIO + ape(item("Genre", b"Rock"))).get(GENRE) == ("Jazz",)


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("v1", [b"", V1])
def test_the_only_tag_is_written(header, v1):
    album = item("Album Artist", b"Somebody")
    data = AUDIO + ape(TITLE, COVER, album, header=header) + v1
    tags = mpeg(data)
    assert (tags.kind, tags.get(GENRE)) == ("APEv2", ("Rock",) if v1 else ())
    assert tags.get(ALBUM_FIELDS["ALBUMARTIST"]) == ("Somebody",)
    new = written(Mpeg, data, {**POP, "GENRETAG_MODEL": ("m1",)})
    assert mpeg(new).kind == "APEv2"
    genre, model = item("Genre", "Pop\0摇滚".encode()), item("GENRETAG_MODEL", b"m1")
    tag = ape(TITLE, COVER, album, genre, model, header=header)
    assert new == AUDIO + tag + (v1[:-1] + b"\x0d" if v1 else b"")
    witness = mutagen.apev2.APEv2(io.BytesIO(new))
    assert list(witness["Genre"]) == ["Pop", "摇滚"]
    assert str(witness["Title"]) == "Song"


def test_taglib_reads_it(tmp_path):
    taglib = pytest.importorskip("taglib")
    path = tmp_path / "a.mp3"
    path.write_bytes(written(Mpeg, AUDIO + ape(TITLE), {**POP, "GENRETAG_MODEL": ("m 1",)}))
    with taglib.File(path) as file:
        assert file.tags["GENRE"] == ["Pop", "摇滚"]
        assert (file.tags["TITLE"], file.tags["GENRETAG_MODEL"]) == (["Song"], ["m 1"])


def test_edits_are_small():
    data = AUDIO + ape(TITLE, item("Genre", b"Rock"), COVER)
    tags = mpeg(data)
    tags.put(GENRE, ("Pop",))
    tags.put(MODEL, ("m1",))
    assert sum(edit.length for edit in tags.edits()) < 50


def test_loudness_alone_is_no_reason_to_write_into_it():
    data = AUDIO + ape(GAIN)
    assert mpeg(data).kind == "no ID3 tag"
    new = written(Mpeg, data, POP)
    assert mpeg(new).kind == "ID3v2.4"
    assert new.endswith(AUDIO + ape(GAIN))


@pytest.mark.parametrize(
    ("head", "tag", "reason"),
    [
        (b"", ape(TITLE, item("Genre", b"Rock", 1)), "its Genre is read-only"),
        (HEAD, ape(TITLE, item("Genre", b"Rock", 1)), "its Genre is read-only"),
        (b"", ape(TITLE, flags=1), "it is read-only"),
        (b"", ape(TITLE, header=False, version=1000), "APEv1"),
        (b"", ape(TITLE)[:-40] + ape(TITLE)[-32:], "damaged"),
        (b"", ape(TITLE[:4] + b"\1\0\0\0nokey"), "damaged"),
        (b"", ape(struct.pack("<I", 2**31) + TITLE[4:]), "damaged"),
    ],
)
def test_what_must_not_be_written(head, tag, reason):
    tags = mpeg(head + AUDIO + tag)
    tags.get(GENRE)
    tags.put(GENRE, ("Pop",))
    with pytest.raises(TagsRefusedError, match=reason):
        tags.edits()


@pytest.mark.parametrize(
    "tag",
    [
        ape(TITLE, item("Genre", b"Rock"), header=False, version=1000),
        ape(TITLE, item("Genre", b"Rock"))[:-40] + ape(TITLE)[-32:],
        ape(item("Genre", b"Rock"))[:-20] + b"\xff" * 3 + bytes(17),  # no such count
        b"APETAGEX" + struct.pack("<IIII", 2000, 2**32 - 1, 2**32 - 1, 0) + bytes(8),
    ],
)
def test_what_is_not_understood_stays(tag):
    data = HEAD + AUDIO + tag
    assert mpeg(data).get(GENRE) == ()
    if mpeg(data).audio[0][1] > len(HEAD):
        assert written(Mpeg, data, POP).endswith(AUDIO + tag)


def test_only_the_last_of_several_tags_is_written():
    first = ape(item("Genre", b"Rock"))
    data = HEAD + AUDIO + first + ape(item("Genre", b"Jazz")) + V1
    assert mpeg(data).get(GENRE) == ("Jazz",)
    assert written(Mpeg, data, {"GENRE": ("Pop",)}).endswith(
        AUDIO + first + ape(item("Genre", b"Pop")) + V1[:-1] + b"\x0d"
    )


def test_an_item_twice_is_written_once():
    data = AUDIO + ape(item("genre", b"Rock"), TITLE, item("GENRE", b"Jazz"))
    assert mpeg(data).get(GENRE) == ("Rock", "Jazz")
    assert written(Mpeg, data, {"GENRE": ("Pop",)}) == AUDIO + ape(item("genre", b"Pop"), TITLE)


def test_a_tag_that_looks_like_id3v1():
    tag = ape(item("Title", b"x" * (131 - 64 - 8 - 6)))
    assert tag[-128:].startswith(b"TAGEX")
    assert mpeg(AUDIO + tag).audio == ((0, len(AUDIO)),)
    assert mpeg(AUDIO + tag).kind == "APEv2"


def test_a_tag_in_front_of_the_audio_is_left_alone():
    data = ape(item("Genre", b"Rock")) + AUDIO
    assert mpeg(data).kind == "no ID3 tag"
    assert written(Mpeg, data, POP).endswith(data)
