"""What must hold for every write of Vorbis comments, whatever the container."""

from __future__ import annotations

import base64
import io
import json
import random
import shutil
import struct
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tagger.library.identity import payload_digest
from tagger.tags.edits import Edited, Edits, apply_in_place, inverse
from tagger.tags.fields import FIELDS
from tagger.tags.formats.base import Container

few = settings(
    max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
HEARD = {
    "GENRE": ("Rock", "Électro"),
    "GENRETAG_GENRES": ("Rock=0.83", "Électro=0.10"),
    "GENRETAG_CLUSTER": ("Band",),
    "GENRETAG_MODEL": ("default-1",),
    "GENRETAG_VERSION": ("0.1.0",),
}


def noise(size: int) -> bytes:
    """Bytes without repetition, so that nothing in them is found elsewhere by chance."""
    return random.Random(size).randbytes(size)


def picture_comment(size: int) -> bytes:
    return b"METADATA_BLOCK_PICTURE=" + base64.b64encode(noise(size))


def rendered(vendor: bytes, comments: Sequence[bytes], tail: bytes = b"") -> bytes:
    """A comment header."""
    data = struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", len(comments))
    return data + b"".join(struct.pack("<I", len(c)) + c for c in comments) + tail


def taken_apart(data: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Vendor, comments and the rest of a comment header."""
    file = io.BytesIO(data)

    def piece() -> bytes:
        return file.read(struct.unpack("<I", file.read(4))[0])

    vendor = piece()
    return vendor, [piece() for _ in range(struct.unpack("<I", file.read(4))[0])], file.read()


def values_in(comments: Sequence[bytes], key: str) -> list[str]:
    pairs = [c.partition(b"=") for c in comments]
    return [v.decode() for k, equals, v in pairs if equals and k.upper() == key.encode()]


def foreign_in(comments: Sequence[bytes], names: Mapping[str, object]) -> list[bytes]:
    ours = {name.encode() for name in names}
    return [c for c in comments if b"=" not in c or c.partition(b"=")[0].upper() not in ours]


text = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)
comments = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["TITLE", "Artist", "X Y", "genre", "GENRETAG_MODEL"]), text).map(
            lambda pair: f"{pair[0]}={pair[1]}".encode()
        ),
        st.sampled_from([b"TITLE=Mus\xedk\xff", b"no key at all", b"", b"=", b"GENRE", b"\xff=x"]),
        st.sampled_from([100, 3_000, 48_762, 70_000, 200_000]).map(picture_comment),
    ),
    max_size=7,
)
values = st.lists(
    st.sampled_from(["Rock", "Hip-Hop", "Électro", "摇滚", "R&B/Soul", "x" * 300]),
    max_size=3,
    unique=True,
).map(tuple)
wanted = st.dictionaries(st.sampled_from(sorted(FIELDS)), values, min_size=1)


def write(
    path: Path, open_: Callable[[BinaryIO], Container], new: Mapping[str, tuple[str, ...]]
) -> Edits:
    """Write fields into a file, check what must hold for every format, and give the edits."""
    before = path.read_bytes()
    digest = payload_digest(path)
    with path.open("rb") as file:
        tags = open_(file)
        expected = tags.rest(set(new))
        audio, state = tags.audio, tags.state()
        for name, after in new.items():
            tags.put(FIELDS[name], after)
            assert tags.get(FIELDS[name]) == after
        edits = tags.edits()
        assert tags.edits() == edits
        undo = inverse(edits, file)

        view = io.BufferedReader(Edited(file, edits))
        seen = open_(view)
        assert {name: seen.get(FIELDS[name]) for name in new} == dict(new)
        assert seen.rest(set(new)) == expected
        assert seen.kind == tags.kind
        for name, after in new.items():
            seen.put(FIELDS[name], after)
        assert seen.edits() == ()
        assert [b - a for a, b in seen.audio] == [b - a for a, b in audio]
        view.seek(0)
        foreseen = view.read()

    with path.open("r+b") as file:
        apply_in_place(edits, file)
    assert path.read_bytes() == foreseen
    assert payload_digest(path) == digest
    assert audio[-1][1] == len(before)

    restored = path.with_suffix(".restored")
    restored.write_bytes(foreseen)
    with restored.open("r+b") as file:
        apply_in_place(undo, file)
    assert restored.read_bytes() == before
    with restored.open("rb") as file:
        assert open_(file).state() == state
    restored.unlink()
    return edits


def replaced(edits: Edits) -> int:
    """How many bytes go into the journal."""
    return sum(edit.length for edit in edits)


def ffprobe_tags(path: Path) -> dict[str, str]:
    """All tags as ffprobe shows them, by keys in capitals; several values are joined by ";"."""
    program = shutil.which("ffprobe")
    if not program:
        pytest.skip("ffprobe is missing")
    command = [program, "-v", "error", "-show_format", "-show_streams", "-of", "json", str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    tags = found["format"].get("tags", {}) | found["streams"][0].get("tags", {})
    return {key.upper(): value for key, value in tags.items()}
