"""ID3v2 chunks in WAV and AIFF files."""

from __future__ import annotations

import io
import struct

import mutagen.aiff
import mutagen.wave
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st
from tags.id3_samples import frame, id3, written
from tags.tagging_samples import content

from tagger.errors import TagError, TagsRefusedError
from tagger.tags.edits import apply_in_place
from tagger.tags.failures import translated
from tagger.tags.fields import FIELDS, GENRE
from tagger.tags.formats import chunks
from tagger.tags.formats.chunks import Aiff, Wav

few = settings(max_examples=20, deadline=None, derandomize=True)
FORMATS = ["wav", "aiff"]
KINDS = {"wav": Wav, "aiff": Aiff}
WITNESSES = {"wav": mutagen.wave.WAVE, "aiff": mutagen.aiff.AIFF}
ORDER = {"wav": "<", "aiff": ">"}
POP = {"GENRE": ("Pop", "摇滚")}


def chunk(format_: str, name: bytes, data: bytes) -> bytes:
    return name + struct.pack(ORDER[format_] + "I", len(data)) + data + bytes(len(data) % 2)


def file_of(format_: str, *more: bytes, first: bytes = b"") -> bytes:
    """The sample with more chunks behind its own, and perhaps one in front of the audio."""
    data = content(format_)
    if first:
        at = data.index(b"data" if format_ == "wav" else b"SSND")
        data = data[:at] + first + data[at:]
    data += b"".join(more)
    return data[:4] + struct.pack(ORDER[format_] + "I", len(data) - 8) + data[8:]


def tags_of(format_: str, data: bytes):
    return KINDS[format_](io.BytesIO(data), 4)


def form_size(format_: str, data: bytes) -> int:
    return struct.unpack_from(ORDER[format_] + "I", data, 4)[0] + 8


@pytest.mark.parametrize("new_id3", [3, 4])
@pytest.mark.parametrize("format_", FORMATS)
def test_a_new_chunk_comes_last(format_, new_id3):
    data = file_of(format_, chunk(format_, b"junk", b"odd"))
    assert tags_of(format_, data).kind == "no ID3 tag"
    new = written(KINDS[format_], data + b"behind", POP, new_id3)
    name = b"id3 " if format_ == "wav" else b"ID3 "
    assert new[8:].startswith(data[8:] + name)
    assert new.endswith(b"behind")
    assert form_size(format_, new) == len(new) - len(b"behind")
    witness = WITNESSES[format_](io.BytesIO(new), translate=False).tags
    assert witness.version == (2, new_id3, 0)
    assert witness["TCON"].text == (["Pop", "摇滚"] if new_id3 == 4 else ["Pop; 摇滚"])
    assert (sf.read(io.BytesIO(new))[0] == sf.read(io.BytesIO(data))[0]).all()


wanted_fields = st.fixed_dictionaries(
    {},
    optional={
        "GENRE": st.sampled_from([("Pop",), ("Électro", "Drum & Bass"), ()]),
        "GENRETAG_CLUSTER": st.sampled_from([("x" * 2000,), ("x" * 2001,), ("a",), ("ab",)]),
    },
).filter(bool)


