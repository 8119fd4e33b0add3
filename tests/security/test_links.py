"""Names that are made to mean something else between a look and a deed."""

from __future__ import annotations

import os

import pytest
import synth

from tagger.domain import TagChange
from tagger.errors import TagError
from tagger.library.identity import payload_digest_of
from tagger.tags import replace
from tagger.tags.writer import write_changes

CHANGES = (TagChange("GENRE", (), ("Rock",)),)


@pytest.mark.skipif(os.name != "posix", reason="links and owners as POSIX has them")
def test_a_link_in_the_place_of_the_copy_gets_no_owner_and_no_mode(tmp_path, monkeypatch):
    """Who may write to the folder puts a link there as soon as the copy has its name."""
    song = synth.write(tmp_path / "a.flac", synth.song(1.0))
    song.chmod(0o666)
    before = song.read_bytes()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    victim.chmod(0o600)
    os.utime(victim, ns=(1, 1))
    build = replace.build

    def swap(original, copy, edits, size):
        touched = build(original, copy, edits, size)
        (name,) = tmp_path.glob(".genretag-*.tmp")
        name.unlink()
        name.symlink_to(victim)
        return touched

    monkeypatch.setattr(replace, "build", swap)
    with pytest.raises(TagError, match="changed while it was being tagged"):
        write_changes(song, CHANGES, payload_digest=payload_digest_of)
    status = victim.stat()
    assert (status.st_mode & 0o777, status.st_mtime_ns) == (0o600, 1)
    assert victim.read_text() == "precious"
    assert song.read_bytes() == before
    assert not song.is_symlink()
