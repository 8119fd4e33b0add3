"""Ogg: the comment packet changes on its pages, and every other packet and page stays."""

from __future__ import annotations

import base64
import io
import struct
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import mutagen.oggflac
import mutagen.oggopus
import mutagen.oggvorbis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.ogg import OggPage
from tags.comment_checks import (
    HEARD,
    comments,
    few,
    ffprobe_tags,
    foreign_in,
    noise,
    picture_comment,
    rendered,
    replaced,
    taken_apart,
    values_in,
    wanted,
    write,
)
from tags.tagging_samples import content

from tagger.errors import TagError, TagsRefusedError
from tagger.tags.edits import Edits
from tagger.tags.fields import ALBUM_FIELDS, FIELDS, GENRE
from tagger.tags.formats.ogg import Ogg
from tagger.tags.formats.ogg_pages import checksum, read_page

CODECS = ("vorbis", "opus", "oggflac")
READERS = {
    "vorbis": mutagen.oggvorbis.OggVorbis,
    "opus": mutagen.oggopus.OggOpus,
    "oggflac": mutagen.oggflac.OggFLAC,
}
PREFIX = {"vorbis": b"\x03vorbis", "opus": b"OpusTags"}
SERIAL = 4711


def pages_of(data: bytes) -> list[OggPage]:
    """All pages; each must be as mutagen would write it, checksum included."""
    file, found = io.BytesIO(data), []
    while file.tell() < len(data):
        at = file.tell()
        page = OggPage(file)
        assert page.write() == data[at : file.tell()]
        found.append(page)
    return found


def consecutive(data: bytes) -> bool:
    numbers = defaultdict(list)
    for page in pages_of(data):
        numbers[page.serial].append(page.sequence)
    return all(row == list(range(len(row))) for row in numbers.values())


def laid(
    packets: list[bytes], per_page: int, *, serial: int = SERIAL, first: int = 0
) -> list[bytes]:
    """Pages of header packets, with that many segments each."""
    segments = []
    for packet in packets:
        whole = len(packet) // 255 * 255
        segments += [packet[i : i + 255] for i in range(0, whole, 255)] + [packet[whole:]]
    rows = []
    for at in range(0, len(segments), per_page):
        row = segments[at : at + per_page]
        ends = any(len(segment) < 255 for segment in row)
        flags = int(at > 0 and len(segments[at - 1]) == 255)
        rows.append(page(row, flags, 0 if ends else -1, serial, first + len(rows)))
    return rows


def page(segments: list[bytes], flags: int, granule: int, serial: int, number: int) -> bytes:
    head = struct.pack("<4sBBqII", b"OggS", 0, flags, granule, serial, number)
    tail = bytes((len(segments), *map(len, segments))) + b"".join(segments)
    return head + checksum(head + bytes(4) + tail) + tail


def headers_of(codec: str) -> tuple[list[bytes], list[OggPage]]:
    """Header packets and audio pages of an untagged file."""
    pages = pages_of(content(codec))
    count = {"vorbis": 3, "opus": 2, "oggflac": 3}[codec]
    for i in range(1, len(pages)):
        packets = OggPage.to_packets(pages[:i])
        if len(packets) == count and pages[i - 1].complete:
            return packets, pages[i:]
    raise AssertionError


def packet_of(codec: str, header: bytes) -> bytes:
    if codec == "oggflac":
        return b"\x04" + len(header).to_bytes(3, "big") + header
    return PREFIX[codec] + header


def ogg(codec: str, header: bytes, per_page: int = 255, *, serial: int = SERIAL,
        foreign: list[bytes] | None = None, last: bool = True) -> bytes:  # fmt: skip
    """A file with this comment header; pages of another stream may lie among its own."""
    packets, audio = headers_of(codec)
    rows = [page([packets[0]], 2, 0, serial, 0)]
    rows += laid([packet_of(codec, header), *packets[2:]], per_page, serial=serial, first=1)
    for number, old in enumerate(audio, len(rows)):
        old.serial, old.sequence = serial, number
        if not last:
            old.last = False
        rows.append(old.write())
    if foreign:  # its first page in front of all, the others behind one of ours each
        mixed = [foreign[0]]
        for i, row in enumerate(rows):
            mixed += [row, *foreign[i + 1 : i + 2]]
        rows = mixed
    return b"".join(rows)


