"""Damaged files: each is tagged whole, or left alone with one line that says why."""

from __future__ import annotations

import random

import pytest
from tags.tagging_samples import FORMATS, content, recorder, set_trailer

from tagger.domain import TagChange
from tagger.errors import TagError
from tagger.library.identity import payload_digest, payload_digest_of
from tagger.tags.read import read_tags
from tagger.tags.writer import restore, write_changes

PER_FORMAT = 150  # 9 formats: 1,350 files
HEAD = 1500  # most of what tags are made of lies in front
WANTED = {"GENRE": ("Rock", "Pop"), "GENRETAG_CLUSTER": ("x" * 300,)}


def tagged(folder, name: str) -> bytes:
    """A file with a rich tag, as a starting point."""
    path = folder / f"rich.{name.partition('-')[0]}"
    path.write_bytes(content(name)[:60_000])
    write_changes(
        path,
        [TagChange("GENRE", (), ("Jazz",)), TagChange("GENRETAG_MODEL", (), ("m" * 50,))],
        payload_digest=payload_digest_of,
    )
    if name == "mp3":
        set_trailer(path, ape={"Title": "x", "Genre": "Jazz"})
    return path.read_bytes()


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Bytes changed, cut out, repeated, zeroed or cut off, mostly near the beginning."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        region = HEAD if chance.random() < 0.8 else len(out)
        at = chance.randrange(max(1, min(region, len(out))))
        if chance.random() < 0.1:  # from behind, where MP3 keeps its older tags
            at = max(0, len(out) - 1 - chance.randrange(300))
        size = chance.choice((1, 2, 4, 30))
        deed = chance.randrange(8)
        if deed < 3:
            out[at : at + 1] = bytes(
                [chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))]
            )
        elif deed == 3:
            out[at : at + 4] = chance.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"))
        elif deed == 4:
            del out[at : at + size]
        elif deed == 5:
            out[at:at] = out[at : at + size]
        elif deed == 6:
            out[at : at + size] = bytes(size)
        elif chance.random() < 0.3:
            del out[at:]
    return bytes(out)


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_headers(tmp_path, name):
    chance = random.Random(name)
    rich, plain = tagged(tmp_path, name), content(name)[:60_000]
    folder = tmp_path / "fuzz"
    folder.mkdir()
    path = folder / "file"
    written = 0
    for _ in range(PER_FORMAT):
        data = mutated(chance.choice((rich, rich, plain)), chance)
        path.write_bytes(data)
        replacements, recorded = recorder()
        try:
            current = read_tags(path).values
            changes = [TagChange(f, current.get(f, ()), v) for f, v in WANTED.items()]
            write_changes(path, changes, payload_digest=payload_digest_of, recorded=recorded)
        except TagError as error:
            reason = str(error)
            assert path.read_bytes() == data
            assert len(reason.splitlines()) == 1
        else:
            written += 1
            assert read_tags(path).values.items() >= WANTED.items()
            with_tags = path.read_bytes()
            assert restore(replacements[0])
            assert path.read_bytes() == data
            try:
                before = payload_digest(path)
            except Exception:  # damaged in a way that the digest cannot read
                continue
            path.write_bytes(with_tags)
            assert payload_digest(path) == before
        assert [p.name for p in folder.iterdir()] == ["file"]
    assert 10 < written < PER_FORMAT, written