@pytest.mark.parametrize("format_", FORMATS)
@few
@given(
    st.sampled_from([2, 3, 4]),
    st.integers(0, 1500),
    st.sampled_from([b"", b"\0", b"behind the tag"]),
    st.booleans(),
    st.sampled_from([b"ID3 ", b"id3 "]),
    wanted_fields,
)
def test_any_tag(format_, major, padding, behind, in_front, name, wanted):
    short = major == 2
    body = frame(major, b"TT2" if short else b"TIT2", b"\0Song")
    body += frame(major, b"TCO" if short else b"TCON", b"\0(17)")
    body += frame(major, b"PIC" if short else b"APIC", bytes(range(251)))
    name = name if format_ == "wav" else b"ID3 "  # as mutagen wants to see it
    stored = chunk(format_, name, id3(major, body + bytes(padding)) + behind)
    junk = chunk(format_, b"junk", b"odd")
    data = file_of(format_, *(() if in_front else (stored,)), junk, first=stored * in_front)
    new = written(KINDS[format_], data, wanted)
    assert form_size(format_, new) == len(new)
    assert tags_of(format_, new).kind == f"ID3v2.{major}"
    assert behind in new
    witness = WITNESSES[format_](io.BytesIO(new), translate=False).tags
    assert witness["TIT2"].text == ["Song"]
    for field, said in wanted.items():
        key = FIELDS[field].id3
        assert (witness[key].text if said else key in witness) == (
            (list(said) if major == 4 else ["; ".join(said)]) if said else False
        )
    if len(new) == len(data):
        start, end = tags_of(format_, data).audio[0]
        assert new[start:end] == data[start:end]


@pytest.mark.parametrize("format_", FORMATS)
def test_a_change_that_fits_moves_no_audio(format_):
    stored = chunk(format_, b"ID3 ", id3(4, frame(4, b"TIT2", b"\3x") + bytes(100)))
    data = file_of(format_, first=stored)
    tags = tags_of(format_, data)
    tags.put(GENRE, ("Pop",))
    edits = tags.edits()
    assert sum(edit.shift for edit in edits) == 0
    assert all(edit.end <= tags.audio[0][0] for edit in edits)
    assert len(written(KINDS[format_], data, POP)) == len(data)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ([(b"ID3 ", id3(4, b"")), (b"id3 ", id3(4, b""))], "several ID3 chunks"),
        ([(b"ID3 ", b"")], "no ID3 tag in the ID3 chunk"),
        ([(b"ID3 ", b"something else")], "no ID3 tag in the ID3 chunk"),
        ([(b"ID3 ", id3(4, bytes(99))[:50]), (b"junk", bytes(200))], "damaged"),
        ([(b"junk", b"")] * 10_001, "do not add up"),
    ],
)
def test_what_is_refused(format_, more, reason):
    data = file_of(format_, *(chunk(format_, *parts) for parts in more))
    with pytest.raises(TagsRefusedError, match=reason):
        tags_of(format_, data)


@pytest.mark.parametrize("format_", FORMATS)
def test_structures_that_are_wrong(format_):
    data = file_of(format_)
    for size, reason in ((len(data), "cut short"), (2**32 - 1, "cut short"), (3, "cut short")):
        wrong = data[:4] + struct.pack(ORDER[format_] + "I", size) + data[8:]
        with pytest.raises(TagsRefusedError, match=reason):
            tags_of(format_, wrong)
    with pytest.raises(TagsRefusedError, match="do not add up"):
        tags_of(format_, file_of(format_, b"1234567"))
    long = struct.pack(ORDER[format_] + "I", 2**31)
    with pytest.raises(TagsRefusedError, match="cut short"):
        tags_of(format_, file_of(format_, b"junk" + long))


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_that_would_grow_too_large(format_, monkeypatch):
    data = file_of(format_)
    monkeypatch.setattr(chunks, "_MAX_SIZE", len(data) + 100)
    tags = tags_of(format_, data)
    tags.put(GENRE, ("Pop",))
    with pytest.raises(TagsRefusedError, match="4 GiB"):
        tags.edits()


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_cut_anywhere(format_):
    stored = chunk(format_, b"ID3 ", id3(4, frame(4, b"TCON", b"\3Rock") + bytes(20)))
    data = file_of(format_, first=stored)
    for end in range(12, 200):
        with pytest.raises(TagError):
            write(format_, data[:end])


@translated("cut")
def write(format_: str, data: bytes) -> None:
    tags = tags_of(format_, data)
    tags.put(GENRE, ("Pop",))
    apply_in_place(tags.edits(), io.BytesIO(data))