def packets_of(data: bytes, serial: int = SERIAL) -> list[bytes]:
    return OggPage.to_packets([page for page in pages_of(data) if page.serial == serial])


def header_in(codec: str, data: bytes) -> tuple[bytes, list[bytes], bytes]:
    packet = packets_of(data)[1]
    return taken_apart(packet[len(PREFIX.get(codec, b"1234")) :])


def checked(path: Path, codec: str, new: dict[str, tuple[str, ...]]) -> Edits:
    """Write, and compare packets, pages and comments with those before."""
    before = path.read_bytes()
    edits = write(path, Ogg, new)
    after = path.read_bytes()
    old, now = packets_of(before), packets_of(after)
    assert [*old[:1], *old[2:]] == [*now[:1], *now[2:]]
    if codec == "oggflac":
        assert int.from_bytes(now[1][1:4], "big") == len(now[1]) - 4
    others = [[p.write() for p in pages_of(d) if p.serial != SERIAL] for d in (before, after)]
    assert others[0] == others[1]
    assert consecutive(after) or not consecutive(before)
    for one in pages_of(after):
        assert one.position == -1 or one.packets[:-1] or one.complete
    ours = [[p for p in pages_of(d) if p.serial == SERIAL] for d in (before, after)]
    for one, two in zip(ours[1], ours[1][1:], strict=False):
        assert two.continued == (not one.complete)
    assert [p.last for p in ours[0]][-1:] == [p.last for p in ours[1]][-1:]
    assert sum(p.first for p in ours[1]) == sum(p.first for p in ours[0])

    vendor, stood, tail = header_in(codec, before)
    vendor_now, found, tail_now = header_in(codec, after)
    assert vendor_now == vendor
    assert foreign_in(found, new) == foreign_in(stood, new)
    assert tail_now.rstrip(b"\0") == tail.rstrip(b"\0")
    for name, values in new.items():
        if values_in(stood, name) != values_in(found, name):
            assert values_in(found, name) == list(values)
    grown = sum(len(c) + 4 for c in found) - sum(len(c) + 4 for c in stood)
    if 0 <= grown <= len(tail) - 1 and not any(tail[1:]) and codec == "vorbis":
        assert len(after) == len(before)
    return edits


def headers_end(data: bytes) -> int:
    return Ogg(io.BytesIO(data)).audio[0][0]


tails = {
    "vorbis": [b"\1", b"\1" + bytes(30), b"\1" + bytes(700), b"\1\0\5", b""],
    "opus": [b"", bytes(30), bytes(700), b"\1kept", b"\2dropped by others"],
    "oggflac": [b""],
}


@pytest.mark.parametrize("codec", CODECS)
@few
@given(st.data())
def test_any_header(codec, data):
    raw = rendered("Véndor".encode(), data.draw(comments), data.draw(st.sampled_from(tails[codec])))
    per_page = data.draw(st.sampled_from([1, 2, 16, 17, 200, 254, 255]))
    new = data.draw(wanted)
    before = ogg(codec, raw, per_page)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.ogg"
        path.write_bytes(before)
        edits = checked(path, codec, new)
        old, now = pages_of(before), pages_of(path.read_bytes())
        if len(old) == len(now):
            assert all(edit.end <= headers_end(before) for edit in edits)
        segments = -(-len(raw) // 255) + 4
        moved = sum(27 + len(p.packets) + 255 for p in old) if per_page > 200 else 0
        moved = moved or len(old) * (27 + per_page)
        own = sum(4 + len(c) for c in taken_apart(raw)[1] if len(c) < 200)
        assert replaced(edits) <= moved + own + 700 + segments
        checked(path, codec, HEARD)
        checked(path, codec, dict.fromkeys(FIELDS, ()))


text = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)


