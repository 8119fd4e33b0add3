"""Damaged files on the whole route."""

from __future__ import annotations

import random

from cli.running import genretag, snapshot
from durability.test_fuzz import mutated


def test_damaged_files_along_the_whole_route(pristine, tmp_path):
    """A scan over damaged files: no traceback, and what it did not tag is as it was."""
    chance = random.Random(7)
    folder = tmp_path / "library"
    folder.mkdir()
    for name in ("a.mp3", "b.flac", "c.ogg", "d.opus"):
        data = (pristine / name).read_bytes()
        for i in range(15):
            (folder / f"{i:02}{name}").write_bytes(mutated(data, chance))
    before = snapshot(folder)
    done = genretag("scan", "--report", tmp_path / "r.jsonl", folder, code=1)
    after = snapshot(folder)
    changed = {name for name in before if before[name] != after[name]}
    assert before.keys() == after.keys()
    assert changed
    for line in done.stderr.splitlines():
        assert not any(f"/{name}:" in line for name in changed), line
