"""The copy that takes a file's place: what it holds, and that a wrong one is found out."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tagger.errors import TagError
from tagger.tags import copying
from tagger.tags.edits import Edit

PIECE = copying._CHUNK
OLD = random.Random(0).randbytes(2 * PIECE + 1234)
EDITS = (Edit(10, 20, b"longer than it was before"), Edit(PIECE + 7, 3, b""))
NEW = OLD[:10] + EDITS[0].data + OLD[30 : PIECE + 7] + OLD[PIECE + 10 :]


@pytest.fixture
def original(tmp_path: Path):
    path = tmp_path / "original"
    path.write_bytes(OLD)
    with path.open("rb") as file:
        yield file


def test_a_copy_is_the_file_with_its_edits(original, tmp_path: Path) -> None:
    with (tmp_path / "copy").open("w+b") as copy:
        touched = copying.build(original, copy, EDITS, len(OLD))
        copy.flush()
        copying.compare(original, copy, EDITS, touched)
        copy.seek(0)
        assert copy.read() == NEW


@pytest.mark.parametrize("at", [0, 12, PIECE - 1, PIECE, PIECE + 9, 2 * PIECE, len(NEW) - 1])
def test_one_wrong_bit_is_found(original, tmp_path: Path, at: int) -> None:
    wrong = bytearray(NEW)
    wrong[at] ^= 1
    path = tmp_path / "copy"
    path.write_bytes(wrong)
    with path.open("rb") as copy, pytest.raises(TagError, match="differs"):
        copying.compare(original, copy, EDITS, [(0, len(NEW))])


@pytest.mark.parametrize("size", [len(NEW) - 1, len(NEW) + 1])
def test_a_copy_of_another_length_is_found(original, tmp_path: Path, size: int) -> None:
    path = tmp_path / "copy"
    path.write_bytes((NEW + b"x")[:size])
    with path.open("rb") as copy, pytest.raises(TagError, match="changed while"):
        copying.compare(original, copy, EDITS, [(0, len(NEW))])
