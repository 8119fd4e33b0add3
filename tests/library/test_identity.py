from __future__ import annotations

import io
import os
import random
import struct
import tracemalloc
from pathlib import Path

import mutagen
import mutagen.id3 as m
import mutagen.ogg
import pytest
from tags.tagging_samples import FORMATS, VORBIS_FORMATS, content, make, set_trailer

from tagger.domain import TagChange
from tagger.errors import AudioError
from tagger.library.audio_key import KEY_SIZE, audio_key
from tagger.library.identity import DIGEST_SIZE, payload_digest, payload_digest_of
from tagger.tags.container import open_tags
from tagger.tags.writer import write_changes


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


# Keys


class Counting(io.BytesIO):
    """A file that counts how much is read of it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data


def key(path: Path) -> bytes:
    with open_tags(path) as tags:
        return audio_key(tags.file, tags.audio, tags.audio_md5)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_key_outlasts_what_we_write(tmp_path, format_):
    path = make(tmp_path, format_)
    before = key(path)
    change = TagChange("GENRE", (), ("Hip-Hop",))
    write_changes(path, [change], payload_digest=payload_digest_of)
    assert path.read_bytes() != content(format_)
    assert key(path) == before
    assert len(before) == KEY_SIZE


@pytest.mark.parametrize("format_", [f for f in FORMATS if f not in ("vorbis", "opus", "oggflac")])
def test_a_key_outlasts_big_tags_by_others(tmp_path, format_):
    path = make(tmp_path, format_)
    before = key(path)
    tag(path)
    assert key(path) == before


def test_keys_of_different_files_differ(tmp_path):
    keys = {key(make(tmp_path, f)) for f in FORMATS}
    assert len(keys) == len(FORMATS) - 1  # the two MP4s hold the same audio


def test_flac_is_known_by_the_md5_of_its_samples(tmp_path):
    path = make(tmp_path, "flac")
    before = key(path)
    data = bytearray(content("flac"))
    with open_tags(path) as tags:
        md5, start = tags.audio_md5, tags.audio[0][0]
    at = data.index(md5)
    data[start + 3000] ^= 1  # as another level of compression would
    path.write_bytes(data)
    assert key(path) == before
    data[at] ^= 1
    path.write_bytes(data)
    assert key(path) != before


@pytest.mark.parametrize("md5", [bytes(16), bytes.fromhex("d41d8cd98f00b204e9800998ecf8427e")])
def test_an_md5_that_says_nothing_does_not_count(tmp_path, md5):
    path = make(tmp_path, "flac")
    keys = set()
    for byte in (0, 1):
        with open_tags(path) as tags:
            data = bytearray(content("flac").replace(tags.audio_md5 or md5, md5))
            start = tags.audio[0][0]
        data[start + 3000] ^= byte
        path.write_bytes(data)
        keys.add(key(path))
    assert len(keys) == 2


@pytest.mark.parametrize("format_", [f for f in FORMATS if f != "flac"])
def test_only_flac_states_an_md5(tmp_path, format_):
    with open_tags(make(tmp_path, format_)) as tags:
        assert tags.audio_md5 == b""


@pytest.mark.parametrize("total", [0, 1, 512 << 10, (512 << 10) + 1, 5_000_000])
def test_a_key_does_not_depend_on_where_the_audio_lies(total):
    data = random.Random(1).randbytes(total)
    whole = audio_key(io.BytesIO(data), [(0, total)])
    cuts = sorted(random.Random(total).choices(range(total + 1), k=6))
    file, regions, at = b"head", [], 0
    for cut in (*cuts, total):
        regions.append((len(file), len(file) + cut - at))
        file += data[at:cut] + b"between"
        at = cut
    assert audio_key(io.BytesIO(file), regions) == whole
    assert audio_key(io.BytesIO(data + b"x"), [(0, total + 1)]) != whole


def test_little_is_read_of_long_audio_but_beginning_and_end_are():
    size = 20 << 20
    data = random.Random(1).randbytes(size)
    file = Counting(data)
    before = audio_key(file, [(0, size)])
    assert file.count == 256 << 10
    for at in (0, (32 << 10) - 1, size - (32 << 10), size - 1):
        changed = bytearray(data)
        changed[at] ^= 1
        assert audio_key(io.BytesIO(changed), [(0, size)]) != before


def test_a_region_that_was_cut_short_has_a_key_too():
    data = os.urandom(1000)
    short = audio_key(io.BytesIO(data[:500]), [(0, 1000)])
    assert short != audio_key(io.BytesIO(data), [(0, 1000)])
