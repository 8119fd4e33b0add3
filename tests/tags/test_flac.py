"""FLAC: our comments change, room comes from padding, and every other byte stays."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import mutagen.flac
import mutagen.id3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tags.comment_checks import (
    HEARD,
    comments,
    few,
    ffprobe_tags,
    foreign_in,
    noise,
    rendered,
    replaced,
    taken_apart,
    values_in,
    wanted,
    write,
)
from tags.tagging_samples import content

import tagger
from tagger.errors import TagError, TagsRefusedError
from tagger.tags.edits import Edits
from tagger.tags.fields import ALBUM_FIELDS, FIELDS, GENRE, GENRES
from tagger.tags.formats.flac import PADDING, Flac

Blocks = list[tuple[int, bytes]]
PICTURE = 6
COMMENT = (4, rendered(b"vendor", [b"TITLE=One"]))


def blocks_of(data: bytes, start: int = 0) -> tuple[Blocks, bytes]:
    """Metadata blocks as (type, body), and what is behind them."""
    assert data[start : start + 4] == b"fLaC"
    at, found, last = start + 4, [], False
    while not last:
        last = bool(data[at] & 0x80)
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        found.append((data[at] & 0x7F, data[at + 4 : at + 4 + size]))
        at += 4 + size
    return found, data[at:]


STREAMINFO, FRAMES = blocks_of(content("flac"))[0][0], blocks_of(content("flac"))[1]


def flac(*blocks: tuple[int, bytes], front: bytes = b"", frames: bytes = FRAMES) -> bytes:
    rows = [STREAMINFO, *blocks]
    heads = [
        bytes((kind | 0x80 * (i == len(rows) - 1),)) + len(body).to_bytes(3, "big") + body
        for i, (kind, body) in enumerate(rows)
    ]
    return front + b"fLaC" + b"".join(heads) + frames


def padding(size: int) -> tuple[int, bytes]:
    return 1, bytes(size)


def checked(path: Path, new: dict[str, tuple[str, ...]], start: int = 0) -> Edits:
    """Write and compare all blocks with those before."""
    before, frames = blocks_of(path.read_bytes(), start)
    edits = write(path, Flac, new)
    after, frames_after = blocks_of(path.read_bytes(), start)
    assert frames_after == frames

    def others(blocks: Blocks) -> Blocks:
        first = next((b for b in blocks if b[0] == 4), None)
        return [b for b in blocks if b is not first and b[0] != 1]

    assert others(after) == others(before)
    old = next((taken_apart(b) for kind, b in before if kind == 4), None)
    now = next((taken_apart(b) for kind, b in after if kind == 4), None)
    if now is None:
        assert old is None
        assert not any(new.values())
        return edits
    vendor, stood, tail = old or (f"genretag {tagger.__version__}".encode(), [], b"")
    assert (now[0], now[2]) == (vendor, tail)
    assert foreign_in(now[1], new) == foreign_in(stood, new)
    for name, values in new.items():
        if edits and values_in(stood, name) != values_in(now[1], name):
            assert values_in(now[1], name) == list(values)
    return edits


@few
@given(st.data())
def test_any_head(data):
    some = st.one_of(
        st.sampled_from([0, 3, 20, 40, 300, 5000]).map(padding),
        comments.map(lambda c: (4, rendered("Véndor".encode(), c))),
        st.sampled_from([(2, b"appl1234"), (5, bytes(396)), (77, b"unknown")]),
        st.integers(0, 200_000).map(lambda n: (PICTURE, noise(n))),
    )
    blocks = data.draw(st.lists(some, max_size=6))
    new = data.draw(wanted)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.flac"
        path.write_bytes(flac(*blocks))
        edits = checked(path, new)
        start = sum(4 + len(body) for _, body in blocks_of(flac(*blocks))[0]) + 4
        assert all(edit.end <= start for edit in edits)
        pads = sum(len(body) + 4 for kind, body in blocks if kind == 1)
        own = sum(len(c) + 4 for k, b in blocks if k == 4 for c in taken_apart(b)[1][:7]
                  if len(c) < 200)  # fmt: skip
        assert replaced(edits) <= pads + own + 40
        if edits and sum(edit.shift for edit in edits):
            assert any(k == 1 and len(b) >= PADDING for k, b in blocks_of(path.read_bytes())[0])
        checked(path, {"GENRE": ("Jazz",)})
        checked(path, dict.fromkeys(FIELDS, ()))


def first_comment(path: Path) -> bytes | None:
    return next((body for kind, body in blocks_of(path.read_bytes())[0] if kind == 4), None)


text = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)


@few
@given(
    st.lists(st.tuples(st.sampled_from(["TITLE", "title", "X Y", "Genre"]), text), max_size=6),
    st.lists(st.integers(0, 200_000), max_size=2),
    st.sampled_from([0, 100, 8192]),
    st.booleans(),
    wanted,
)
def test_what_mutagen_wrote(pairs, pictures, room, spoilt, new):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.flac"
        path.write_bytes(content("flac"))
        file = mutagen.flac.FLAC(path)
        file.tags.extend([*pairs, ("COMMENT", "QQQQ")])
        for size in pictures:
            picture = mutagen.flac.Picture()
            picture.data = noise(size)
            file.add_picture(picture)
        file.save(padding=lambda _: room)
        if spoilt:
            path.write_bytes(path.read_bytes().replace(b"QQQQ", b"\xff\xfe\xfdQ"))
        before = mutagen.flac.FLAC(path)
        size = path.stat().st_size
        checked(path, new)
        after = mutagen.flac.FLAC(path)

        def foreign(tags):
            return [(k, v) for k, v in tags if k.upper() not in new]

        assert foreign(after.tags) == foreign(before.tags)
        assert after.tags.vendor == before.tags.vendor
        assert [p.data for p in after.pictures] == [p.data for p in before.pictures]
        for name, values in new.items():
            found = after.tags.get(name, [])
            assert found == list(values) or not "".join(found).strip(" ;")
        if room == 8192:
            assert path.stat().st_size == size
        else:
            assert path.stat().st_size <= size + 3 * 5 * 310 + PADDING


def test_a_write_into_padding_moves_nothing_and_stores_little(tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(flac(COMMENT, (PICTURE, noise(9000)), padding(4096)))
    size = path.stat().st_size
    edits = checked(path, HEARD)
    assert path.stat().st_size == size
    assert replaced(edits) < 400  # the padding that is used up, and a few size fields
    assert sum(edit.shift for edit in edits) == 0
    assert checked(path, HEARD) == ()
    checked(path, dict.fromkeys(FIELDS, ()))
    assert path.read_bytes() == flac(COMMENT, (PICTURE, noise(9000)), padding(4096))


@pytest.mark.parametrize(
    ("blocks", "kinds"),
    [
        ([], [0, 4, 1]),
        ([padding(2000)], [0, 4, 1]),
        ([(2, b"appl"), padding(2000)], [0, 2, 4, 1]),
        ([padding(10), (2, b"appl")], [0, 4, 1, 2]),
        ([COMMENT], [0, 4, 1]),
        ([COMMENT, COMMENT], [0, 4, 1, 4]),
        ([padding(2000), (2, b"appl"), COMMENT], [0, 1, 2, 4]),
        ([(2, b"appl"), COMMENT, (3, b"")], [0, 2, 4, 1, 3]),
    ],
)
def test_where_things_are_put(tmp_path, blocks, kinds):
    path = tmp_path / "a.flac"
    path.write_bytes(flac(*blocks))
    checked(path, HEARD)
    assert [kind for kind, _ in blocks_of(path.read_bytes())[0]] == kinds


def growth(*values: str) -> int:
    return sum(4 + len(f"GENRE={value}".encode()) for value in values)


@pytest.mark.parametrize(
    ("pads", "left"),
    [
        ([growth("Rock")], [0]),
        ([growth("Rock") + 1], [1]),
        ([growth("Rock") - 4], []),  # its header is used up too
        ([growth("Rock") - 1], [PADDING]),
        ([5, 1, 8], [8]),  # two of them, with their headers
        ([5, 2, 0], [1]),
        ([5, 2], [PADDING, 2]),
        ([3, 40], [3, 40 - growth("Rock")]),
    ],
)
def test_how_padding_is_used_up(tmp_path, pads, left):
    path = tmp_path / "a.flac"
    path.write_bytes(flac(COMMENT, *map(padding, pads)))
    checked(path, {"GENRE": ("Rock",)})
    found = [len(body) for kind, body in blocks_of(path.read_bytes())[0] if kind == 1]
    assert found == left


@pytest.mark.parametrize(("shorter", "left"), [(3, [PADDING]), (4, [0]), (5, [1])])
def test_what_a_shorter_tag_leaves(tmp_path, shorter, left):
    path = tmp_path / "a.flac"
    path.write_bytes(flac((4, rendered(b"", [b"GENRE=" + b"x" * (4 + shorter)]))))
    checked(path, {"GENRE": ("Rock",)})
    found = [len(body) for kind, body in blocks_of(path.read_bytes())[0] if kind == 1]
    assert found == left


def test_padding_that_is_full_already(tmp_path):
    path = tmp_path / "a.flac"
    full = padding(0xFFFFFF)
    path.write_bytes(flac((4, rendered(b"", [b"GENRE=Alternative"])), full, padding(7)))
    checked(path, {"GENRE": ("Rock",)})
    found = [len(body) for kind, body in blocks_of(path.read_bytes())[0] if kind == 1]
    assert found == [0xFFFFFF, 14]


def test_more_than_a_block_can_hold(tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(flac((4, rendered(b"", [b"X=" + bytes(0xFFFFFF - 14)]))))
    with path.open("rb") as file:
        tags = Flac(file)
        tags.put(GENRE, ("Rock",))
        with pytest.raises(TagsRefusedError, match="16 MiB"):
            tags.edits()


def test_an_id3_tag_in_front(tmp_path):
    id3 = mutagen.id3.ID3()
    id3.add(mutagen.id3.TIT2(encoding=3, text=["in front"]))
    front = io.BytesIO()
    id3.save(front)
    path = tmp_path / "a.flac"
    path.write_bytes(flac(COMMENT, front=front.getvalue()))
    checked(path, HEARD, start=len(front.getvalue()))
    assert path.read_bytes().startswith(front.getvalue())


def test_what_lies_behind_the_frames_stays(tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(flac(COMMENT) + b"TAG" + bytes(125))
    checked(path, HEARD)
    assert path.read_bytes().endswith(FRAMES + b"TAG" + bytes(125))


def tags_with(*comments: bytes) -> Flac:
    return Flac(io.BytesIO(flac((4, rendered(b"", comments)))))


def test_reading():
    ranked = (b"GENRETAG_GENRES=a;b", b"genretag_genres=")
    others = (b"GENRETAG_MODEL=x\0y", b"GENRETAG_CLUSTER=\xff")
    tags = tags_with(b"genre=17", b"Genre=Folk; Blues;", b"GENRE", *ranked, *others)
    assert tags.get(GENRE) == ("Rock", "Folk", "Blues")
    assert tags.get(GENRES) == ("a;b",)
    assert tags.get(FIELDS["GENRETAG_MODEL"]) == ("x\0y",)
    assert tags.get(FIELDS["GENRETAG_CLUSTER"]) == ("\ufffd",)
    assert tags.get(FIELDS["GENRETAG_VERSION"]) == ()


def test_album_artists_by_other_names():
    field = ALBUM_FIELDS["ALBUMARTIST"]
    assert tags_with(b"Album Artist=A", b"album_artist=B").get(field) == ("A",)
    assert tags_with(b"album artist=", b"ALBUM_ARTIST=B").get(field) == ("B",)
    assert tags_with(b"ALBUM ARTIST=A", b"AlbumArtist=C", b"ALBUMARTIST=D").get(field) == ("C", "D")


def test_places_spelling_and_bytes_of_comments(tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(flac((4, rendered(b"", [b"A=1", b"Genre=M\xfasica", b"B=2", b"gENRE=Folk"]))))
    checked_raw = write(path, Flac, {"GENRE": ("M\ufffdsica", "Jazz")})
    assert checked_raw
    assert taken_apart(first_comment(path))[1] == [
        b"A=1",
        b"Genre=M\xfasica",
        b"Genre=Jazz",
        b"B=2",
    ]


def test_a_genre_that_cannot_be_kept():
    tags = tags_with(b"GENRE=M\xfasica; Folk")
    assert tags.get(GENRE) == ("M\ufffdsica", "Folk")
    tags.put(GENRE, ("M\ufffdsica", "Folk"))
    assert tags.edits() == ()
    with pytest.raises(TagsRefusedError, match="UTF-8"):
        tags.put(GENRE, ("M\ufffdsica", "Folk", "Jazz"))
    tags.put(GENRE, ("Jazz",))
    assert tags.get(GENRE) == ("Jazz",)


def test_other_programs_agree(tmp_path):
    import soundfile as sf
    import taglib

    path = tmp_path / "a.flac"
    path.write_bytes(flac(COMMENT, (3, b""), padding(30)))
    sound = sf.read(path)[0]
    checked(path, HEARD)
    assert (sf.read(path)[0] == sound).all()
    with taglib.File(path) as file:
        assert {name: tuple(file.tags[name]) for name in HEARD} == HEARD
        assert file.tags["TITLE"] == ["One"]
    assert ffprobe_tags(path)["GENRE"] == "Rock;Électro"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (flac(COMMENT)[:50], "cut short"),
        (flac(COMMENT)[:6], "cut short"),
        (b"fLaC", "cut short"),
        (b"fLa", "damaged"),
        (flac(COMMENT, frames=b"\xff"), "damaged"),
        (flac(COMMENT, frames=b"no frames"), "damaged"),
        (b"fLaC" + flac(COMMENT)[42:], "damaged"),  # no STREAMINFO
        (b"fLaC" + bytes(4) * 100_000, "damaged"),
        (b"fLaC\0\xff\xff\xff" + bytes(100), "cut short"),
        (flac((4, b"")), "comments are damaged"),
        (flac((4, b"\xff\xff\xff\xff" + bytes(9))), "comments are damaged"),
        (flac((4, bytes(4) + b"\xff\xff\xff\xff" + bytes(400))), "comments are damaged"),
        (flac((4, rendered(b"v", [b"A=1"])[:-1])), "comments are damaged"),
    ],
)
def test_damaged_files(data, message):
    with pytest.raises(TagError, match=message):
        Flac(io.BytesIO(data))


def test_many_comments_take_no_long_time(tmp_path):
    path = tmp_path / "a.flac"
    many = [c for i in range(30_000) for c in (b"GENRE=%d" % (i % 5), b"")]
    path.write_bytes(flac((4, rendered(b"", many))))
    with path.open("rb") as file:
        tags = Flac(file)
        tags.put(GENRE, ("Rock",))
        assert len(tags.edits()) > 20_000