@pytest.mark.parametrize("codec", CODECS)
@few
@given(
    st.lists(st.tuples(st.sampled_from(["TITLE", "title", "X Y", "Genre"]), text), max_size=6),
    st.lists(st.integers(0, 200_000), max_size=2),
    st.sampled_from([0, 100, 3000]),
    st.booleans(),
    wanted,
)
def test_what_mutagen_wrote(codec, pairs, pictures, room, spoilt, new):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.ogg"
        path.write_bytes(ogg(codec, rendered(b"v", [], b"\1" * (codec == "vorbis"))))
        file = READERS[codec](path)
        file.tags.extend([*pairs, ("COMMENT", "QQQQ")])
        for size in pictures:
            encoded = base64.b64encode(noise(size)).decode()
            file.tags.append(("METADATA_BLOCK_PICTURE", encoded))
        file.save(padding=lambda _: room)
        if spoilt:
            spoil(path)
        before = READERS[codec](path)
        size = path.stat().st_size
        checked(path, codec, new)
        after = READERS[codec](path)

        def foreign(tags):
            return [(k, v) for k, v in tags if k.upper() not in new]

        assert foreign(after.tags) == foreign(before.tags)
        assert after.tags.vendor == before.tags.vendor
        for name, values in new.items():
            found = after.tags.get(name, [])
            assert found == list(values) or not "".join(found).strip(" ;")
        if room == 3000 and codec != "oggflac" and sum(map(len, new.values())) < 9:
            assert path.stat().st_size == size


def spoil(path: Path) -> None:
    """Make a comment invalid UTF-8, wherever its pages lie."""
    pages = pages_of(path.read_bytes())
    for one in pages:
        one.packets = [packet.replace(b"QQQQ", b"\xff\xfe\xfdQ") for packet in one.packets]
    path.write_bytes(b"".join(one.write() for one in pages))


@pytest.mark.parametrize("codec", CODECS)
def test_a_picture_stays_where_it_is(tmp_path, codec):
    path = tmp_path / "a.ogg"
    head = rendered(b"v", [b"GENRE=Pop", picture_comment(200_000)], b"\1" * (codec == "vorbis"))
    path.write_bytes(ogg(codec, head))
    edits = checked(path, codec, {"GENRE": ("Alternative Rock",)})
    assert replaced(edits) < 4000  # headers of five pages, and not 270 KB
    assert checked(path, codec, {"GENRE": ("Alternative Rock",)}) == ()
    checked(path, codec, {"GENRE": ("Pop",)})
    assert path.read_bytes() == ogg(codec, head)


@pytest.mark.parametrize("codec", ["vorbis", "opus"])
def test_padding_is_used_and_given_back(tmp_path, codec):
    path = tmp_path / "a.ogg"
    tail = b"\1" + bytes(600) if codec == "vorbis" else bytes(600)
    head = rendered(b"v", [b"GENRE=Pop", picture_comment(9000), b"TITLE=One"], tail)
    path.write_bytes(ogg(codec, head, 16))
    size = path.stat().st_size
    edits = checked(path, codec, HEARD)
    assert path.stat().st_size == size
    assert sum(edit.shift for edit in edits) == 0
    before, after = pages_of(ogg(codec, head, 16)), pages_of(path.read_bytes())
    assert [p.size for p in before] == [p.size for p in after]
    checked(path, codec, {**dict.fromkeys(FIELDS, ()), "GENRE": ("Pop",)})
    assert path.read_bytes() == ogg(codec, head, 16)


def full_header(codec: str, segments: int, free: int = 0, *, genre: bytes = b"Pop") -> bytes:
    """A comment header whose packet fills its segments but for some bytes."""
    tail = b"\1" * (codec == "vorbis")
    empty = packet_of(codec, rendered(b"v", [b"GENRE=" + genre, b"X="], tail))
    room = segments * 255 - 1 - len(empty) - free
    return rendered(b"v", [b"GENRE=" + genre, b"X=" + noise(room)], tail)


