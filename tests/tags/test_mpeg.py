"""ID3v2 in MP3 files: every foreign byte stays, and other programs read what was written."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import mutagen.id3 as m
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tags.id3_samples import frame, frames_in, id3, unsynchronised, written
from tags.tagging_samples import content, set_trailer

from tagger.errors import TagError, TagsRefusedError
from tagger.tags.edits import apply_in_place
from tagger.tags.failures import translated
from tagger.tags.fields import ALBUM_FIELDS, FIELDS, GENRE, GENRES, MODEL
from tagger.tags.formats.mpeg import Mpeg, is_mpeg_audio
from tagger.tags.id3tag import stored_size

few = settings(max_examples=15, deadline=None, derandomize=True)
AUDIO = content("mp3")
POP = {"GENRE": ("Pop", "摇滚")}
MODEL_1 = {"GENRETAG_MODEL": ("m1",)}
IDS = {2: {"TCON": b"TCO", "TXXX": b"TXX"}, 3: {"TCON": b"TCON", "TXXX": b"TXXX"}}
IDS[4] = IDS[3]
OURS = (b"GENRETAG_", b"G\0E\0N\0R\0E\0T\0A\0G\0_\0")


def mpeg(data: bytes, new_id3: int = 4) -> Mpeg:
    return Mpeg(io.BytesIO(data), new_id3)


def values(data: bytes) -> dict[str, tuple[str, ...]]:
    tags = mpeg(data)
    return {name: said for name, field in FIELDS.items() if (said := tags.get(field))}


def is_ours(name: bytes, stored: bytes) -> bool:
    user = name in (b"TXX", b"TXXX") and any(mark in stored for mark in OURS)
    return user or name in (b"TCO", b"TCON", b"TCO\0")


def foreign(data: bytes) -> list[tuple[bytes, bytes]]:
    return [(name, stored) for name, stored in frames_in(data) if not is_ours(name, stored)]


blob = st.binary(max_size=300) | st.lists(
    st.sampled_from([b"\xff", b"\0", b"\xff\xe0", b"x"]), max_size=30
).map(b"".join)
text_body = st.sampled_from(
    [b"\0Some text", b"\1\xff\xfeS\0\xff\0", b"\1\xfe\xff\0S", b"\0", b"", b"\x09bad", b"\0a\0b"]
)
genre_body = st.sampled_from([b"\0(17)", b"\0Rock/Pop", b"\1\xff\xfeR\0o\0", b"\7junk", b""])
own_body = st.sampled_from([b"\0GENRETAG_MODEL\0old", b"\0GENRETAG_MODEL\0older", b"\7junk"])


def rows_of(major: int):
    texts = {2: [b"TT2", b"TP3"], 3: [b"TIT2", b"TPE1", b"XYZ1", b"TS2\0"]}
    other = {2: [b"PIC", b"UFI"], 3: [b"APIC", b"PRIV", b"MCDI"]}
    short = min(major, 3)
    flags = st.just(0) if major == 2 else st.sampled_from([0, 0x4000])
    return st.lists(
        st.one_of(
            st.tuples(st.sampled_from(texts[short]), text_body, flags),
            st.tuples(st.sampled_from(other[short]), blob, flags),
            st.tuples(st.just(IDS[major]["TCON"]), genre_body, flags),
            st.tuples(st.just(IDS[major]["TXXX"]), own_body, flags),
        ),
        max_size=8,
    )


@st.composite
def tags(draw, major: int) -> bytes:
    rows = draw(rows_of(major))
    unsync, padding = draw(st.booleans()), bytes(draw(st.sampled_from([0, 1, 40, 300, 3000])))
    extended = draw(st.sampled_from(["", "", "plain", "checksum", "lie"])) if major > 2 else ""
    flags = (0x80 if unsync else 0) | (0x40 if extended else 0)
    body = b""
    for name, said, bits in rows:
        if unsync and major == 4:
            body += frame(major, name, unsynchronised(said), bits | 2)
        else:
            body += frame(major, name, said, bits)
    if extended == "lie" and not rows:
        flags &= ~0x40
    if extended == "plain":
        head = struct.pack(">IHI", 6, 0, len(padding)) if major == 3 else bytes((0, 0, 0, 6, 1, 0))
        body = head + body
    if extended == "checksum":
        head = struct.pack(">IHII", 10, 0x8000, len(padding), 99)
        body = (head if major == 3 else bytes((0, 0, 0, 12, 1, 0x20, 5, 1, 2, 3, 4, 5))) + body
    if major == 4 and draw(st.booleans()):
        stored = id3(major, body, flags | 0x10)
        return stored + b"3DI" + stored[3:10]
    body += padding
    if unsync and major < 4:
        body = unsynchronised(body)
    return id3(major, body, flags)


wanted_fields = st.fixed_dictionaries(
    {},
    optional={
        "GENRE": st.sampled_from([("Pop",), ("Électro", "Drum & Bass"), ("摇滚",), ("ÿ＀",), ()]),
        "GENRETAG_GENRES": st.just(("Rock=0.83", "Électro=0.10")),
        "GENRETAG_CLUSTER": st.sampled_from([("x" * 900,), ("ÿ" * 99,), ("a",)]),
        "GENRETAG_MODEL": st.sampled_from([("m1",), ()]),
    },
).filter(bool)


@pytest.mark.parametrize("major", [2, 3, 4])
@settings(few, max_examples=30)
@given(st.data(), wanted_fields)
def test_any_tag(major, data, wanted):
    stored = data.draw(tags(major))
    old = stored + AUDIO
    if data.draw(st.booleans()):
        old += b"TAG" + bytes(124) + b"\x11"
    new = written(Mpeg, old, wanted)
    assert foreign(new) == foreign(old)
    assert mpeg(new).kind == f"ID3v2.{major}"
    size = stored_size(new)
    if size == len(stored):
        assert len(new) == len(old)
    else:
        assert new[size - 1024 : size] == bytes(1024)
    witness = m.ID3(io.BytesIO(new), translate=False, load_v1=False)
    assert witness.version == (2, major, 0)
    for name, said in wanted.items():
        key = FIELDS[name].id3
        if not said:
            assert key not in witness
        else:
            assert witness[key].text == (list(said) if major == 4 else ["; ".join(said)])


@pytest.mark.parametrize("new_id3", [3, 4])
def test_a_file_without_a_tag(new_id3):
    assert mpeg(AUDIO).kind == "no ID3 tag"
    new = written(Mpeg, AUDIO, {**POP, **MODEL_1}, new_id3)
    assert new.endswith(AUDIO)
    assert mpeg(new).kind == f"ID3v2.{new_id3}"
    witness = m.ID3(io.BytesIO(new), translate=False)
    assert witness["TCON"].text == (["Pop", "摇滚"] if new_id3 == 4 else ["Pop; 摇滚"])
    again = written(Mpeg, new, {"GENRETAG_CLUSTER": ("dark",), "GENRE": ()})
    assert len(again) == len(new)


@pytest.mark.parametrize("major", [2, 3, 4])
def test_edits_are_small(major):
    picture = frame(major, b"PIC" if major == 2 else b"APIC", bytes(range(256)) * 400)
    genre = frame(major, IDS[major]["TCON"], b"\0(17)")
    data = id3(major, genre + picture + bytes(600)) + AUDIO
    tags = mpeg(data)
    tags.put(GENRE, ("Drum & Bass",))
    tags.put(MODEL, ("m1",))
    edits = tags.edits()
    assert sum(edit.length for edit in edits) < 100
    assert sum(edit.shift for edit in edits) == 0
    assert all(edit.end <= tags.audio[0][0] for edit in edits)
    written(Mpeg, data, {"GENRE": ("Drum & Bass",), **MODEL_1})


def test_thousands_of_frames_are_no_burden():
    users = [frame(4, b"TXXX", b"\3key%d\0value" % i) for i in range(20_000)]
    genre = frame(4, b"TCON", b"\3Rock")
    data = id3(4, b"".join([*users[:9000], genre, *users[9000:]]) + bytes(90)) + AUDIO
    tags = mpeg(data)
    tags.put(GENRE, ("Pop",))
    tags.put(GENRES, ("Pop=0.83",))
    assert sum(edit.length for edit in tags.edits()) < 100


def test_the_place_of_a_frame():
    foreign_ = [
        frame(3, b"TPE1", b"\0One"), frame(3, b"TPE1", b"\0Two"), frame(3, b"TIT2", b""),
        frame(3, b"TALB", b"\x09bad encoding"), frame(3, b"XYZ1", b"?"), frame(3, b"TXXX", b"\7"),
    ]  # fmt: skip
    genres = [frame(3, b"TCON", b"\0(17)"), frame(3, b"TCO\0", b"\0Jazz")]
    body = b"".join([*foreign_[:3], genres[0], *foreign_[3:], genres[1]])
    data = id3(3, body) + AUDIO
    assert values(data) == {"GENRE": ("Rock", "Jazz")}
    new = written(Mpeg, data, POP)
    names = [name for name, _ in frames_in(new)]
    assert names == [b"TPE1", b"TPE1", b"TIT2", b"TCON", b"TALB", b"XYZ1", b"TXXX"]
    assert foreign(new) == [(f[:4], f) for f in foreign_]


@pytest.mark.parametrize(
    ("major", "flags", "body"),
    [
        (3, 0x80, b"\0\0\0\x06" + zlib.compress(b"\0Blues")),
        (3, 0x20, b"\7\0Blues"),
        (4, 0x49, b"\7\0\0\0\6" + zlib.compress(b"\0Blues")),
        (4, 0x08, b"\0\0\0\6" + zlib.compress(b"\0Blues")),
        (4, 0x01, b"\0\0\0\6\0Blues"),
        (3, 0, b"\1\xff\xfeB\0l\0u\0e\0s\0\0"),  # half a terminator
        (3, 0, b"\1B\0l\0u\0e\0s\0"),
        (3, 0, b"\1\xfe\xff\0B\0l\0u\0e\0s\0\0"),
        (4, 0, b"\2\0B\0l\0u\0e\0s"),
        (4, 0x02, b"\0Blues"),
    ],
)
def test_what_flags_put_around_a_genre(major, flags, body):
    data = id3(major, frame(major, b"TCON", body, flags)) + AUDIO
    assert values(data) == {"GENRE": ("Blues",)}


@pytest.mark.parametrize(
    ("flags", "body"),
    [
        (0x40, b"\1\0Blues"),
        (0x80, b"\0\0\0\6junk"),
        (0x80, b"\0\0\0\6" + zlib.compress(b"\0Blues")[:-5]),
        (0x80, b"\0\x40\0\0" + zlib.compress(bytes(2**22))),
    ],
)
def test_a_genre_that_cannot_be_read_is_replaced(flags, body):
    data = id3(3, frame(3, b"TCON", body, flags) + bytes(99)) + AUDIO
    assert values(data) == {}
    assert frames_in(written(Mpeg, data, POP))[0][0] == b"TCON"
    assert len(frames_in(written(Mpeg, data, POP))) == 1


@pytest.mark.parametrize("body", [b"\0(17)", b"\0rock/Pop", b"\1\xff\xfeR\0\0\0"])
def test_what_stands_there_in_another_spelling_stays(body):
    tags = mpeg(id3(3, frame(3, b"TCON", body)) + AUDIO)
    standing = tags.get(GENRE)
    tags.put(GENRE, ("Jazz",))
    assert tags.edits()
    tags.put(GENRE, standing)
    assert tags.edits() == ()


def test_a_frame_twice_is_one():
    row = frame(3, b"TXXX", b"\0GENRETAG_MODEL\0m1")
    data = id3(3, row + row) + AUDIO
    assert values(data) == MODEL_1
    assert len(frames_in(written(Mpeg, data, {"GENRETAG_MODEL": ("m2",)}))) == 1


def test_the_last_byte_of_an_unsynchronised_tag():
    last = frame(3, b"PRIV", b"x\0\xff")
    model = frame(3, b"TXXX", b"\0GENRETAG_MODEL\0m1")
    data = id3(3, frame(3, b"TCON", b"\0A") + last + model, 0x80) + AUDIO
    longer = "A" * (1 + len(model))
    new = written(Mpeg, data, {"GENRE": (longer,), "GENRETAG_MODEL": ()})
    assert frames_in(new)[1][1] == last + b"\0"
    shorter = written(Mpeg, data, {"GENRE": (longer[1:],), "GENRETAG_MODEL": ()})
    assert len(shorter) == len(data)


@pytest.mark.parametrize("major", [2, 3, 4])
def test_fields_of_the_album(major):
    names = {2: (b"TAL", b"TP2", b"TP1", b"TCP"), 3: (b"TALB", b"TPE2", b"TPE1", b"TCMP")}
    said = ("One; Two", "Various Artists", "Somebody", "1")
    rows = zip(names[min(major, 3)], said, strict=True)
    data = id3(major, b"".join(frame(major, n, b"\0" + s.encode()) for n, s in rows)) + AUDIO
    tags = mpeg(data)
    found = [tags.get(field) for field in ALBUM_FIELDS.values()]
    assert found == [(said[0],), (said[1],), (said[2],), (said[3],)]


def test_several_values_of_own_fields_before_id3v24():
    new = written(Mpeg, id3(3, bytes(99)) + AUDIO, {"GENRETAG_GENRES": ("a=1", "b=0")})
    assert m.ID3(io.BytesIO(new), translate=False)["TXXX:GENRETAG_GENRES"].text == ["a=1; b=0"]


def test_a_second_tag_stays_and_is_skipped():
    second = id3(3, frame(3, b"TCON", b"\0Second") + bytes(70_000))
    data = id3(4, b"") + second + AUDIO
    assert is_mpeg_audio(io.BytesIO(data), 10)
    assert values(data) == {}
    new = written(Mpeg, data, POP)
    assert new.endswith(second + AUDIO)
    assert mpeg(new).audio == ((len(new) - len(AUDIO), len(new)),)


def with_v1(genre: int = 17, head: bytes = b"") -> bytes:
    path = io.BytesIO()
    path.write(head + AUDIO)
    v1 = b"TAG" + b"Old Title".ljust(30, b"\0") + b"Old Artist".ljust(30)
    v1 += "Älbum".encode("latin-1").ljust(30, b"\0") + b"1999" + b"note".ljust(28, b"\0") + b"\0\5"
    return path.getvalue() + v1 + bytes((genre,))


def test_the_genre_of_id3v1_follows():
    data = with_v1(head=id3(4, bytes(200)))
    assert values(data) == {"GENRE": ("Rock",)}
    assert written(Mpeg, data, MODEL_1).endswith(data[-128:])
    new = written(Mpeg, data, {"GENRE": ("Hip Hop", "Rock")})
    assert new.endswith(data[-128:-1] + b"\7")
    newer = written(Mpeg, new, {"GENRE": ("Vaporwave",)})
    assert newer.endswith(data[-128:-1] + b"\xff")
    assert written(Mpeg, newer, {"GENRE": ()}).endswith(data[-128:-1] + b"\xff")


@pytest.mark.parametrize("new_id3", [3, 4])
def test_a_new_tag_carries_over_an_old_one(new_id3):
    data = with_v1(13)
    assert mpeg(data).kind == "ID3v1"
    assert values(data) == {"GENRE": ("Pop",)}
    assert written(Mpeg, data, {"GENRE": ("Pop",)}) == data
    new = written(Mpeg, data, MODEL_1, new_id3)
    witness = m.ID3(io.BytesIO(new), load_v1=False)
    shown = [str(witness[key]) for key in ("TIT2", "TPE1", "TALB", "TRCK", "TDRC", "TCON")]
    assert shown == ["Old Title", "Old Artist", "Älbum", "5", "1999", "Pop"]
    assert witness.getall("COMM")[0].text == ["note"]
    assert values(new)["GENRE"] == ("Pop",)
    assert new.endswith(data[-128:])
    assert written(Mpeg, data, {"GENRE": ()}, new_id3).endswith(b"\xff")


def test_everything_behind_the_audio_is_no_audio():
    lyrics = b"LYRICSBEGININD0000200" + b"000021LYRICS200"
    data = AUDIO + b"TAG+" + bytes(223) + lyrics + with_v1()[-128:]
    tags = mpeg(data)
    assert tags.audio == ((0, len(AUDIO)),)
    written(Mpeg, data, POP)
    with pytest.raises(TagsRefusedError, match="more than"):
        mpeg(AUDIO + b"000000LYRICS200" * 200)
    with pytest.raises(TagsRefusedError, match="more than"):
        mpeg(id3(3, b"") * 200 + AUDIO)


@pytest.mark.parametrize("step", [1, 29])
def test_a_file_cut_anywhere(step):
    head = id3(4, frame(4, b"TIT2", b"\3x") + frame(4, b"TCON", b"\3Rock") + bytes(20))
    data = with_v1(head=head)
    ends = range(len(head) + 9) if step == 1 else range(len(data) - 200, len(data), step)
    for end in ends:
        try:
            with translated("cut"):
                new = written_or_not(data[:end])
        except TagError:
            continue
        assert values(new)["GENRE"] == ("Pop",)


def written_or_not(data: bytes) -> bytes:
    tags = mpeg(data)
    tags.put(GENRE, ("Pop",))
    file = io.BytesIO(data)
    apply_in_place(tags.edits(), file)
    return file.getvalue()


@pytest.mark.parametrize("major", [2, 3, 4])
def test_other_programs_read_it(tmp_path, major):
    taglib = pytest.importorskip("taglib")
    title = frame(major, b"TT2" if major == 2 else b"TIT2", b"\1\xff\xfeS\0\xff\0")
    for flags in (0, 0x80):
        body = title if not flags else unsynchronised(title)
        if flags and major == 4:
            body = frame(4, b"TIT2", unsynchronised(title[10:]), 2)
        path = tmp_path / "a.mp3"
        path.write_bytes(id3(major, body, flags) + AUDIO)
        title_before = ffprobed(path).get("title")
        path.write_bytes(written(Mpeg, path.read_bytes(), {**POP, **MODEL_1}))
        with taglib.File(path) as file:
            assert file.tags["TITLE"] == ["Sÿ"]
            genre = file.tags["GENRE"]
            assert genre == (["Pop", "摇滚"] if major == 4 else ["Pop; 摇滚"])
            assert file.tags["GENRETAG_MODEL"] == ["m1"]
        if said := ffprobed(path):
            assert said["title"] == title_before
            if flags and major < 4:
                continue  # it loses its way behind the first frame with a byte put in
            assert said["genre"] == ("Pop" if major == 4 else "Pop; 摇滚")
            assert said["genretag_model"] == "m1"


def ffprobed(path: Path) -> dict[str, str]:
    """Tags as ffprobe shows them; empty if it is missing."""
    if not shutil.which("ffprobe"):
        return {}
    ask = ["ffprobe", "-v", "error", "-of", "json", "-show_format", str(path)]
    shown = json.loads(subprocess.run(ask, capture_output=True, check=True).stdout)
    return {key.lower(): value for key, value in shown["format"].get("tags", {}).items()}


def test_the_helper_of_other_tests_makes_what_this_reads(tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(AUDIO)
    set_trailer(path, genre=13)
    assert values(path.read_bytes()) == {"GENRE": ("Pop",)}
