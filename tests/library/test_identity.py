from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import mutagen
import mutagen.id3 as m
import mutagen.ogg
import pytest
from tags.tagging_samples import FORMATS, VORBIS_FORMATS, content, make, set_trailer

from tagger.errors import AudioError
from tagger.library.identity import DIGEST_SIZE, payload_digest


def audio_byte(format_: str) -> int:
    """Offset of a byte that is certainly audio."""
    data = content(format_)
    if format_.startswith("m4a"):
        return data.index(b"second")
    if format_ in ("wav", "aiff", "mp3", "flac"):
        return len(data) // 2
    return len(data) - 20


def tag(path: Path) -> None:
    """Big foreign tags by mutagen, so that everything in the file moves."""
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    if isinstance(file.tags, m.ID3):
        file.tags.add(m.TIT2(encoding=3, text="x" * 70000))
    else:
        file["\xa9nam" if path.suffix == ".m4a" else "title"] = ["x" * 70000]
    file.save()


@pytest.mark.parametrize("format_", FORMATS)
def test_tags_and_names_do_not_count(tmp_path, format_):
    path = make(tmp_path, format_)
    before = payload_digest(path)
    tag(path)
    assert path.stat().st_size > len(content(format_)) + 60000
    renamed = path.rename(tmp_path / "other.name")
    assert payload_digest(renamed) == before
    assert len(before) == DIGEST_SIZE


@pytest.mark.parametrize("format_", FORMATS)
def test_one_bit_of_audio_counts(tmp_path, format_):
    path = make(tmp_path, format_)
    before = payload_digest(path)
    data = bytearray(path.read_bytes())
    data[audio_byte(format_)] ^= 1
    path.write_bytes(data)
    assert payload_digest(path) != before


def test_all_formats_differ(tmp_path):
    digests = {payload_digest(make(tmp_path, f)) for f in FORMATS}
    assert len(digests) == len(FORMATS) - 1  # the two MP4s hold the same audio


def test_everything_around_mp3_frames_is_skipped(tmp_path):
    path = make(tmp_path, "mp3")
    before = payload_digest(path)
    tag_ = b"ID3\4\0\0\0\0\0\x0a" + bytes(10)
    footer = b"ID3\4\0\x10\0\0\0\x0a" + bytes(20)
    lyrics = b"LYRICSBEGININD0000200" + b"000021LYRICS200"
    path.write_bytes(tag_ + footer + path.read_bytes() + lyrics)
    set_trailer(path, ape={"Artist": "Somebody"})
    assert payload_digest(path) == before


def test_an_apev2_tag_as_long_as_id3v1_is_no_id3v1(tmp_path):
    path = make(tmp_path, "mp3")
    before = payload_digest(path)
    item = struct.pack("<II", 53, 0) + b"Title\0" + b"x" * 53
    fields = struct.pack("<III", 2000, len(item) + 32, 1)
    header = b"APETAGEX" + fields + struct.pack("<I", 0xA0000000) + bytes(8)
    footer = b"APETAGEX" + fields + struct.pack("<I", 0x80000000) + bytes(8)
    tag = header + item + footer
    assert tag[-128:].startswith(b"TAG")
    path.write_bytes(path.read_bytes() + tag)
    assert payload_digest(path) == before


@pytest.mark.parametrize("format_", [f for f in VORBIS_FORMATS if f != "flac"])
def test_ogg_page_numbers_do_not_count_but_order_does(tmp_path, format_):
    path = make(tmp_path, format_)
    before = payload_digest(path)
    pages = []
    with path.open("rb") as file:
        while file.tell() < path.stat().st_size:
            pages.append(mutagen.ogg.OggPage(file))
    for page in pages:
        page.sequence += 5
    path.write_bytes(b"".join(page.write() for page in pages))
    assert payload_digest(path) == before
    pages[-1].position += 1
    path.write_bytes(b"".join(page.write() for page in pages))
    assert payload_digest(path) != before


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"ID3",
        b"just text\n" * 100,
        b"RIFF\x04\0\0\0WAVE",
        content("flac")[:30],
        content("m4a")[: content("m4a").index(b"mdat") - 4],
        b"OggS" + bytes(5),
    ],
)
def test_what_is_no_audio_file(tmp_path, data):
    path = tmp_path / "song.mp3"
    path.write_bytes(data)
    with pytest.raises(AudioError) as caught:
        payload_digest(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(AudioError, match="cannot be read"):
        payload_digest(tmp_path / "missing.mp3")


@pytest.mark.parametrize("format_", ["vorbis", "opus", "wav", "mp3"])
def test_a_download_that_broke_off_has_a_digest_of_its_own(tmp_path, format_):
    path = make(tmp_path, format_)
    whole = payload_digest(path)
    path.write_bytes(content(format_)[:-700])
    assert payload_digest(path) not in (whole, b"")


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = make(tmp_path, "mp3")
    with path.open("ab") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    payload_digest(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