@pytest.mark.parametrize("codec", ["opus", "vorbis"])
@pytest.mark.parametrize("pages", [1, 3])
@pytest.mark.parametrize("length", [1, 300, 70_000])
def test_pages_that_are_full(tmp_path, codec, pages, length):
    """More pages are needed, and all later ones get other numbers."""
    path = tmp_path / "a.ogg"
    path.write_bytes(ogg(codec, full_header(codec, 255 * pages), last=length > 1))
    before = path.read_bytes()
    edits = checked(path, codec, {"GENRE": ("Pop" + "x" * length,)})
    more = len(pages_of(path.read_bytes())) - len(pages_of(before))
    assert more == (2 if length == 70_000 else 1)
    behind = [edit for edit in edits if edit.end > headers_end(before)]
    assert all(edit.length == len(edit.data) <= 8 for edit in behind)
    assert len(behind) == len(headers_of(codec)[1])
    checked(path, codec, {"GENRE": ("Pop",)})
    assert READERS[codec](path).tags["GENRE"] == ["Pop"]


def test_a_setup_header_that_leaves_no_room(tmp_path):
    path = tmp_path / "a.ogg"
    packets, _ = headers_of("vorbis")
    setup = -(-len(packets[2]) // 255)
    path.write_bytes(ogg("vorbis", full_header("vorbis", 255 - setup)))
    before = pages_of(path.read_bytes())
    assert len(before[1].packets) == 2
    edits = checked(path, "vorbis", {"GENRE": ("Pop and Rock",)})
    after = pages_of(path.read_bytes())
    assert len(after) == len(before) + 1
    assert [p.position for p in after[:3]] == [0, 0, 0]
    assert after[2].packets == before[1].packets[1:]  # on a page of its own
    assert replaced(edits) < 300


def test_a_header_that_gets_very_short(tmp_path):
    path = tmp_path / "a.ogg"
    path.write_bytes(ogg("opus", rendered(b"v", [b"GENRE=" + b"x" * 140_000]), 100))
    assert len(pages_of(path.read_bytes())) > 6
    checked(path, "opus", {"GENRE": ("Pop",)})
    assert len(packets_of(path.read_bytes())[1]) < 40


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("per_page", [5, 255])
@pytest.mark.parametrize("size", [10, 3000, 90_000])
def test_another_stream_between_the_pages(tmp_path, codec, per_page, size):
    path = tmp_path / "a.ogg"
    foreign = [page([b"fishead\0" + noise(40)], 2, 0, 9, 0)]
    foreign += [page([noise(50 + i)], 0, 0, 9, i) for i in range(1, 30)]
    head = rendered(b"v", [b"GENRE=Pop", b"X=" + noise(size)], b"\1" * (codec == "vorbis"))
    path.write_bytes(ogg(codec, head, per_page, foreign=foreign))
    checked(path, codec, HEARD)
    checked(path, codec, {"GENRE": ("x" * 70_000,)})
    checked(path, codec, dict.fromkeys(FIELDS, ()))


def test_a_chained_stream_keeps_its_numbers(tmp_path):
    path = tmp_path / "a.ogg"
    head = full_header("opus", 255)
    for serial, last in ((SERIAL, True), (5, True), (SERIAL, False)):
        second = ogg("opus", rendered(b"v", [b"GENRE=Pop"]), serial=serial)
        path.write_bytes(ogg("opus", head, last=last) + second)
        edits = write(path, Ogg, {"GENRE": ("Alternative",)})
        assert path.read_bytes().endswith(second)
        assert any(edit.offset > headers_end(ogg("opus", head)) for edit in edits)
        first = path.read_bytes()[: -len(second)]
        assert consecutive(first)


def test_audio_on_the_page_of_the_comments(tmp_path):
    """Not allowed, but seen: its packets and granule position stay on that page."""
    packets, _ = headers_of("opus")
    tags = packet_of("opus", rendered(b"v", [b"GENRE=Pop", b"X=" + noise(600)]))
    segments = [tags[:255], tags[255:510], tags[510:], b"a" * 80, b"b" * 70]
    rows = [
        page([packets[0]], 2, 0, SERIAL, 0),
        page(segments, 0, 1920, SERIAL, 1),
        page([b"c" * 90], 4, 2880, SERIAL, 2),
    ]
    path = tmp_path / "a.opus"
    path.write_bytes(b"".join(rows))
    checked(path, "opus", HEARD)
    checked(path, "opus", {"GENRE": ("x" * 65_000,)})
    pages = pages_of(path.read_bytes())
    assert [(p.position, p.last) for p in pages] == [
        (0, False), (-1, False), (1920, False), (2880, True),
    ]  # fmt: skip
    assert pages[2].packets[-2:] == [b"a" * 80, b"b" * 70]


def test_a_whole_stream_on_one_page(tmp_path):
    packets, _ = headers_of("opus")
    tags = packet_of("opus", rendered(b"v", [b"GENRE=Pop"]))
    path = tmp_path / "a.opus"
    path.write_bytes(page([packets[0], tags, b"a" * 80], 6, 960, SERIAL, 0))
    checked(path, "opus", {"GENRE": ("x" * 140_000,)})
    found = [(p.first, p.last, p.position) for p in pages_of(path.read_bytes())]
    assert found == [(True, False, 0), (False, False, -1), (False, True, 960)]


def test_a_granule_position_that_is_not_by_the_book_stays(tmp_path):
    path = tmp_path / "a.ogg"
    pages = pages_of(ogg("opus", rendered(b"v", [b"X=" + noise(9000)]), 10))
    for one in pages[1:4]:
        one.position = 0
    path.write_bytes(b"".join(one.write() for one in pages))
    checked_pages = write(path, Ogg, {"GENRE": ("Rock",)})
    assert checked_pages
    assert [p.position for p in pages_of(path.read_bytes())[:4]] == [0, 0, 0, 0]


def test_reading():
    head = rendered(b"v", [b"genre=17", b"GENRE=Folk; Blues", b"album artist=A"], b"\1")
    tags = Ogg(io.BytesIO(ogg("vorbis", head)))
    assert tags.get(GENRE) == ("Rock", "Folk", "Blues")
    assert tags.get(ALBUM_FIELDS["ALBUMARTIST"]) == ("A",)
    assert tags.kind == "Vorbis comments"


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [0, 65_000])
def test_other_programs_agree(tmp_path, codec, size):
    import soundfile as sf
    import taglib

    path = tmp_path / ("a.opus" if codec == "opus" else "a.oga" if codec == "oggflac" else "a.ogg")
    head = rendered(b"v", [b"TITLE=One", b"X=" + b"x" * size], b"\1" * (codec == "vorbis"))
    path.write_bytes(ogg(codec, head))
    sound = sf.read(path)[0] if codec != "oggflac" else None
    checked(path, codec, HEARD)
    if sound is not None:
        assert len(sound)
        assert (sf.read(path)[0] == sound).all()
    with taglib.File(path) as file:
        assert {name: tuple(file.tags[name]) for name in HEARD} == HEARD
        assert file.tags["TITLE"] == ["One"]
    if codec != "oggflac":
        assert ffprobe_tags(path)["GENRE"] == "Rock;Électro"


def test_the_checksum_is_that_of_real_files():
    for codec in ("vorbis", "opus"):
        data = content(codec)
        at = 0
        while at < len(data):
            row = read_page(io.BytesIO(data), at, len(data))
            blank = data[at : at + 22] + bytes(4) + data[at + 26 : row.end]
            assert checksum(blank) == data[at + 22 : at + 26]
            at = row.end


def resealed(data: bytes) -> bytes:
    """The same with right checksums."""
    file = io.BytesIO(data)
    rows = []
    while file.tell() < len(data):
        rows.append(OggPage(file).write())
    return b"".join(rows)


GOOD = ogg("vorbis", rendered(b"v", [b"X=" + noise(3000)], b"\1"), 5)
SECOND = len(page([headers_of("vorbis")[0][0]], 2, 0, SERIAL, 0))


def changed(at: int, value: bytes, data: bytes = GOOD) -> bytes:
    return data[:at] + value + data[at + len(value) :]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (GOOD[:20], "cut short"),
        (GOOD[: SECOND + 10], "cut short"),
        (GOOD[: SECOND + 500], "cut short"),
        (GOOD[: SECOND + 27 + 5 + 5 * 255], "cut short"),  # whole pages, but no whole packet
        (changed(SECOND, b"Oggs"), "cut short"),
        (changed(4, b"\1"), "cut short"),  # another version of Ogg
        (changed(SECOND + 18, b"\7"), "damaged"),  # a page is missing
        (changed(SECOND + 5, b"\1"), "damaged"),  # continues nothing
        (changed(SECOND + 5, b"\2"), "damaged"),  # begins a stream in a stream
        (changed(SECOND + 27, b"\x50"), "cut short|damaged"),
        (changed(SECOND + 26, b"\xff"), "cut short|damaged"),
        (changed(SECOND + 32, b"\x05"), "damaged"),  # no comment header
        (changed(SECOND + 39, b"\xff\xff\xff\xff"), "comments are damaged"),
        (changed(SECOND + 44, b"\xff\xff\xff\xff"), "comments are damaged"),
        (page([b"Speex   "], 2, 0, 1, 0) + page([b"x"], 0, 0, 1, 1), "not supported"),
        (changed(5, b"\0"), "not supported"),
        (page([b"\x7fFLAC\1\0\0\0fLaC"], 2, 0, 1, 0), "how many headers"),
        (
            page([b"\x7fFLAC\1\0\0\1fLaC"], 2, 0, 1, 0) + page([b"\4\0\0\xff1234"], 0, 0, 1, 1),
            "dam",
        ),
        (page([b"OpusHead"], 2, 0, 1, 0) + page([b"\xff" * 255], 0, -1, 1, 1), "cut short"),
        (page([b"OpusHead"], 2, 0, 1, 0) + page([], 0, -1, 1, 1) * 3, "damaged"),
    ],
)
def test_damaged_files(data, message):
    with pytest.raises(TagError, match=message):
        Ogg(io.BytesIO(data))


def test_a_wrong_checksum_is_read_but_not_written():
    tags = Ogg(io.BytesIO(changed(SECOND + 60, b"!")))
    assert tags.get(GENRE) == ()
    tags.put(GENRE, ("Rock",))
    with pytest.raises(TagsRefusedError, match="checksum"):
        tags.edits()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-1], "cut short"),
        (lambda data: data[:-3] + b"abc", "checksum"),
    ],
)
def test_damage_further_on_matters_only_if_numbers_change(damage, message):
    for free, refused in ((0, True), (40, False)):
        tags = Ogg(io.BytesIO(damage(ogg("opus", full_header("opus", 255, free)))))
        tags.put(GENRE, ("Alternative",))
        if refused:
            with pytest.raises(TagError, match=message):
                tags.edits()
        else:
            assert tags.edits()


def test_junk_behind_the_end_of_the_stream(tmp_path):
    path = tmp_path / "a.ogg"
    path.write_bytes(ogg("opus", full_header("opus", 255)) + b"TAG" + bytes(125))
    write(path, Ogg, {"GENRE": ("Alternative",)})
    assert path.read_bytes().endswith(b"TAG" + bytes(125))


def test_a_flac_block_that_cannot_grow():
    tags = Ogg(io.BytesIO(ogg("oggflac", rendered(b"", [b"X=" + bytes(0xFFFFFF - 14)]))))
    tags.put(GENRE, ("Rock",))
    with pytest.raises(TagsRefusedError, match="16 MiB"):
        tags.edits()


def test_many_pages_and_comments_take_no_long_time():
    many = [c for i in range(20_000) for c in (b"GENRE=%d" % (i % 5), b"")]
    data = ogg("opus", rendered(b"", many), 1)
    empty = page([], 0, -1, 9, 0) * 20_000
    at = len(page([headers_of("opus")[0][0]], 2, 0, SERIAL, 0))
    data = data[:at] + empty + data[at:]
    begun = time.monotonic()
    tags = Ogg(io.BytesIO(data))
    tags.put(GENRE, ("Rock",))
    assert tags.edits()
    assert time.monotonic() - begun < 20


def test_a_file_of_nothing_but_empty_pages_is_refused():
    start = page([headers_of("opus")[0][0]], 2, 0, SERIAL, 0)
    empty = b"".join(page([], 0, -1, SERIAL, i) for i in range(1, 5000))
    with pytest.raises(TagError, match="cut short"):
        Ogg(io.BytesIO(start + empty))
